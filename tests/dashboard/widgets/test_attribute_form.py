"""The form in which attributes are ticked."""

from __future__ import annotations

from pathlib import Path

import pytest

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
