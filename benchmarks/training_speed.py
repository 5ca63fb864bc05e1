"""Training images/s and GFLOP/s of the punk recipe, beside diffusers' UNet2DModel and the machine's own ceiling.

    python benchmarks/training_speed.py [--seconds 20] [--json]

All in one process and one run, in turns, so that a machine whose speed drifts treats all alike: the rounds are repeated
and the median is given with the range. Run it when nothing else runs. A step is forward, backward, clipping and the
optimiser, on batches that are already drawn. GFLOP are counted by PyTorch's own counter, forward and backward.

The ceiling is the best rate at which this machine's convolutions run in a forward and backward pass of the same kind:
3x3, 64 to 256 channels, on the feature maps of the recipe; once in float32, once in bfloat16 where the processor has it.
"""

from __future__ import annotations

import argparse
import copy
import json
import platform
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from noisette.config import load_recipe
from noisette.model import assemble
from noisette.training.speed import Settings, choose, has_bfloat16

Step = Callable[[], None]


@dataclass
class Contestant:
    """Something that trains: a step, the images it takes, and GFLOP for each image."""

    name: str
    step: Step
    images: int
    gflop: float  # an image, forward and backward
    parameters: int


def training_step(
    network: Callable[[Tensor, Tensor], Tensor], module: nn.Module, shape: tuple[int, int, int], batch: int, settings: Settings
) -> Step:
    optimizer = torch.optim.AdamW(module.parameters(), lr=1e-4, fused=True)
    xt = torch.randn(batch, *shape).contiguous(memory_format=settings.memory_format)
    target, times = torch.randn(batch, *shape), torch.rand(batch)

    def step() -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=settings.precision == "bfloat16"):
            prediction = network(xt, times)
        (prediction.float() - target).square().mean().backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    return step


def gflop_of(step: Step, images: int) -> float:
    with FlopCounterMode(display=False) as counter:
        step()
    return float(counter.get_total_flops() / images / 1e9)


def ours(recipe_name: str, batch: int, compiled: bool) -> Contestant:
    recipe = load_recipe(recipe_name)
    model = assemble(recipe)
    torch.manual_seed(0)
    network = model.network()
    shape = (model.space.channels, model.side, model.side)
    settings, _ = choose(recipe.training, network, model.objective, shape, batch, torch.device("cpu"), seconds=lambda rate: 0)
    network = network.to(memory_format=settings.memory_format)  # type: ignore[call-overload]
    step = training_step(torch.compile(network) if compiled else network, network, shape, batch, settings)
    plain = training_step(network, copy.deepcopy(network), shape, batch, Settings())
    name = f"noisette {recipe_name} ({settings.precision}, {settings.layout}{', compiled' if compiled else ''})"
    return Contestant(name, step, batch, gflop_of(plain, batch), sum(p.numel() for p in network.parameters()))


def theirs(batch: int, side: int, widths: tuple[int, ...]) -> Contestant:
    from diffusers import UNet2DModel

    torch.manual_seed(0)
    levels = len(widths)
    network = UNet2DModel(
        sample_size=side,
        in_channels=3,
        out_channels=3,
        block_out_channels=widths,
        down_block_types=("DownBlock2D",) * (levels - 1) + ("AttnDownBlock2D",),
        up_block_types=("AttnUpBlock2D",) + ("UpBlock2D",) * (levels - 1),
    )
    step = training_step(lambda xt, times: network(xt, times * 1000).sample, network, (3, side, side), batch, Settings())
    parameters = sum(p.numel() for p in network.parameters())
    return Contestant(f"diffusers UNet2DModel {'-'.join(map(str, widths))}", step, batch, gflop_of(step, batch), parameters)


def ceilings(batch: int) -> list[Contestant]:
    found = []
    for precision in ("float32", "bfloat16"):
        if precision == "bfloat16" and not has_bfloat16(torch.device("cpu")):
            continue
        for width, side in ((64, 12), (128, 12), (128, 6), (256, 12)):
            for layout in ("contiguous", "channels-last"):
                settings = Settings(precision, layout)
                found.append(convolution(width, side, batch, settings))
    return found


def convolution(width: int, side: int, batch: int, settings: Settings) -> Contestant:
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
    return Contestant(f"convolution {width}x{side}x{side} {settings.precision} {settings.layout}", step, batch, gflop, 0)


def measure(contestants: list[Contestant], seconds: float, rounds: int) -> dict[str, list[float]]:
    """Images/s of each, `rounds` times in turn."""
    rates: dict[str, list[float]] = {contestant.name: [] for contestant in contestants}
    for contestant in contestants:
        contestant.step()
        contestant.step()
    for _ in range(rounds):
        for contestant in contestants:
            count, start = 0, time.perf_counter()
            while (spent := time.perf_counter() - start) < seconds / rounds:
                contestant.step()
                count += 1
            rates[contestant.name].append(count * contestant.images / spent)
    return rates


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=20, help="for each network; a tenth for each convolution")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--compile", action="store_true", help="also measure the recipe compiled")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()

    networks = [ours("punks", options.batch, False), ours("punks-small", options.batch, False), theirs(options.batch, 24, (64, 128, 128))]
    if options.compile:
        networks.insert(1, ours("punks", options.batch, True))
    convolutions = ceilings(options.batch)
    rates = {**measure(networks, options.seconds, options.rounds), **measure(convolutions, options.seconds / 10, options.rounds)}
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
    machine = {"processor": platform.machine(), "threads": torch.get_num_threads(), "torch": torch.__version__, "bfloat16": "bfloat16" in best}
    ceiling_rates = {precision: round(rate, 1) for precision, rate in best.items()}
    report: dict[str, Any] = {"machine": machine, "batch": options.batch, "ceiling_gflop_per_second": ceiling_rates, "networks": rows}
    if options.json:
        json.dump(report, sys.stdout, indent=2)
        print()
        return 0
    print(f"{machine}, batch {options.batch}")
    for precision, ceiling in best.items():
        print(f"ceiling of convolutions, {precision}: {ceiling:.0f} GFLOP/s")
    print("| network | parameters | GFLOP an image | images/s (range) | GFLOP/s | of the float32 ceiling |\n|---|---|---|---|---|---|")
    for row in rows:
        low, high = row["range"]
        print(
            f"| {row['name']} | {row['parameters_m']} M | {row['gflop_an_image']} | {row['images_per_second']} ({low} to {high}) "
            f"| {row['gflop_per_second']} | {row['share_of_float32_ceiling']:.0%} |"
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
