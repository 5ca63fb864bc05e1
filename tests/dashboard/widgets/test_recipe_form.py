"""The form that is made from the typed recipe."""

from __future__ import annotations

import shlex

import pytest

from noisette.config.recipe import load_recipe, recipe_names

from ..harness import opened, train_page

pytestmark = pytest.mark.usefixtures("own_cache")


@pytest.mark.slow
def test_a_form_that_nobody_touched_changes_nothing(tmp_path):
    page = opened(train_page, tmp_path)
    for name in recipe_names():
        page.selectbox(key="recipe").select(name).run()
        assert not page.exception, name
        assert not page.warning, name
        assert "--set" not in page.code[-1].value


@pytest.mark.slow
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


def test_other_data_have_options_of_their_own(tmp_path):
    page = opened(train_page, tmp_path)
    page.selectbox(key="recipe").select("sprites").run()
    assert page.text_input(key="form/sprites/dataset/count").value == "10000"
    page.selectbox(key="form/sprites/dataset/name").select("mnist").run()
    assert not page.exception
    assert "form/sprites/dataset/mnist/count" not in {each.key for each in page.text_input}
    assert page.text_input(key="form/sprites/dataset/mnist/size").value == "28"
    assert not page.warning
    words = shlex.split(page.code[-1].value)
    changed = load_recipe("sprites", [words[place + 1] for place, word in enumerate(words) if word == "--set"])
    assert (changed.dataset.name, changed.dataset.shape) == ("mnist", (1, 28, 28))


def test_how_a_training_draws_its_samples_is_set_as_anything_else(tmp_path):
    page = opened(train_page, tmp_path)
    page.selectbox(key="recipe").select("punks-attributes").run()
    page.text_input(key="form/punks-attributes/sampling/guidance.scale").set_value("1.5").run()
    page.selectbox(key="form/punks-attributes/sampling/sampler").select("unipc").run()
    assert not page.exception
    assert "sampling.guidance.scale=1.5" in page.code[-1].value
    assert "sampling.sampler=" in page.code[-1].value
