"""diffusers' UNet2DModel trained by the recipe of diffusers' own example, on the same punks and requests.

What is theirs: the network, with the widths and blocks of
`examples/unconditional_image_generation/train_unconditional.py`, as many levels of them as 24 pixels can be halved; the
request as `class_embed_type="identity"`, a vector that is added to the embedding of the time; AdamW at 1e-4 with betas
0.95 and 0.999 and weight decay 1e-6; a cosine after 500 steps of warm-up; batches of 16; the noise target over 1,000
linear steps; averaged weights, (1 + n) ** -0.75 a step, at most 0.9999; float32. What is not: one layer leads from the
features of a request to that vector, a request is dropped with probability 0.1, and the cosine stretches over the
minutes there are.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from noisette.attributes.schema import AttributeSchema
from noisette.config.recipe import Recipe, load_recipe
from noisette.data.dataset import Dataset
from noisette.model import Model, assemble
from noisette.networks.conditioning import Features
from noisette.training.dropping import drop

WIDTHS = (128, 128, 256, 256)
BATCH = 16


class Peer(nn.Module):
    """UNet2DModel with the signature of this project's networks."""

    def __init__(self, schema: AttributeSchema, side: int) -> None:
        from diffusers import UNet2DModel

        super().__init__()
        self.features = Features(schema.valued, "each", schema.units)
        self.asked = nn.Linear(self.features.width, 4 * WIDTHS[0])
        self.unet = UNet2DModel(
            sample_size=side,
            in_channels=3,
            out_channels=3,
            layers_per_block=2,
            block_out_channels=WIDTHS,
            down_block_types=("DownBlock2D", "DownBlock2D", "AttnDownBlock2D", "DownBlock2D"),
            up_block_types=("UpBlock2D", "AttnUpBlock2D", "UpBlock2D", "UpBlock2D"),
            class_embed_type="identity",
        )

    def forward(self, xt: Tensor, times: Tensor, codes: Tensor) -> Tensor:
        return self.answer(xt, times, *self.ask(codes))

    def ask(self, codes: Tensor | None) -> tuple[Tensor, ...]:
        return (self.asked(self.features(codes)),)

    def answer(self, xt: Tensor, times: Tensor, *asked: Tensor) -> Tensor:
        steps = (times * 1000).round() - 1
        answer: Tensor = self.unet(xt, steps, class_labels=asked[0]).sample
        return answer


def peer_recipe() -> Recipe:
    """What of a recipe of this project the peer shares: the data, its noise levels and target.

    Enough to draw with it.
    """
    settings = ['diffusion={schedule="linear", steps=1000, target="noise"}', "samples={steps=50}"]
    return load_recipe("punks-attributes-colours", settings)


def new_peer(dataset: Dataset) -> tuple[Model, Peer]:
    """What draws with it, and the network, its weights those of seed 0."""
    model = assemble(peer_recipe(), dataset.schema)
    torch.manual_seed(0)
    return model, Peer(dataset.schema, model.side)


def train_peer(
    dataset: Dataset, minutes: float, marks: Sequence[float], at_mark: Callable[[float, nn.Module, int], None]
) -> None:
    """Train for so many minutes of wall clock.

    `at_mark(minute, averaged network, steps)` at each mark, off the clock.
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
        asked = drop(codes[chosen], units, drop_all=0.1, drop_each=0.0, generator=generator)
        F.mse_loss(network(alpha * x0 + sigma * eps, times, asked), eps).backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        step += 1
        decay = min(0.9999, 1 - (1 + step) ** -0.75)
        with torch.no_grad():
            torch._foreach_lerp_(list(average.parameters()), list(network.parameters()), 1 - decay)
