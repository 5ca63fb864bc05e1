"""The settings of a drawing, and what a model allows of them."""

from __future__ import annotations

import json
import os
import shutil

import pytest

import noisette
from noisette.config.recipe import parse_recipe
from noisette.config.sampling import SETTINGS, Setting
from noisette.dashboard.services.options import FORM

from ...conftest import CONDITIONAL
from ..harness import generate_page, opened, pills

pytestmark = pytest.mark.usefixtures("own_cache")


@pytest.mark.slow
def test_optimised_timesteps_are_offered_where_the_model_has_them(runs, tmp_path):
    for name in ("avatars", "plain"):
        shutil.copytree(runs / name, tmp_path / name)
    quality = {"sampler": "ddim", "steps": 2, "spacing": "fitted", "guidance": 1.0, "evaluations": 2, "figures": {}}
    table = {
        "weights": noisette.load(tmp_path / "avatars").weights,
        "requests": "none",
        "fitted": {"1": [1.0], "2": [1.0, 0.3]},
    }
    file = tmp_path / "avatars" / "quality.json"
    file.write_text(json.dumps({**table, "fast": quality, "balanced": quality, "best": quality}))
    page = opened(generate_page, tmp_path)
    page.selectbox(key="model").select(str(tmp_path / "avatars")).run()
    assert "fitted" in page.selectbox(key="spacing").options
    for name in ("best", "fast"):  # the three are the same here: the one that was chosen stays so
        pills(page, "Preset").set_value(name).run()
        assert page.session_state["preset"] == name
    assert not page.exception
    assert "--spacing fitted" in page.code[0].value
    assert page.session_state["picture"].plan.sampling.times == (1.0, 0.3)
    file.write_text(
        file.read_text().replace("0.3", "0.4")
    )  # another tuning: what the page draws and what its command draws stay the same
    os.utime(file, (2e9, 2e9))
    pills(page, "Body").set_value("Zombie").run()
    assert page.session_state["picture"].plan.sampling.times == (1.0, 0.4)
    page.selectbox(key="model").select(str(tmp_path / "plain")).run()
    assert not page.exception
    assert page.selectbox(key="spacing").value == "time"
    assert "fitted" not in page.selectbox(key="spacing").options


@pytest.mark.slow
def test_of_a_distilled_model_only_what_it_learned_can_be_set(runs, tmp_path):
    shutil.copytree(runs / "avatars", tmp_path / "avatars")
    noisette.distil(tmp_path / "avatars", guidance=3.0, steps=1, out=tmp_path / "distilled")
    page = opened(generate_page, tmp_path)
    page.selectbox(key="model").select(str(tmp_path / "avatars")).run()
    page.slider(key="interval").set_value((0.2, 0.8)).run()
    page.selectbox(key="model").select(str(tmp_path / "distilled")).run()
    assert not page.exception
    assert not page.warning
    assert "interval" not in {slider.key for slider in page.slider}
    guidance = page.slider(key=f"{tmp_path / 'distilled'}/guidance")
    assert (guidance.min, guidance.max) == (1.0, 3.0)
    pills(page, "Body").set_value("Zombie").run()
    page.slider(key=f"{tmp_path / 'distilled'}/guidance").set_value(3.0).run()
    assert "--guidance 3" in page.code[0].value
    pills(page, "Show").set_value("guidance side by side").run()
    assert not page.exception
    assert not page.warning


@pytest.mark.slow
def test_a_recipe_may_draw_with_more_guidance_than_by_default(tmp_path):
    noisette.train(
        parse_recipe(CONDITIONAL, source="t", overrides=["training.steps=4", "samples.guidance=8"]),
        out=tmp_path / "strong",
    )
    page = opened(generate_page, tmp_path)
    page.selectbox(key="model").select(str(tmp_path / "strong")).run()
    pills(page, "Body").set_value("Zombie").run()
    assert not page.exception
    assert "--guidance 8" in page.code[0].value


@pytest.mark.slow
def test_a_setting_that_the_page_never_heard_of_has_a_widget_and_is_drawn_with(runs, monkeypatch):
    new = Setting("novelty", ("eta",), SETTINGS["eta"].field)  # a name of its own; its value goes where eta is
    for settings in (SETTINGS, FORM):
        monkeypatch.setitem(settings, "novelty", new)
    page = opened(generate_page, runs)
    page.selectbox(key="model").select(str(runs / "avatars")).run()
    slider = page.slider(key="novelty")
    assert (slider.min, slider.max, slider.help) == (0.0, 1.0, new.help)
    slider.set_value(0.5).run()
    assert not page.exception
    assert page.session_state["picture"].plan.sampling.eta == 0.5


@pytest.mark.slow
def test_what_a_sampler_does_not_take_cannot_be_set(runs):
    page = opened(generate_page, runs)
    page.selectbox(key="model").select(str(runs / "avatars")).run()
    for sampler, taken in (("ddim", {"eta"}), ("euler", {"churn"}), ("unipc", set())):
        page.selectbox(key="sampler").select(sampler).run()
        assert not page.exception
        inputs = {"eta": page.slider(key="eta"), "churn": page.number_input(key="churn")}
        assert {name for name, each in inputs.items() if not each.disabled} == taken


@pytest.mark.slow
def test_colours_of_the_data_can_be_left_where_the_recipe_has_them(runs, tmp_path):
    shutil.copytree(runs / "avatars", tmp_path / "avatars")
    recipe = tmp_path / "avatars" / "recipe.toml"
    recipe.write_text(recipe.read_text().replace("palette = false", "palette = true"))
    page = opened(generate_page, tmp_path)
    page.selectbox(key="model").select(str(tmp_path / "avatars")).run()
    assert "palette" not in page.code[0].value
    page.toggle(key="palette").set_value(False).run()
    assert "--no-palette" in page.code[0].value
    assert "palette=False" in page.code[1].value
