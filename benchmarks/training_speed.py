"""Training images/s and GFLOP/s of the punk recipes, beside diffusers' UNet2DModel and the machine's own ceiling.

    python benchmarks/training_speed.py [--seconds 20] [--rounds 5] [--compile] [--json]

All of it runs in one process, in turns, so that a machine whose speed drifts treats all alike; the median of the rounds
is given with the range. Takes minutes. Run it when nothing else runs. Needs the extra `peers`.

A step is forward, backward, clipping and the optimiser, on batches that are already drawn: of a recipe its own loss and
optimiser, of UNet2DModel the squared error and AdamW. GFLOP are counted by PyTorch's own counter, forward and backward;
what the optimiser computes is no part of them, but of the time. The smaller UNet2DModel costs about as many GFLOP an
image as the flagship.

The ceiling is the best rate at which this machine's convolutions run in a forward and backward pass of the same kind:
3x3, 64 to 256 channels, on the feature maps of the recipe; once in float32, once in bfloat16 where the processor has
it.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import platform
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from noisette.threads import wait_briefly

wait_briefly()  # as the command does

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from noisette.config.data import open_data
from noisette.config.recipe import load_recipe
from noisette.data.palette import palette_of
from noisette.diffusion.condition import Condition
from noisette.diffusion.noise import add_noise
from noisette.inference.engine import Inputs
from noisette.model import assemble
from noisette.training.optimizers import make_optimizers
from noisette.training.speed import Settings, choose, has_bfloat16

Step = Callable[[], None]


@dataclass
class Timed:
    """Something whose steps are timed.

    Attributes:
        name: for the table.
        step: takes one.
        images: in a step.
        gflop: for an image, forward and backward.
        parameters: of the network; 0 of a single convolution.
    """

    name: str
    step: Step
    images: int
    gflop: float
    parameters: int


def training_step(
    network: nn.Module,
    loss: Callable[[], Tensor],
    optimizers: Sequence[torch.optim.Optimizer],
    counter: FlopCounterMode | None = None,
) -> None:
    """One step; what the counter sees is the forward and backward pass."""
    with counter or contextlib.nullcontext():
        loss().backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
    for optimizer in optimizers:
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)


def whole_step(
    name: str,
    network: nn.Module,
    loss: Callable[[], Tensor],
    plain: Callable[[], Tensor],
    optimizers: Sequence[torch.optim.Optimizer],
    images: int,
) -> Timed:
    """A training step, with its operations counted.

    Args:
        name: for the table.
        network: that is trained.
        loss: of one batch, compiled or not.
        plain: the same, not compiled: only its operations can be counted.
        optimizers: of the network.
        images: in the batch.
    """
    counter = FlopCounterMode(display=False)
    training_step(network, plain, optimizers, counter)
    gflop = float(counter.get_total_flops() / images / 1e9)
    return Timed(
        name,
        lambda: training_step(network, loss, optimizers),
        images,
        gflop,
        sum(p.numel() for p in network.parameters()),
    )


def of_recipe(recipe_name: str, compiled: bool) -> Timed:
    """A step of a named recipe."""
    recipe = load_recipe(recipe_name)
    dataset = open_data(recipe)
    model = assemble(recipe, dataset.schema, palette_of(dataset.images, dataset.places("train")))
    batch = recipe.training.batch_size
    torch.manual_seed(0)
    network = model.network()
    condition = Condition(torch.from_numpy(dataset.attributes[:batch]).long()) if recipe.conditional else None
    settings, _ = choose(
        model,
        batch,
        torch.device("cpu"),
        condition=Inputs.of(model).condition(1),
        seconds=lambda rate: 0,
    )
    network = network.to(memory_format=settings.memory_format)  # type: ignore[call-overload]
    x0, eps, times = (
        model.space.encode(torch.from_numpy(dataset.images[:batch])),
        torch.randn(batch, *model.shape),
        torch.rand(batch),
    )
    alpha, sigma = (scale.float() for scale in model.schedule.alpha_sigma(times.double()))
    xt = add_noise(x0, eps, alpha, sigma).contiguous(memory_format=settings.memory_format)

    def loss_by(forward: Callable[..., Tensor], measure: Callable[..., Tensor]) -> Callable[[], Tensor]:
        def loss() -> Tensor:
            with torch.autocast("cpu", torch.bfloat16, enabled=settings.precision == "bfloat16"):
                prediction = forward(xt, times, condition)
            return measure(prediction.float(), x0, eps, xt, alpha, sigma)

        return loss

    plain = loss_by(network, model.objective.loss)
    loss = loss_by(torch.compile(network), torch.compile(model.objective.loss)) if compiled else plain
    optimizers = make_optimizers(network, recipe.training)
    name = f"noisette {recipe_name} ({settings.precision}, {settings.layout}{', compiled' if compiled else ''})"
    return whole_step(name, network, loss, plain, optimizers, batch)


def of_diffusers(batch: int, side: int, widths: tuple[int, ...]) -> Timed:
    """A step of UNet2DModel on square images."""
    from diffusers import UNet2DModel

    torch.manual_seed(0)
    levels = len(widths)
    network = UNet2DModel(
        sample_size=side,
        in_channels=3,
        out_channels=3,
        block_out_channels=widths,
        norm_num_groups=min(32, widths[0] // 2),
        down_block_types=("DownBlock2D",) * (levels - 1) + ("AttnDownBlock2D",),
        up_block_types=("AttnUpBlock2D",) + ("UpBlock2D",) * (levels - 1),
    )
    xt, eps, times = torch.randn(batch, 3, side, side), torch.randn(batch, 3, side, side), torch.rand(batch)

    def loss() -> Tensor:
        answer: Tensor = network(xt, times * 1000).sample
        return F.mse_loss(answer, eps)

    optimizers = [torch.optim.AdamW(network.parameters(), lr=1e-4, fused=True)]
    return whole_step(f"diffusers UNet2DModel {'-'.join(map(str, widths))}", network, loss, loss, optimizers, batch)


def ceilings(batch: int) -> list[Timed]:
    """Convolutions of several sizes, in each precision and layout."""
    found = []
    for precision in ("float32", "bfloat16"):
        if precision == "bfloat16" and not has_bfloat16(torch.device("cpu")):
            continue
        for width, side in ((64, 12), (128, 12), (128, 6), (256, 12)):
            for layout in ("contiguous", "channels-last"):
                settings = Settings(precision, layout)
                found.append(convolution(width, side, batch, settings))
    return found


def convolution(width: int, side: int, batch: int, settings: Settings) -> Timed:
    """A forward and backward pass of one 3x3 convolution, to its input and its weights."""
    layer = nn.Conv2d(width, width, 3, padding=1).to(memory_format=settings.memory_format)  # type: ignore[call-overload]
    image = torch.randn(batch, width, side, side).contiguous(memory_format=settings.memory_format).requires_grad_()

    def step() -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=settings.precision == "bfloat16"):
            out = layer(image)
        out.backward(torch.ones_like(out))
        layer.zero_grad(set_to_none=True)
        image.grad = None

    gflop = 3 * 2 * 9 * width * width * side * side / 1e9
    return Timed(f"convolution {width}x{side}x{side} {settings.precision} {settings.layout}", step, batch, gflop, 0)


def measure(timed: list[Timed], seconds: float, rounds: int) -> dict[str, list[float]]:
    """Images/s of each, `rounds` times in turn."""
    rates: dict[str, list[float]] = {each.name: [] for each in timed}
    for each in timed:
        each.step()
        each.step()
    for _ in range(rounds):
        for each in timed:
            count, start = 0, time.perf_counter()
            while (spent := time.perf_counter() - start) < seconds / rounds:
                each.step()
                count += 1
            rates[each.name].append(count * each.images / spent)
    return rates


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=20, help="for each network; a tenth for each convolution")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--batch", type=int, default=64, help="of UNet2DModel and the convolutions; a recipe has its own"
    )
    parser.add_argument("--compile", action="store_true", help="also measure the recipes compiled")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()

    networks = [
        of_recipe(name, compiled)
        for name in ("punks-attributes", "punks")
        for compiled in ([False, True] if options.compile else [False])
    ]
    networks += [of_diffusers(options.batch, 24, widths) for widths in ((64, 128, 128), (16, 32, 32))]
    convolutions = ceilings(options.batch)
    rates = {
        **measure(networks, options.seconds, options.rounds),
        **measure(convolutions, options.seconds / 10, options.rounds),
    }
    best = {
        precision: max(statistics.median(rates[c.name]) * c.gflop for c in convolutions if precision in c.name)
        for precision in ("float32", "bfloat16")
        if any(precision in c.name for c in convolutions)
    }
    rows: list[dict[str, Any]] = [
        {
            "name": c.name,
            "parameters_m": round(c.parameters / 1e6, 2),
            "gflop_an_image": round(c.gflop, 3),
            "images_per_second": round(statistics.median(rates[c.name]), 1),
            "range": [round(min(rates[c.name]), 1), round(max(rates[c.name]), 1)],
            "gflop_per_second": round(statistics.median(rates[c.name]) * c.gflop, 1),
            "share_of_float32_ceiling": round(statistics.median(rates[c.name]) * c.gflop / best["float32"], 3),
        }
        for c in networks
    ]
    machine = {
        "processor": platform.machine(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "bfloat16": "bfloat16" in best,
    }
    ceiling_rates = {precision: round(rate, 1) for precision, rate in best.items()}
    report: dict[str, Any] = {
        "machine": machine,
        "batch": options.batch,
        "ceiling_gflop_per_second": ceiling_rates,
        "networks": rows,
    }
    if options.json:
        json.dump(report, sys.stdout, indent=2)
        print()
        return 0
    print(f"{machine}, batch {options.batch}")
    for precision, ceiling in best.items():
        print(f"ceiling of convolutions, {precision}: {ceiling:.0f} GFLOP/s")
    print(
        "| network | parameters | GFLOP an image | images/s (range) | GFLOP/s | of the float32 ceiling"
        " |\n|---|---|---|---|---|---|"
    )
    for row in rows:
        low, high = row["range"]
        print(
            f"| {row['name']} | {row['parameters_m']} M | {row['gflop_an_image']} | {row['images_per_second']} ({low}"
            f" to {high}) | {row['gflop_per_second']} | {row['share_of_float32_ceiling']:.0%} |"
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
