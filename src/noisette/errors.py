"""The errors that a person can mend. Everything else is a bug and keeps its traceback."""

from __future__ import annotations

import json
import reprlib
from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from noisette.text import LONGEST_VALUE, brief

_TOO_LONG_TO_COMPARE = 200


class NoisetteError(Exception):
    """Something outside the code failed: a disk, a network, a damaged file. Exit status 1."""

    exit_status = 1


class RequestError(NoisetteError):
    """What was asked for is wrong or impossible; the message says how to mend it. Exit status 2."""

    exit_status = 2


class Stopped(NoisetteError):
    """A training left on request, with everything saved. Exit status 75, or 130 after Ctrl-C.

    Args:
        message: What was saved, and how to go on.
        interrupted: Whether it was by Ctrl-C.
    """

    def __init__(self, message: str, *, interrupted: bool) -> None:
        super().__init__(message)
        self.exit_status = 130 if interrupted else 75


def nearest(name: str, known: Iterable[str], *, count: int = 3) -> str:
    """`"; nearest: a, b"` for the known names closest to `name`, or an empty string."""
    return as_nearest(closest(name, known, count=count))


def as_nearest(names: Sequence[str]) -> str:
    """The same for names that were found."""
    return f"; nearest: {', '.join(names)}" if names else ""


def closest(name: str, known: Iterable[str], *, count: int = 3, alike: float = 0.5) -> list[str]:
    """The known names closest to `name`, the closest first; none where nothing is alike enough, of 0 to 1."""
    if len(name) > _TOO_LONG_TO_COMPARE:
        return []
    by_folded = {candidate.casefold(): candidate for candidate in known}
    return [by_folded[folded] for folded in get_close_matches(name.casefold(), by_folded, n=count, cutoff=alike)]


def told(value: object) -> str:
    """A value as an error names it: as Python writes it, in one line, the middle left out where it is long."""
    try:
        return brief(_BRIEF.repr(value))
    except ValueError:  # a whole number of thousands of digits, which Python does not write
        return f"a {type(value).__name__} that is too long to write"


def written(value: object) -> str:
    """A value as an error of a file names it: much as TOML has it, in one line, shortened where it is long."""
    try:
        return brief(json.dumps(value, ensure_ascii=False, default=str))
    except (ValueError, TypeError, RecursionError):  # a number of thousands of digits, no text as a key, a deep nest
        return told(value)


_BRIEF = reprlib.Repr()
_BRIEF.maxstring = _BRIEF.maxlong = _BRIEF.maxother = LONGEST_VALUE
