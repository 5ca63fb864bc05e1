"""diffusers' UNet2DModel trained by the recipe of diffusers' own example, for time_to_quality.py.

What is theirs:

- the network, with the widths and blocks of `examples/unconditional_image_generation/train_unconditional.py`, as many
  levels of them as 24 pixels can be halved;
- the condition as `class_embed_type="identity"`, a vector that is added to the embedding of the time;
- AdamW at 1e-4 with betas 0.95 and 0.999 and weight decay 1e-6, a cosine after 500 steps of warm-up, batches of 16,
  float32;
- the noise target over 1,000 linear steps;
- averaged weights, (1 + n) ** -0.75 a step, at most 0.9999.

What is not: one layer leads from the features of a condition to that vector, a condition is dropped with probability
0.1, and the cosine stretches over the minutes there are.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from noisette.config.recipe import Recipe, load_recipe
from noisette.data.dataset import Dataset
from noisette.diffusion.condition import Condition
from noisette.model import Model, assemble
from noisette.networks.base import Network
from noisette.networks.conditioning import Encoded, Features
from noisette.training.dropping import drop

WIDTHS = (128, 128, 256, 256)
BATCH = 16


class Peer(Network):
    """UNet2DModel with the signature of this project's networks."""

    ends = ("unet.conv_in", "unet.conv_out")

    def __init__(self, model: Model) -> None:
        from diffusers import UNet2DModel

        super().__init__()
        self.features = Features(model.condition_spec)
        self.embedding = nn.Linear(self.features.width, 4 * WIDTHS[0])
        self.unet = UNet2DModel(
            sample_size=model.size,
            in_channels=3,
            out_channels=3,
            layers_per_block=2,
            block_out_channels=WIDTHS,
            down_block_types=("DownBlock2D", "DownBlock2D", "AttnDownBlock2D", "DownBlock2D"),
            up_block_types=("UpBlock2D", "AttnUpBlock2D", "UpBlock2D", "UpBlock2D"),
            class_embed_type="identity",
        )

    def encode_condition(self, condition: Condition | None) -> Encoded:
        return (self.embedding(self.features(condition)),)

    def predict(self, xt: Tensor, times: Tensor, *encoded: Tensor) -> Tensor:
        steps = (times * 1000).round() - 1
        prediction: Tensor = self.unet(xt, steps, class_labels=encoded[0]).sample
        return prediction


def peer_recipe() -> Recipe:
    """The part of a recipe that the peer shares and that is enough to draw with it: data, noise levels and target."""
    settings = ['diffusion={schedule="linear", steps=1000, target="noise"}', "sampling={steps=50}"]
    return load_recipe("punks-attributes-colours", settings)


def new_peer(dataset: Dataset) -> tuple[Model, Peer]:
    """The model and its network, with the first weights of seed 0."""
    model = assemble(peer_recipe(), dataset.schema)
    torch.manual_seed(0)
    return model, Peer(model)


def train_peer(
    dataset: Dataset, minutes: float, marks: Sequence[float], at_mark: Callable[[float, Network, int], None]
) -> None:
    """Train for so many minutes of wall clock.

    Args:
        dataset: its train split is trained on.
        minutes: of wall clock.
        marks: minutes, ascending.
        at_mark: called at each of them, off the clock, with the mark, the averaged network, and the steps taken.
    """
    model, network = new_peer(dataset)
    train = dataset.split("train")
    images, codes = torch.from_numpy(train.images), torch.from_numpy(train.attributes).long()
    units = torch.tensor(dataset.schema.units)
    average = copy.deepcopy(network).requires_grad_(False).eval()
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-4, betas=(0.95, 0.999), weight_decay=1e-6, eps=1e-8)
    generator = torch.Generator().manual_seed(0)
    order, place, step, waited, due = torch.randperm(len(images), generator=generator), 0, 0, 0.0, list(marks)
    started = time.monotonic()
    while True:
        spent = (time.monotonic() - started - waited) / 60
        while due and spent >= due[0]:
            paused = time.monotonic()
            at_mark(due.pop(0), average, step)
            waited += time.monotonic() - paused
        if spent >= minutes or not due:
            return
        for group in optimizer.param_groups:
            group["lr"] = 1e-4 * min(1, (step + 1) / 500) * (1 + math.cos(math.pi * spent / minutes)) / 2
        if place + BATCH > len(order):
            order, place = torch.randperm(len(images), generator=generator), 0
        chosen, place = order[place : place + BATCH], place + BATCH
        x0 = model.space.encode(images[chosen])
        eps = torch.randn(x0.shape, generator=generator)
        times = torch.randint(1, 1001, (BATCH,), generator=generator) / 1000
        alpha, sigma = (scale.float().view(-1, 1, 1, 1) for scale in model.schedule.alpha_sigma(times.double()))
        condition = Condition(drop(codes[chosen], units, drop_all=0.1, drop_each=0.0, generator=generator))
        F.mse_loss(network(alpha * x0 + sigma * eps, times, condition), eps).backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        step += 1
        decay = min(0.9999, 1 - (1 + step) ** -0.75)
        with torch.no_grad():
            torch._foreach_lerp_(list(average.parameters()), list(network.parameters()), 1 - decay)
