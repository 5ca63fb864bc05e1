"""The tree of the imputer, all flags at once: the same tree as pair by pair, to the bit."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from noisette.attributes.schema import UNKNOWN, AttributeSchema, Choice, Flag
from noisette.attributes.statistics import count
from noisette.attributes.tree import joint_of, tree_of


def pair_by_pair(units, together, images):
    """The definition: what two units tell of each other, of one pair at a time."""

    def information(one, other):
        joint = joint_of(units[one], units[other], together, images) / images
        chance = np.outer(joint.sum(axis=1), joint.sum(axis=0))
        seen = joint > 0
        freedom = len(units[one]) * len(units[other])
        return float((joint[seen] * np.log(joint[seen] / chance[seen])).sum()) - freedom / (2 * images)

    order = [(0, None)]
    best = {unit: (information(0, unit), 0) for unit in range(1, len(units))}
    while best:
        unit = max(best, key=lambda each: best[each][0])
        told, parent = best.pop(unit)
        order.append((unit, parent if told > 0 else None))
        for other, (known, _) in best.items():
            if (more := information(unit, other)) > known:
                best[other] = (more, unit)
    return order


@given(
    seed=st.integers(0, 10**6),
    flags=st.integers(0, 25),
    images=st.integers(1, 300),
    missing=st.sampled_from([0.0, 0.5]),
    grouped=st.booleans(),
)
def test_the_tree_of_all_flags_at_once_is_that_of_one_pair_at_a_time(seed, flags, images, missing, grouped):
    """Ties and all: few images have many flags that tell exactly as much as another."""
    random = np.random.default_rng(seed)
    schema = AttributeSchema(
        attributes=(Choice(name="Body", options=("a", "b", "c")), *(Flag(name=f"f{n}") for n in range(flags)))
    )
    body = random.integers(0, 3, (images, 1))
    table = np.hstack([body, random.random((images, flags)) < 0.1 + 0.2 * body]).astype(np.int16)
    table[random.random(table.shape) < missing] = UNKNOWN
    together = count(schema, table).completed(schema)
    singles = list(range(3, 3 + flags))
    group = [singles[:3]] if grouped and flags >= 3 else []
    units = [[0, 1, 2], *group, *([place] for place in singles[3 if group else 0 :])]
    assert tree_of(units, together, images) == pair_by_pair(units, together, images)
