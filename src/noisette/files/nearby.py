"""The files and folders whose names are nearest to one that is not there."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path

from noisette.errors import closest
from noisette.text import plain

_MOST = 2000  # entries of a folder that are looked at
_ALIKE = 0.7  # of 0 to 1; a folder holds all kinds of names
_LONGEST = 200  # letters of a path that is shown


def nearby(name: str, wanted: Callable[[Path], bool], homes: Iterable[Path] = ()) -> list[str]:
    """What may have been meant by a path, the nearest first.

    Args:
        name: A path as a person wrote it, its `~` expanded.
        wanted: Whether an entry may have been meant.
        homes: Other folders in which it may lie, such as runs/.

    Returns:
        Paths as a person writes them, a few.
    """
    path = Path(name)
    folders = dict.fromkeys([path.parent, *homes])
    found = [folder / each for folder in folders for each in closest(path.name, _names(folder), alike=_ALIKE)]
    there = (each for each in found if each != path and _is(each, wanted))
    return [plain(str(each), _LONGEST) for each in islice(there, 3)]


def _names(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return sorted(each.name for each in islice(entries, _MOST) if not each.name.startswith("."))
    except (OSError, ValueError):  # a name that no folder can have, too
        return []


def _is(path: Path, wanted: Callable[[Path], bool]) -> bool:
    try:
        return wanted(path)
    except (OSError, ValueError):
        return False
