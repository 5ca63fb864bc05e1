"""What unseen pairs say: nothing of layers that have nothing to do with each other, much where chance would show them."""

from __future__ import annotations

import numpy as np
import pytest

from noisette.attributes.evidence import surprising
from noisette.attributes.imputation import Imputer
from noisette.attributes.parsing import parse_request
from noisette.attributes.schema import UNKNOWN, AttributeSchema, Choice, Flag
from noisette.attributes.statistics import count
from noisette.errors import RequestError

LAYERS = {"body": 30, "accessory": 143, "head": 254, "glasses": 23, "background": 2}
SCHEMA = AttributeSchema(
    attributes=tuple(
        Choice(name=name, options=tuple(f"{name} {number}" for number in range(many))) for name, many in LAYERS.items()
    )
)


def independent(images, seed=0):
    random = np.random.default_rng(seed)
    return np.stack([random.integers(many, size=images) for many in LAYERS.values()], axis=1).astype(np.int16)


@pytest.mark.parametrize("images", [300, 1_000, 10_000])
def test_of_independent_layers_no_pair_is_surprising(images):
    statistics = count(SCHEMA, independent(images))
    never = surprising(SCHEMA, statistics)
    assert never.sum() <= 2
    counted = count(SCHEMA, independent(images)).table.diagonal()
    firsts = np.cumsum([0, *LAYERS.values()])[:-1]
    asked = [row for row in independent(300, seed=1) if counted[firsts + row].all()]  # each part is seen somewhere
    assert len(asked) > 50
    assert all(parse_request(SCHEMA.decode(row), SCHEMA, statistics).notes == () for row in asked)


def test_layers_that_have_nothing_to_do_with_each_other_are_imputed_as_often_as_they_are():
    table = independent(1_000)
    imputer = Imputer(SCHEMA, count(SCHEMA, table))
    drawn = SCHEMA.encode([imputer.random_request(seed) for seed in range(600)])
    for column, many in enumerate(LAYERS.values()):
        shares = np.bincount(table[:, column], minlength=many) / len(table)
        found = np.bincount(drawn[:, column], minlength=many)
        there = shares > 0
        assert not found[~there].any()
        chi_square = ((found - 600 * shares)[there] ** 2 / (600 * shares[there])).sum()
        freedom = there.sum() - 1
        assert chi_square < freedom + 5 * np.sqrt(2 * freedom)
    pairs = {tuple(row) for row in table[:, 1:3]}
    assert np.mean([tuple(row) in pairs for row in drawn[:, 1:3]]) < 0.2  # not copies of the pairs that were seen


def test_one_exclusion_among_many_layers_is_found_and_nothing_else():
    table = independent(4_000)
    apart = (table[:, 0] == 3) & (table[:, 3] == 5)
    table[apart, 3] = 6
    table[:, 4] = np.where(table[:, 3] == 7, 0, table[:, 4])  # glasses 7 come with one background alone
    statistics = count(SCHEMA, table)
    with pytest.raises(RequestError, match="glasses 7 never occurs with|never occurs with glasses glasses 7"):
        parse_request("glasses 7, background 1", SCHEMA, statistics)
    assert surprising(SCHEMA, statistics).sum() <= 4
    imputer = Imputer(SCHEMA, statistics)
    row = np.full(len(LAYERS), UNKNOWN, dtype=np.int16)
    row[3] = 7
    assert all(imputer.random_request(seed, given=row)["background"] == "background 0" for seed in range(50))


def test_kinds_that_exclude_many_things_are_refused_even_where_they_are_rare():
    """Of 10,000, nine are aliens: that none of them wears one of forty things is no chance, whatever the thing."""
    random = np.random.default_rng(0)
    flags = tuple(Flag(name=f"thing {number}") for number in range(4))
    schema = AttributeSchema(attributes=(Choice(name="kind", options=("human", "robot")), *flags))
    table = np.concatenate([random.integers(2, size=(1_000, 1)), random.random((1_000, 4)) < 0.2], axis=1)
    table[table[:, 0] == 1, 1:] = 0
    statistics = count(schema, table.astype(np.int16))
    with pytest.raises(RequestError, match="thing 2 never occurs with kind robot"):
        parse_request("robot, thing 2", schema, statistics)
