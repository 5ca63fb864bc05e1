"""Where results go: one policy for all that is written for a person, and names as a person types them.

    nobody named it     a free name is taken, such as punks-seed-0~2.png; two commands at once never take the same.
                        What an inspection shows of the same folder takes the place of the sheet of the one before
    it exists           refused, unless it may be written over
    it is an input      refused always, by whatever name
    it cannot be        refused before any work: no such folder, a folder for a file, another kind of file
    -                   standard output, of one file

A name is taken when the file is whole, by a link that fails where something is. So there is never an empty or half a
file, whatever stops the program, and nothing to clear away. On a file system without hard links, such as FAT, an empty
file holds the name for the moment until the whole one replaces it: a power cut in between leaves it there.
"""

from __future__ import annotations

import errno
import itertools
import os
import stat
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from noisette.errors import NoisetteError, RequestError
from noisette.files.atomic import write_atomically
from noisette.files.reading import read_bytes

STANDARD_OUTPUT = "-"
_MOST_BYTES = 255  # of a name, on every file system that is common
_ROOM = 8  # bytes of a number behind a name

Name = str | os.PathLike[str]
"""A file or folder as a person or a program names it."""


def expand(name: Name) -> Path:
    """The path of a name, `~` and `~user` being home folders as a shell has them. Done twice it is the same path.

    Args:
        name: Of a file or folder.

    Returns:
        Its path.

    Raises:
        RequestError: It is empty, or none, or nobody can tell whose home `~` is.
    """
    if not isinstance(name, str | os.PathLike):
        raise RequestError(f"a file or folder is named by text or a path, not by {name!r}")
    text = os.fspath(name)
    if not text.strip():
        raise RequestError("a name of a file or folder is empty; give one, or leave the option out")
    if "\0" in text:
        raise RequestError("a name of a file or folder has a NUL character in it; no file can be called so")
    expanded = os.path.expanduser(text)  # noqa: PTH111  (leaves the ~ of an unknown user, as shells do; Path raises)
    if expanded == text and (text == "~" or text.startswith("~/")):
        raise RequestError(f"nobody can tell whose home folder the ~ of {text} is; write the path out, or set HOME")
    path = Path(expanded)
    if path.parts[:1] and path.parts[0].startswith("~") and not text.startswith("~"):
        return path.absolute()  # of ./~ a path keeps the ~ alone, and who gets it would take that for a home folder
    return path


def _never(content: bytes) -> bool:
    return False


@dataclass(frozen=True)
class OutputFile:
    """A file that can be written as far as can be known before the work: see `output_file`.

    Attributes:
        path: Of the file; None is standard output.
        free: Whether nobody named it, so that it takes the first of the numbered names that is free.
        overwrite: Whether what is there may be replaced.
    """

    path: Path | None
    free: bool = False
    overwrite: bool = False

    def write(
        self,
        data: bytes,
        beside: Mapping[str, bytes] | None = None,
        *,
        older: Callable[[bytes], bool] = _never,
    ) -> list[Path]:
        """Write the file, and those beside it, whole.

        Args:
            data: The content.
            beside: Contents of the files beside it, by their suffixes.
            older: Of the content of a file under one of the numbered names, whether it is an earlier result of the same
                work, whose place this one takes. Only of a file with none beside it.

        Returns:
            The files, under the names that they have got; none of standard output.

        Raises:
            RequestError: Somebody else has made a file of that name by now.
            NoisetteError: The disk refuses.
        """
        if self.path is None:
            _to_standard_output(data)
            return []
        contents = {self.path.suffix: data, **(beside or {})}
        if self.free:
            return _under_a_free_name(self.path, contents, older)
        written: list[Path] = []
        try:
            for suffix, content in contents.items():
                path = self.path.with_suffix(suffix)
                put(path, content, overwrite=self.overwrite)
                written.append(path)
        except BaseException:
            if not self.overwrite:  # else they have replaced others, which nothing brings back
                _remove(written)
            raise
        return written

    def __str__(self) -> str:
        return "standard output" if self.path is None else str(self.path)


def output_file(
    named: Name | None,
    usual: Path,
    suffixes: Sequence[str],
    what: str,
    *,
    overwrite: bool = False,
    inputs: Sequence[Name] = (),
    beside: Sequence[str] = (),
) -> OutputFile:
    """Check where a file shall go, before the work for it begins.

    Args:
        named: As a person named it, "-" for standard output; None if nobody did.
        usual: What it is called then, or with the first number behind it that is free.
        suffixes: That such a file can have, in small letters.
        what: Such a file is, for messages: "pictures are PNG; name a .png file".
        overwrite: Whether a file that is there may be replaced.
        inputs: Files and folders that are read, which it cannot be.
        beside: Suffixes of files that are written with it, under the same name.

    Returns:
        What writes it.

    Raises:
        RequestError: It cannot go there.
    """
    if named == STANDARD_OUTPUT:
        check_standard_output(beside)
        return OutputFile(None)
    path = usual if named is None else expand(named)
    if path.suffix.lower() not in suffixes:
        raise RequestError(f"cannot write {path}: {what}")
    places = tuple(path.with_suffix(suffix) for suffix in (path.suffix, *beside))
    if named is None:
        path = _short_enough(path)
        check_folder(path)
        return OutputFile(path, free=True)
    for place in places:
        check_file(place, overwrite=overwrite, inputs=inputs)
    return OutputFile(path, overwrite=overwrite)


def new_folder(name: Name) -> Path:
    """Where a folder such as a run can be made, with the folders above it.

    Args:
        name: As a person named it.

    Returns:
        Its path; whether something is there is asked when it is made.

    Raises:
        RequestError: It cannot be made.
    """
    if name == STANDARD_OUTPUT:
        raise RequestError("standard output takes one file, and this is a folder; name one with --out")
    folder = expand(name)
    check_folder(folder, parents=True)
    return folder


def check_standard_output(beside: Sequence[str] = ()) -> None:
    """Raises RequestError if a file cannot go there."""
    if beside:
        raise RequestError("standard output takes one file, and there would be several; name a file with --out")
    if sys.stdout is None or getattr(sys.stdout, "closed_before", False):
        raise RequestError("standard output is closed; name a file with --out")
    if sys.stdout.isatty():
        raise RequestError("standard output is a terminal, which shows no such file; redirect it, or name a file")


def check_file(path: Path, *, overwrite: bool = False, inputs: Sequence[Name] = ()) -> None:
    """Raises RequestError if a file cannot be written at `path`: see `output_file`."""
    if (there := _mode(path)) is not None:
        check_not_read(path, inputs)
        followed = _mode(path, follow=True)
        if followed is not None and stat.S_ISDIR(followed):
            raise RequestError(f"cannot write {path}: it is a folder; name a file")
        if not stat.S_ISREG(there if followed is None else followed) and not stat.S_ISLNK(there):
            raise RequestError(f"cannot write {path}: it is no ordinary file; name another")
        if not overwrite:
            raise RequestError(f"{path} exists; choose another name, or replace it with --overwrite")
    check_folder(path)


def check_folder(path: Path, *, parents: bool = False) -> None:
    """Raises RequestError if nothing can be made at `path`, for want of a folder that it can be made in.

    Args:
        path: Of a file or folder that is not there yet.
        parents: Whether folders above it are made too.
    """
    _mode(path)
    above = path.parent
    while parents and not os.path.lexists(above) and above != above.parent:
        above = above.parent
    if not os.path.isdir(above):  # noqa: PTH112  (Path.is_dir raises of names that cannot be)
        missing = "is no folder" if os.path.lexists(above) else "is not there"
        raise RequestError(f"no folder {above} to write {path.name} into: it {missing}; make it first")
    if parents and _is_too_long(path, _most_bytes(above)):
        raise RequestError(f"cannot write {path}: its name is too long; choose a shorter one")
    if not os.access(above, os.W_OK | os.X_OK):
        raise RequestError(f"cannot write into the folder {above.absolute()}; choose another place with --out")


def check_not_read(path: Path, inputs: Sequence[Name]) -> None:
    """Raises RequestError if `path` is one of the files and folders that are read, by whatever name."""
    for each in inputs:
        with suppress(OSError, ValueError):
            if path.samefile(each):
                raise RequestError(f"{path} is what is read, and is not written over; choose another name")


def put(path: Path, data: bytes, *, overwrite: bool = False) -> None:
    """Write a file whole.

    Args:
        path: That was checked before.
        data: The content.
        overwrite: Whether a file that is there may be replaced.

    Raises:
        RequestError: Somebody else has made it by now.
        NoisetteError: The disk refuses.
    """
    try:
        write_atomically(path, partial(_fill, data), replace=overwrite)
    except FileExistsError as error:
        raise RequestError(f"{path} exists by now, made by somebody else; choose another name") from error
    except OSError as error:
        raise cannot_write(path, error) from error


def cannot_write(path: Path, error: OSError) -> NoisetteError:
    """The line for what the disk said."""
    return NoisetteError(f"cannot write {path}: {error.strerror or error}")


def numbered(path: Path) -> Iterator[Path]:
    """`path`, then with 2, 3, ... behind its name: a name that nobody chose is not taken from what has it."""
    others = (path.with_name(f"{path.stem}~{number}{path.suffix}") for number in itertools.count(2))
    return itertools.chain([path], others)


def _under_a_free_name(path: Path, contents: Mapping[str, bytes], older: Callable[[bytes], bool]) -> list[Path]:
    """Write files under the first of the numbered names that is free for all of them, or is that of an older result."""
    for candidate in numbered(path):
        places = {candidate.with_suffix(suffix): content for suffix, content in contents.items()}
        if any(map(os.path.lexists, places)):
            there = _content(candidate) if len(contents) == 1 and older is not _never else None
            if there is not None and there == contents[path.suffix]:
                return [candidate]
            if there is not None and older(there):
                put(candidate, contents[path.suffix], overwrite=True)
                return [candidate]
            continue
        written: list[Path] = []
        try:
            for place, content in places.items():
                write_atomically(place, partial(_fill, content), replace=False)
                written.append(place)
        except FileExistsError:  # another command was quicker: the next name, for all of them
            _remove(written)
            continue
        except BaseException as error:
            _remove(written)
            if isinstance(error, OSError):
                raise cannot_write(candidate, error) from error
            raise
        return written
    raise AssertionError("numbers do not end")


def _content(path: Path) -> bytes | None:
    """Of a file that may be an earlier result; None of a link, and of what cannot be read."""
    try:
        return None if path.is_symlink() else read_bytes(path)
    except (NoisetteError, OSError):
        return None


def _is_too_long(folder: Path, most: int) -> bool:
    """Whether a name in the path of a new folder is; that of the folder itself has room for what is beside it."""
    return len(os.fsencode(folder.name)) > most - _ROOM or any(len(os.fsencode(part)) > most for part in folder.parts)


def _most_bytes(folder: Path) -> int:
    """That a name in a folder can have."""
    with suppress(OSError, ValueError, AttributeError):  # not every system tells
        return os.pathconf(folder, "PC_NAME_MAX")
    return _MOST_BYTES


def _remove(written: Sequence[Path]) -> None:
    """Take back what was written of several files, so that the same command can be given again."""
    for place in written:
        with suppress(OSError):
            place.unlink()


def _fill(data: bytes, temporary: Path) -> None:
    temporary.write_bytes(data)


def _short_enough(path: Path) -> Path:
    """A name that nobody chose, cut to what file systems take."""
    stem, room = path.stem, _MOST_BYTES - len(os.fsencode(path.suffix)) - _ROOM
    while len(os.fsencode(stem)) > room:
        stem = stem[:-1]
    return path.with_name(stem + path.suffix)


def _mode(path: Path, *, follow: bool = False) -> int | None:
    """What is at `path`; None where nothing is. Raises RequestError where nothing can be."""
    try:
        return (path.stat() if follow else path.lstat()).st_mode
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno == errno.ENOTDIR:
            return None  # told of the folder
        if error.errno == errno.ENAMETOOLONG:
            raise RequestError(f"cannot write {path}: its name is too long; choose a shorter one") from error
        raise RequestError(f"cannot write {path}: {error.strerror or error}") from error


def _to_standard_output(data: bytes) -> None:
    """Write the file there. The command's own stream takes all bytes and keeps the error; the file is the work here, so
    it counts, unless a reader has closed the pipe, having read enough.
    """
    out = sys.stdout.buffer
    try:
        out.write(data)
        out.flush()
    except OSError as error:
        raise NoisetteError(f"cannot write to standard output: {error.strerror or error}") from error
    refused: OSError | None = getattr(getattr(out, "raw", None), "error", None)
    if refused is not None and refused.errno != errno.EPIPE:
        raise NoisetteError(f"cannot write to standard output: {refused.strerror or refused}") from refused
