"""Which flags exclude each other, found in the data: no avatar has two hats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from noisette.attributes.schema import UNKNOWN, AttributeSchema

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
    known = (table[:, flags] != UNKNOWN).astype(np.float64)
    deciding = most_informative_choice(schema, table)
    strata = np.zeros(len(table), dtype=np.int16) if deciding is None else table[:, deciding]
    together = present.T @ present  # (F, F)
    expected = np.zeros_like(together)
    for stratum in np.unique(strata):
        inside = known[strata == stratum]
        both, counts = inside.T @ inside, present[strata == stratum].sum(axis=0)  # (F, F), images that tell of both
        each = both.diagonal()
        expected += np.outer(counts, counts) * both / np.maximum(1, np.outer(each, each))
    clusters = _joined(expected, together > 0)
    by_frequency = present.sum(axis=0)
    return [
        tuple(schema.names[flags[flag]] for flag in sorted(cluster, key=lambda flag: -by_frequency[flag]))
        for cluster in clusters
        if len(cluster) > 1
    ]


def _joined(evidence: NDArray[np.float64], apart: NDArray[np.bool_]) -> list[list[int]]:
    """Join the two clusters with the most evidence between them, again and again.

    Args:
        evidence: (F, F), symmetric; between clusters it is the sum over their members.
        apart: (F, F), which two can never be in one cluster.

    Returns:
        The members of each cluster.
    """
    clusters = [[flag] for flag in range(len(evidence))]
    evidence = np.where(apart | np.tri(len(evidence), dtype=np.bool_), -np.inf, evidence)  # of each pair once
    while len(clusters) > 1:
        first, second = divmod(int(evidence.argmax()), len(clusters))
        if evidence[first, second] < EVIDENCE:
            break
        clusters[first] += clusters.pop(second)
        whole = np.maximum(evidence, evidence.T)  # below the diagonal there is -inf
        whole[first] += whole[second]
        whole[:, first] = whole[first]
        whole = np.delete(np.delete(whole, second, axis=0), second, axis=1)
        evidence = np.where(np.tri(len(whole), dtype=np.bool_), -np.inf, whole)
    return clusters


def most_informative_choice(schema: AttributeSchema, table: NDArray[np.int16]) -> int | None:
    """The choice that tells the most about the flags: the mutual information with each of them, summed.

    By chance alone a choice of K options seems to tell (K - 1) / 2N nats about a flag (Miller 1955), which is taken
    off: else one with an option for each image would tell everything.

    Args:
        schema: What the columns are.
        table: (N, A) int16. Images count where both the choice and the flag are known.

    Returns:
        Its column; None if no choice tells anything.
    """
    flags = table[:, [attribute.kind == "flag" for attribute in schema.attributes]]  # (N, F)
    best, most = None, 0.0
    for column, attribute in enumerate(schema.attributes):
        told_of = table[:, column] != UNKNOWN
        if attribute.kind != "flag" and told_of.any():
            options, codes = np.unique(table[told_of, column], return_inverse=True)
            joint = np.zeros((len(options), 2, flags.shape[1]))  # (K, absent or present, F), shares of the images
            for state in (0, 1):
                np.add.at(joint[:, state], codes, flags[told_of] == state)
            images = joint.sum(axis=(0, 1))  # (F,)
            joint /= np.maximum(images, 1)
            chance = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)
            seen = joint > 0
            told = (joint[seen] * np.log(joint[seen] / chance[seen])).sum()
            told -= ((len(options) - 1) / (2 * images[images > 0])).sum()
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
