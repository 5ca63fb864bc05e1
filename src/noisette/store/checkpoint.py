"""Checkpoints: one safetensors file each, named in a manifest with its hash once it is whole.

A checkpoint is written to a temporary name, flushed and renamed; then the manifest that names it is replaced the same
way; then the oldest is removed. Whenever the process dies, the manifest names files that are whole. The newest two are
kept, or more if asked, so that damage to the last one costs a little training and not the run.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from noisette.errors import NoisetteError, RequestError
from noisette.files.atomic import make_folder, write_text
from noisette.files.hashes import Sha256, file_sha256
from noisette.files.reading import AbsentError, DamagedError, parse_json, read_model
from noisette.files.tensors import MOST_BYTES, Head, read_head, save_tensors
from noisette.store.standing import Count, Seconds, Words

if TYPE_CHECKING:
    from torch import Tensor

MOST_KEPT = 100_000
"""Checkpoints of a run."""

_NAME = re.compile(r"step-\d{8,20}\.safetensors")


class CheckpointEntry(BaseModel):
    """What the manifest says of one checkpoint.

    Attributes:
        file: Its name.
        step: Of the training, 0 and up.
        sha256: Of the file.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    file: Words
    step: Count
    sha256: Sha256


class Manifest(BaseModel):
    """The checkpoints there are, oldest first."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    format: Literal[1]
    checkpoints: Annotated[tuple[CheckpointEntry, ...], Field(max_length=MOST_KEPT)]

    @model_validator(mode="after")
    def _in_order(self) -> Manifest:
        steps = [entry.step for entry in self.checkpoints]
        if sorted(set(steps)) != steps:
            raise ValueError("the steps of its checkpoints do not follow each other")
        return self


class Standing(BaseModel):
    """Where the training stood at a checkpoint, as every version wrote it; what else a checkpoint says is judged by who
    reads it.

    Attributes:
        step: Steps taken.
        elapsed: Seconds of training.
        skipped: Steps without a finite loss.
        updates: Of the averaged weights.
        schema_learned: Fingerprint of the attributes; `schema` in the file.
        palette: Fingerprint of the colours.
    """

    model_config = ConfigDict(extra="allow", frozen=True, strict=True, allow_inf_nan=False)

    step: Count
    elapsed: Seconds
    skipped: Count
    updates: Count
    schema_learned: Words = Field(alias="schema")
    palette: Words

    @model_validator(mode="after")
    def _counts_steps(self) -> Standing:
        if max(self.skipped, self.updates) > self.step:
            raise ValueError("it counts more than its steps")
        return self


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

    @property
    def _head(self) -> Head:
        """What its file says of its tensors."""
        return read_head(self.path, inside=self.path.parent)

    def shapes(self, part: str) -> dict[str, tuple[int, ...]]:
        """What its file says of a part, which is not read.

        Args:
            part: `network`, `average` or `optimizer`.

        Returns:
            Shapes by the names of the tensors in that part.
        """
        kinds, first = self._head.kinds, f"{part}/"
        return {name.removeprefix(first): shape for name, (_, shape) in kinds.items() if name.startswith(first)}

    def tensors(self, part: str) -> dict[str, Tensor]:
        """Read a part of it.

        Args:
            part: `network`, `average` or `optimizer`.

        Returns:
            Tensors by their names in that part, all of them finite.

        Raises:
            DamagedError: One is not.
        """
        return self._head.tensors(f"{part}/")


def save_checkpoint(
    folder: Path, step: int, parts: Mapping[str, Mapping[str, Tensor]], state: Mapping[str, Any], keep: int
) -> CheckpointEntry:
    """Write `parts` (name -> tensors) and `state` (what JSON can hold) as the checkpoint of `step`; the newest `keep`
    stay.

    Raises OSError where the disk refuses; all that was there before still is.
    """
    make_folder(folder)
    tensors = {
        f"{part}/{name}": tensor.detach().cpu() for part, named in parts.items() for name, tensor in named.items()
    }
    path = folder / f"step-{step:08d}.safetensors"
    known = [entry for entry in _manifest(folder).checkpoints if entry.step < step]
    save_tensors(path, tensors, {"state": json.dumps(dict(state))})
    entry = CheckpointEntry(file=path.name, step=step, sha256=file_sha256(path))
    kept = [*known, entry][-keep:]
    write_text(folder / "manifest.json", Manifest(format=1, checkpoints=tuple(kept)).model_dump_json(indent=2) + "\n")
    for file in _ours(folder):
        if file.name not in {entry.file for entry in kept}:
            file.unlink(missing_ok=True)
    return entry


def discard_from(folder: Path, step: int) -> None:
    """Take back the checkpoints of `step` and later."""
    entries = _manifest(folder).checkpoints
    kept = tuple(entry for entry in entries if entry.step < step)
    write_text(folder / "manifest.json", Manifest(format=1, checkpoints=kept).model_dump_json(indent=2) + "\n")
    for file in _ours(folder):
        if file.name in {entry.file for entry in entries if entry not in kept}:
            file.unlink(missing_ok=True)


def kept_steps(folder: Path) -> list[int]:
    """The steps of the checkpoints that are kept, in their order."""
    return [entry.step for entry in _manifest(folder).checkpoints]


def step_of(folder: Path, sha256: str) -> int | None:
    """The step of the checkpoint that has this SHA-256, by the manifest; None where none is kept."""
    return next((entry.step for entry in _manifest(folder).checkpoints if entry.sha256 == sha256), None)


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
                told = read_head(path, inside=folder).metadata["state"]  # of which nothing loads PyTorch
                state: dict[str, Any] = parse_json(told)
                if Standing.model_validate_json(told).step == entry.step:
                    return Checkpoint(path, entry, state), notes
                problem = "is of another step than the manifest says"
            except (DamagedError, KeyError, ValueError):
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


def _ours(folder: Path) -> list[Path]:
    """The files with names of checkpoints; what a person laid beside them is not ours."""
    return [path for path in folder.iterdir() if _NAME.fullmatch(path.name)]


def _problem(path: Path, entry: CheckpointEntry) -> str | None:
    if Path(entry.file).name != entry.file or not _NAME.fullmatch(entry.file):
        return "lies outside its folder"
    try:
        if file_sha256(path, inside=path.parent, most=MOST_BYTES) != entry.sha256:
            return "is damaged: its SHA-256 is not the one in the manifest"
    except AbsentError:
        return "is missing"
    except NoisetteError as error:
        return f"cannot be used: {error}"
    return None


def _manifest(folder: Path) -> Manifest:
    path = folder / "manifest.json"
    try:
        return read_model(Manifest, path, inside=folder)
    except AbsentError as error:
        if folder.is_dir() and len(_ours(folder)) > 1:
            # a kill before the first manifest leaves one; more mean it was removed
            raise NoisetteError(
                f"{path} is missing, though there are checkpoints beside it; restore it from a copy of the run"
            ) from error
        return Manifest(format=1, checkpoints=())
    except DamagedError as error:
        raise NoisetteError(
            f"{path} is damaged and names no checkpoint that could be checked; restore it from a copy of the run"
        ) from error
