"""Which flags exclude each other, found in the data: no avatar has two hats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from noisette.attributes.schema import AttributeSchema

EVIDENCE = 3.0
"""Images in which chance would show two flags together, and the data show none: by chance alone one time in twenty."""


def find_groups(schema: AttributeSchema, table: NDArray[np.int16]) -> list[tuple[str, ...]]:
    """Find groups of flags of which no image has two, though chance would have it so.

    Chance is what the flags' frequencies say inside each value of the choice that tells the most about them: that no
    hat for men meets a hat for women shows nothing. Groups grow by joining the two with the most evidence between them,
    as long as none of their members were ever seen together.

    Args:
        schema: What the columns are.
        table: (N, A) int16.

    Returns:
        The names of the members of each group, the commonest first.
    """
    flags = [column for column, attribute in enumerate(schema.attributes) if attribute.kind == "flag"]
    present = (table[:, flags] == 1).astype(np.float64)  # (N, F)
    deciding = most_informative_choice(schema, table)
    strata = np.zeros(len(table), dtype=np.int16) if deciding is None else table[:, deciding]
    together = present.T @ present  # (F, F)
    expected = np.zeros_like(together)
    for stratum in np.unique(strata):
        counts = present[strata == stratum].sum(axis=0)
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
    by_frequency = present.sum(axis=0)
    return [
        tuple(schema.names[flags[flag]] for flag in sorted(cluster, key=lambda flag: -by_frequency[flag]))
        for cluster in clusters
        if len(cluster) > 1
    ]


def most_informative_choice(schema: AttributeSchema, table: NDArray[np.int16]) -> int | None:
    """The choice that tells the most about the flags: the mutual information with each of them, summed.

    By chance alone a choice of K options seems to tell (K - 1) / 2N nats about a flag (Miller 1955), which is taken
    off: else one with an option for each image would tell everything.

    Args:
        schema: What the columns are.
        table: (N, A) int16. UNKNOWN counts as an option of its own.

    Returns:
        Its column; None if no choice tells anything.
    """
    present = table[:, [attribute.kind == "flag" for attribute in schema.attributes]] == 1  # (N, F)
    best, most = None, 0.0
    for column, attribute in enumerate(schema.attributes):
        if attribute.kind != "flag" and len(table):
            options, codes = np.unique(table[:, column], return_inverse=True)
            joint = np.zeros((len(options), 2, present.shape[1]))  # (K, absent or present, F), shares of the images
            np.add.at(joint[:, 1], codes, present)
            joint[:, 0] = np.bincount(codes)[:, None] - joint[:, 1]
            joint /= len(table)
            chance = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)
            seen = joint > 0
            told = (joint[seen] * np.log(joint[seen] / chance[seen])).sum()
            told -= present.shape[1] * (len(options) - 1) / (2 * len(table))
            if told > most:
                best, most = column, float(told)
    return best


def named(groups: Sequence[Sequence[str]], names: Mapping[str, str]) -> dict[str, Sequence[str]]:
    """Give groups their names.

    Args:
        groups: The members of each, the commonest first.
        names: What a group is called, by one of its members.

    Returns:
        The members by name; a group of which no member is known is "one of" its two commonest.
    """
    return {
        next(
            (names[member] for member in members if member in names),
            f"one of {members[0]}, {members[1]}" + (", ..." if len(members) > 2 else ""),
        ): members
        for members in groups
    }
