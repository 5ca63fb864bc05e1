"""What collections are called in the cache."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from hashlib import blake2b
from pathlib import Path

from noisette._version import __version__
from noisette.data.collections.tree import Look
from noisette.files.cache import cache_folder


def home() -> Path:
    """The folder of the cache that collections are in."""
    return cache_folder() / "collections"


def all_stored() -> Iterator[Path]:
    """All collections in the cache."""
    return home().glob("[0-9a-f]*-*")


def place_of(given: Path) -> str:
    """What collections are called of one folder, whatever was in it: the beginning of their names."""
    return digest(os.path.realpath(given))


def folder_of(given: Path, seen: Look, settings: str) -> Path:
    """Where a collection is kept.

    Args:
        given: The folder that a person named.
        seen: What is in it.
        settings: How it is read.
    """
    four = [iter(seen.numbers)] * 4
    files = sorted(zip(seen.names, *four, strict=True))
    lines = ["\0".join(map(str, file)) for file in files]
    return home() / f"{place_of(given)}-{digest(code(), settings, *lines, *map(str, sorted(seen.told)))}"


@cache
def code() -> str:
    """What tells whether folders are read as they were: the version, and which files of ours do it."""
    import noisette

    package = Path(noisette.__file__).parent
    stamps = [
        f"{path.relative_to(package)} {(facts := path.stat()).st_size} {facts.st_mtime_ns}"
        for part in ("attributes", "config", "data")
        for path in sorted(package.joinpath(part).rglob("*.py"))
    ]
    return digest(__version__, *stamps)


def digest(*texts: str) -> str:
    """A short hash of texts."""
    content = blake2b(digest_size=8)
    for text in texts:
        content.update(f"{len(text)} {text}".encode(errors="surrogateescape"))
    return content.hexdigest()
