"""A zip in the place of a folder: unpacked while it is read, with nothing outside it, and no more than fits."""

from __future__ import annotations

import errno
import stat
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

from noisette.data.collections.findings import Findings
from noisette.data.collections.packed import DAMAGE, is_bomb
from noisette.errors import RequestError
from noisette.files.atomic import temporary_folder
from noisette.files.room import check_disk
from noisette.text import plain

MOST_MEMBERS = 1_000_000
MOST_BYTES = 16 * 2**30
"""Of all members together, as they come out and not as the zip says."""
_MOST_OF_ONE = 2**30
_BLOCK = 2**20
_NO_NAMES = frozenset(
    {errno.ENAMETOOLONG, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.EINVAL, errno.EILSEQ, errno.ELOOP}
)
"""Why a member cannot be written under its name; another reason is one of the disk's, and not of the zip."""


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
        RequestError: It is no zip, nothing in it can be read, or it unpacks to more than is taken.
        NoisetteError: There is no room for it.
    """
    members = _members(path, findings)
    said = sum(member.file_size for member in members)
    check_disk(beside, min(said, MOST_BYTES), f"the files in {plain(path.name, 100)}")
    with temporary_folder(beside) as folder:
        _unpack(path, members, folder, findings)
        yield folder


def _members(path: Path, findings: Findings) -> list[zipfile.ZipInfo]:
    """What is unpacked: regular files whose names lead nowhere else, each once."""
    try:
        with zipfile.ZipFile(path) as archive:
            listed = archive.infolist()
    except DAMAGE as error:
        raise RequestError(f"{plain(str(path), 200)} is no zip that can be read: {error}") from error
    if len(listed) > MOST_MEMBERS:
        raise RequestError(f"{plain(str(path), 200)} holds {len(listed):,} files, more than {MOST_MEMBERS:,}")
    _refuse_bomb(path, sum(member.file_size for member in listed))
    kept: dict[str, zipfile.ZipInfo] = {}
    for member in listed:
        name = member.filename
        parts = PurePosixPath(name.replace("\\", "/")).parts
        kind = stat.S_IFMT(member.external_attr >> 16)
        if name.endswith("/"):
            continue
        if name.startswith(("/", "\\")) or ".." in parts or ":" in name or "\0" in name or not parts:
            findings.add("archive", plain(name, 200) or "a member", "its name leads out of the zip")
        elif kind not in (0, stat.S_IFREG):
            findings.add("archive", plain(name, 200), "it is a link")
        elif member.flag_bits & 1:
            findings.add("archive", plain(name, 200), "it is encrypted")
        elif member.file_size > _MOST_OF_ONE:
            findings.add("archive", plain(name, 200), f"it unpacks to {member.file_size:,} bytes")
        elif (key := "/".join(parts).casefold()) in kept:
            findings.add("archive", plain(name, 200), f"as {plain(kept[key].filename, 200)}")
        else:
            kept[key] = member
    if listed and not kept:
        first = next(iter(findings.of("archive").names), "there are only folders in it")
        raise RequestError(f"{plain(str(path), 200)} holds nothing that is read: {first}; unpack it yourself")
    return list(kept.values())


def _refuse_bomb(path: Path, unpacked: int) -> None:
    """Members may share their bytes, so what all of them are together counts, and not what each says of itself."""
    if unpacked > MOST_BYTES or is_bomb(path.stat().st_size, unpacked):
        raise RequestError(
            f"{plain(str(path), 200)} unpacks to {unpacked:,} bytes or more, more than is taken;"
            " unpack it yourself, and name the folder"
        )


def _target(member: zipfile.ZipInfo, folder: Path) -> Path:
    return folder.joinpath(*PurePosixPath(member.filename.replace("\\", "/")).parts)


def _unpack(path: Path, members: list[zipfile.ZipInfo], folder: Path, findings: Findings) -> None:
    unpacked = 0
    failed = 0
    with zipfile.ZipFile(path) as archive:
        for member in members:
            target = _target(member, folder)
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(member) as source, target.open("xb") as out:
                    while block := source.read(_BLOCK):
                        unpacked += len(block)
                        _refuse_bomb(path, unpacked)
                        out.write(block)
            except DAMAGE as error:
                if isinstance(error, OSError) and error.errno is not None and error.errno not in _NO_NAMES:
                    raise
                if not isinstance(error, FileExistsError):  # which is another member's
                    _remove(target)
                reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
                findings.add("archive", plain(member.filename, 200), plain(reason, 150))
                failed += 1
    if failed and failed == len(members):
        first = findings.of("archive").names[-1]
        raise RequestError(f"{plain(str(path), 200)} holds nothing that can be unpacked: {first}")


def _remove(target: Path) -> None:
    """What came out of a member before its fault, if there was a file of its name at all."""
    with suppress(OSError):
        target.unlink()
