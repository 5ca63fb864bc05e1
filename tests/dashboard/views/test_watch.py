"""Trainings while they run."""

from __future__ import annotations

import shutil

import pytest

import noisette
from noisette.config.recipe import parse_recipe

from ...conftest import TINY
from ..harness import opened, watch_page


@pytest.mark.slow
def test_watch_shows_curves_samples_and_the_recipe(runs):
    page = opened(watch_page, runs)
    assert not page.exception
    assert set(page.multiselect(key="watched").value) == {str(runs / "avatars"), str(runs / "plain")}
    assert page.get("arrow_vega_lite_chart") or page.get("vega_lite_chart")
    assert page.selectbox(key="tag").value == "loss"
    assert any("[training]" in each.value for each in page.code)
    page.multiselect(key="watched").set_value([]).run()
    assert not page.exception


def test_watch_without_runs_says_what_to_do(tmp_path):
    page = opened(watch_page, tmp_path)
    assert "noisette train digits" in page.info[0].value


@pytest.mark.slow
def test_a_run_that_is_deleted_while_it_is_watched(tmp_path):
    for name in ("one", "two"):
        noisette.train(parse_recipe(TINY, source="t", overrides=["training.steps=4"]), out=tmp_path / name)
    page = opened(watch_page, tmp_path)
    shutil.rmtree(tmp_path / "one")
    page.run()
    assert not page.exception
    assert page.multiselect(key="watched").options == [f"{tmp_path.name}/two"]
