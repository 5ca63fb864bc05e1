"""Which file of a folder a text in metadata means. What a text says is only compared with names, and leads nowhere."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Hashable, Iterator, Sequence
from functools import cached_property
from typing import TypeVar
from urllib.parse import unquote

Key = TypeVar("Key", bound=Hashable)

_LONGEST = 4096  # letters; longer texts are images themselves, as data: addresses
_MOST_ALIKE = 1000  # files of one name that are compared, or a folder of a million `image.png` would take days
_SUFFIX = re.compile(r"(?<=.)\.[A-Za-z0-9]{1,5}$", re.DOTALL)
_NUMBER = re.compile(r"([0-9]{1,18})$")
_NUMBERED = re.compile(r"(?:.*#)?\s*([0-9]{1,18})\s*", re.DOTALL)


def folder_of(path: str) -> str:
    """The folder of a path in a tree, empty for those at its top."""
    return path.rpartition("/")[0]


def base_of(path: str) -> str:
    """The last part of a path in a tree, in the form (NFC) in which letters with accents are compared."""
    base = path.rpartition("/")[2]
    return base if base.isascii() else unicodedata.normalize("NFC", base)


def stem_of(path: str) -> str:
    """The last part of a path without its suffix; what stands behind a dot and is no suffix stays."""
    return _SUFFIX.sub("", base_of(path))


class FileNames:
    """The names of files, by which metadata mean them.

    Args:
        paths: Of the files, as in a `Tree`.
    """

    def __init__(self, paths: Sequence[str]) -> None:
        self._paths = paths

    def find(self, written: str, near: str = "") -> tuple[str, ...]:
        """The files that a text names: by their path, else by their file's name, else by that without suffix.

        An address is taken for its last part; what is written in it with `%` counts as the letters that it means.

        Args:
            written: What metadata say: `7.png`, `images/7.png`, `ipfs://Qm/7.png`, `7`.
            near: Path of the metadata: paths may be meant from its folder on, and of several files the nearest counts.

        Returns:
            One file; several if it is not clear which is meant, none if no file is called so.
        """
        if len(written) > _LONGEST:
            return ()
        forms = list(dict.fromkeys(_forms(written)))
        folder = folder_of(near)
        for form in forms:
            for path in (f"{folder}/{form}" if folder else form, form):
                if path in self._all:
                    return (path,)
        bases = [base_of(form) for form in forms]
        stems = [stem_of(form) for form in forms]
        for index, keys in (
            (self._by_base, bases),
            (self._by_stem, [*bases, *stems]),
            (self._by_folded, [key.casefold() for key in (*bases, *stems)]),
        ):
            for key in keys:
                if key and (found := index.get(key)):
                    return nearest_to(near, found)
        return ()

    def find_id(self, written: str | int, near: str = "") -> tuple[str, ...]:
        """The files that a number or a name means: `7`, `#7` or `Punk #7` is 7.png, 0007.png or punk-7.png too.

        Args:
            written: What metadata say.
            near: Path of the metadata.

        Returns:
            See `find`.
        """
        text = str(written) if isinstance(written, str) or abs(written) < 10**18 else ""
        if found := self.find(text, near):
            return found
        number = _NUMBERED.fullmatch(text) if len(text) <= _LONGEST else None
        if number is None:
            return ()
        return self.find(number[1], near) or nearest_to(near, self._by_number.get(int(number[1]), ()))

    def beside(self, path: str) -> tuple[str, ...]:
        """The files that belong to another one by their name: `7.json`, `7` and `7.png.json` to `7.png`.

        Those in its own folder, the likeliest first, else the nearest.
        """
        own = path.rpartition(".")[0]
        if there := tuple(each for each in (f"{own}.json", own, f"{path}.json") if each in self._all):
            return there
        for key in (stem_of(path), base_of(path)):
            if found := self._by_stem.get(key):
                return nearest_to(path, found)
        return ()

    @cached_property
    def _all(self) -> frozenset[str]:
        return frozenset(self._paths)

    @cached_property
    def _by_base(self) -> dict[str, list[str]]:
        return _by(base_of, self._paths)

    @cached_property
    def _by_stem(self) -> dict[str, list[str]]:
        return _by(stem_of, self._paths)

    @cached_property
    def _by_folded(self) -> dict[str, list[str]]:
        return _by(lambda path: stem_of(path).casefold(), self._paths)

    @cached_property
    def _by_number(self) -> dict[int, list[str]]:
        return _by(_number_of, self._paths)


def nearest_to(path: str, candidates: Sequence[str]) -> tuple[str, ...]:
    """Those files whose folder has most in common with that of a path: `test/json/7.json` for `test/images/7.png`."""
    if not 2 <= len(candidates) <= _MOST_ALIKE:
        return tuple(candidates[:2])
    home = folder_of(path).split("/")
    shared = [_shared(home, folder_of(each).split("/")) for each in candidates]
    return tuple(each for each, count in zip(candidates, shared, strict=True) if count == max(shared))


def _shared(one: list[str], other: list[str]) -> tuple[bool, int]:
    """Whether two folders are the same, and how many parts they share at their beginnings and ends."""
    ahead = _same(one, other)
    return one == other, ahead + _same(one[ahead:][::-1], other[ahead:][::-1])


def _same(one: list[str], other: list[str]) -> int:
    count = 0
    for mine, its in zip(one, other, strict=False):
        if mine != its:
            break
        count += 1
    return count


def _by(key_of: Callable[[str], Key | None], paths: Sequence[str]) -> dict[Key, list[str]]:
    found: dict[Key, list[str]] = {}
    for path in paths:
        if (key := key_of(path)) is not None:
            found.setdefault(key, []).append(path)
    return found


def _number_of(path: str) -> int | None:
    match = _NUMBER.search(stem_of(path))
    return int(match[1]) if match else None


def _forms(written: str) -> Iterator[str]:
    """A text in all forms in which it may be a path; as it stands first, since names may hold any letter."""
    yield written
    yield unquote(written)
    tidy = written.replace("\\", "/").strip().removeprefix("./")
    yield tidy
    yield unquote(tidy)
    if "://" in tidy:
        address = re.split("[?#]", tidy)[0]
        yield address
        yield unquote(address)
