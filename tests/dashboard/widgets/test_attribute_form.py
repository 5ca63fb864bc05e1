"""The form in which attributes are ticked."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from ..harness import generate_page, opened, pills

pytestmark = pytest.mark.usefixtures("own_cache")


@pytest.mark.slow
def test_random_ticks_a_plausible_request_and_clear_takes_it_back(runs):
    page = opened(generate_page, runs)
    page.selectbox(key="model").select(str(runs / "avatars")).run()
    next(each for each in page.button if each.label == "Random").click().run()
    assert not page.exception
    assert "--attributes" in page.code[0].value
    next(each for each in page.button if each.label == "Clear").click().run()
    assert "--attributes" not in page.code[0].value


@pytest.mark.slow
def test_random_has_nothing_of_negative_attributes_and_clear_clears_all(runs):
    page = opened(generate_page, runs)
    page.selectbox(key="model").select(str(runs / "avatars")).run()
    key = str(runs / "avatars")
    page.multiselect(key=f"{key}/negative").set_value(["Earring"]).run()
    for _ in range(5):
        next(button for button in page.button if button.label == "Random").click().run()
        assert not page.warning
        assert "Earring" not in page.session_state[f"{key}/with"]
    page.text_input(key=f"{key}/weights").set_value("Earring=3").run()
    next(button for button in page.button if button.label == "Clear").click().run()
    assert not page.warning
    assert "--attributes" not in page.code[0].value


@pytest.mark.slow
def test_what_cannot_be_is_told_before_it_is_asked_for():
    page = opened(generate_page, Path("nowhere"))
    page.selectbox(key="model").select("punks").run()
    pills(page, "type").set_value("Female").run()
    assert "--attributes type=Female" in page.code[0].value
    assert not [option for option in pills(page, "beard").options if option.startswith("Big Beard")]
    assert any("never with what is ticked" in each.value and "Big Beard" in each.value for each in page.caption)
    pills(page, "type").set_value(None).run()
    pills(page, "beard").set_value("Big Beard").run()
    assert "Big Beard" in page.code[0].value
    pills(page, "type").set_value("Female").run()
    assert not page.exception
    [warning] = page.warning
    assert "Big Beard" in warning.value
    assert not page.code


@pytest.mark.slow
def test_a_run_without_attributes_has_no_pills(runs):
    page = opened(generate_page, runs)
    page.selectbox(key="model").select(str(runs / "plain")).run()
    assert not page.exception
    assert {each.key for each in page.get("button_group")} == {"then", "preset", "mode"}


def large_form():
    """300 heads, the later the commoner, five bodies, levels in an order of their own, and a hundred flags."""
    from types import SimpleNamespace

    import numpy as np

    from noisette.attributes.facts import attribute_facts
    from noisette.attributes.parsing import parse_request
    from noisette.attributes.schema import AttributeSchema, Choice, Flag, Range
    from noisette.attributes.statistics import count
    from noisette.dashboard.widgets.attribute_form import AttributeForm

    schema = AttributeSchema(
        attributes=(
            Choice(name="Head", options=tuple(f"Head {number}" for number in range(300))),
            Choice(name="Body", options=("Red", "Blue", "Green")),
            Range(name="Level", edges=(10, 20), unit="number"),
            *(Flag(name=f"Badge {number}") for number in range(100)),
        )
    )
    random = np.random.default_rng(0)
    table = np.zeros((4000, len(schema.attributes)), np.int16)
    table[:, 0] = 299 - (random.geometric(0.01, 4000) - 1) % 300
    table[:, 1] = np.arange(4000) % 4 % 3
    table[:, 2] = 2 - np.minimum(random.geometric(0.6, 4000) - 1, 2)
    table[:, 3:] = random.random((4000, 100)) < np.arange(100) / 200
    statistics = count(schema, table)
    generator = SimpleNamespace(
        schema=schema,
        statistics=statistics,
        parse=lambda text: parse_request(text, schema, statistics),
        model=SimpleNamespace(recipe=SimpleNamespace(condition=SimpleNamespace(drop_all=0.1))),
    )
    AttributeForm(SimpleNamespace(name="m", generator=generator, facts=attribute_facts(schema, statistics))).show()


@pytest.fixture
def large():
    return AppTest.from_function(large_form, default_timeout=60).run()


def folds(page):
    return {each.label: each.proto.expanded for each in page.expander}


def options(page, label):
    """The names on the pills, without shares."""
    return [each.rpartition(" (")[0] for each in pills(page, label).options]


def shares(page, label):
    return [each.rpartition(" (")[2].rstrip(")") for each in pills(page, label).options]


def test_values_come_with_their_share_the_commonest_first_and_ranges_in_their_order(large):
    assert not large.exception
    assert (options(large, "Body"), shares(large, "Body")) == (["Red", "Blue", "Green"], ["50%", "25%", "25%"])
    assert options(large, "Level") == ["up to 10", "10 to 20", "above 20"]  # the last one is the commonest
    heads = options(large, "Head")
    assert len(heads) == 24
    assert all(int(head.removeprefix("Head ")) > 200 for head in heads)
    percent = [float(each.rstrip("%")) for each in shares(large, "Head")]
    assert percent == sorted(percent, reverse=True)
    assert options(large, "with")[0].startswith("Badge 9")


def test_many_values_are_folded_until_somebody_searches(large):
    assert folds(large) == {"Head (300)": False, "without (100)": False}
    large.text_input(key="m/search").set_value("head 17").run()
    assert folds(large) == {"Head (300)": True}
    assert set(options(large, "Head")) == {"Head 17", *(f"Head {number}" for number in range(170, 180))}
    assert {each.label for each in large.get("button_group")} == {"Head"}


def test_a_search_that_finds_nothing_says_so(large):
    nothing = r'Nothing here is called "mono\_cle".'
    assert not [each for each in large.caption if "Nothing here" in each.value]
    large.text_input(key="m/search").set_value("mono_cle").run()
    assert [each.value for each in large.caption] == [nothing]
    large.text_input(key="m/search").set_value("head 17").run()
    assert not [each for each in large.caption if "Nothing here" in each.value]


def test_what_is_chosen_stays_whatever_is_searched_for(large):
    pills(large, "Head").set_value("Head 290").run()
    pills(large, "with").set_value(["Badge 99", "Badge 98"]).run()
    pills(large, "without").set_value(["Badge 97"]).run()
    assert "Head (300) · **Head 290**" in folds(large)
    assert "without (100) · **Badge 97**" in folds(large)
    large.text_input(key="m/search").set_value("green").run()
    assert options(large, "Head") == ["Head 290"]
    assert set(options(large, "with")) == {"Badge 99", "Badge 98"}
    assert options(large, "without") == ["Badge 97"]
    large.text_input(key="m/search").set_value("").run()
    assert large.session_state["m/Head"] == "Head 290"
    assert large.session_state["m/with"] == ["Badge 99", "Badge 98"]
    assert not large.exception


def test_all_values_are_shown_to_who_asks(large):
    large.checkbox(key="m/Head/all").check().run()
    assert len(options(large, "Head")) == 300
    large.checkbox(key="m/Head/all").uncheck().run()
    assert len(options(large, "Head")) == 24
