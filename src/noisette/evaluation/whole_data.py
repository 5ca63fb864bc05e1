"""The data that a classifier learns from, by a name; PyTorch is not loaded, so that a wrong name is refused at once."""

from __future__ import annotations

from pathlib import Path

from noisette.config.data import open_data
from noisette.config.recipe import Recipe, load_recipe, recipe_names
from noisette.data.dataset import SPLITS, Dataset
from noisette.data.sources import SOURCES
from noisette.errors import RequestError, as_nearest, closest, nearest
from noisette.store.locate import find, names
from noisette.store.naming import runs_near


def data_of(name: str) -> Dataset:
    """Open the data that a classifier is trained on.

    Args:
        name: A run, a shipped model, a recipe, or a data set, which is then opened as the recipes have it.

    Returns:
        All of the data, with what a recipe holds out.

    Raises:
        RequestError: There is none of that name.
    """
    if (bundle := find(name)) is not None:
        return open_whole(bundle.recipe)
    recipes = {each: load_recipe(each) for each in recipe_names()}
    if Path(name).suffix == ".toml":
        recipes[name] = load_recipe(name)
    for each, recipe in recipes.items():
        if name in (each, recipe.dataset.name):
            return open_whole(recipe)
    near = as_nearest([*runs_near(name), *closest(name, dict.fromkeys((*SOURCES, *recipes, *names())))])
    raise RequestError(
        f'no data set, run or recipe "{name}"{near}; there are {", ".join(SOURCES)} and what `noisette recipes` lists'
    )


def open_whole(recipe: Recipe) -> Dataset:
    """Open the data of a recipe with what it holds out: a classifier learns from all there is.

    Args:
        recipe: Names the data.

    Returns:
        All of the data.
    """
    return open_data(recipe.model_copy(update={"dataset": recipe.dataset.model_copy(update={"hold_out": []})}))


def check_split(split: str) -> None:
    """Refuse what is no split of a data set.

    Args:
        split: A name.

    Raises:
        RequestError: There is no split of that name.
    """
    if split not in SPLITS:
        raise RequestError(f'no split "{split}"{nearest(split, SPLITS)}; there are {", ".join(SPLITS)}')
