"""Which flags exclude each other, found in the data: no punk wears two hats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from noisette.attributes.schema import AttributeSchema

EVIDENCE = 3.0
"""Images in which chance would show two flags together, and the data show none: by chance alone one time in twenty."""


def find_groups(schema: AttributeSchema, table: NDArray[np.int16]) -> list[tuple[str, ...]]:
    """Groups of flags of which no image in `table`, (N, A), has two, though chance would have it so; commonest flag
    first.

    Chance is what the flags' frequencies say inside each value of the first choice: that no hat for men meets a hat for
    women shows nothing. Groups grow by joining the two with the most evidence between them, as long as none of their
    members were ever seen together.
    """
    flags = [column for column, attribute in enumerate(schema.attributes) if attribute.kind == "flag"]
    choices = [column for column, attribute in enumerate(schema.attributes) if attribute.kind == "choice"]
    worn = (table[:, flags] == 1).astype(np.float64)  # (N, F)
    strata = table[:, choices[0]] if choices else np.zeros(len(table), dtype=np.int16)
    together = worn.T @ worn  # (F, F)
    expected = np.zeros_like(together)
    for stratum in np.unique(strata):
        counts = worn[strata == stratum].sum(axis=0)
        expected += np.outer(counts, counts) / (strata == stratum).sum()

    clusters = [[flag] for flag in range(len(flags))]
    while len(clusters) > 1:
        evidence = {
            (first, second): expected[np.ix_(clusters[first], clusters[second])].sum()
            for first, second in combinations(range(len(clusters)), 2)
            if not together[np.ix_(clusters[first], clusters[second])].any()
        }
        if not evidence or max(evidence.values()) < EVIDENCE:
            break
        first, second = max(evidence, key=lambda pair: evidence[pair])
        clusters[first] += clusters.pop(second)
    by_frequency = worn.sum(axis=0)
    return [
        tuple(schema.names[flags[flag]] for flag in sorted(cluster, key=lambda flag: -by_frequency[flag]))
        for cluster in clusters
        if len(cluster) > 1
    ]


def named(groups: Sequence[Sequence[str]], names: Mapping[str, str]) -> dict[str, Sequence[str]]:
    """The groups by name: what `names` says of one of the members, else "one of" its two commonest."""
    return {
        next(
            (names[member] for member in members if member in names),
            f"one of {members[0]}, {members[1]}" + (", ..." if len(members) > 2 else ""),
        ): members
        for members in groups
    }
