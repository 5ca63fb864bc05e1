"""Run folders that somebody made by hand: consistent in all hashes, and wrong in one thing."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from noisette.store.run import Run

Forgery = Callable[[Path], object]


def seal(folder: Path) -> None:
    """Make the hashes of a run those of what it holds now, as a forger would."""
    run = Run(folder)
    run.write_environment({name: value for name, value in run.environment.items() if name != "files"})


def text(name: str, content: str | bytes) -> Forgery:
    """Another content of a file."""

    def forge(folder: Path) -> None:
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)

    return forge


def replaced(name: str, old: str, new: str) -> Forgery:
    def forge(folder: Path) -> None:
        before = (folder / name).read_text()
        assert old in before
        (folder / name).write_text(before.replace(old, new, 1))

    return forge


def values(name: str, change: Callable[[dict], object]) -> Forgery:
    """Another value in a JSON file."""

    def forge(folder: Path) -> None:
        held = json.loads((folder / name).read_text())
        change(held)
        (folder / name).write_text(json.dumps(held))

    return forge


def pipe(name: str) -> Forgery:
    def forge(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        os.mkfifo(folder / name)

    return forge


def huge(name: str) -> Forgery:
    """A file of a terabyte that takes no room."""

    def forge(folder: Path) -> None:
        with (folder / name).open("r+b") as file:
            file.truncate(10**12)

    return forge


def linked(name: str) -> Forgery:
    """What lies in another folder, by a link."""

    def forge(folder: Path) -> None:
        other = folder.parent / "other"
        there = folder / name
        (shutil.rmtree if there.is_dir() else Path.unlink)(there)
        there.symlink_to(other / name)

    return forge


def checkpoint(
    tensors: Callable[[dict], object] = lambda _: None,
    state: Callable[[dict], object] = lambda _: None,
    manifest: Callable[[dict], object] = lambda _: None,
) -> Forgery:
    """Other tensors or another state in the newest checkpoint, or another entry for it."""

    def forge(folder: Path) -> None:
        home = folder / "checkpoints"
        said = json.loads((home / "manifest.json").read_text())
        entry = said["checkpoints"][-1]
        with safe_open(home / entry["file"], framework="pt") as file:
            held = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (not a mapping)
            stands = json.loads(file.metadata()["state"])
        tensors(held)
        stands = state(stands) or stands
        save_file(held, home / entry["file"], metadata={"state": json.dumps(stands)})
        entry["sha256"] = hashlib.sha256((home / entry["file"]).read_bytes()).hexdigest()
        said["checkpoints"] = [entry]
        manifest(said)
        (home / "manifest.json").write_text(json.dumps(said))

    return forge


def part(name: str, change: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[dict], None]:
    """Other numbers in the first tensor whose name begins so."""

    def forge(held: dict) -> None:
        first = next(each for each in sorted(held) if each.startswith(name))
        held[first] = change(held[first])

    return forge


def cast(name: str, kind: torch.dtype) -> Callable[[dict], None]:
    """All tensors whose names begin so, as another type of number."""

    def forge(held: dict) -> None:
        held.update({each: tensor.to(kind) for each, tensor in held.items() if each.startswith(name)})

    return forge


def filled(name: str, number: float) -> Callable[[dict], None]:
    return part(name, lambda tensor: torch.full_like(tensor, number))


def tree(folder: Path) -> str:
    """A hash of all that lies in a folder, links as such; nothing is read that could make one wait."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        facts = path.lstat()
        if path.name == ".lock":
            continue
        digest.update(f"{path.relative_to(folder)} {stat.S_IFMT(facts.st_mode)} {facts.st_size}\n".encode())
        if path.is_symlink():
            digest.update(str(path.readlink()).encode())
        elif stat.S_ISREG(facts.st_mode) and facts.st_size < 10**9:
            digest.update(path.read_bytes())
    return digest.hexdigest()
