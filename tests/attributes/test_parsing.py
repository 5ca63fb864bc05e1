from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from noisette.attributes.imputation import Imputer
from noisette.attributes.parsing import attribute_behind, describe, parse_request, typed, values_behind
from noisette.attributes.schema import UNKNOWN, AttributeSchema, Choice, Flag, Group
from noisette.attributes.statistics import Statistics, count, value_names
from noisette.data.sources.sprites import SCHEMA as SPRITES
from noisette.data.sources.sprites import random_table
from noisette.errors import RequestError
from noisette.store.locate import locate

SCHEMA = AttributeSchema(
    attributes=(
        Choice(name="type", options=("Male", "Female", "Ape")),
        Flag(name="Big Shades"),
        Flag(name="3D Glasses"),
        Flag(name="Do-rag"),
        Flag(name="Earring"),
        Flag(name="Pipe"),
    ),
    groups=(Group(name="eyes", members=("Big Shades", "3D Glasses")),),
)
TABLE = np.array(
    [
        [0, 1, 0, 0, 1, 0],
        [0, 0, 1, 1, 0, 0],
        [1, 1, 0, 0, 0, 0],
        [1, 0, 0, 0, 1, 0],
        [2, 0, 0, 1, 0, 0],
        [0, 0, 0, 0, 0, 1],
    ],
    dtype=np.int16,
)
STATISTICS = count(SCHEMA, TABLE)


def values(asked, **options):
    return parse_request(asked, SCHEMA, STATISTICS, **options).attributes


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("Male, Big Shades, no Earring", {"type": "Male", "Big Shades": True, "3D Glasses": False, "Earring": False}),
        ("female", {"type": "Female"}),
        ("type=ape , DO RAG", {"type": "Ape", "Do-rag": True}),
        ("type: Male, without earring", {"type": "Male", "Earring": False}),
        ("eyes=3d glasses", {"Big Shades": False, "3D Glasses": True}),
        ("eyes: none", {"Big Shades": False, "3D Glasses": False}),
        ("no eyes", {"Big Shades": False, "3D Glasses": False}),
        ("earring=yes, earring", {"Earring": True}),
        ("male, ,", {"type": "Male"}),
        ("\uff2d\uff41\uff4c\uff45", {"type": "Male"}),  # as wide as Chinese characters
    ],
)
def test_a_text_means(text, meant):
    assert values(text) == meant


def test_a_mapping_means_the_same_as_its_text():
    mapping = {"type": "Female", "Big Shades": True, "Earring": False}
    assert values(mapping) == values("Female, Big Shades, no Earring")
    assert values({"TYPE": "female"}) == values({"Female": True}) == {"type": "Female"}


def test_numbers_name_digits():
    digits = AttributeSchema(attributes=(Choice(name="digit", options=tuple("0123456789")),))
    statistics = count(digits, np.arange(10, dtype=np.int16)[:, None])
    assert [
        parse_request(asked, digits, statistics).attributes for asked in ("7", "digit=7", {"digit": 7}, {"digit": "7"})
    ] == [{"digit": "7"}] * 4


def test_what_is_not_mentioned_is_unknown_and_only_makes_it_absent():
    assert parse_request("Male, Earring", SCHEMA, STATISTICS).codes.tolist() == [
        0,
        UNKNOWN,
        UNKNOWN,
        UNKNOWN,
        1,
        UNKNOWN,
    ]
    assert parse_request("Male, Earring", SCHEMA, STATISTICS, only=True).codes.tolist() == [0, 0, 0, 0, 1, 0]
    assert parse_request("Earring", SCHEMA, STATISTICS, only=True).codes.tolist() == [
        UNKNOWN,
        0,
        0,
        0,
        1,
        0,
    ]  # a type it must have


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("Big Shade", 'no attribute "Big Shade"; nearest: Big Shades'),
        ("Mail", 'no attribute "Mail"; nearest: Male'),
        ("Male Earring", "commas separate what is asked for"),
        ("", "the request is empty"),
        (" , ", "the request is empty"),
        ("type=Zombi", "type cannot be"),
        ("eyes", "which eyes? Name one, such as eyes=Big Shades, or no eyes"),
        ("type", "which type? Name one, such as type=Male"),
        ("no Male", 'the type cannot be asked for by what it is not; leave "Male" out, or exclude it'),
        ("Earring, no Earring", "the request contradicts itself: Earring is both asked for and ruled out"),
        ("Male, Female", "the request contradicts itself: type is both Male and Female"),
        (
            "Big Shades, 3D Glasses",
            "Big Shades and 3D Glasses are both eyes, and no image has two; drop one, or use --allow-unseen",
        ),
        ({"Earring": 3}, "Earring is there or not: its value is true or false, not 3"),
        ({"type": True}, "which type? Name one, such as type=Male"),
        ({"type": None}, "type cannot be None"),
        ({3: True}, "the names in a request are text, not 3"),
        (["Male"], "a request is a text or a mapping of names to values, not list"),
    ],
)
def test_what_cannot_be_asked_for(asked, message):
    with pytest.raises(RequestError) as error:
        values(asked)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_the_unseen_can_be_asked_for_on_purpose():
    assert values("Ape, Earring", allow_unseen=True) == {"type": "Ape", "Earring": True}
    assert values("Big Shades, 3D Glasses", allow_unseen=True) == {"Big Shades": True, "3D Glasses": True}


def test_accessories_that_never_met_are_allowed_with_a_note():
    parsed = parse_request("Pipe, Earring", SCHEMA, STATISTICS)
    assert parsed.notes == ("Earring and Pipe were never seen together; expect the worse for it",)


HEADS = AttributeSchema(
    attributes=tuple(Flag(name=name) for name in ("Helmet", "Cap", "Crown", "Pipe", "Ruff")),
    groups=(Group(name="hat", members=("Cap", "Crown")),),
)


def test_what_is_never_seen_with_a_whole_group_is_refused_even_if_it_seldom_met_the_one():
    """By chance a helmet would meet a crown once in 400 images, but some hat 20 times."""
    table = np.zeros((400, 5), dtype=np.int16)
    table[:40, 0] = 1
    table[40:240, 1] = 1
    table[240:250, 2] = 1
    table[30:50, 3] = 1
    statistics = count(HEADS, table)
    for asked, what in (("Helmet, Crown", "Crown"), ("Cap, Helmet", "Cap")):
        with pytest.raises(RequestError, match=rf"Helmet is never seen with any hat \({what} is one\)"):
            parse_request(asked, HEADS, statistics)
        assert parse_request(asked, HEADS, statistics, allow_unseen=True).attributes["Helmet"] is True
    parse_request("Helmet, Pipe", HEADS, statistics)
    assert parse_request("Crown, Pipe", HEADS, statistics).notes  # by chance half an image: no evidence, but a warning


def test_what_all_apes_have_is_said_with_the_ape():
    schema = AttributeSchema(
        attributes=(Choice(name="type", options=("Man", "Ape")), Choice(name="skin", options=("Dark", "Light", "Fur")))
    )
    table = np.array([[0, 0]] * 40 + [[0, 1]] * 40 + [[1, 2]] * 8, dtype=np.int16)
    statistics = count(schema, table)
    assert parse_request("Ape", schema, statistics).attributes == {"type": "Ape", "skin": "Fur"}
    assert parse_request("Fur", schema, statistics).attributes == {"type": "Ape", "skin": "Fur"}
    assert parse_request("Dark", schema, statistics).attributes == {"type": "Man", "skin": "Dark"}
    assert parse_request("Man", schema, statistics).attributes == {"type": "Man"}  # dark or light
    assert parse_request("Ape, Light", schema, statistics, allow_unseen=True).attributes == {
        "type": "Ape",
        "skin": "Light",
    }


def test_one_image_says_nothing_of_all():
    """The only man with a pipe is dark: that may be chance."""
    table = np.array([[0, 1], [0, 0], [1, 0], [1, 0], [0, 0]], dtype=np.int16)
    schema = AttributeSchema(attributes=(Choice(name="skin", options=("Dark", "Light")), Flag(name="Pipe")))
    assert parse_request("Pipe", schema, count(schema, table)).attributes == {"Pipe": True}


def test_what_no_image_has_is_refused():
    statistics = count(HEADS, np.zeros((10, 5), dtype=np.int16))
    with pytest.raises(
        RequestError, match="none of the 10 images it was trained on has Ruff; leave it out, or use --allow-unseen"
    ):
        parse_request("Ruff", HEADS, statistics)
    assert parse_request("Ruff", HEADS, statistics, allow_unseen=True).attributes == {"Ruff": True}


def test_a_name_of_two_options_must_say_whose():
    statistics = count(SPRITES, random_table(500, 0))
    with pytest.raises(RequestError, match='"None" can mean several things; write Beard=None or Hair=None or'):
        parse_request("None", SPRITES, statistics)
    assert parse_request("hair=none", SPRITES, statistics).attributes == {"Hair": "None"}
    assert parse_request("no hair, without beard", SPRITES, statistics).attributes == {"Hair": "None", "Beard": "None"}


def test_a_name_stands_for_its_attribute():
    assert [attribute_behind(name, SCHEMA) for name in ("male", "TYPE", "do rag", "eyes")] == [
        "type",
        "type",
        "Do-rag",
        "Big Shades",
    ]


@pytest.mark.parametrize("together", [((-1,),), ((5,),), ((2, 3), (3, 3))])
def test_statistics_that_cannot_be_are_damaged(together):
    with pytest.raises(ValueError, match="counts more or less than there is"):
        Statistics(images=3, together=together)


def test_statistics_of_another_schema_are_found_out():
    with pytest.raises(RequestError, match="statistics do not match the schema"):
        parse_request("Male", SCHEMA, Statistics(images=3, together=((3,),)))


@pytest.mark.slow
@given(st.integers(0, 10**6))
def test_a_random_request_is_plausible_and_complete(seed):
    table = random_table(400, 1)
    statistics = count(SPRITES, table)
    asked = Imputer(SPRITES, statistics).random_request(seed)
    assert set(asked) >= {attribute.name for attribute in SPRITES.attributes if attribute.kind == "flag"}
    parse_request(asked, SPRITES, statistics)  # does not raise: nothing in it was never seen together
    assert asked == Imputer(SPRITES, statistics).random_request(seed)


def test_random_requests_follow_the_statistics():
    table = random_table(2000, 2)
    statistics = count(SPRITES, table)
    imputer = Imputer(SPRITES, statistics)
    drawn = SPRITES.encode([imputer.random_request(seed) for seed in range(1500)])
    for (name, value), seen in zip(value_names(SPRITES), statistics.counts, strict=True):
        column = SPRITES.names.index(name)
        code = SPRITES.attributes[column].values.index(value)
        assert abs((drawn[:, column] == code).mean() - seen / 2000) < 0.06, (name, value)


@pytest.mark.slow
def test_random_requests_follow_values_that_say_the_same_of_each_other():
    """A beard, a moustache and a pipe nearly always come together: what the three say must count once."""
    random = np.random.default_rng(0)
    man = random.random(2000) < 0.3
    table = np.stack([np.where(random.random(2000) < 0.1, ~man, man) for _ in range(4)], axis=1).astype(np.int16)
    schema = AttributeSchema(attributes=tuple(Flag(name=name) for name in ("Beard", "Moustache", "Pipe", "Hat")))
    statistics = count(schema, table)
    imputer = Imputer(schema, statistics)
    drawn = count(schema, schema.encode([imputer.random_request(seed) for seed in range(2000)]))
    assert np.allclose(drawn.counts, statistics.counts, atol=0.04 * 2000)


@given(st.lists(st.integers(-1, 2), min_size=1, max_size=30))
def test_counts_are_those_of_the_table(codes):
    schema = AttributeSchema(attributes=(Choice(name="c", options=("x", "y", "z")),))
    statistics = count(schema, np.array(codes, dtype=np.int16)[:, None])
    assert statistics.counts == tuple(codes.count(code) for code in range(3))
    assert Statistics.model_validate_json(statistics.model_dump_json()) == statistics


def test_a_description_reads_as_a_request():
    assert describe({"type": "Male", "Earring": True, "Pipe": False}, SCHEMA) == "Male, Earring, no Pipe"
    assert describe({"Body": "Zombie", "Hat": "None"}, SPRITES) == "Zombie, Hat=None"
    assert describe({"type": "Male", **dict.fromkeys(SCHEMA.names[1:], False)}, SCHEMA) == "Male"
    assert describe({}, SCHEMA) == "nothing"


@pytest.mark.parametrize("name", ["-Earring", "no Earring", "~earring"])
def test_a_name_that_says_no_is_told_how_to_keep_it_out(name):
    punks = locate("punks")
    with pytest.raises(RequestError) as caught:
        values_behind([name], punks.schema)
    assert (
        '; to keep earring out, write --exclude earring, or --attributes "no earring" (see' in str(caught.value).lower()
    )


def test_an_option_that_says_no_is_told_the_one_way_there_is():
    with pytest.raises(RequestError, match="to keep 7 out, write --exclude 7 "):
        values_behind(["no 7"], locate("digits").schema)


@pytest.mark.parametrize("part", ["--Earring", "~Earring", "non Earring", "never Earring"])
def test_other_ways_to_say_no_are_told_that_of_a_request(part):
    punks = locate("punks")
    with pytest.raises(RequestError, match='to keep Earring out, write "-Earring" or "no Earring"'):
        parse_request(f"Male, {part}", punks.schema, punks.statistics)


def test_the_option_of_who_has_nothing_is_nearest_to_nothing():
    schema = AttributeSchema(attributes=(Choice(name="Hat", options=("None", "Cap", "Crown")),))
    statistics = count(schema, np.arange(30, dtype=np.int16)[:, None] % 3)
    for text, message in (
        ("Monocle", 'no attribute "Monocle" (see `noisette attributes`)'),
        ("Crwn", 'no attribute "Crwn"; nearest: Crown (see `noisette attributes`)'),
        ("Hat=Monocle", 'Hat cannot be "Monocle"; it can be None, Cap, Crown'),
    ):
        with pytest.raises(RequestError) as told:
            parse_request(text, schema, statistics)
        assert str(told.value) == message


@pytest.mark.parametrize("name", ["punks", "digits"])
def test_what_random_prints_can_be_typed_again(name):
    """With --only it is the same request, whatever flags are left out of the line."""
    from noisette.inference.loading import planner_of

    bundle = locate(name)
    planner = planner_of(bundle, bundle.weights())
    for random in planner.random_requests(range(60)):
        printed = typed(random, planner.schema)
        parsed = parse_request(printed, planner.schema, planner.statistics, only=True)
        assert parsed.attributes == random


def test_of_who_has_nothing_it_is_printed_what_is_not_there():
    schema = AttributeSchema(attributes=tuple(Flag(name=name) for name in "ABCDE"))
    assert typed(dict.fromkeys("ABCDE", False), schema) == "no A, no B, no C, no D, no E"
    assert typed({**dict.fromkeys("ABCDE", False), "B": True}, schema) == "B"
