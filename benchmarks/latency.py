"""How long a person waits for images, by each engine, and beside diffusers' own loop with the same network.

    python benchmarks/latency.py [RUN] [--steps 1,2,4,10] [--requests 200] [--page docs/results/samplers.md]

Everything is warm: the model is loaded and has drawn before. Each request is another one, drawn from the statistics of
the data, with another seed.

- Waiting is from the request to the image: `generator.plan` and `generator.draw`. One image: percentiles over the
  requests. A grid: 16 images. A batch: 256 images, in images/s.
- diffusers: its DDIMScheduler around the same network in PyTorch, by the loop of its DDIMPipeline, in turns with our
  `generator.draw` in as many steps.

Takes minutes. Run it when nothing else runs. Needs the extra `peers`.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from noisette.threads import wait_briefly

wait_briefly()  # as the command does

import numpy as np
import torch
from numpy.typing import NDArray
from pages import check_marks, machine, milliseconds, write_between

import noisette
from noisette.attributes.schema import Value
from noisette.config.sampling import SamplingSettings
from noisette.diffusion.condition import Condition
from noisette.inference.engine import in_pytorch
from noisette.inference.generator import Generator

_BATCH, _GRID, _ROUNDS = 256, 16, 15

Requests = Sequence[dict[str, Value]]


def main() -> None:
    arguments = _arguments()
    if arguments.page:
        check_marks(arguments.page, "latency")
    generator = noisette.load(arguments.run)
    requests = [generator.random_request(seed) for seed in range(max(arguments.requests, _BATCH))]
    lines = [
        "| engine | steps | one image (ms): median | 90 % | 99 % | a grid of 16 (ms) | images/s |",
        "|---|---|---|---|---|---|---|",
    ]
    in_torch = replace(generator, given_engine=in_pytorch(generator.network, generator.model.objective))
    for by_engine in (generator, in_torch):
        for steps in arguments.steps:
            lines.append(_row(by_engine, steps, requests, arguments.requests))
            print(lines[-1], flush=True)
    lines += ["", "| steps | images | ours (ms) | diffusers (ms) | ratio |", "|---|---|---|---|---|"]
    for steps in arguments.steps:
        for images in (1, 4, 16, 64):
            ours, theirs = _beside_diffusers(generator, steps, requests[:images])
            lines.append(f"| {steps} | {images} | {ours:.1f} | {theirs:.1f} | {theirs / ours:.1f} |")
            print(lines[-1], flush=True)
    if arguments.page:
        write_between(
            arguments.page, "latency", [*lines, "", f"{generator.name}, weights {generator.weights[:12]}; {machine()}."]
        )


def _row(generator: Generator, steps: int, requests: Requests, single: int) -> str:
    """A row of the table. single: how many requests are drawn one by one."""

    def draw(first: int, count: int) -> Any:
        seeds = range(first, first + count)
        return generator.generate(requests[first : first + count], seeds=seeds, steps=steps)

    draw(0, 1)
    one = np.array([milliseconds(partial(draw, place, 1)) for place in range(single)])
    grid = min(milliseconds(lambda: draw(0, _GRID)) for _ in range(_ROUNDS))
    batch = milliseconds(lambda: draw(0, _BATCH))
    median, most, last = np.percentile(one, [50, 90, 99])
    return (
        f"| {generator.engine.name} | {steps} | {median:.1f} | {most:.1f} | {last:.1f} | {grid:.0f} |"
        f" {1000 * _BATCH / batch:.0f} |"
    )


def _beside_diffusers(generator: Generator, steps: int, requests: Requests) -> tuple[float, float]:
    """Median milliseconds of ours and theirs, in turns."""
    settings = SamplingSettings.of(sampler="ddim", steps=steps, spacing="time", guidance=1.0)
    plan = generator.plan(requests, seeds=range(len(requests)), settings=settings)
    theirs = _diffusers_loop(generator, steps, generator.schema.encode(requests))
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(_ROUNDS + 2):
        pair = milliseconds(lambda: generator.draw(plan)), milliseconds(theirs)
        for kept, spent in zip(times, pair, strict=True):
            if number >= 2:  # the first are warm-up
                kept.append(spent)
    return float(np.median(times[0])), float(np.median(times[1]))


def _diffusers_loop(generator: Generator, steps: int, codes: NDArray[np.int16]) -> Callable[[], None]:
    """The loop of DDIMPipeline around our network, from which it takes x0_hat: noise, steps, bytes of the images."""
    from diffusers import DDIMScheduler

    model = generator.model
    scheduler = DDIMScheduler(
        num_train_timesteps=1000,
        prediction_type="sample",
        clip_sample=True,
        timestep_spacing="trailing",
        set_alpha_to_one=True,
    )
    levels = [model.schedule.at((index + 1) / 1000) for index in range(1000)]
    scheduler.alphas_cumprod = torch.tensor([level.alpha**2 for level in levels])
    condition = Condition(torch.from_numpy(codes.astype(np.int64)))
    generators = [torch.Generator().manual_seed(seed) for seed in range(len(codes))]

    def loop() -> None:
        with torch.inference_mode():
            scheduler.set_timesteps(steps)
            xt = torch.cat([torch.randn(1, *model.shape, generator=each) for each in generators])
            for timestep in scheduler.timesteps:
                level = levels[int(timestep)]
                times, alpha, sigma = (
                    torch.full((len(xt),), value) for value in (level.time, level.alpha, level.sigma)
                )
                x0 = model.objective.image(generator.network(xt, times, condition), xt, alpha, sigma)
                xt = scheduler.step(x0, timestep, xt, eta=0.0, use_clipped_model_output=True).prev_sample
            model.space.decode(xt)

    return loop


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", nargs="?", default="punks", help="a run folder, or a shipped model")
    parser.add_argument("--steps", type=lambda text: [int(part) for part in text.split(",")], default=[1, 2, 4, 10])
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--page", type=Path, help="put the tables into this page")
    return parser.parse_args()


if __name__ == "__main__":
    main()
