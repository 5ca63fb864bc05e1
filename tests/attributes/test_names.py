"""Names with anything in them, and what says no."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from noisette.attributes.names import folded
from noisette.attributes.parsing import (
    as_text,
    attribute_behind,
    describe,
    name_of,
    parse_request,
    part_of,
    values_behind,
)
from noisette.attributes.schema import AttributeSchema, Choice, Flag, Group, Range
from noisette.attributes.statistics import count, value_names
from noisette.errors import RequestError
from noisette.sampling.amounts import amounts

SCHEMA = AttributeSchema(
    attributes=(
        Choice(name="type", options=("Male", "Female", "-1", "None")),
        Choice(name="Hair, colour", options=('12" nails', "a=b", "Red: dark", "No. 5")),
        *(Flag(name=name) for name in ("Earring", "Do-rag", "No Beard", "Beard", "-x", "x", "50%", "Straße", "+Plus")),
        *(Flag(name=name) for name in ("Hat, tall", "Hat, flat", "Male, tall", "Red")),
    ),
    groups=(Group(name="hat", members=("Hat, tall", "Hat, flat")),),
)
ROWS = np.zeros((2, len(SCHEMA.attributes)), dtype=np.int16)
STATISTICS = count(SCHEMA, ROWS)


def values(asked, schema=SCHEMA):
    return parse_request(
        asked, schema, count(schema, np.zeros((1, len(schema.attributes)), np.int16)), allow_unseen=True
    ).attributes


@pytest.mark.parametrize(
    "minus", ["-", "- ", "\u2212", "\u2013", "\u2014", "\uff0d", "\ufe63", "!", "no-", "NOT ", "without ", "\u200b-"]
)
def test_a_minus_is_a_no(minus):
    assert values(f"Male, {minus}Earring") == values("Male, no Earring") == {"type": "Male", "Earring": False}
    assert values(f"Male,{minus}do rag") == {"type": "Male", "Do-rag": False}
    assert values(f'{minus}"Red"') == {"Red": False}


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("+Earring, + Red", {"Earring": True, "Red": True}),
        ("-1", {"type": "-1"}),  # a name as it is written wins over its minus
        ("-x", {"-x": True}),
        ("no x", {"x": False}),
        ("x=no", {"x": False}),
        ('-"-x"', {"-x": False}),
        ("No Beard", {"No Beard": True}),
        ('no "No Beard"', {"No Beard": False}),
        ('no "beard"', {"Beard": False}),
        ("+Plus", {"+Plus": True}),
        ("no type", {"type": "None"}),
        ("50%, STRASSE", {"50%": True, "Straße": True}),
        ('"Hat, tall"', {"Hat, tall": True, "Hat, flat": False}),
        ('hat="Hat, flat"', {"Hat, tall": False, "Hat, flat": True}),
        ('-"hat, tall"', {"Hat, tall": False}),
        ('"Hair, colour"="12"" nails"', {"Hair, colour": '12" nails'}),
        ('12" nails', {"Hair, colour": '12" nails'}),
        ("a=b", {"Hair, colour": "a=b"}),
        ("Red: dark", {"Hair, colour": "Red: dark"}),
        ("No. 5", {"Hair, colour": "No. 5"}),
        ("type=\u00a0Male,,", {"type": "Male"}),
    ],
)
def test_a_text_means(text, meant):
    assert values(text) == meant


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("no beard", 'can mean two things; write "no beard" for the name, or beard=no'),
        ("Male, --Earring", 'no attribute "--Earring"'),
        ("no -Earring", 'no attribute "no -Earring"'),
        ("-no Earring", 'no attribute "-no Earring"'),
        ("Earring-", 'no attribute "Earring-"; nearest: Earring'),
        ("-", 'no attribute "-"'),
        ("-type=Male", "says no to a value"),
        ("-Earring=yes", "says no to a value"),
        ("+type=Male", "has a sign and a value"),
        ("type=-Male", 'type cannot be "-Male"; nearest: Male'),
        ("-Male", "the type cannot be asked for by what it is not"),
        ("!Male", "the type cannot be asked for by what it is not"),
        ("Earring, -Earring", "contradicts itself"),
        ({"-Earring": True}, 'no attribute "-Earring"; nearest: Earring; the name is Earring, and its value says'),
        ({"no Earring": True}, "the name is Earring, and its value says whether it is there"),
        ("Male, tall", 'no attribute "tall"'),
        ('"Hat, tall', 'no attribute ""Hat"'),
        ("Hat=", 'no attribute "Hat="'),
        ("l\u0131ne", 'no attribute "l\u0131ne"'),
        ("," * 10**6, "letters; 200,000 are the most"),
        ("y=" * 90_000, "no attribute"),
        ('"' * 99_999, "no attribute"),
        (",".join(f"q{number}" for number in range(20_000)), 'no attribute "q2"; and 19,997 more (see'),
        (" " * 100_000 + "=" + " " * 90_000, "no attribute"),
    ],
    ids=range(24),
)
def test_what_is_never_the_opposite_is_refused_in_one_short_line(asked, message):
    with pytest.raises(RequestError) as error:
        values(asked)
    assert message in str(error.value)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 600


def test_an_option_with_the_name_of_a_flag_must_say_whose():
    schema = AttributeSchema(attributes=(Choice(name="shirt", options=("Red", "Blue")), Flag(name="Red")))
    with pytest.raises(RequestError, match='"red" can mean several things; write Red=yes or shirt=Red'):
        values("red", schema)
    assert values("shirt=red, no red", schema) == {"shirt": "Red", "Red": False}
    assert describe({"shirt": "Red", "Red": True}, schema) == "shirt=Red, Red=yes"
    assert attribute_behind("Red", schema) == "Red"


def test_only_things_that_can_be_there_can_be_kept_away():
    for name in ("Earring=no", "no Earring", "-Earring", "hat=none", "hat"):
        with pytest.raises(RequestError):
            values_behind([name], SCHEMA)


MARKS = "a b A no yes None 0.3 % - + ! , = : _ 🙂 é ß İ \u2212 \u0131 \u0301 \u0338 \u00b4 \ufb01 \uff0c \uff1d \uff12 \u200b \uac00 \u11a8"
PIECES = st.sampled_from([*MARKS.split(), '"', '""', " ", "not ", "without-", "\u00a0", "\n", "\x1b"])
NAMES = st.lists(PIECES, min_size=1, max_size=4).map("".join) | st.text(min_size=1, max_size=6)


UNITS = ("number", "date")


@st.composite
def schemas(draw):
    names = draw(st.lists(NAMES, min_size=2, max_size=7, unique_by=folded))
    attributes = []
    for name in names[:-1]:
        options = draw(st.none() | st.lists(NAMES, min_size=1, max_size=4, unique_by=folded))
        attributes.append(Flag(name=name) if options is None else Choice(name=name, options=options))
        if options is None and draw(st.booleans()):
            edges, unit = draw(st.sampled_from([(7, 13), (0.5,), (19_000, 19_400)])), draw(st.sampled_from(UNITS))
            attributes[-1] = Range(name=name, edges=edges, unit=unit, optional=draw(st.booleans()))
    flags = [each.name for each in attributes if each.kind == "flag"]
    groups = (Group(name=names[-1], members=flags[:2]),) if len(flags) > 1 and draw(st.booleans()) else ()
    return AttributeSchema(attributes=attributes, groups=groups)


@given(schemas(), st.data())
def test_every_request_of_every_schema_can_be_written_as_text(schema, data):
    chosen = {
        each.name: data.draw(st.sampled_from(each.values))
        for each in schema.attributes
        if data.draw(st.booleans(), label=each.name)
    }
    text = as_text(chosen, schema)
    said = {}
    for name, value in chosen.items():
        read = values(part_of(name, value, schema), schema)
        assert read[name] == value
        assert all(its is False for other, its in read.items() if other != name)  # the others of its group
        said |= {name: value}
    if chosen and sum(1 for group in schema.groups for member in group.members if chosen.get(member)) < 2:
        assert {name: value for name, value in values(text, schema).items() if name in chosen} == chosen
    if sum(value is False for value in chosen.values()) <= 3:
        assert describe(chosen, schema) == (
            as_text(dict(sorted(chosen.items(), key=lambda each: each[1] is False)), schema) or "nothing"
        )


@given(schemas(), st.data(), st.floats(0, 100))
def test_every_thing_of_every_schema_can_be_named_and_kept_away(schema, data, strength):
    thing = data.draw(st.sampled_from(value_names(schema)))
    name = name_of(*thing, schema)
    assert values_behind([name], schema) == [thing]
    assert amounts([name], schema, called="--exclude", usual=0.3) == {name.strip(): 0.3}


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("digit=7", ("digit=7", 0.3)),
        ("digit=7=0.5", ("digit=7", 0.5)),
        ("7", ("7", 0.3)),
        ("7=2", ("7", 2.0)),
        ("Glow", ("Glow", 0.3)),
        ("Glow=2", ("Glow", 2.0)),
        ('"Glow, red" = 1', ('"Glow, red"', 1.0)),
        ("digit=0.5", ("digit=0.5", 0.3)),
        ("digit=11", ("digit", 11.0)),  # which digit? is told when it is resolved
    ],
)
def test_what_a_choice_can_be_is_no_strength(text, meant):
    schema = AttributeSchema(
        attributes=(
            Choice(name="digit", options=(*"0123456789", "0.5")),
            Flag(name="Glow"),
            Flag(name="Glow, red"),
        )
    )
    assert amounts([text], schema, called="--exclude", usual=0.3) == dict([meant])
