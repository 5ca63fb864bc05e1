"""The pages Train and Results, and the grids and commands of Generate."""

from __future__ import annotations

import json
import shlex
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import noisette
from noisette.cli import main
from noisette.config.recipe import load_recipe, recipe_names
from noisette.dashboard.form import as_toml
from noisette.dashboard.grid import Axis, cells, draw_cells, parse_axis
from noisette.dashboard.jobs import Jobs, free_name, new_run, stop, tail
from noisette.errors import RequestError
from noisette.evaluation.records import Record, measured
from noisette.inference.request import Request

from .test_pages import boxes, generate_page, opened

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def train_page(runs):
    from pathlib import Path

    from noisette.dashboard import train

    train.page(Path(runs))


def results_page(runs):
    from pathlib import Path

    from noisette.dashboard import results

    results.page(Path(runs))


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("NOISETTE_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def avatars(runs):
    return noisette.load(runs / "avatars")


def test_a_form_that_nobody_touched_changes_nothing(tmp_path):
    page = opened(train_page, tmp_path)
    for name in recipe_names():
        page.selectbox(key="recipe").select(name).run()
        assert not page.exception, name
        assert not page.warning, name
        assert "--set" not in page.code[-1].value


def test_a_changed_setting_is_in_the_command_and_a_wrong_one_is_told(tmp_path):
    page = opened(train_page, tmp_path)
    page.selectbox(key="recipe").select("sprites").run()
    page.text_input(key="form/sprites/diffusion/steps").set_value("500").run()
    page.text_input(key="form/sprites/training/clip").set_value("0.5").run()
    words = shlex.split(page.code[-1].value)
    changes = [words[place + 1] for place, word in enumerate(words) if word == "--set"]
    changed = load_recipe("sprites", changes)
    assert (changed.diffusion.steps, changed.training.clip) == (500, 0.5)
    assert len(changes) == 2
    page.text_input(key="form/sprites/training/batch_size").set_value("many").run()
    assert "training.batch_size" in page.warning[0].value.replace("\\", "")
    assert not [button for button in page.button if button.label == "Start"]


@pytest.mark.parametrize("name", ["../elsewhere", "a/b", "", ".hidden", "x" * 200, "mine\n"])
def test_a_name_of_a_run_never_leaves_the_folder(tmp_path, name):
    with pytest.raises(RequestError):
        new_run(tmp_path, name)


def test_a_name_that_is_taken_is_not_taken_again(tmp_path):
    (tmp_path / "mine").mkdir()
    with pytest.raises(RequestError, match="already"):
        new_run(tmp_path, "mine")
    assert free_name(tmp_path, "mine") == "mine-2"
    assert not stop(tmp_path / "mine")


def test_a_job_that_fails_leaves_its_reason(tmp_path):
    jobs = Jobs()
    job = jobs.begin("bad", ["train", "nonsense"], tmp_path / "logs" / "bad.log")
    job.process.wait(timeout=60)
    assert job.state == "failed"
    assert tail(job.log, 1).startswith('error: no recipe "nonsense"')


TOML = st.recursive(
    st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8", exclude_characters="\x7f")),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(codec="utf-8", exclude_characters="\x7f")), inner, max_size=3)
    ),
    max_leaves=5,
)


@given(TOML)
def test_values_are_written_as_toml_has_them(value):
    assert tomllib.loads(f"value = {as_toml(value)}")["value"] == value


def request(generator, **changes):
    facts = {
        "run": generator.name,
        "weights": generator.weights,
        "step": generator.step,
        "seeds": (5,),
        "sampling": generator.choices.sampling(steps=3),
    }
    return Request(**{**facts, **changes})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("seed", "1, 2"), ("variation", "0, 0.5")),
        (("sampler", "ddim, ddpm"), ("guidance", "1, 3")),
        (("Body", "Zombie, Tan"), ("steps", "1, 2")),
    ],
)
def test_a_grid_turned_on_its_side_is_the_same_grid(avatars, one, other):
    first, second = parse_axis(*one), parse_axis(*other)
    table = cells(request(avatars), {}, avatars, first, second)
    turned = cells(request(avatars), {}, avatars, second, first)
    assert [list(row) for row in zip(*turned, strict=True)] == table


def test_a_cell_is_what_would_be_drawn_alone(avatars):
    across, down = Axis("guidance", ("1", "3")), Axis("Body", ("Zombie", "Tan"))
    images = draw_cells(
        avatars, cells(request(avatars), {"Earring": "Earring"}, avatars, across, down), lambda images, share: None
    )
    assert images.shape[:2] == (2, 2)
    alone = avatars.generate("Earring, Body=Tan", seeds=[5], steps=3, guidance=3)
    assert np.array_equal(images[1, 1], alone[0])


@pytest.mark.parametrize(
    ("name", "values"),
    [("guidance", "strong"), ("steps", "0"), ("Body", "Dragon"), ("seed", "-1"), ("guidance", " , "), ("eta", "7")],
)
def test_a_grid_that_cannot_be(avatars, name, values):
    def drawn():
        table = cells(request(avatars), {}, avatars, parse_axis(name, values), Axis("sampler", ("ddim",)))
        return draw_cells(avatars, table, lambda images, share: None)

    with pytest.raises(RequestError):
        drawn()


def test_strengths_of_an_exclusion_are_compared_only_where_they_count(avatars):
    axes = Axis("exclusion", ("0", "2")), Axis("seed", ("1",))
    for complete in (False, True):
        asked = request(
            avatars, sampling=avatars.choices.sampling(steps=3, excluded={"Earring": 0.3}, complete=complete)
        )
        if complete:
            with pytest.raises(RequestError, match="filled in without what is excluded, however strongly"):
                cells(asked, {}, avatars, *axes)
        else:
            images = draw_cells(avatars, cells(asked, {}, avatars, *axes), lambda images, share: None)
            assert len({image.tobytes() for image in images.reshape(2, -1)}) == 2


def test_every_setting_is_in_the_command_that_draws_the_same(runs, capsys, tmp_path, monkeypatch):
    page = opened(generate_page, runs)
    page.selectbox(key="model").select(str(runs / "avatars")).run()
    boxes(page, "Body").set_value("Zombie").run()
    page.slider(key="eta").set_value(0.5).run()
    page.slider(key="interval").set_value((0.2, 0.8)).run()
    page.slider(key="rescale").set_value(0.4).run()
    page.multiselect(key=f"{runs / 'avatars'}/excluded").set_value(["Blush"]).run()
    next(button for button in page.button if button.label == "More like this").click().run()
    assert not page.exception
    command = page.code[0].value
    for part in (
        "--eta 0.5",
        "--guidance-interval 0.2 0.8",
        "--guidance-rescale 0.4",
        "--exclude Blush=0.3",
        "--vary 0=0.2",
    ):
        assert part in command
    (tmp_path / "shown.png").write_bytes(page.session_state["drawn"].png)
    monkeypatch.chdir(tmp_path)
    assert main([*shlex.split(command)[1:], "--out", "same.png"]) == 0, capsys.readouterr().err
    with Image.open("same.png") as same, Image.open("shown.png") as shown:
        assert same.tobytes() == shown.tobytes()
        assert json.loads(same.info["noisette"]) == json.loads(shown.info["noisette"])
    scope = {}
    exec(page.code[1].value, scope)
    assert np.array_equal(scope["images"], page.session_state["drawn"].images)


def test_what_was_measured_stands_side_by_side(runs):
    sampling = {
        "sampler": "ddim",
        "steps": 5,
        "eta": 0.0,
        "guidance": {"scale": 1.5, "interval": [0, 1], "rescale": 0, "weights": {}, "excluded": {}},
    }
    facts = {"weights": "abcdef", "requests": "r", "split": "validation", "images": 10, "sampling": sampling}
    for seed, exact in ((0, 0.8), (10, 0.9)):
        record = Record.of(runs / "avatars" / "evaluations", "v", {**facts, "first_seed": seed})
        record.figures("judge-1", ["obedience"], lambda missing, exact=exact: {"obedience": {"exact": exact}})
    (runs / "avatars" / "evaluations" / "damaged").mkdir(exist_ok=True)
    (runs / "avatars" / "evaluations" / "damaged" / "figures-judge-1.json").write_text("[]")
    [found] = measured(str(runs / "avatars"))
    assert found.draws == 2
    assert found.mean["obedience"]["exact"] == pytest.approx(0.85)
    assert found.title.endswith("obedience alone")
    page = opened(results_page, runs)
    page.multiselect(key="compared").set_value([str(runs / "avatars"), str(runs / "plain")]).run()
    assert not page.exception
    [table] = page.dataframe
    assert table.value.iloc[:, 1].tolist() == ["0.850 ± 0.071"]
    assert any("noisette evaluate" in each.value for each in page.info)


def test_a_cell_that_cannot_be_is_left_out_and_the_rest_is_drawn(avatars):
    table = cells(request(avatars), {}, avatars, Axis("Body", ("Zombie", "Dragon")), Axis("seed", ("1", "2")))
    assert [[cell is None for cell in row] for row in table] == [[False, True]] * 2
    images = draw_cells(avatars, table, lambda images, share: None)
    assert (images[:, 1] == 255).all()
    assert not (images[:, 0] == 255).all()


def test_random_has_nothing_of_what_is_excluded_and_clear_clears_all(runs):
    page = opened(generate_page, runs)
    page.selectbox(key="model").select(str(runs / "avatars")).run()
    key = str(runs / "avatars")
    page.multiselect(key=f"{key}/excluded").set_value(["Earring"]).run()
    for _ in range(5):
        next(button for button in page.button if button.label == "Random").click().run()
        assert not page.warning
        assert "Earring" not in page.session_state[f"{key}/with"]
    page.text_input(key=f"{key}/weights").set_value("Earring=3").run()
    next(button for button in page.button if button.label == "Clear").click().run()
    assert not page.warning
    assert "--attributes" not in page.code[0].value


def test_how_long_is_kept_and_a_start_leaves_the_next_name_free(tmp_path, monkeypatch):
    begun = []
    monkeypatch.setattr(
        Jobs, "begin", lambda self, name, arguments, log: (begun.append(arguments), (tmp_path / name).mkdir())
    )
    page = opened(train_page, tmp_path)
    page.selectbox(key="recipe").select("sprites").run()
    next(button for button in page.button if button.label == "Start").click().run()
    assert not page.exception
    assert begun[0][:4] == ["train", "sprites", "--out", str(tmp_path / "sprites")]
    assert "begins" in page.success[0].value
    assert not page.warning
    assert "sprites-2" in page.code[-1].value
