"""The files of a folder, listed once, without following anything out of it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

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


@dataclass(frozen=True)
class Stamp:
    """What tells whether a file is still the same.

    Attributes:
        size: Bytes.
        changed: Nanoseconds since 1970.
    """

    size: int
    changed: int


@dataclass(frozen=True)
class Tree:
    """The regular files of a folder.

    Attributes:
        root: The folder.
        stamps: Of each file, by its path from the folder on, with `/` between its parts; sorted. Hidden files
            and those that systems leave behind are not in it, nor is what a link leads to outside the folder.
    """

    root: Path
    stamps: dict[str, Stamp]

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
        return Tree(self.root, dict(sorted(self.stamps.items(), key=lambda item: _in_order(item[0]))))

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
    try:
        if root.is_file():
            facts = root.stat()
            return Tree(root.parent, {root.name: Stamp(facts.st_size, facts.st_mtime_ns)})
        home = Path(os.path.realpath(root))
        found = dict(_walk(home, home, "", findings, 0))
    except OSError as error:
        raise RequestError(f"cannot read {root}: {error.strerror or error}") from error
    if len(found) > MOST_FILES:
        raise RequestError(f"{root} holds more than {MOST_FILES:,} files")
    return Tree(root, dict(sorted(found.items())))


def _walk(folder: Path, home: Path, prefix: str, findings: Findings, depth: int) -> Iterator[tuple[str, Stamp]]:
    with os.scandir(folder) as listed:
        entries = list(listed)
    for entry in entries:
        if entry.name.startswith(".") or entry.name.lower() in _IGNORED:
            continue
        name = prefix + entry.name
        try:
            if entry.is_symlink() and not Path(os.path.realpath(entry.path)).is_relative_to(home):
                findings.add("link", name)
            elif entry.is_file():
                facts = entry.stat()
                yield name, Stamp(facts.st_size, facts.st_mtime_ns)
            elif entry.is_dir() and not entry.is_symlink() and depth < _DEEPEST:
                yield from _walk(Path(entry.path), home, f"{name}/", findings, depth + 1)
            elif entry.is_dir() and not entry.is_symlink():
                findings.add("too deep", name, f"{_DEEPEST} folders at most lie in each other")
            elif not entry.is_dir():
                findings.add("not understood", name, "no regular file")
        except OSError as error:
            findings.add("vanished", name, error.strerror or "")


def _in_order(path: str) -> list[tuple[bool, int, str]]:
    """Numbers by their value, so that 10.png comes after 9.png."""
    return [(False, int(part[:30]), part) if part.isdigit() else (True, 0, part) for part in _PARTS.split(path) if part]
