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
