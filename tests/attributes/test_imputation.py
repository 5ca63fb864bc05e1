from __future__ import annotations

import inspect
import json
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from pydantic import ValidationError

from noisette.attributes import imputation
from noisette.attributes.evidence import surprising
from noisette.attributes.imputation import Imputer
from noisette.attributes.schema import UNKNOWN, AttributeSchema, Choice, Flag, Group
from noisette.attributes.statistics import Statistics, count, shown
from noisette.data.sources.sprites import SCHEMA as SPRITES
from noisette.data.sources.sprites import random_table
from noisette.errors import RequestError

TABLE = random_table(600, 1)
IMPUTER = Imputer(SPRITES, count(SPRITES, TABLE))
NEVER = surprising(SPRITES, count(SPRITES, TABLE))


def rows():
    """Rows of the table with a part of them hidden."""
    return st.builds(
        lambda place, seed: np.where(
            np.random.default_rng(seed).random(TABLE.shape[1]) < 0.6, np.int16(UNKNOWN), TABLE[place]
        ),
        st.integers(0, len(TABLE) - 1),
        st.integers(0, 10**6),
    )


@given(row=rows(), seed=st.integers(0, 10**6))
def test_what_is_asked_stays_and_the_rest_is_plausible(row, seed):
    filled = IMPUTER.impute(row, np.random.default_rng(seed))
    known = row != UNKNOWN
    assert_array_equal(filled[known], row[known])
    assert (filled != UNKNOWN).all()
    [present] = shown(SPRITES, filled[None])
    assert not NEVER[np.ix_(present, present)].any()  # chance would show each two of them together, or has
    assert_array_equal(filled, IMPUTER.impute(row, np.random.default_rng(seed)))


def test_a_complete_row_stays_as_it_is():
    for row in TABLE[:20]:
        assert_array_equal(IMPUTER.impute(row, np.random.default_rng(0)), row)


@pytest.mark.slow
@pytest.mark.parametrize(
    "asked", [{}, {"Type": "B"}, {"Type": "A", "Hat": False}, {"Cap": True}, {"Pipe": True, "Cap": False}]
)
def test_what_is_drawn_is_as_often_there_as_the_data_have_it_with_what_is_asked(asked):
    """In data that are a tree, so that the tree is the truth: the type decides hat and beard, the beard the pipe."""
    random = np.random.default_rng(0)
    schema = AttributeSchema(
        attributes=(
            Choice(name="Type", options=("A", "B")),
            Flag(name="Hat"),
            Flag(name="Cap"),
            Flag(name="Beard"),
            Flag(name="Pipe"),
        ),
        groups=(Group(name="head", members=("Hat", "Cap")),),
    )
    kind = random.random(200_000) < 0.3
    head = random.random(len(kind)) * np.where(kind, 1.0, 0.6)
    beard = random.random(len(kind)) < np.where(kind, 0.7, 0.1)
    pipe = random.random(len(kind)) < np.where(beard, 0.5, 0.05)
    table = np.stack([kind, head < 0.2, (head >= 0.2) & (head < 0.5), beard, pipe], axis=1).astype(np.int16)
    imputer, [row] = Imputer(schema, count(schema, table)), schema.encode([asked])
    drawn = np.stack([imputer.impute(row, np.random.default_rng(seed)) for seed in range(4000)])
    real = table[((table == row) | (row == UNKNOWN)).all(axis=1)]
    assert np.abs(drawn.mean(axis=0) - real.mean(axis=0)).max() < 0.03
    assert abs((drawn[:, 3] & drawn[:, 4]).mean() - (real[:, 3] & real[:, 4]).mean()) < 0.03


def test_what_is_excluded_is_never_drawn():
    names = {attribute.name: column for column, attribute in enumerate(SPRITES.attributes)}
    flag = next(attribute.name for attribute in SPRITES.attributes if attribute.kind == "flag")
    choice = next(attribute for attribute in SPRITES.attributes if attribute.kind == "choice")
    nothing = np.full(len(names), UNKNOWN, dtype=np.int16)
    without = {(flag, True), (choice.name, choice.options[0])}
    drawn = np.stack([IMPUTER.impute(nothing, np.random.default_rng(seed), without=without) for seed in range(200)])
    assert (drawn[:, names[flag]] == 0).all()
    assert (drawn[:, names[choice.name]] > 0).all()


def test_what_the_data_never_show_together_can_be_asked_for_and_is_filled_in():
    schema = AttributeSchema(attributes=(Flag(name="Beard"), Flag(name="Veil"), Flag(name="Hat")))
    table = np.array([[1, 0, 0], [1, 0, 1], [0, 1, 0], [0, 0, 1]] * 5, dtype=np.int16)
    imputer = Imputer(schema, count(schema, table))
    filled = imputer.impute(np.array([1, 1, UNKNOWN], dtype=np.int16), np.random.default_rng(0))
    assert_array_equal(filled, [1, 1, 0])  # a hat was never seen with a veil


def _without(row, column):
    other = row.copy()
    other[column] = 0
    return other


def test_what_an_image_has_already_is_passed_over_where_there_is_anything_else():
    seen = {row.tobytes() for row in TABLE}
    nothing = np.full(TABLE.shape[1], UNKNOWN, dtype=np.int16)
    drawn = [IMPUTER.impute(nothing, np.random.default_rng(seed)) for seed in range(200)]
    assert not any(row.tobytes() in seen for row in drawn)
    flags = [column for column, attribute in enumerate(SPRITES.attributes) if attribute.kind == "flag"]
    places = ((number, column) for number, row in enumerate(TABLE) for column in flags if row[column])
    number, hidden = next(
        (number, column) for number, column in places if _without(TABLE[number], column).tobytes() not in seen
    )
    row = TABLE[number].copy()
    row[hidden] = UNKNOWN  # the only image that is left is not the one that it was taken from
    again = {int(IMPUTER.impute(row, np.random.default_rng(seed))[hidden]) for seed in range(50)}
    assert again == {0}


@pytest.mark.slow
def test_passing_over_what_exists_leaves_the_choices_as_often_as_they_are():
    """All that is known of a B exists already, and hardly anything of an A: which of them is drawn must not change by that."""
    random = np.random.default_rng(0)
    schema = AttributeSchema(
        attributes=(Choice(name="Type", options=("A", "B")), *(Flag(name=f"F{number}") for number in range(12)))
    )
    kind = random.random(4000) < 0.5
    flags = random.random((4000, 12)) < np.where(kind, 0.0, 0.3)[:, None]
    table = np.concatenate([kind[:, None], flags], axis=1).astype(np.int16)
    imputer = Imputer(schema, count(schema, table))
    seen = {row.tobytes() for row in table}
    drawn = np.stack(
        [imputer.impute(np.full(13, UNKNOWN, dtype=np.int16), np.random.default_rng(seed)) for seed in range(600)]
    )
    assert abs(drawn[:, 0].mean() - kind.mean()) < 0.06
    assert not any(row.tobytes() in seen for row in drawn if row[0] == 0)


def test_what_cannot_be_together_costs_no_search_for_each_image():
    """Two flags that decide the type differently: no draw fits, which is found out once."""
    schema = AttributeSchema(
        attributes=(Choice(name="Type", options=("A", "B")), Flag(name="Beard"), Flag(name="Veil"), Flag(name="Hat"))
    )
    table = np.array([[0, 1, 0, 0], [0, 1, 0, 1], [1, 0, 1, 0], [1, 0, 0, 1]] * 5, dtype=np.int16)
    imputer = Imputer(schema, count(schema, table))
    row = np.array([UNKNOWN, 1, 1, UNKNOWN], dtype=np.int16)
    draws = 0
    draw = imputer._draw

    def counted(*arguments):
        nonlocal draws
        draws += 1
        return draw(*arguments)

    imputer._draw = counted
    filled = np.stack([imputer.impute(row, np.random.default_rng(seed)) for seed in range(100)])
    assert draws < 1500
    assert (filled[:, 3] == 0).all()  # a hat with the veil would be one more that was never seen
    assert set(filled[:, 0]) <= {0, 1}
    assert_array_equal(filled[70], Imputer(schema, count(schema, table)).impute(row, np.random.default_rng(70)))


def test_of_what_was_filled_in_a_share_is_kept_group_by_group():
    schema = AttributeSchema(
        attributes=(
            Choice(name="Type", options=("A", "B")),
            *(Flag(name=name) for name in ("Hat", "Cap", "Hood", "Beard")),
        ),
        groups=(Group(name="head", members=("Hat", "Cap", "Hood")),),
    )
    table = np.array([[0, 1, 0, 0, 0], [1, 0, 1, 0, 1], [0, 0, 0, 1, 1]], dtype=np.int16)
    imputer = Imputer(schema, count(schema, table))
    row, filled = np.full(5, UNKNOWN, dtype=np.int16), table[1]
    kept = np.stack([imputer.keep(row, filled, 0.7, np.random.default_rng(seed)) for seed in range(2000)])
    known = kept != UNKNOWN
    assert set(np.unique(kept)) <= {UNKNOWN, *filled}
    assert np.abs(known.mean(axis=0) - 0.7).max() < 0.05
    assert (known[:, 1:4] == known[:, 1:2]).all()  # all of the head or nothing of it
    assert (known[:, 0] != known[:, 1]).any()
    assert_array_equal(imputer.keep(row, filled, 1.0, np.random.default_rng(0)), filled)
    assert_array_equal(imputer.keep(row, filled, 0.0, np.random.default_rng(0)), row)


def test_statistics_from_before_fingerprints_fill_in_too_and_damaged_ones_are_refused():
    statistics = count(SPRITES, TABLE)
    before = Statistics.model_validate({"images": statistics.images, "together": statistics.together})
    row = np.full(TABLE.shape[1], UNKNOWN, dtype=np.int16)
    filled = Imputer(SPRITES, before).impute(row, np.random.default_rng(0))
    assert (filled != UNKNOWN).all()
    for seen in ("not base64!", "AAA=", "AAAA" * 10_000):
        with pytest.raises(ValidationError):
            Statistics.model_validate({**statistics.model_dump(), "seen": seen})


def test_statistics_of_the_version_before_have_another_key_and_are_written_with_the_new_one():
    statistics = count(SPRITES, TABLE)
    now = statistics.model_dump()
    assert now["seen"]
    before = {"images": now["images"], "together": now["together"], "worn": now["seen"]}
    assert Statistics.model_validate_json(json.dumps(before)) == statistics
    assert set(json.loads(statistics.model_dump_json())) == {"images", "together", "seen"}


def test_nothing_can_be_drawn_of_nothing():
    with pytest.raises(RequestError, match="no statistics"):
        Imputer(SPRITES, count(SPRITES, TABLE[:0]))


def test_unique_requests_are_all_different_and_there_are_as_many_as_there_can_be():
    """Ten values of a choice, one of them once in ten thousand images, are ten requests and no more."""
    schema = AttributeSchema(attributes=(Choice(name="digit", options=tuple("0123456789")),))
    table = np.arange(10_000)[:, None].clip(0, 9).astype(np.int16)
    imputer = Imputer(schema, count(schema, table))
    requests = imputer.unique_requests(range(10))
    assert sorted(each["digit"] for each in requests) == list("0123456789")
    assert imputer.unique_requests(range(7)) == requests[:7]  # each depends on those before it alone
    with pytest.raises(RequestError, match="only 9 different requests for 10 images"):
        imputer.unique_requests(range(10), without={("digit", "3")})


def test_unique_requests_were_each_seen_together_and_differ_from_random_ones_only_where_these_repeat():
    schema = AttributeSchema(attributes=tuple(Flag(name=name) for name in "abcd"))
    table = np.array([row for row in np.ndindex(2, 2, 2, 2) if not (row[0] and row[3])] * 3, dtype=np.int16)
    imputer = Imputer(schema, count(schema, table))
    unique = imputer.unique_requests(range(12))  # of 16, the 4 with a and d were never seen
    assert len({tuple(each.values()) for each in unique}) == 12
    assert not any(each["a"] and each["d"] for each in unique)
    random, before = [imputer.random_request(seed) for seed in range(12)], []
    for one, other in zip(random, unique, strict=True):
        assert (one == other) == (one not in before)
        before.append(other)


def test_unique_requests_are_found_among_more_flags_than_python_goes_deep(monkeypatch):
    """Every draw is all flags or none, so the others are looked for: flag by flag."""
    schema = AttributeSchema(attributes=tuple(Flag(name=f"flag {number}") for number in range(150)))
    imputer = Imputer(schema, count(schema, np.repeat([[0], [1]], 150, axis=1).astype(np.int16)))
    usual = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack(0)) + 100)
    try:
        requests = imputer.unique_requests(range(5))
    finally:
        sys.setrecursionlimit(usual)
    assert len({tuple(each.values()) for each in requests}) == 5
    monkeypatch.setattr(imputation, "_MOST_VISITED", 140)  # too few for one
    with pytest.raises(RequestError, match="^no more were found than 2 different requests for 5 images"):
        imputer.unique_requests(range(5))


@pytest.mark.parametrize("seed", [0, 5, 2**32 - 1])
def test_the_requests_of_short_seeds_are_those_they_always_were(seed):
    nothing = np.full(TABLE.shape[1], UNKNOWN, dtype=np.int16)
    before = IMPUTER.impute(nothing, np.random.Generator(np.random.PCG64(seed)))
    assert IMPUTER.random_request(seed) == SPRITES.decode(before)
