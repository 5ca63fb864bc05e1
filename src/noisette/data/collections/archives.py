"""A zip in the place of a folder: unpacked while it is read, with nothing outside it, and no more than fits."""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from noisette.data.collections.findings import Findings
from noisette.errors import RequestError
from noisette.files.atomic import temporary_folder
from noisette.files.room import check_disk
from noisette.text import plain

MOST_MEMBERS = 1_000_000
MOST_BYTES = 16 * 2**30
"""Of all members together, as they come out and not as the zip says."""
_MOST_OF_ONE = 2**30
_BLOCK = 2**20


def is_archive(path: Path) -> bool:
    """Whether a path is that of a zip."""
    return path.suffix.lower() == ".zip" and path.is_file()


@contextmanager
def unpacked(path: Path, beside: Path, findings: Findings) -> Iterator[Path]:
    """Unpack a zip, and remove what came out of it again at the end.

    Args:
        path: Of the zip.
        beside: A folder of the cache that it is unpacked in.
        findings: Told of members that are left out.

    Yields:
        The folder with what came out.

    Raises:
        RequestError: It is no zip, is encrypted or damaged, or unpacks to more than `MOST_BYTES`.
        NoisetteError: There is no room for it.
    """
    members = _members(path, findings)
    said = sum(member.file_size for member in members)
    check_disk(beside, min(said, MOST_BYTES), f"the files in {plain(path.name, 100)}")
    with temporary_folder(beside) as folder:
        try:
            _unpack(path, members, folder)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
            raise RequestError(f"{plain(str(path), 200)} cannot be unpacked: {error}") from error
        yield folder


def _members(path: Path, findings: Findings) -> list[zipfile.ZipInfo]:
    """What is unpacked: regular files whose names lead nowhere else, each once."""
    try:
        with zipfile.ZipFile(path) as archive:
            listed = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise RequestError(f"{plain(str(path), 200)} is no zip that can be read: {error}") from error
    if len(listed) > MOST_MEMBERS:
        raise RequestError(f"{plain(str(path), 200)} holds {len(listed):,} files, more than {MOST_MEMBERS:,}")
    if any(member.flag_bits & 1 for member in listed):
        raise RequestError(f"{plain(str(path), 200)} is encrypted; unpack it yourself, and name the folder")
    kept: dict[str, zipfile.ZipInfo] = {}
    for member in listed:
        name = member.filename
        parts = PurePosixPath(name.replace("\\", "/")).parts
        kind = stat.S_IFMT(member.external_attr >> 16)
        if member.is_dir():
            continue
        if name.startswith(("/", "\\")) or ".." in parts or ":" in name or "\0" in name or not parts:
            findings.add("archive", plain(name, 200), "its name leads out of the zip")
        elif kind not in (0, stat.S_IFREG):
            findings.add("archive", plain(name, 200), "it is a link")
        elif (key := "/".join(parts).casefold()) in kept:
            findings.add("archive", plain(name, 200), f"as {plain(kept[key].filename, 200)}")
        else:
            kept[key] = member
    return list(kept.values())


def _unpack(path: Path, members: list[zipfile.ZipInfo], folder: Path) -> None:
    left = MOST_BYTES
    with zipfile.ZipFile(path) as archive:
        for member in members:
            target = folder.joinpath(*PurePosixPath(member.filename.replace("\\", "/")).parts)
            target.parent.mkdir(parents=True, exist_ok=True)
            room = min(left, _MOST_OF_ONE)
            with archive.open(member) as source, target.open("xb") as out:
                while block := source.read(_BLOCK):
                    room -= len(block)
                    left -= len(block)
                    if room < 0:
                        raise RequestError(
                            f"{plain(str(path), 200)} unpacks to more than is taken, at {plain(member.filename, 100)};"
                            " unpack it yourself, and name the folder"
                        )
                    out.write(block)
