from __future__ import annotations

import pytest

from noisette.config.migration import migrate
from noisette.config.recipe import Recipe, dump_recipe, load_recipe, parse_recipe
from noisette.errors import RequestError

WRITTEN_OUT = {"count": 10_000, "seed": 0}
"""What the version before wrote into the dataset section of every recipe."""


def as_before(recipe: Recipe, **written: object) -> str:
    """The recipe as the version before wrote it."""
    import tomli_w

    values = recipe.model_dump(exclude_none=True)
    return tomli_w.dumps({**values, "dataset": {**values["dataset"], **WRITTEN_OUT, **written}})


@pytest.mark.parametrize("name", ["mnist", "digits", "punks-attributes"])
def test_a_recipe_of_the_version_before_is_the_same_recipe(name):
    recipe = load_recipe(name)
    read = parse_recipe(as_before(recipe), source="before")
    assert read == recipe
    assert not {"count", "seed"} & set(read.model_dump()["dataset"])
    assert "count = 10000" not in dump_recipe(read)


OLD = """
[dataset]
name = "mnist"
size = 16
count = 10000
seed = 0

[network]
kind = "unet"
condition = ["modulate"]

[diffusion]
schedule = "cosine"
steps = "continuous"
target = "velocity"

[training]
steps = 20

[samples]
count = 4
sampler = "euler"
steps = 25
eta = 0.0
churn = 2.0
guidance = 2.0
guidance_interval = [0.1, 0.9]
guidance_rescale = 0.3
complete = true
"""


def test_a_text_of_the_version_before_says_the_same_in_the_words_of_today():
    recipe = parse_recipe(OLD, source="before")
    guidance = recipe.sampling.guidance
    assert (recipe.sampling.sampler, recipe.sampling.steps, recipe.sampling.impute) == ("euler", 25, True)
    assert (recipe.sampling.eta, recipe.sampling.churn) == (0.0, 2.0)
    assert (guidance.scale, guidance.interval, guidance.rescale) == (2.0, (0.1, 0.9), 0.3)
    assert recipe.samples.count == 4
    assert parse_recipe(OLD.replace('"euler"', '"ddim"'), source="before").sampling.churn == 0  # written out for all
    assert migrate({"distillation": {"evaluations": 4}}) == {"distillation": {"nfe": 4}}


@pytest.mark.parametrize(
    "overrides",
    [["sampling.steps=7", "sampling.guidance.scale=3.0"], ["samples.steps=7", "samples.guidance=3.0"]],
    ids=["today", "before"],
)
def test_who_changes_a_setting_of_such_a_text_changes_it_in_words_of_either_version(overrides):
    changed = parse_recipe(OLD.split("[distillation]", maxsplit=1)[0], source="before", overrides=overrides)
    assert (changed.sampling.sampler, changed.sampling.churn) == ("euler", 2.0)
    assert (changed.sampling.steps, changed.sampling.guidance.scale) == (7, 3.0)


def test_where_a_text_has_both_words_that_of_today_counts():
    text = OLD.split("[distillation]", maxsplit=1)[0] + "[sampling]\nsteps = 9\n"
    assert parse_recipe(text, source="both").sampling.steps == 9


def test_an_option_that_a_person_gives_is_not_dropped_in_silence():
    with pytest.raises(RequestError, match="no setting dataset.count"):
        load_recipe("digits", ["dataset.count=100"])


def test_what_a_source_does_take_stays():
    recipe = load_recipe("sprites", ["dataset.count=300", "dataset.seed=4"])
    assert parse_recipe(as_before(recipe, count=300, seed=4), source="before") == recipe


def test_another_source_may_be_named_without_undoing_what_only_the_first_takes():
    changed = load_recipe("sprites", ["dataset.name=mnist", "diffusion.target=velocity"])
    assert changed.dataset.options.model_dump() == {"size": 24}


def test_nothing_else_is_forgiven():
    with pytest.raises(RequestError, match="^no setting dataset.sed; "):
        parse_recipe(as_before(load_recipe("mnist"), sed=3), source="before")


@pytest.mark.parametrize(
    "values",
    [{}, {"dataset": 3}, {"dataset": {}}, {"dataset": {"name": ["mnist"]}}, {"dataset": {"name": "x", "count": 1}}],
)
def test_what_is_wrong_is_left_for_those_who_say_so(values):
    assert migrate(values) == values
