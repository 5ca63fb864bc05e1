"""The logic of each page, in Streamlit's own harness."""

from __future__ import annotations

import io
import json
import os
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

import noisette
from noisette.cli import main
from noisette.config.recipe import parse_recipe
from noisette.dashboard.shelf import find, shelf

from ..conftest import CONDITIONAL, TINY


def home_page(runs):
    from pathlib import Path

    from noisette.dashboard import home

    home.page(Path(runs))


def generate_page(runs):
    from pathlib import Path

    from noisette.dashboard import generate

    generate.page(Path(runs))


def watch_page(runs):
    from pathlib import Path

    from noisette.dashboard import watch

    watch.page(Path(runs))


def opened(page, runs):
    return AppTest.from_function(page, args=(str(runs),), default_timeout=60).run()


def boxes(page, label):
    return next(each for each in page.get("button_group") if each.label == label)


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
    good, bad = (find(str(tmp_path / name), shelf(tmp_path)) for name in ("good", "bad"))
    assert (good.drawable, bad.drawable) == (True, False)


def test_a_name_from_a_browser_never_becomes_a_path(runs):
    assert find("/etc", shelf(runs)) is None
    assert find(f"{runs}/../{runs.name}/plain", shelf(runs)) is None


def test_a_tick_asks_and_the_command_line_draws_the_same(runs, capsys, tmp_path, monkeypatch):
    page = opened(generate_page, runs)
    page.selectbox(key="model").select(str(runs / "avatars")).run()
    assert not page.exception
    boxes(page, "Body").set_value("Zombie").run()
    boxes(page, "with").set_value(["Earring"]).run()
    boxes(page, "without").set_value(["Blush"]).run()
    assert not page.exception
    command = page.code[0].value
    assert "'Body=Zombie, Earring, no Blush'" in command
    shown = Image.open(io.BytesIO(page.session_state["drawn"].png))
    monkeypatch.chdir(tmp_path)
    arguments = shlex.split(command)[1:]
    assert main([*arguments, "--out", "same.png"]) == 0, capsys.readouterr().err
    with Image.open("same.png") as same:
        assert np.array_equal(np.asarray(shown), np.asarray(same))
        assert json.loads(same.info["noisette"])["attributes"] == json.loads(shown.info["noisette"])["attributes"]


def test_random_ticks_a_plausible_request_and_clear_takes_it_back(runs):
    page = opened(generate_page, runs)
    page.selectbox(key="model").select(str(runs / "avatars")).run()
    next(each for each in page.button if each.label == "Random").click().run()
    assert not page.exception
    assert "--attributes" in page.code[0].value
    next(each for each in page.button if each.label == "Clear").click().run()
    assert "--attributes" not in page.code[0].value


def test_what_cannot_be_is_told_before_it_is_asked_for():
    page = opened(generate_page, Path("nowhere"))
    page.selectbox(key="model").select("punks").run()
    boxes(page, "type").set_value("Female").run()
    assert "--attributes type=Female" in page.code[0].value
    assert not [option for option in boxes(page, "beard").options if option.startswith("Big Beard")]
    assert any("never with what is ticked" in each.value and "Big Beard" in each.value for each in page.caption)
    boxes(page, "type").set_value(None).run()
    boxes(page, "beard").set_value("Big Beard").run()
    assert "Big Beard" in page.code[0].value
    boxes(page, "type").set_value("Female").run()
    assert not page.exception
    [warning] = page.warning
    assert "Big Beard" in warning.value
    assert not page.code


def test_a_run_without_attributes_has_no_boxes(runs):
    page = opened(generate_page, runs)
    page.selectbox(key="model").select(str(runs / "plain")).run()
    assert not page.exception
    assert {each.key for each in page.get("button_group")} == {"then", "quality", "view"}


def test_fitted_levels_are_offered_where_the_model_has_them(runs, tmp_path):
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
        boxes(page, "Quality").set_value(name).run()
        assert page.session_state["quality"] == name
    assert not page.exception
    assert "--spacing fitted" in page.code[0].value
    assert page.session_state["drawn"].request.sampling.times == (1.0, 0.3)
    file.write_text(
        file.read_text().replace("0.3", "0.4")
    )  # another tuning: what the page draws and what its command draws stay the same
    os.utime(file, (2e9, 2e9))
    boxes(page, "Body").set_value("Zombie").run()
    assert page.session_state["drawn"].request.sampling.times == (1.0, 0.4)
    page.selectbox(key="model").select(str(tmp_path / "plain")).run()
    assert not page.exception
    assert page.selectbox(key="spacing").value == "time"
    assert "fitted" not in page.selectbox(key="spacing").options


def test_of_a_student_only_what_it_learned_can_be_set(runs, tmp_path):
    shutil.copytree(runs / "avatars", tmp_path / "avatars")
    noisette.distil(tmp_path / "avatars", guidance=3.0, steps=1, out=tmp_path / "student")
    page = opened(generate_page, tmp_path)
    page.selectbox(key="model").select(str(tmp_path / "avatars")).run()
    page.slider(key="interval").set_value((0.2, 0.8)).run()
    page.selectbox(key="model").select(str(tmp_path / "student")).run()
    assert not page.exception
    assert not page.warning
    assert "interval" not in {slider.key for slider in page.slider}
    guidance = page.slider(key=f"{tmp_path / 'student'}/guidance")
    assert (guidance.min, guidance.max) == (1.0, 3.0)
    boxes(page, "Body").set_value("Zombie").run()
    page.slider(key=f"{tmp_path / 'student'}/guidance").set_value(3.0).run()
    assert "--guidance 3" in page.code[0].value
    boxes(page, "Show").set_value("guidance side by side").run()
    assert not page.exception
    assert not page.warning


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


def test_a_run_that_is_deleted_while_it_is_watched(tmp_path):
    for name in ("one", "two"):
        noisette.train(parse_recipe(TINY, source="t", overrides=["training.steps=4"]), out=tmp_path / name)
    page = opened(watch_page, tmp_path)
    shutil.rmtree(tmp_path / "one")
    page.run()
    assert not page.exception
    assert page.multiselect(key="watched").options == [f"{tmp_path.name}/two"]


def test_a_recipe_may_draw_with_more_guidance_than_is_usual(tmp_path):
    noisette.train(
        parse_recipe(CONDITIONAL, source="t", overrides=["training.steps=4", "samples.guidance=8"]),
        out=tmp_path / "strong",
    )
    page = opened(generate_page, tmp_path)
    page.selectbox(key="model").select(str(tmp_path / "strong")).run()
    boxes(page, "Body").set_value("Zombie").run()
    assert not page.exception
    assert "--guidance 8" in page.code[0].value
