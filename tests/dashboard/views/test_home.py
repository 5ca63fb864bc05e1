"""The models and runs there are."""

from __future__ import annotations

import pytest

import noisette
from noisette.config.recipe import parse_recipe
from noisette.dashboard.services.model_list import find_model, list_models

from ...conftest import TINY
from ..harness import generate_page, home_page, opened


def test_home_shows_what_there_is(runs):
    page = opened(home_page, runs)
    assert not page.exception
    titles = [each.value for each in page.subheader]
    assert {"digits", "punks"} <= set(titles)
    assert {f"{runs.name}/avatars", f"{runs.name}/plain"} <= set(titles)


def test_home_without_runs_says_what_to_do(tmp_path):
    page = opened(home_page, tmp_path / "nowhere")
    assert not page.exception
    assert "noisette train digits" in page.info[0].value


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["status.json", "recipe.toml", "checkpoints/manifest.json"])
def test_a_damaged_run_has_its_message_and_the_rest_works(tmp_path, damage):
    noisette.train(parse_recipe(TINY, source="t", overrides=["training.steps=4"]), out=tmp_path / "good")
    noisette.train(parse_recipe(TINY, source="t", overrides=["training.steps=4"]), out=tmp_path / "bad")
    (tmp_path / "bad" / damage).write_text("{")
    page = opened(home_page, tmp_path)
    assert not page.exception
    assert len(page.error) == 1
    assert "cannot be read" in page.error[0].value
    assert not opened(generate_page, tmp_path).exception
    good, bad = (find_model(str(tmp_path / name), list_models(tmp_path)) for name in ("good", "bad"))
    assert (good.drawable, bad.drawable) == (True, False)
