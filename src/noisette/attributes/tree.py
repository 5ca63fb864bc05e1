"""The tree of attributes: each is joined to the one that tells the most of it (Chow and Liu 1968)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def joint_of(
    one: Sequence[int], other: Sequence[int], together: NDArray[np.float64], images: int
) -> NDArray[np.float64]:
    """How often each value of one unit meets each of another.

    Args:
        one: The K values of a unit.
        other: The L values of another.
        together: (V, V), for each two values the images that have both.
        images: How many there are.

    Returns:
        (K + 1, L + 1), images; the last of each is "none of them".
    """
    counts = together.diagonal()
    joint = np.zeros((len(one) + 1, len(other) + 1))
    joint[:-1, :-1] = together[np.ix_(one, other)]
    joint[:-1, -1] = counts[one] - joint[:-1, :-1].sum(axis=1)
    joint[-1, :-1] = counts[other] - joint[:-1, :-1].sum(axis=0)
    joint[-1, -1] = images - joint.sum()
    return joint.clip(min=0)


def tree_of(units: Sequence[Sequence[int]], together: NDArray[np.float64], images: int) -> list[tuple[int, int | None]]:
    """The units in the order of drawing, each with the one before it that tells the most of it.

    Args:
        units: The values of each, at least one unit.
        together: (V, V), for each two values the images that have both.
        images: How many there are, 1 and up.

    Returns:
        The number of each unit and that of its parent; None where none tells more than chance would have it:
        (K - 1)(L - 1) / 2N nats (Miller 1955).
    """
    left = np.arange(1, len(units))
    told = _information(units, 0, left, together, images)  # of each that is left, by the one that tells the most of it
    parents = np.zeros(len(left), dtype=np.intp)
    order: list[tuple[int, int | None]] = [(0, None)]
    while len(left):
        place = int(told.argmax())
        unit = int(left[place])
        order.append((unit, int(parents[place]) if told[place] > 0 else None))
        left, told, parents = np.delete(left, place), np.delete(told, place), np.delete(parents, place)
        more = _information(units, unit, left, together, images)
        parents = np.where(more > told, unit, parents)
        told = np.maximum(told, more)
    return order


def _information(
    units: Sequence[Sequence[int]], one: int, others: NDArray[np.intp], together: NDArray[np.float64], images: int
) -> NDArray[np.float64]:
    """(M,), how much a unit tells of each of M others, in nats, less what it seems to tell by chance."""
    found = np.zeros(len(others))
    both_single = np.array([len(units[one]) == 1 == len(units[other]) for other in others], dtype=np.bool_)
    if both_single.any():
        found[both_single] = _of_singles(
            units[one][0], np.array([units[other][0] for other in others[both_single]]), together, images
        )
    for place in np.flatnonzero(~both_single):
        other = units[others[place]]
        joint = joint_of(units[one], other, together, images) / images
        chance = np.outer(joint.sum(axis=1), joint.sum(axis=0))
        seen = joint > 0
        freedom = len(units[one]) * len(other)  # "none of them" is a value too, or is never there
        found[place] = (joint[seen] * np.log(joint[seen] / chance[seen])).sum() - freedom / (2 * images)
    return found


def _of_singles(one: int, others: NDArray[np.intp], together: NDArray[np.float64], images: int) -> NDArray[np.float64]:
    """The same of values that are alone in their units, such as flags, all at once and to the last bit: a tree that
    changed would change the pictures of every seed.
    """
    counts = together.diagonal()
    both = together[one, others]
    first, second = counts[one] - both, counts[others] - both
    neither = images - (both + first + second)
    both, first, second, neither = (each.clip(min=0) / images for each in (both, first, second, neither))
    has, lacks = both + first, second + neither  # of the one
    its, others_lack = both + second, first + neither
    told = np.zeros(len(others))
    for joint, chance in (
        (both, has * its),
        (first, has * others_lack),
        (second, lacks * its),
        (neither, lacks * others_lack),
    ):
        seen = joint > 0
        told[seen] += joint[seen] * np.log(joint[seen] / chance[seen])
    return told - 1 / (2 * images)
