"""What is not known is not absent: counts, groups and imputed values are those of the images that tell."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from noisette.attributes.facts import attribute_facts, describe_attributes
from noisette.attributes.groups import EVIDENCE, _joined, find_groups
from noisette.attributes.imputation import Imputer
from noisette.attributes.schema import UNKNOWN, AttributeSchema, Choice, Flag, Range
from noisette.attributes.statistics import Statistics, count
from noisette.errors import RequestError
from noisette.seeds import IMPUTED, random_of

SCHEMA = AttributeSchema(
    attributes=(
        Choice(name="Body", options=("Red", "Green", "Blue")),
        Flag(name="Earring"),
        Flag(name="Cap"),
        Flag(name="Crown"),
    )
)


def table(images=4000, missing=0.5, seed=0):
    """Bodies 1/2, 1/3 and 1/6; an earring on 40 %; a cap on 30 %, a crown on 30 % of the others."""
    random = np.random.default_rng(seed)
    body = random.choice(3, size=images, p=[1 / 2, 1 / 3, 1 / 6])
    cap = random.random(images) < 0.3
    crown = ~cap & (random.random(images) < 0.3)
    rows = np.stack([body, random.random(images) < 0.4, cap, crown], axis=1).astype(np.int16)
    rows[random.random(rows.shape) < missing] = UNKNOWN
    return rows


def imputed(statistics, draws=1000):
    imputer = Imputer(SCHEMA, statistics)
    nothing = np.full(4, UNKNOWN, np.int16)
    return np.stack([imputer.impute(nothing, random_of(seed, IMPUTED)) for seed in range(draws)])


def test_what_is_imputed_is_as_frequent_as_where_it_is_known():
    drawn = imputed(count(SCHEMA, table()))
    assert (drawn[:, 1] == 1).mean() == pytest.approx(0.4, abs=0.06)
    assert np.bincount(drawn[:, 0]) / len(drawn) == pytest.approx([1 / 2, 1 / 3, 1 / 6], abs=0.06)


def test_flags_that_exclude_each_other_are_found_in_what_is_known():
    assert find_groups(SCHEMA, table()) == [("Cap", "Crown")]


def test_images_of_which_nothing_is_known_change_nothing():
    rows = table(400, missing=0.0)
    more = np.concatenate([rows, np.full((400, 4), UNKNOWN, np.int16)])
    assert find_groups(SCHEMA, rows) == find_groups(SCHEMA, more)
    assert count(SCHEMA, rows).shares(SCHEMA) == pytest.approx(count(SCHEMA, more).shares(SCHEMA))


def test_a_file_says_nothing_of_what_is_known_where_all_is():
    whole, half = count(SCHEMA, table(100, missing=0.0)), count(SCHEMA, table(100))
    assert set(whole.model_dump()) == {"images", "together", "seen"}
    assert whole.completed(SCHEMA).tolist() == whole.table.tolist()
    assert Statistics.model_validate_json(half.model_dump_json()) == half


@pytest.mark.parametrize("known", [[[5]], [[100] * 4] * 3, [[101] * 4] * 4, [[-1] * 4] * 4, [[0] * 4] * 4])
def test_what_is_known_must_fit(known):
    said = count(SCHEMA, table(100)).model_dump() | {"known": tuple(map(tuple, known))}
    with pytest.raises((RequestError, ValueError)):
        Statistics.model_validate(said).check(SCHEMA)


def test_two_that_were_never_known_together_say_nothing_of_each_other():
    rows = table(2000, missing=0.0)
    rows[:1000, 2], rows[1000:, 3] = UNKNOWN, UNKNOWN
    found = attribute_facts(SCHEMA, count(SCHEMA, rows))
    assert ["Cap", "Crown"] not in found["never_together"]
    assert found["known"] == {"Cap": 1000, "Crown": 1000}
    assert "Cap 1,000, Crown 1,000" in describe_attributes(found, everything=False)


def test_ranges_are_listed_in_their_order():
    schema = AttributeSchema(attributes=(Range(name="Level", edges=(4, 9)),))
    options = schema.attributes[0].options
    rows = np.array([[0], [1], [1], [2], [2], [2]], np.int16)
    text = describe_attributes(attribute_facts(schema, count(schema, rows)), everything=False)
    assert text.index(f"{options[0]} 1") < text.index(f"{options[1]} 2") < text.index(f"{options[2]} 3")


@given(seed=st.integers(0, 10**6), flags=st.integers(2, 12))
def test_joining_by_sums_is_joining_by_trying(seed, flags):
    """Held against the definition: the two clusters with the most evidence between all their members."""
    random = np.random.default_rng(seed)
    evidence = random.integers(0, 8, size=(flags, flags)).astype(float)
    evidence += evidence.T
    apart = random.random((flags, flags)) < 0.3
    apart |= apart.T
    clusters = [[flag] for flag in range(flags)]
    while len(clusters) > 1:
        between = {
            (one, two): evidence[np.ix_(clusters[one], clusters[two])].sum()
            for one, two in combinations(range(len(clusters)), 2)
            if not apart[np.ix_(clusters[one], clusters[two])].any()
        }
        if not between or max(between.values()) < EVIDENCE:
            break
        one, two = max(between, key=between.__getitem__)
        clusters[one] += clusters.pop(two)
    assert _joined(evidence, apart) == clusters
