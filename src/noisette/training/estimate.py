"""How fast a training would be on this machine, measured in some seconds without one."""

from __future__ import annotations

import torch

from noisette.attributes.statistics import value_names
from noisette.caller import leaves_torch_alone
from noisette.config.recipe import Recipe
from noisette.data.dataset import Dataset
from noisette.data.palette import palette_of
from noisette.diffusion.condition import Condition
from noisette.model import Model, assemble
from noisette.threads import steady
from noisette.training.expectation import Speed, keep_speed, key_of, known_speeds
from noisette.training.speed import choose


@steady()
@leaves_torch_alone
def speed_here(recipe: Recipe, dataset: Dataset) -> Speed:
    """How fast a recipe trains here: as a training of the same shape did, else as it was measured once, else as it is
    measured now, uncompiled; a training that lasts long enough is compiled and somewhat faster.

    Args:
        recipe: Of the images.
        dataset: The images.

    Returns:
        The speed, which is kept for the next time.
    """
    model = assemble(recipe, dataset.schema, palette_of(dataset.images, dataset.places("train")))
    key = key_of(model, "cpu")
    if (known := known_speeds().get(key)) is not None:
        return known
    speed = Speed(images_per_second=_measured(model), by="measurement")
    keep_speed(key, speed)
    return speed


def _measured(model: Model) -> float:
    """Images in a second."""
    condition = None
    if model.recipe.conditional and value_names(model.schema):
        condition = Condition(torch.zeros((1, len(model.schema.attributes)), dtype=torch.long))
    _, measured = choose(
        model,
        model.recipe.training.batch_size,
        torch.device("cpu"),
        condition=condition,
        seconds=lambda rate: 0.0,
    )
    return max(measured.values())
