"""What a model can be asked for, counted by hand in eight images."""

from __future__ import annotations

import json

import pytest

from noisette.attributes.facts import attribute_facts, describe_attributes
from noisette.attributes.schema import AttributeSchema, Choice, Flag, Group
from noisette.attributes.statistics import count
from noisette.errors import RequestError

SCHEMA = AttributeSchema(
    attributes=(
        Choice(name="Type", options=("Male", "Female", "Alien")),
        Flag(name="Cap"),
        Flag(name="Tiara"),
        Flag(name="Pipe"),
        Flag(name="Mole"),
    ),
    groups=(Group(name="Hat", members=("Cap", "Tiara")),),
)
ROWS = [
    {"Type": "Male", "Cap": True, "Pipe": True},
    {"Type": "Male", "Cap": True},
    {"Type": "Male", "Mole": True},
    {"Type": "Male"},
    {"Type": "Female", "Tiara": True, "Mole": True},
    {"Type": "Female", "Pipe": True},
    {"Type": "Female"},
    {"Type": "Alien", "Cap": True},
]


def statistics(schema=SCHEMA, rows=ROWS):
    absent = {attribute.name: False for attribute in schema.attributes if attribute.kind == "flag"}
    return count(schema, schema.encode([absent | row for row in rows]))


@pytest.fixture
def facts():
    return attribute_facts(SCHEMA, statistics())


def test_each_option_member_and_flag_has_its_count(facts):
    assert facts["images"] == 8
    assert facts["choices"] == {"Type": {"Male": 4, "Female": 3, "Alien": 1}}
    assert facts["groups"] == {"Hat": {"Cap": 3, "Tiara": 1}}


def test_a_member_of_a_group_is_not_listed_again_among_the_flags(facts):
    assert facts["flags"] == {"Pipe": 2, "Mole": 2}


def test_what_an_option_is_never_seen_with_is_said_of_the_option(facts):
    assert facts["never_with"] == {
        "Type Male": ["Tiara"],
        "Type Female": ["Cap"],
        "Type Alien": ["Tiara", "Pipe", "Mole"],
    }


def test_flags_that_never_meet_are_pairs_but_for_those_of_one_group(facts):
    assert facts["never_together"] == [["Cap", "Mole"], ["Tiara", "Pipe"], ["Pipe", "Mole"]]


def test_json_holds_them(facts):
    assert json.loads(json.dumps(facts)) == facts


def test_the_counts_of_another_schema_are_refused():
    other = AttributeSchema(attributes=(Flag(name="Cap"),))
    with pytest.raises(RequestError, match="the statistics do not match the schema"):
        attribute_facts(SCHEMA, statistics(other, [{"Cap": True}]))


def test_a_person_reads_counts_from_the_commonest_down(facts):
    text = describe_attributes(facts, everything=False)
    assert text.startswith("counted in the 8 images it was trained on\n")
    male, female, alien = (text.index(name) for name in ("Male 4", "Female 3", "Alien 1"))
    assert text.index("Type (exactly one of)") < male < female < alien
    assert text.index("Hat (at most one of)") < text.index("Cap 3") < text.index("Tiara 1") < text.index("any of")


def test_pairs_are_counted_and_listed_for_who_asks_for_everything(facts):
    short, whole = (describe_attributes(facts, everything=everything) for everything in (False, True))
    assert "3 other pairs were never seen together (--all lists them)" in short
    assert "Cap and Mole" not in short
    assert [line for line in whole.splitlines() if " and " in line] == [
        "  Cap and Mole",
        "  Tiara and Pipe",
        "  Pipe and Mole",
    ]


def test_a_long_list_is_cut_after_eight_for_who_does_not_ask_for_everything():
    flags = [f"Flag{number:02d}" for number in range(12)]
    schema = AttributeSchema(attributes=(Choice(name="Type", options=("A", "B")), *(Flag(name=flag) for flag in flags)))
    facts = attribute_facts(schema, statistics(schema, [{"Type": "A"}, {"Type": "B"} | dict.fromkeys(flags, True)]))
    short, whole = (describe_attributes(facts, everything=everything) for everything in (False, True))
    assert "Type A: Flag00, Flag01" in short
    assert "Flag07, and 4 more" in " ".join(short.split())
    assert "more (--all" not in whole
    assert all(flag in whole[whole.index("Type A:") :] for flag in flags)


@pytest.mark.parametrize("rows", [1, 40])
def test_no_line_is_wider_than_a_terminal_of_100_columns(rows):
    flags = [f"A flag with a long name {number}" for number in range(rows)]
    schema = AttributeSchema(attributes=(Choice(name="Type", options=("A", "B")), *(Flag(name=flag) for flag in flags)))
    facts = attribute_facts(schema, statistics(schema, [{"Type": "A"}, {"Type": "B"} | dict.fromkeys(flags, True)]))
    assert max(map(len, describe_attributes(facts, everything=True).splitlines())) <= 100


def test_a_model_without_flags_says_nothing_of_them():
    schema = AttributeSchema(attributes=(Choice(name="class", options=("0", "1")),))
    text = describe_attributes(attribute_facts(schema, statistics(schema, [{"class": "0"}] * 3)), everything=False)
    assert text.splitlines() == [
        "counted in the 3 images it was trained on",
        "",
        "class (exactly one of)",
        "  0 3   1 0",
    ]
