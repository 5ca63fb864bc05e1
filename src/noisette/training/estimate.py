"""How fast a training would be on this machine, measured in some seconds without one."""

from __future__ import annotations

import torch

from noisette.attributes.statistics import value_names
from noisette.caller import leaves_torch_alone
from noisette.config.recipe import Recipe
from noisette.data.dataset import Dataset
from noisette.data.palette import palette_of
from noisette.diffusion.condition import Condition
from noisette.model import assemble
from noisette.threads import steady
from noisette.training.speed import choose


@steady()
@leaves_torch_alone
def steps_per_second(recipe: Recipe, dataset: Dataset) -> float:
    """Measure the steps of a recipe, uncompiled: a training that lasts long enough is compiled and somewhat faster.

    Args:
        recipe: Of the images.
        dataset: The images.

    Returns:
        Optimiser steps in a second.
    """
    model = assemble(recipe, dataset.schema, palette_of(dataset.images, dataset.places("train")))
    condition = None
    if recipe.conditional and value_names(dataset.schema):
        condition = Condition(torch.zeros((1, len(dataset.schema.attributes)), dtype=torch.long))
    batch = recipe.training.batch_size
    _, measured = choose(
        recipe.training,
        model.network(),
        model.objective,
        model.shape,
        batch,
        torch.device("cpu"),
        condition=condition,
        seconds=lambda rate: 0.0,
    )
    return max(measured.values()) / batch
