"""The forward process on images of the data, as a GIF."""

from __future__ import annotations

import math

import torch
from PIL import Image

from noisette.caller import leaves_torch_alone
from noisette.config.data import open_data, palette_learned
from noisette.config.recipe import Recipe
from noisette.data.pixels import OnPalette
from noisette.diffusion.noise import ImageNoise
from noisette.errors import RequestError
from noisette.files.animation import as_gif
from noisette.files.images import good_scale, sheet
from noisette.model import assemble


@leaves_torch_alone
def noising_gif(recipe: Recipe, *, count: int, frames: int) -> bytes:
    """The forward process on the first images of the train split, as a GIF.

    Args:
        recipe: Of the data and the schedule.
        count: Images.
        frames: Noise levels, from clean to noise.

    Returns:
        The file; its first frame shows the images exactly.

    Raises:
        RequestError: There are fewer images.
    """
    whole = open_data(recipe)
    masked = recipe.diffusion.schedule == "masked"
    model = assemble(recipe, palette=palette_learned(recipe, whole) if masked else None)
    noisy = model.space.off_palette if isinstance(model.space, OnPalette) else model.space.decode
    dataset = whole.split("train")
    if count > len(dataset):
        raise RequestError(f"there are only {len(dataset)} images; use a smaller --count")
    x0 = model.space.encode(torch.from_numpy(dataset.images[:count]))
    eps = ImageNoise(range(count)).like(x0)
    levels = model.schedule.levels(min(frames, model.schedule.steps or frames))[::-1]
    across = math.ceil(math.sqrt(count))
    scale = good_scale(model.size[1], across)

    def frame(alpha: float, sigma: float) -> Image.Image:
        xt = model.noised(x0, eps, torch.full((count,), alpha), torch.full((count,), sigma))[:, : x0.shape[1]]
        return sheet(noisy(xt).numpy(), columns=across)

    return as_gif([frame(1.0, 0.0), *(frame(level.alpha, level.sigma) for level in levels)], scale=scale, whole=0)
