"""What it says that two values were never seen together: much, or nothing at all.

Of a thousand images with thirty bodies and two hundred heads most pairs are never seen, and mean nothing. That none of
two thousand hats meets a helmet means that none can.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from noisette.attributes.groups import EVIDENCE
from noisette.attributes.schema import AttributeSchema
from noisette.attributes.statistics import Statistics

_CHANCE = 0.05
"""That a table of two attributes that have nothing to do with each other has a pair that is taken for impossible."""

_DEVIATIONS = 3.0
_MORE = 2.0
"""Standard deviations, and pairs: so many more than chance explains are unseen where two attributes exclude each other.
"""


def surprising(schema: AttributeSchema, statistics: Statistics) -> NDArray[np.bool_]:
    """Which pairs of values were never seen together though chance would have shown it.

    Chance is that of two attributes (or groups) which have nothing to do with each other: a pair is then unseen with
    the probability exp(-n m / N), where N is the images of which both are known. A pair is surprising by itself where
    that is small among all pairs of its two attributes; and with all unseen pairs of them, where these are far more
    than chance has it.

    Args:
        schema: What the values are of.
        statistics: Counts of the images.

    Returns:
        (V, V), symmetric, in the order of `value_names`; False for values of one attribute or group, which exclude each
        other by what they are, and for those that no image has.
    """
    key = schema.units
    if (known := statistics.kept.get(key)) is not None:
        return known
    found = statistics.kept[key] = _surprising(schema, statistics)
    return found


def _surprising(schema: AttributeSchema, statistics: Statistics) -> NDArray[np.bool_]:
    together = statistics.table.astype(np.float64)
    counts = together.diagonal()
    units = np.array([unit for unit, codes in zip(schema.units, schema.valued, strict=True) for _ in codes], dtype=int)
    there = counts > 0
    apart = (units[:, None] != units) & there[:, None] & there
    unseen = apart & (together == 0)
    both = statistics.known_of_values(schema).astype(np.float64)  # in these chance could show the pair
    each = both.diagonal()
    expected = np.outer(counts, counts) * both / np.maximum(1, np.outer(each, each))
    chance = np.where(apart, np.exp(-expected), 0.0)

    members = (units[:, None] == np.unique(units)).astype(np.float64)  # (V, U)

    def per_pair(of_values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The sum over the pairs of values of each two units, at the places of these values, (V, V)."""
        sums: NDArray[np.float64] = members @ (members.T @ of_values @ members) @ members.T
        return sums

    pairs, seen_less = per_pair(apart.astype(np.float64)), per_pair(unseen.astype(np.float64))
    by_chance, variance = per_pair(chance), per_pair(chance * (1 - chance))
    alone = expected >= np.maximum(EVIDENCE, np.log(np.maximum(pairs, 1) / _CHANCE))
    many = seen_less - by_chance > np.maximum(_MORE, _DEVIATIONS * np.sqrt(variance))
    found: NDArray[np.bool_] = unseen & (alone | many)
    return found
