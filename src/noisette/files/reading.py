"""Reading files that somebody else may have made: the only way in which a file of a model folder, of the cache or of a
picture is read.

What is read is a regular file, inside the folder that it should be in, and no larger than what Noisette writes; JSON is
bounded in values and depth, and a typed model of it in all that it says. Everything else is one line that names the
file. Nothing here waits: a pipe or a device is refused without being read.
"""

from __future__ import annotations

import json
import math
import os
import re
import stat
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from pydantic import BaseModel, ValidationError

from noisette.errors import NoisetteError
from noisette.files.invalid import in_short

MOST_TEXT = 16 * 2**20
"""Bytes of a text; the largest honest ones, of pictures with thousands of images, have half of that."""
MOST_FILE = 2**40
"""Bytes of a file of which only its hash is asked for."""
MOST_VALUES = 2_000_000
"""Objects, lists and what is in them, in one JSON text."""
DEEPEST = 40
"""Objects and lists inside each other in JSON."""

MEND = "restore it from a copy"

Model = TypeVar("Model", bound=BaseModel)
Failure = type[NoisetteError]

_STRING = re.compile(r'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
_BRACKET = re.compile(r"[\[\]{}]")


class AbsentError(NoisetteError):
    """There is no such file."""


class DamagedError(NoisetteError):
    """What a file holds is not what it should hold."""


def open_file(path: Path, *, most: int, inside: Path | None = None, failure: Failure = NoisetteError) -> BinaryIO:
    """Open a regular file.

    Args:
        path: Of the file.
        most: Bytes that it may have.
        inside: The folder that it must lie in, links followed; anywhere unless given.
        failure: What is raised.

    Returns:
        The open file, at its start.

    Raises:
        AbsentError: There is none.
        NoisetteError: It is no regular file, lies elsewhere, is too large, or cannot be read.
    """
    where = path if inside is None else within(path, inside, failure=failure)
    flags = os.O_RDONLY
    for name in ("O_BINARY", "O_CLOEXEC", "O_NONBLOCK", *(("O_NOFOLLOW",) if inside is not None else ())):
        flags |= getattr(os, name, 0)  # no system has all of them
    try:
        descriptor = os.open(where, flags)
    except FileNotFoundError as error:
        kind = AbsentError if failure is NoisetteError else failure
        raise kind(f"cannot read {path}: {error.strerror}") from error
    except (OSError, ValueError) as error:
        raise failure(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from error
    try:
        facts = os.fstat(descriptor)
        if stat.S_ISDIR(facts.st_mode):
            raise failure(f"cannot read {path}: Is a directory")
        if not stat.S_ISREG(facts.st_mode):
            raise failure(f"cannot read {path}: it is no regular file; put the file itself in its place")
        if facts.st_size > most:
            raise failure(f"{path} has {facts.st_size:,} bytes, more than any that noisette makes ({most:,} at most)")
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def within(path: Path, folder: Path, *, failure: Failure = NoisetteError) -> Path:
    """Where a path really leads. Raises `failure` if that is outside the folder."""
    try:
        real, home = Path(os.path.realpath(path)), Path(os.path.realpath(folder))
    except (OSError, ValueError) as error:
        raise failure(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from error
    if not real.is_relative_to(home):
        raise failure(f"{path} is a link that leads out of {folder}; put what it leads to in its place")
    return real


def own_folder(path: Path, folder: Path) -> Path:
    """A folder that is written into, which need not exist.

    Args:
        path: Of the folder.
        folder: What it must really lie in.

    Returns:
        The path.

    Raises:
        NoisetteError: It is a link that leads elsewhere, or no folder.
    """
    within(path, folder)
    if os.path.lexists(path) and not path.is_dir():
        raise NoisetteError(f"{path} is no folder; move it away")
    return path


def is_own_file(path: Path, folder: Path, *, most: int = MOST_TEXT) -> bool:
    """Whether there is a regular file of at most so many bytes, which really lies in the folder."""
    try:
        with open_file(path, most=most, inside=folder):
            return True
    except NoisetteError:
        return False


def read_bytes(
    path: Path, *, most: int = MOST_TEXT, inside: Path | None = None, failure: Failure = NoisetteError
) -> bytes:
    """The content of a file. See `open_file`."""
    with open_file(path, most=most, inside=inside, failure=failure) as file:
        try:
            size = os.fstat(file.fileno()).st_size  # room is made for all that is asked for
            content = file.read(min(size, most) + 1)
        except OSError as error:
            raise failure(f"cannot read {path}: {error.strerror or error}") from error
    if len(content) > min(size, most):  # it grows, or does not say how long it is
        raise failure(f"{path} has more bytes than any that noisette makes ({most:,} at most)")
    return content


def read_text(
    path: Path, *, most: int = MOST_TEXT, inside: Path | None = None, failure: Failure = NoisetteError
) -> str:
    """The text of a file in UTF-8. See `open_file`."""
    try:
        return read_bytes(path, most=most, inside=inside, failure=failure).decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise failure(f"cannot read {path}: it is no text in UTF-8") from error


def read_json(path: Path, *, inside: Path | None = None, mend: str = MEND) -> Any:
    """What a JSON file holds.

    Args:
        path: Of the file.
        inside: The folder that it must lie in.
        mend: What a person should do where it is damaged.

    Raises:
        AbsentError: There is none.
        DamagedError: It is no JSON, or more of it than `parse_json` takes.
        NoisetteError: It cannot be read.
    """
    return _as_json(read_text(path, inside=inside), path, mend)


def _as_json(text: str, path: Path, mend: str) -> Any:
    try:
        return parse_json(text)
    except ValueError as error:
        raise DamagedError(f"{path} is damaged: {error}; {mend}") from error


def read_object(path: Path, *, inside: Path | None = None, mend: str = MEND) -> dict[str, Any]:
    """The same where it must be an object."""
    return as_object(read_text(path, inside=inside), path, mend=mend)


def as_object(text: str, path: Path, *, mend: str = MEND) -> dict[str, Any]:
    """The object that the text of a JSON file is. Raises DamagedError if it is none."""
    found = _as_json(text, path, mend)
    if not isinstance(found, dict):
        raise DamagedError(f"{path} is damaged: it is not an object; {mend}")
    return found


def parse_json(text: str) -> Any:
    """What a JSON text says, bounded in size, values and depth before anything is built from it.

    Raises:
        ValueError: It is no JSON, larger than that, says a thing twice, or names a number that is not finite.
    """
    bound_json(text)
    return json.loads(text, parse_constant=_no_number, parse_float=_finite, object_pairs_hook=_once)


def bound_json(text: str, *, most: int = MOST_TEXT, most_values: int = MOST_VALUES) -> None:
    """Hold a JSON text against its bounds before anything is built from it; whether it is JSON is not asked.

    Args:
        text: Any, or the beginning of one.
        most: Letters that it may have.
        most_values: Objects, lists and what is in them.

    Raises:
        ValueError: It is larger, or deeper than `DEEPEST`.
    """
    if len(text) > most:
        raise ValueError("it is too long")
    if len(text) <= most_values and text.count("[") + text.count("{") <= DEEPEST:
        return  # however they lie; a folder may have a small file for each of 100,000 images
    bare = _STRING.sub("", text)
    if bare.count(",") + bare.count("[") + bare.count("{") > most_values:
        raise ValueError("it holds too many values")
    depth = 0
    for bracket in _BRACKET.finditer(bare):
        depth += 1 if bracket[0] in "[{" else -1
        if depth > DEEPEST:
            raise ValueError("its lists and objects lie too deep inside each other")


def read_model(model: type[Model], path: Path, *, inside: Path | None = None, mend: str = MEND) -> Model:
    """A typed model from a JSON file.

    Args:
        model: Its type, which bounds what it may say.
        path: Of the file.
        inside: The folder that it must lie in.
        mend: What a person should do where it is damaged.

    Raises:
        AbsentError: There is no such file.
        DamagedError: It says something else.
        NoisetteError: It cannot be read.
    """
    return as_model(model, read_json(path, inside=inside, mend=mend), path, mend=mend)


def as_model(model: type[Model], values: Any, path: Path, *, mend: str = MEND) -> Model:
    """A typed model of what a JSON file said. Raises DamagedError if it cannot be."""
    try:
        return model.model_validate_json(json.dumps(values))
    except ValidationError as error:
        raise DamagedError(f"{path} is damaged: {in_short(error)}; {mend}") from error


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number")


def _finite(written: str) -> float:
    number = float(written)
    if not math.isfinite(number):
        raise ValueError(f"{written[:20]} is no number")
    return number


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("it says something twice")
    return found
