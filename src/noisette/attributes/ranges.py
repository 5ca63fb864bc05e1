"""Numbers in ordered ranges, found in the data: about as many images in each, with edges that a person can read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

import numpy as np

_DAY = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ].*)?")
FEWEST = 5
"""Images of a range; of fewer nothing is learned."""


def ranges_of(values: Sequence[float], *, most: int = 8) -> tuple[float, ...]:
    """Divide numbers into ranges of about as many each.

    Args:
        values: Finite numbers, in any order.
        most: Ranges that there may be.

    Returns:
        The highest number of each range but the last, ascending, so few digits that no image changes its range by them;
        none where the numbers cannot be divided.
    """
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    count = min(most, len(ordered) // FEWEST)
    edges: list[float] = []
    for number in range(1, count):
        place = number * len(ordered) // count
        # The end of a run of equal numbers, so that none of them is divided.
        place = int(np.searchsorted(ordered, ordered[place - 1], side="right"))
        before = int(np.searchsorted(ordered, edges[-1], side="right")) if edges else 0
        if place - before < FEWEST or len(ordered) - place < FEWEST:
            continue
        edges.append(_readable(float(ordered[place - 1]), float(ordered[place])))
    return tuple(edges)


def _readable(low: float, high: float) -> float:
    """The number of the fewest digits from `low` on that is below `high`."""
    for digits in range(1, 18):
        written = float(f"{low:.{digits}g}")
        if low <= written < high:
            return written
    return low


def day_of(written: str) -> float | None:
    """A date such as 2024-01-31, with or without a time, as days since 1970; None of anything else."""
    match = _DAY.fullmatch(written.strip())
    if match is None:
        return None
    try:
        return float((date(int(match[1]), int(match[2]), int(match[3])) - date(1970, 1, 1)).days)
    except ValueError:
        return None
