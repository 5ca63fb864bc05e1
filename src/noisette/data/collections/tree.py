"""The files of a folder, listed once, without following anything out of it."""

from __future__ import annotations

import os
import re
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fnmatch import translate
from functools import cached_property
from hashlib import blake2b
from pathlib import Path, PurePosixPath
from typing import NamedTuple, Protocol

from noisette.data.collections.findings import Findings
from noisette.errors import RequestError

IMAGES = (".png", ".gif", ".bmp", ".webp", ".jpg", ".jpeg", ".tif", ".tiff", ".ppm", ".pgm", ".tga")
"""Suffixes of files that are taken for images, in small letters."""

MOST_FILES = 5_000_000
_PARTS = re.compile(r"([0-9]+)")
_DEEPEST = 32  # folders inside each other
_IGNORED = frozenset(
    {"thumbs.db", "desktop.ini", "__macosx", "collection.toml", "noisette-contact-sheet.png", "noisette-rarity.csv"}
)
"""What systems and noisette itself leave in a folder, in small letters."""


class Stamp(NamedTuple):
    """What tells whether a file is still the same. Two files of one path and one stamp have the same content.

    Attributes:
        size: Bytes.
        changed: Nanoseconds since 1970; who copies a file may set it.
        inode: Which file it is, where the system tells; another one that takes its place has another.
        altered: Nanoseconds since 1970 that nobody can set, where the system tells: when content or name changed last.
    """

    size: int
    changed: int
    inode: int = 0
    altered: int = 0


@dataclass(frozen=True)
class Look:
    """What a folder shows without any of its files being opened: quick, even of a million.

    Attributes:
        root: The folder.
        names: Of its regular files, as `Tree.stamps` has them, in the order of the file system.
        numbers: Those of their stamps, four for each.
        told: Kind, name and detail of each finding.
    """

    root: Path
    names: list[str]
    numbers: list[int]
    told: list[tuple[str, str, str]]

    @cached_property
    def digest(self) -> str:
        """The same figure means the same files and findings; the same folder may have several, by its order."""
        content = blake2b(digest_size=16)
        for texts in (self.names, map("\0".join, self.told)):
            content.update("\0".join(texts).encode(errors="surrogateescape"))
            content.update(b"\0\0")
        try:
            content.update(array("q", self.numbers))
        except OverflowError:  # inodes of some file systems
            content.update(str(self.numbers).encode())
        return content.hexdigest()


class Contents(Protocol):
    """Contents of files that are as they were when they were read last."""

    def get(self, name: str) -> bytes | None:
        """Of a file; None where nothing is known of it as it is now."""

    def put(self, name: str, content: bytes) -> None:
        """Keep what was read of a file."""


@dataclass(frozen=True)
class Tree:
    """The regular files of a folder.

    Attributes:
        root: The folder.
        stamps: Of each file, by its path from the folder on, with `/` between its parts; sorted. Hidden files
            and those that systems leave behind are not in it, nor is what a link leads to outside the folder.
        kept: What was read of them before, if anything.
    """

    root: Path
    stamps: dict[str, Stamp]
    kept: Contents | None = field(default=None, compare=False)

    @property
    def files(self) -> list[str]:
        """All paths, sorted."""
        return list(self.stamps)

    @property
    def images(self) -> list[str]:
        """Those that are taken for images by their suffix."""
        return self.of(*IMAGES)

    def of(self, *suffixes: str) -> list[str]:
        """The paths that end in one of these suffixes, whichever case they are written in.

        Args:
            suffixes: With their dot, in small letters.
        """
        return [path for path in self.stamps if path.lower().endswith(suffixes)]

    def in_order(self) -> Tree:
        """The same with numbers in names sorted by their value, so that 10.png comes after 9.png."""
        return replace(self, stamps=dict(sorted(self.stamps.items(), key=lambda item: _in_order(item[0]))))

    def without(self, patterns: Sequence[str]) -> Tree:
        """The same without the paths that a pattern such as `drafts/*` is of."""
        if not patterns:
            return self
        matching = [re.compile(translate(pattern)).match for pattern in patterns]
        left = {path: stamp for path, stamp in self.stamps.items() if not any(each(path) for each in matching)}
        return replace(self, stamps=left)

    def path(self, name: str) -> Path:
        """Where a file of the tree is."""
        return self.root.joinpath(*PurePosixPath(name).parts)


def scan(root: Path, findings: Findings) -> Tree:
    """List the files of a folder and of the folders in it, in the order of a person. See `listed`."""
    return listed(root, findings).in_order()


def listed(root: Path, findings: Findings) -> Tree:
    """List the files of a folder and of the folders in it, sorted as text: quicker, where the order means nothing.

    Args:
        root: The folder, or one file, which is then the only one.
        findings: Told of links that lead out of it, and of what vanishes meanwhile.

    Returns:
        The tree.

    Raises:
        RequestError: It is not there, cannot be read, or holds more files than `MOST_FILES`.
    """
    return tree_of(look(root), findings)


def look(root: Path) -> Look:
    """List the files of a folder and of the folders in it; arguments and what is raised are those of `listed`."""
    seen = Look(root, [], [], [])
    try:
        if root.is_file():
            seen = replace(seen, root=root.parent, names=[root.name])
            seen.numbers.extend(_numbers(root.stat()))
            return seen
        home = os.path.realpath(root)
        _walk(home, Path(home), "", seen, 0)
    except OSError as error:
        raise RequestError(f"cannot read {root}: {error.strerror or error}") from error
    if len(seen.names) > MOST_FILES:
        raise RequestError(f"{root} holds more than {MOST_FILES:,} files")
    return seen


def tree_of(seen: Look, findings: Findings) -> Tree:
    """The tree that a look shows, sorted as text.

    Args:
        seen: A look at a folder.
        findings: Told of what it found.
    """
    for finding in seen.told:
        findings.add(*finding)
    four = [iter(seen.numbers)] * 4
    return Tree(seen.root, dict(sorted(zip(seen.names, map(Stamp, *four), strict=True))))


def _numbers(facts: os.stat_result) -> tuple[int, int, int, int]:
    """Those of a stamp."""
    return facts.st_size, facts.st_mtime_ns, facts.st_ino, facts.st_ctime_ns


def _walk(folder: str, home: Path, prefix: str, seen: Look, depth: int) -> None:
    with os.scandir(folder) as listed:
        for entry in listed:
            name = entry.name
            if name[0] == "." or name.lower() in _IGNORED:
                continue
            try:
                is_link = entry.is_symlink()
                if is_link and not Path(os.path.realpath(entry.path)).is_relative_to(home):
                    seen.told.append(("link", prefix + name, ""))
                elif entry.is_file():
                    facts = entry.stat(follow_symlinks=is_link)
                    seen.numbers.extend((facts.st_size, facts.st_mtime_ns, facts.st_ino, facts.st_ctime_ns))
                    seen.names.append(prefix + name)
                elif entry.is_dir() and not is_link and depth < _DEEPEST:
                    _walk(entry.path, home, f"{prefix}{name}/", seen, depth + 1)
                elif entry.is_dir() and not is_link:
                    seen.told.append(("too deep", prefix + name, f"{_DEEPEST} folders at most lie in each other"))
                elif not entry.is_dir():
                    seen.told.append(("not understood", prefix + name, "no regular file"))
            except OSError as error:
                seen.told.append(("vanished", prefix + name, error.strerror or ""))


def _in_order(path: str) -> list[tuple[bool, int, str]]:
    """Numbers by their value, so that 10.png comes after 9.png."""
    return [(False, int(part[:30]), part) if part.isdigit() else (True, 0, part) for part in _PARTS.split(path) if part]
