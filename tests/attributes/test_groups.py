from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from noisette.attributes.groups import find_groups, most_informative_choice, named
from noisette.attributes.schema import AttributeSchema, Choice, Flag, Group
from noisette.errors import RequestError


def flags(*names):
    return AttributeSchema(attributes=tuple(Flag(name=name) for name in names))


def test_hats_that_never_meet_are_a_group_and_earrings_are_not():
    random = np.random.default_rng(0)
    hat = random.integers(0, 4, 1000)  # none, cap, crown, hood
    table = np.stack([*(hat == code for code in (1, 2, 3)), random.random(1000) < 0.3], axis=1).astype(np.int16)
    schema = flags("Cap", "Crown", "Hood", "Earring")
    [group] = find_groups(schema, table)
    assert set(group) == {"Cap", "Crown", "Hood"}


def test_two_rare_flags_that_happen_not_to_meet_are_no_group():
    table = np.zeros((1000, 2), dtype=np.int16)
    table[:20, 0] = 1
    table[20:40, 1] = 1  # by chance 0.4 images would have both
    assert find_groups(flags("Tiara", "Pipe"), table) == []


def test_hats_for_men_and_for_women_exclude_each_other_by_the_type_alone():
    """What never meets because the types are apart shows nothing."""
    schema = AttributeSchema(
        attributes=(Choice(name="type", options=("Male", "Female")), Flag(name="Cap"), Flag(name="Tiara"))
    )
    kind = np.arange(1000) % 2
    table = np.stack(
        [kind, (kind == 0) & (np.arange(1000) % 4 == 0), (kind == 1) & (np.arange(1000) % 4 == 1)], axis=1
    ).astype(np.int16)
    assert find_groups(schema, table) == []


WEATHER_AND_TYPE = AttributeSchema(
    attributes=(
        Choice(name="weather", options=("Sun", "Rain")),
        Flag(name="Cap"),
        Choice(name="type", options=("Male", "Female")),
        Flag(name="Tiara"),
    )
)


def weather_and_type(count, seed=0):
    """Caps are for men, tiaras for women; the weather, which comes first, says nothing."""
    random = np.random.default_rng(seed)
    weather, kind = random.integers(0, 2, (2, count))
    cap, tiara = (random.random(count) < 0.5) & (kind == 0), (random.random(count) < 0.5) & (kind == 1)
    return np.stack([weather, cap, kind, tiara], axis=1).astype(np.int16)


def test_it_is_the_type_that_counts_though_the_weather_comes_first():
    table = weather_and_type(1000)
    assert most_informative_choice(WEATHER_AND_TYPE, table) == 2
    assert find_groups(WEATHER_AND_TYPE, table) == []


def test_a_choice_that_decides_a_flag_tells_its_whole_entropy():
    """Two choices, one that decides the flag and one that does so nine times of ten."""
    kind = np.arange(1000) % 2
    nearly = np.where(np.arange(1000) % 10 == 0, 1 - kind, kind)
    schema = AttributeSchema(
        attributes=(
            Choice(name="nearly", options=("a", "b")),
            Choice(name="exactly", options=("c", "d")),
            Flag(name="Hat"),
        )
    )
    assert most_informative_choice(schema, np.stack([nearly, kind, kind], axis=1).astype(np.int16)) == 1


@given(st.integers(0, 100))
def test_a_choice_with_an_option_for_each_image_tells_nothing(seed):
    """Else nothing would ever exclude anything."""
    table = weather_and_type(300, seed)
    numbered = np.concatenate([np.arange(300)[:, None], table[:, 1:]], axis=1).astype(np.int16)
    schema = AttributeSchema(
        attributes=(Choice(name="number", options=tuple(map(str, range(300)))), *WEATHER_AND_TYPE.attributes[1:])
    )
    assert most_informative_choice(schema, numbered) == 2


def test_without_choices_or_images_nothing_tells_of_the_flags():
    assert most_informative_choice(flags("Cap", "Crown"), np.ones((10, 2), dtype=np.int16)) is None
    assert most_informative_choice(WEATHER_AND_TYPE, np.zeros((0, 4), dtype=np.int16)) is None
    assert find_groups(WEATHER_AND_TYPE, np.zeros((0, 4), dtype=np.int16)) == []


@given(st.lists(st.lists(st.booleans(), min_size=6, max_size=6), min_size=1, max_size=60))
def test_no_image_has_two_members_of_a_found_group(rows):
    schema = flags(*"abcdef")
    table = np.array(rows, dtype=np.int16)
    groups = find_groups(schema, table)
    members = [member for group in groups for member in group]
    assert len(set(members)) == len(members)
    for group in groups:
        columns = [schema.names.index(member) for member in group]
        assert (table[:, columns].sum(axis=1) <= 1).all()


def test_groups_get_the_names_of_members_that_are_known():
    groups = [("Cap", "Crown"), ("Pipe", "Cigarette", "Vape")]
    assert list(named(groups, {"Crown": "hat"})) == ["hat", "one of Pipe, Cigarette, ..."]


def test_a_group_of_strangers_or_of_flags_twice_is_refused():
    schema = flags("Cap", "Crown", "Hood")
    with pytest.raises(RequestError, match='the member "Cup", which is no flag; nearest: Cap'):
        schema.with_groups({"hat": ["Cup", "Crown"]})
    with pytest.raises(RequestError, match='"Cap" is a member of two groups'):
        schema.with_groups({"hat": ["Cap", "Crown"], "top": ["Cap", "Hood"]})
    with pytest.raises(ValueError, match='"Cap" and "cap" differ by case'):
        AttributeSchema(attributes=schema.attributes, groups=(Group(name="cap", members=("Cap", "Crown")),))


def test_the_units_of_a_schema_are_its_groups():
    schema = flags("Cap", "Earring", "Crown").with_groups({"hat": ["Cap", "Crown"]})
    assert schema.units == (0, 1, 0)
