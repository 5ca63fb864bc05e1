"""Pictures that stand for others: those of a collection that is not revealed yet are all the same."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from noisette.data.collections.entries import Entry
from noisette.data.collections.findings import Findings


def tell_placeholder(entries: Sequence[Entry], digests: NDArray[np.uint64], findings: Findings) -> int | None:
    """Tell where most images are one and the same picture although different things are said of them.

    Args:
        entries: The images, N.
        digests: Of their pixels, N.
        findings: Told of the first of them.

    Returns:
        The digest of that picture; None if there is none.
    """
    different, counts = np.unique(digests, return_counts=True)
    if len(digests) < 3 or counts.max(initial=0) * 2 <= len(digests):
        return None
    picture = different[counts.argmax()]
    alike: list[int] = np.flatnonzero(digests == picture).tolist()
    said = {entries[number].traits and frozenset(map(str, entries[number].traits or ())) for number in alike}
    if len(said - {None}) < 2:
        return None
    findings.add("placeholder", entries[alike[0]].name, f"as {len(alike) - 1:,} others of {len(entries):,}")
    return int(picture)
