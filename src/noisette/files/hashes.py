"""What files should be, by SHA-256: of the files of a folder in a list beside them, of a JSON file inside itself."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from noisette.errors import NoisetteError
from noisette.files.atomic import write_text
from noisette.files.reading import (
    MOST_FILE,
    MOST_TEXT,
    AbsentError,
    DamagedError,
    Failure,
    Model,
    as_model,
    as_object,
    open_file,
    read_bytes,
    read_text,
)

FILE = "hashes.json"
REINSTALL = "reinstall noisette: `pip install --force-reinstall --no-deps noisette`"
"""The mend of what came with the package."""

SEAL = "sha256"
"""The key of an object's own hash."""

Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Hashes(BaseModel):
    """The list of a folder.

    Attributes:
        format: Of the list.
        files: The SHA-256 of each file, by its name.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    format: Literal[1] = 1
    files: dict[str, Sha256]


def write_hashes(folder: Path, names: Iterable[str]) -> None:
    """Write the list of a folder.

    Args:
        folder: That has the files.
        names: Of the files.
    """
    files = {name: content_sha256((folder / name).read_bytes()) for name in sorted(names)}
    write_text(folder / FILE, json.dumps(sealed(Hashes(files=files).model_dump()), indent=2) + "\n")


def read_hashes(folder: Path, *, mend: str = REINSTALL) -> dict[str, str]:
    """The SHA-256 that the files of a folder should have, by their names.

    Raises:
        NoisetteError: The list is missing or damaged.
    """
    path = folder / FILE
    try:
        return dict(read_sealed_model(Hashes, path, inside=folder, mend=mend).files)
    except AbsentError as error:
        raise NoisetteError(f"{error}; {mend}") from error


def read_verified(folder: Path, name: str, *, most: int = MOST_TEXT, mend: str = REINSTALL) -> bytes:
    """The content of a file that the list of its folder names.

    Raises:
        NoisetteError: It is missing, or is not what the list says.
    """
    content = read_bytes(folder / name, most=most, inside=folder)
    verify(folder / name, content_sha256(content), read_hashes(folder, mend=mend).get(name), mend=mend)
    return content


def verify(path: Path, found: str, known: str | None, *, by: str = FILE, mend: str) -> None:
    """Refuse a file whose SHA-256 is another than is known.

    Args:
        path: Of the file.
        found: What it is.
        known: What it should be.
        by: Where that stands.
        mend: What a person should do.

    Raises:
        DamagedError: They differ.
    """
    if found != known:
        raise DamagedError(f"{path} is damaged: its SHA-256 is not the one in {by}; {mend}")


def content_sha256(content: bytes) -> str:
    """The SHA-256 of a file with this content."""
    return sha256(content).hexdigest()


def file_sha256(
    path: Path, *, inside: Path | None = None, most: int = MOST_FILE, failure: Failure = NoisetteError
) -> str:
    """The SHA-256 of a file, of which no more than a block is in memory. See `open_file`."""
    digest = sha256()
    with open_file(path, most=most, inside=inside, failure=failure) as file:
        try:
            while block := file.read(1 << 20):
                digest.update(block)
        except OSError as error:
            raise failure(f"cannot read {path}: {error.strerror or error}") from error
    return digest.hexdigest()


def sealed(values: Mapping[str, Any]) -> dict[str, Any]:
    """An object with its own hash inside, under `SEAL`; what JSON can hold."""
    return {**values, SEAL: _digest(values)}


def unsealed(values: Mapping[str, Any]) -> dict[str, Any]:
    """The object without its hash, once that was found right; one without a hash, of an older version, is taken as it
    is.

    Raises:
        ValueError: The hash is of something else.
    """
    rest = {name: value for name, value in values.items() if name != SEAL}
    if SEAL in values and values[SEAL] != _digest(rest):
        raise ValueError("its SHA-256 is not the one that it carries")
    return rest


def read_sealed(path: Path, *, inside: Path | None = None, mend: str) -> dict[str, Any]:
    """What a JSON file holds that carries its own hash. Raises as `read_object`, and DamagedError for another hash."""
    return _as_sealed(read_text(path, inside=inside), path, mend)


def read_sealed_model(model: type[Model], path: Path, *, inside: Path | None = None, mend: str) -> Model:
    """A typed model of such a file. It is read each time, for others may change it; the same content is judged once."""
    found: Model = _as_sealed_model(model, read_text(path, inside=inside), path, mend)
    return found


@lru_cache(maxsize=8)
def _as_sealed_model(model: type[Model], text: str, path: Path, mend: str) -> Model:
    return as_model(model, _as_sealed(text, path, mend), path, mend=mend)


def _as_sealed(text: str, path: Path, mend: str) -> dict[str, Any]:
    try:
        return unsealed(as_object(text, path, mend=mend))
    except ValueError as error:
        raise DamagedError(f"{path} is damaged: {error}; {mend}") from error


def _digest(values: Mapping[str, Any]) -> str:
    as_read = json.loads(json.dumps(values))  # numbers that are keys are text there, and sorted as such
    return content_sha256(json.dumps(as_read, sort_keys=True, separators=(",", ":")).encode())
