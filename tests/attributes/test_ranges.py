"""Numbers in ranges: as many in each, no two equal numbers apart, and a request finds its own."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from noisette.attributes.parsing import describe, parse_request
from noisette.attributes.ranges import FEWEST, day_of, ranges_of
from noisette.attributes.schema import AttributeSchema, Range
from noisette.attributes.statistics import count
from noisette.errors import RequestError


@given(st.lists(st.floats(-1e9, 1e9) | st.integers(-50, 50), min_size=1, max_size=300), st.integers(2, 12))
def test_each_range_has_enough_and_nothing_is_lost(values, most):
    edges = ranges_of(values, most=most)
    assert len(edges) < most
    if not edges:
        return
    attribute = Range(name="n", edges=edges)
    codes = np.bincount([attribute.code_of(value) for value in values], minlength=len(attribute.options))
    assert codes.min() >= FEWEST
    assert codes.sum() == len(values)


def test_evenly_spread_numbers_are_divided_evenly_at_numbers_that_can_be_read():
    assert ranges_of(range(1, 81)) == (10, 20, 30, 40, 50, 60, 70)
    assert ranges_of([3.0] * 100) == ()
    assert ranges_of([1, 2, 3]) == ()


LEVEL = Range(name="Level", edges=(10, 20.5), optional=True)
BORN = Range(name="Born", edges=(19_000, 19_500), unit="date")
SCHEMA = AttributeSchema(attributes=(LEVEL, BORN))


@given(st.lists(st.integers(-(10**6), 10**6) | st.floats(-1e9, 1e9), min_size=1, max_size=20), st.booleans())
def test_the_number_that_stands_for_a_range_lies_in_it(numbers, optional):
    try:
        attribute = Range(name="n", edges=tuple(sorted(map(float, numbers))), optional=optional)
    except ValidationError:  # edges that cannot be told apart
        return
    for code in range(len(attribute.options)):
        assert attribute.code_of(attribute.number_of(code)) == code


def test_a_middle_stands_for_a_range_and_is_whole_where_the_edges_are():
    assert [LEVEL.number_of(code) for code in range(4)] == [None, 10, 15.25, 25.75]
    assert [Range(name="n", edges=(7, 11, 14)).number_of(code) for code in range(4)] == [7, 9, 13, 16]
    assert [Range(name="n", edges=(7,)).number_of(code) for code in range(2)] == [7, 8]


@pytest.mark.parametrize("level", LEVEL.options)
@pytest.mark.parametrize("born", BORN.options)
def test_a_range_is_told_with_its_name_and_can_be_typed_again(level, born):
    table = np.array([[code, day] for code in range(4) for day in range(3)] * 9, dtype=np.int16)
    told = describe({"Level": level, "Born": born}, SCHEMA)
    assert told == f"{'Level=None' if level == 'None' else f'Level: {level}'}, Born: {born}"
    assert parse_request(told, SCHEMA, count(SCHEMA, table)).attributes == {"Level": level, "Born": born}


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ("Level=7", {"Level": "up to 10"}),
        ("Level: 10", {"Level": "up to 10"}),
        ("Level=10.01", {"Level": "10 to 20.5"}),
        ("Level=1e3", {"Level": "above 20.5"}),
        ("Level=-3", {"Level": "up to 10"}),
        ("Level=none", {"Level": "None"}),
        ("Level=above 20.5", {"Level": "above 20.5"}),
        ("Born=2022-01-08", {"Born": "up to 2022-01-08"}),
        ("Born=2023-01-01", {"Born": "2022-01-08 to 2023-05-23"}),
        ({"Level": 15, "Born": "2030-01-01"}, {"Level": "10 to 20.5", "Born": "above 2023-05-23"}),
    ],
)
def test_a_request_finds_its_range(request_, expected):
    table = np.array([[code, day] for code in range(4) for day in range(3)] * 9, dtype=np.int16)
    assert parse_request(request_, SCHEMA, count(SCHEMA, table), allow_unseen=True).attributes == expected


@pytest.mark.parametrize(
    ("request_", "note"),
    [
        ("Level=2000", 'Level=2000 lies far above 20.5, where the highest range begins; it asks for "above 20.5"'),
        ({"level": -900}, 'Level=-900 lies far below 10, where the lowest range ends; it asks for "up to 10"'),
        ("Born=2200-01-01", "Born=2200-01-01 lies far above 2023-05-23"),
        ("Level=28", None),
        ("Level=2", None),
        ("Level=none", None),
        ("Level=above 20.5", None),
    ],
)
def test_a_number_far_outside_of_all_ranges_is_told_what_it_asks_for(request_, note):
    table = np.array([[code, day] for code in range(4) for day in range(3)] * 9, dtype=np.int16)
    notes = parse_request(request_, SCHEMA, count(SCHEMA, table)).notes
    assert [each[: len(note)] for each in notes] == [note] if note else notes == ()


@pytest.mark.parametrize("wrong", ["Level=abc", "Level=1/2", "Born=7", "Born=2023-13-01"])
def test_what_is_no_number_is_refused_in_a_line(wrong):
    table = np.zeros((9, 2), dtype=np.int16)
    with pytest.raises(RequestError, match=r"cannot be .*; it can be "):
        parse_request(wrong, SCHEMA, count(SCHEMA, table), allow_unseen=True)


def test_edges_ascend_and_say_what_they_are():
    assert LEVEL.options == ("None", "up to 10", "10 to 20.5", "above 20.5")
    for edges in ((), (2, 1), (1, 1), (float("nan"),), (1, 1 + 1e-15)):
        with pytest.raises(ValidationError):
            Range(name="n", edges=edges)
    assert day_of("1970-01-02T10:00:00Z") == 1
    assert day_of("soon") is None
