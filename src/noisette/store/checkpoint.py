"""Checkpoints: one safetensors file each, named in a manifest with its hash once it is whole.

A checkpoint is written to a temporary name, flushed and renamed; then the manifest that names it is replaced the same
way; then the oldest is removed. Whenever the process dies, the manifest names files that are whole. The newest two are
kept, or more if asked, so that damage to the last one costs a little training and not the run.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError, safe_open

from noisette.errors import NoisetteError, RequestError
from noisette.files.atomic import file_sha256, write_atomically, write_text

if TYPE_CHECKING:
    from torch import Tensor


class CheckpointEntry(BaseModel):
    """What the manifest says of one checkpoint.

    Attributes:
        file: Its name.
        step: Of the training, 0 and up.
        sha256: Of the file.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: str
    step: int
    sha256: str


class Manifest(BaseModel):
    """The checkpoints there are, oldest first."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[1]
    checkpoints: tuple[CheckpointEntry, ...]


@dataclass(frozen=True)
class Checkpoint:
    """A verified checkpoint, not yet read: `tensors` reads.

    Attributes:
        path: Of its file.
        entry: What the manifest says of it.
        state: Where the training stood: its step, its seconds, and what else JSON can hold.
    """

    path: Path
    entry: CheckpointEntry
    state: dict[str, Any]

    def tensors(self, part: str) -> dict[str, Tensor]:
        """Read a part of it.

        Args:
            part: `network`, `average` or `optimizer`.

        Returns:
            Tensors by their names in that part.
        """
        prefix = part + "/"
        with safe_open(self.path, framework="pt") as file:
            return {name.removeprefix(prefix): file.get_tensor(name) for name in file.keys() if name.startswith(prefix)}  # noqa: SIM118 (not a dict)


def save_checkpoint(
    folder: Path, step: int, parts: Mapping[str, Mapping[str, Tensor]], state: Mapping[str, Any], keep: int
) -> CheckpointEntry:
    """Write `parts` (name -> tensors) and `state` (what JSON can hold) as the checkpoint of `step`; the newest `keep`
    stay.

    Raises OSError where the disk refuses; all that was there before still is.
    """
    folder.mkdir(exist_ok=True)
    tensors = {
        f"{part}/{name}": tensor.detach().cpu().contiguous()
        for part, named in parts.items()
        for name, tensor in named.items()
    }
    path = folder / f"step-{step:08d}.safetensors"

    def write(temporary: Path) -> None:
        try:
            from safetensors.torch import save_file  # not before: who lists runs must not wait for PyTorch

            save_file(tensors, temporary, metadata={"state": json.dumps(dict(state))})
        except SafetensorError as error:  # how it reports a full disk
            raise OSError(str(error)) from error

    known = [entry for entry in _manifest(folder).checkpoints if entry.step < step]
    write_atomically(path, write)
    entry = CheckpointEntry(file=path.name, step=step, sha256=file_sha256(path))
    kept = [*known, entry][-keep:]
    write_text(folder / "manifest.json", Manifest(format=1, checkpoints=tuple(kept)).model_dump_json(indent=2) + "\n")
    for file in folder.glob("step-*.safetensors"):
        if file.name not in {entry.file for entry in kept}:
            file.unlink(missing_ok=True)
    return entry


def discard_from(folder: Path, step: int) -> None:
    """Take back the checkpoints of `step` and later."""
    entries = _manifest(folder).checkpoints
    kept = tuple(entry for entry in entries if entry.step < step)
    write_text(folder / "manifest.json", Manifest(format=1, checkpoints=kept).model_dump_json(indent=2) + "\n")
    for entry in entries:
        if entry not in kept:
            (folder / Path(entry.file).name).unlink(missing_ok=True)


def kept_steps(folder: Path) -> list[int]:
    """The steps of the checkpoints that are kept, in their order."""
    return [entry.step for entry in _manifest(folder).checkpoints]


def latest_checkpoint(folder: Path, step: int | None = None) -> tuple[Checkpoint | None, list[str]]:
    """The newest checkpoint that is whole, or None if none was ever made; and a note for each newer one that is not.

    step: only the checkpoint of this step will do. Raises RequestError if it is not kept, NoisetteError if there were
    checkpoints and all are damaged.
    """
    notes: list[str] = []
    entries = _manifest(folder).checkpoints
    if step is not None:
        entries = tuple(entry for entry in entries if entry.step == step)
        if not entries:
            kept = ", ".join(map(str, kept_steps(folder))) or "none"
            raise RequestError(
                f"no checkpoint of step {step} is kept in {folder}; there are {kept} (training.keep says how many)"
            )
    for entry in reversed(entries):
        path = folder / entry.file
        problem = _problem(path, entry)
        if problem is None:
            try:
                with safe_open(path, framework="numpy") as file:  # of which nothing loads PyTorch
                    state = json.loads(file.metadata()["state"])
                return Checkpoint(path, entry, state), notes
            except (SafetensorError, KeyError, TypeError, ValueError):
                problem = "is not a checkpoint of noisette"
        notes.append(f"checkpoint {entry.file} {problem}")
    if notes and step is not None:
        raise NoisetteError(f"the {notes[0]}; leave it out")
    if notes:
        raise NoisetteError(
            f"no checkpoint in {folder} can be used: {'; '.join(notes)}; remove its manifest.json to begin the training"
            " anew"
        )
    return None, notes


def _problem(path: Path, entry: CheckpointEntry) -> str | None:
    if Path(entry.file).name != entry.file:
        return "lies outside its folder"
    if not path.is_file():
        return "is missing"
    if file_sha256(path) != entry.sha256:
        return "is damaged: its SHA-256 is not the one in the manifest"
    return None


def _manifest(folder: Path) -> Manifest:
    path = folder / "manifest.json"
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except FileNotFoundError as error:
        if (
            len(list(folder.glob("step-*.safetensors"))) > 1
        ):  # a kill before the first manifest leaves one; more mean it was removed
            raise NoisetteError(
                f"{path} is missing, though there are checkpoints beside it; restore it from a copy of the run"
            ) from error
        return Manifest(format=1, checkpoints=())
    except ValidationError as error:
        raise NoisetteError(
            f"{path} is damaged and names no checkpoint that could be checked; restore it from a copy of the run"
        ) from error
