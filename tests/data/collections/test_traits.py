"""What metadata say as attributes: a rule a test."""

from __future__ import annotations

import numpy as np
import pytest

from noisette.attributes.schema import UNKNOWN, Choice, Flag, Range
from noisette.data.collections.entries import Entry, Trait
from noisette.data.collections.findings import Findings
from noisette.data.collections.settings import TraitSettings
from noisette.data.collections.traits import understand
from noisette.errors import RequestError

COUNT = 40


def understood(rows, settings=None):
    """The schema, the rows as values, and findings by kind, of rows of (name, value) or (name, value, display)."""
    entries = [
        Entry(str(number), None, None if row is None else tuple(Trait(*trait) for trait in row))
        for number, row in enumerate(rows)
    ]
    findings = Findings()
    found = understand(entries, settings or {}, findings, np.ones(len(entries), dtype=bool))
    values = [found.schema.decode(row) for row in found.table]
    return found.schema, values, {each.kind: each.names for each in findings.all() if each.kind != "rare"}


def column(name, values, *display):
    return [[(name, value, *display)] if value is not ... else [] for value in values]


def one(schema):
    [attribute] = schema.attributes
    return attribute


@pytest.mark.parametrize("nothing", [..., None, "", "none", "None", "NONE", " none "])
def test_whatever_says_nothing_is_the_same(nothing):
    schema, values, _ = understood(column("Hat", ["Cap", nothing] * (COUNT // 2)))
    assert one(schema) == Choice(name="Hat", options=("None", "Cap"))
    assert [value["Hat"] for value in values] == ["Cap", "None"] * (COUNT // 2)


@pytest.mark.parametrize("truths", [(True, False), ("true", "false"), ("Yes", "No"), ("yes", ...), (True, None)])
def test_true_and_false_are_a_flag(truths):
    schema, values, _ = understood(column("Glasses", truths * (COUNT // 2)))
    assert one(schema) == Flag(name="Glasses")
    assert [value["Glasses"] for value in values] == [True, False] * (COUNT // 2)


def test_a_trait_that_an_image_has_twice_is_a_flag_for_each_value():
    rows = [[("wears", "Cap"), ("wears", "Ring")] if number % 2 else [("wears", "Ring")] for number in range(COUNT)]
    rows[0] = [("wears", "None")]
    schema, values, _ = understood(rows)
    assert set(schema.names) == {"Cap", "Ring"}
    assert values[0] == {"Cap": False, "Ring": False}
    assert values[1] == {"Cap": True, "Ring": True}


@pytest.mark.parametrize("written", [str, float])
def test_many_numbers_are_ranges_of_about_as_many_each(written):
    numbers = [number * 7 % COUNT for number in range(COUNT)]
    rows = column("Level", [written(number) for number in numbers])
    rows[1], rows[2] = rows[2], rows[1]
    schema, values, _ = understood(
        [[*row, ("Kind", "ab"[number % 2])] for number, row in enumerate(rows)], {"Level": TraitSettings(kind="number")}
    )
    attribute = schema.attributes[0]
    assert isinstance(attribute, Range)
    counts = [sum(value["Level"] == option for value in values) for option in attribute.options]
    assert min(counts) >= 5
    assert max(counts) <= 2 * min(counts)


def test_few_numbers_are_options_in_their_order():
    schema, _, _ = understood(column("Tier", [str(number % 11) for number in range(COUNT)]))
    assert one(schema).options == tuple(map(str, range(11)))


def test_dates_are_ranges_of_days():
    seconds = [86_400 * (19_000 + 13 * number) + 7 for number in range(COUNT)]
    by_display, values, _ = understood(column("Birthday", seconds, "date"))
    assert (one(by_display).unit, one(by_display).optional) == ("date", False)
    written = [str(np.datetime64(second, "s"))[:10] for second in seconds]
    by_text, same, _ = understood(column("Birthday", written))
    assert one(by_text) == one(by_display)
    assert values == same
    assert "to 202" in one(by_text).options[1]


def test_a_number_that_some_have_not_is_none_for_these():
    schema, values, _ = understood(column("Power", [..., *(number**2 / 10 for number in range(COUNT - 1))]))
    assert one(schema).options[0] == "None"
    assert values[0] == {"Power": "None"}


def test_what_names_the_image_or_says_the_same_of_all_is_no_attribute():
    rows = [
        [
            ("DNA", f"x{number * 7919:x}"),
            ("Edition", number),
            ("Artist", "Ann"),
            ("Hat", "Cap" if number % 2 else "Hood"),
        ]
        for number in range(COUNT)
    ]
    schema, _, found = understood(rows)
    assert schema.names == ("Hat",)
    assert [name.partition(" ")[0] for name in found["unique"]] == ["DNA", "Edition"]
    assert found["constant"] == ["Artist (Ann)"]


def test_spellings_of_one_thing_are_one_as_the_most_write_it():
    schema, _, found = understood(column("Hat", [*["Top Hat"] * 20, *["top-hat"] * 5, *["Cap"] * 15]))
    assert one(schema).options == ("Cap", "Top Hat")
    assert found["merged"] == ["Hat Top Hat (Top Hat, top-hat)"]
    schema, _, found = understood([[("Hat" if number % 3 else "hat", "ab"[number % 2])] for number in range(COUNT)])
    assert schema.names == ("Hat",)
    assert found["merged"] == ["trait Hat (Hat, hat)"]


def test_of_an_image_without_metadata_nothing_is_known():
    rows = column("Hat", ["Cap", "Hood"] * (COUNT // 2))
    rows[3] = None
    schema, values, _ = understood(rows)
    assert values[3] == {}
    assert "None" not in one(schema).options
    assert UNKNOWN == -1


def test_a_flag_may_be_called_like_another_trait():
    rows = [[("Hat", "ab"[number % 2]), ("wears", "Hat"), ("wears", "xy"[number // 2 % 2])] for number in range(COUNT)]
    rows[0] = rows[0][:1]
    schema, _, _ = understood(rows)
    assert {"Hat", "Hat (2)"} <= set(schema.names)


def test_settings_say_it_otherwise():
    rows = [[("Mood", ["smile", "smirk", "sad"][number % 3]), ("Level", number)] for number in range(COUNT)]
    settings = {
        "Mood": TraitSettings(rename="Face", values={"smirk": "smile"}),
        "Level": TraitSettings(kind="number", ranges=(10, 20)),
    }
    schema, values, _ = understood(rows, settings)
    assert schema.attributes[0] == Choice(name="Face", options=("sad", "smile"))
    assert schema.attributes[1] == Range(name="Level", edges=(10.0, 20.0))
    assert [value["Level"] for value in values[9:12]] == ["up to 10", "up to 10", "10 to 20"]
    assert (
        understood(rows, {"Mood": TraitSettings(kind="ignore"), "Level": TraitSettings(kind="ignore")})[0].names == ()
    )
    with pytest.raises(RequestError, match='no image has a trait "Mod"; nearest: Mood$'):
        understood(rows, {"Mod": TraitSettings()})
    with pytest.raises(RequestError, match='the trait "Mood" is no number in all images'):
        understood(rows, {"Mood": TraitSettings(kind="number")})


def test_of_thousands_of_tags_the_rarest_go_and_what_is_common_stays():
    rows = [[("Hat", "abcde"[number % 5])] for number in range(COUNT)]
    for number in range(1400):
        rows[number % COUNT] = [*rows[number % COUNT], ("tag", f"t{number}")]
    rows = [[*row, *([("tag", "common")] if number % 2 else [])] for number, row in enumerate(rows)]
    schema, _, found = understood(rows)
    assert {"Hat", "common"} <= set(schema.names)
    assert len(schema.names) == 1024
    assert len(found["too many"]) == 1402 - 1024
