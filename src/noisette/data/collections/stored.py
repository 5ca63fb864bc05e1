"""A collection in the cache: a folder with its arrays, what was found, and what is kept for the next reading."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from noisette.attributes.schema import AttributeSchema
from noisette.data.collections import kept
from noisette.data.collections.findings import Finding
from noisette.data.collections.places import code, home, place_of
from noisette.data.collections.scale import Enlargement
from noisette.data.collections.shaping import Shape
from noisette.data.dataset import Dataset
from noisette.errors import NoisetteError
from noisette.files.hashes import Sha256, file_sha256, read_sealed, sealed
from noisette.files.reading import read_bytes
from noisette.files.room import hold, used
from noisette.text import plain

ARRAYS = ("images.npy", "attributes.npy", "membership.npy")
NAMES = "names.json"
_RECORD = "collection.json"
_MOST_NAMES = 2**40  # bytes
_log = logging.getLogger(__name__)


class _Enlarged(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    factor: int = Field(ge=1)
    left: int = Field(ge=0)
    top: int = Field(ge=0)


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    height: int = Field(ge=1)
    width: int = Field(ge=1)
    channels: int
    enlarged: _Enlarged
    resize: str

    @property
    def as_shape(self) -> Shape:
        said: dict[str, Any] = self.model_dump()
        return Shape(**{**said, "enlarged": Enlargement(**said["enlarged"])})


class _Found(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: str
    count: int
    names: list[str]


class Record(BaseModel):
    """What is said of a collection beside its arrays.

    Attributes:
        code: What read it; see `code`.
        layout: Name of its layout.
        how: How it was understood, in words.
        found: Images there were.
        shape: Of its images.
        schema_read: Their attributes.
        findings: What was found.
        files: The SHA-256 of each array, of the names, and of what is kept for the next reading.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    code: str
    layout: str
    how: str
    found: int = Field(ge=0)
    shape: _Shape
    schema_read: AttributeSchema = Field(alias="schema")
    findings: list[_Found]
    files: dict[str, Sha256]

    @property
    def findings_read(self) -> list[Finding]:
        """As they were told."""
        return [Finding(each.kind, each.count, each.names) for each in self.findings]


def write_record(folder: Path, **said: Any) -> None:
    """Write what is said of a collection whose other files are there; see `Record`."""
    there = [name for name in (*ARRAYS, NAMES, *kept.FILES) if (folder / name).is_file()]
    files = {name: file_sha256(folder / name) for name in there}
    (folder / _RECORD).write_text(json.dumps(sealed({"code": code(), **said, "files": files})))


def read_stored(folder: Path, name: str, *, tell: bool = False) -> tuple[Record, Sequence[str], Dataset] | None:
    """Read a collection from the cache, which keeps it as long as the data set is used.

    Args:
        folder: Of the cache.
        name: Of the data set.
        tell: Whether a person is told where it is damaged.

    Returns:
        What is said of it, the names of its images, and the data set; None where it is not there, or damaged.
    """
    if not (folder / _RECORD).is_file():
        return None
    try:
        if (record := _read_record(folder)) is None:
            return None
        _check(folder, record, (*ARRAYS, NAMES))
        names = json.loads(read_bytes(folder / NAMES, most=_MOST_NAMES))
        # Copied as it is written into, which nobody does: PyTorch wants no memory that it may not write.
        images = np.load(folder / ARRAYS[0], mmap_mode="c", allow_pickle=False)
        attributes, membership = (np.load(folder / name, allow_pickle=False) for name in ARRAYS[1:])
        dataset = Dataset(name, images, attributes, record.schema_read, membership)
    except (NoisetteError, ValueError, OSError) as error:
        if tell:
            _log.warning("what the cache keeps of %s is damaged, and is made anew: %s", name, plain(str(error), 300))
        return None
    hold(folder, images)
    used(folder)
    return record, names, dataset


def last_of(given: Path) -> Path | None:
    """The collection that was last read of a folder, if what it keeps for the next reading is whole."""
    for folder in sorted(home().glob(f"{place_of(given)}-*"), key=os.path.getmtime, reverse=True):
        try:
            record = _read_record(folder)
            if record is not None and set(kept.FILES) <= set(record.files):
                _check(folder, record, kept.FILES)
                return folder
        except (NoisetteError, ValueError, OSError) as error:
            _log.warning(
                "what the cache keeps of %s is damaged, and is made anew: %s", given.name, plain(str(error), 300)
            )
    return None


def _read_record(folder: Path) -> Record | None:
    """None of a collection that other code has read."""
    said = read_sealed(folder / _RECORD, inside=folder, mend="it is made anew")
    return Record.model_validate(said) if said.get("code") == code() else None


def _check(folder: Path, record: Record, names: Sequence[str]) -> None:
    wrong = [name for name in names if file_sha256(folder / name) != record.files.get(name)]
    if wrong:
        raise ValueError(f"{', '.join(wrong)} in {folder}")
