"""What reads files that anybody may have made, each as a function of bytes out of which only the documented errors come.

They are called with the kept corpus by the tests, and with what atheris thinks of by `python -m tests.fuzz`.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch  # noqa: F401  (before the first file is timed)
from PIL import Image

from noisette.attributes.schema import AttributeSchema
from noisette.attributes.statistics import Statistics
from noisette.config.recipe import dump_recipe, parse_recipe
from noisette.data.palette import Palette
from noisette.errors import NoisetteError
from noisette.evaluation.records import measured
from noisette.files.images import as_png, parse_png
from noisette.files.reading import read_model
from noisette.files.tensors import read_head
from noisette.inference.plan import Plan
from noisette.sampling.presets import FILE as PRESETS
from noisette.sampling.presets import read_presets
from noisette.store.checkpoint import latest_checkpoint
from noisette.store.events import EventReader
from noisette.store.run import Run

_SHM = Path("/dev/shm")  # files there never reach a disk
_MODELS = (AttributeSchema, Statistics)


def png(data: bytes) -> None:
    """A file that is said to be a picture of ours."""
    _, said = parse_png(data, "picture.png")
    Plan.from_metadata(said)


def png_text(data: bytes) -> None:
    """A picture whose text is anything."""
    whole = as_png(Image.new("RGB", (1, 1)), {"\0": 0})
    _, said = parse_png(_with_text(whole, data), "picture.png")
    Plan.from_metadata(said)


def safetensors(data: bytes) -> None:
    """A file of tensors, by itself and as a checkpoint."""
    folder = _folder()
    path = folder / "step-00000001.safetensors"
    path.write_bytes(data)
    latest_checkpoint(folder)
    read_head(path, inside=folder).tensors()


def toml(data: bytes) -> None:
    """A recipe."""
    recipe = parse_recipe(data.decode("utf-8", errors="replace"), source="recipe.toml")
    assert parse_recipe(dump_recipe(recipe), source="again") == recipe


def json_files(data: bytes) -> None:
    """The JSON files of a run; the first byte says which."""
    folder, kind = _folder(), data[:1]
    (folder / "checkpoints").mkdir(exist_ok=True)
    (folder / "evaluations" / "one").mkdir(parents=True, exist_ok=True)
    name = {b"m": "checkpoints/manifest.json", b"p": PRESETS, b"s": "status.json", b"e": "environment.json"}.get(kind)
    name = name or {b"f": "evaluations/one/figures-by-1.json", b"r": "evaluations/one/request.json"}.get(kind, "x.json")
    (folder / name).write_bytes(data[1:])
    run = Run(folder)
    match kind:
        case b"m":
            _ = run.steps
        case b"p":
            read_presets(folder, "ab")
        case b"s":
            _ = run.status
        case b"e":
            _ = run.environment
        case b"f" | b"r":
            for found in measured(str(folder)):
                _ = found.title
        case b"c":
            try:
                Palette.from_json(data[1:].decode("utf-8", errors="replace"))
            except ValueError as error:  # what it documents
                raise NoisetteError from error
        case _:
            for model in _MODELS:
                read_model(model, folder / name, inside=folder)


def events(data: bytes) -> None:
    """The curves of a training."""
    folder = _folder()
    (folder / "events.out.tfevents.1").write_bytes(data)
    EventReader(folder).curves()


TARGETS: dict[str, Callable[[bytes], None]] = {
    each.__name__: each for each in (png, png_text, safetensors, toml, json_files, events)
}


def tried(target: Callable[[bytes], None], data: bytes) -> None:
    """Call a target; the documented errors are one line, and all others come out."""
    try:
        target(data)
    except NoisetteError as error:
        if "\n" in str(error).strip():
            raise RuntimeError("the message has several lines") from error


def _with_text(whole: bytes, text: bytes) -> bytes:
    """A PNG with another text in the place of its own."""
    from zlib import crc32

    content = b"iTXtnoisette\0\0\0\0\0" + text
    chunk = (len(content) - 4).to_bytes(4, "big") + content + crc32(content).to_bytes(4, "big")
    place = whole.index(b"iTXt") - 4
    length = int.from_bytes(whole[place : place + 4], "big")
    return whole[:place] + chunk + whole[place + length + 12 :]


def _folder() -> Path:
    """One folder for all calls of a process, emptied."""
    global _made  # noqa: PLW0603  (a folder for each of a million calls would be slow)
    if _made is None:
        _made = Path(tempfile.mkdtemp(prefix="noisette-fuzz-", dir=_SHM if _SHM.is_dir() else None))
        atexit.register(shutil.rmtree, _made, ignore_errors=True)
    for each in _made.iterdir():
        shutil.rmtree(each) if each.is_dir() else each.unlink()
    return _made


_made: Path | None = None
