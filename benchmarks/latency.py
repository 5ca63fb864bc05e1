"""How long a person waits: one punk, a grid, a batch; by this project's engines, and beside diffusers' own loop with
the same network.

    python benchmarks/latency.py [RUN] [--steps 1,2,4,10] [--requests 200] [--page docs/results/samplers.md]

Everything is warm: the model is loaded and has drawn before. Each request is another one, drawn from the statistics of
the data, with another seed. One image: percentiles over the requests. A grid: 16 images at once. A batch: 256 images,
in images/s. diffusers: its DDIMScheduler, around the same network in PyTorch, by the loop of its DDIMPipeline, in turns
with ours of the same steps. Run it when nothing else runs. Needs the extra `peers`.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
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
from noisette.inference.engine import Engine, in_pytorch
from noisette.inference.generator import Generator
from noisette.sampling.settings import Sampling

_BATCH, _GRID, _ROUNDS = 256, 16, 15


def main() -> None:
    arguments = _arguments()
    if arguments.page:
        check_marks(arguments.page, "latency")
    generator = noisette.load(arguments.run)
    rows = generator.schema.encode([generator.random_request(seed) for seed in range(max(arguments.requests, _BATCH))])
    lines = [
        "| engine | steps | one image (ms): median | 90 % | 99 % | a grid of 16 (ms) | images/s |",
        "|---|---|---|---|---|---|---|",
    ]
    for engine in (generator.engine, in_pytorch(generator.network, generator.model.objective)):
        for steps in arguments.steps:
            lines.append(_row(generator, engine, generator.choices.sampling(steps=steps), rows, arguments.requests))
            print(lines[-1], flush=True)
    lines += ["", "| steps | images | ours (ms) | diffusers (ms) | ratio |", "|---|---|---|---|---|"]
    for steps in arguments.steps:
        for images in (1, 4, 16, 64):
            ours, theirs = _beside_diffusers(
                generator, generator.choices.sampling("ddim", steps, guidance=1.0), rows[:images]
            )
            lines.append(f"| {steps} | {images} | {ours:.1f} | {theirs:.1f} | {theirs / ours:.1f} |")
            print(lines[-1], flush=True)
    if arguments.page:
        write_between(
            arguments.page, "latency", [*lines, "", f"{generator.name}, weights {generator.weights[:12]}; {machine()}."]
        )


def _row(generator: Generator, engine: Engine, sampling: Sampling, rows: NDArray[np.int16], requests: int) -> str:
    def draw(first: int, count: int) -> Any:
        return generator.model.draw(engine, range(first, first + count), sampling, rows[first : first + count])

    draw(0, 1)
    one = np.array([milliseconds(partial(draw, place, 1)) for place in range(requests)])
    grid = min(milliseconds(lambda: draw(0, _GRID)) for _ in range(_ROUNDS))
    batch = milliseconds(lambda: draw(0, _BATCH))
    median, most, last = np.percentile(one, [50, 90, 99])
    return (
        f"| {engine.name} | {sampling.steps} | {median:.1f} | {most:.1f} | {last:.1f} | {grid:.0f} |"
        f" {1000 * _BATCH / batch:.0f} |"
    )


def _beside_diffusers(generator: Generator, sampling: Sampling, rows: NDArray[np.int16]) -> tuple[float, float]:
    """Median milliseconds of ours and theirs, in turns."""
    seeds = range(len(rows))
    theirs = _diffusers_loop(generator, sampling.steps, rows)
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(_ROUNDS + 2):
        pair = milliseconds(lambda: generator.model.draw(generator.engine, seeds, sampling, rows)), milliseconds(theirs)
        for kept, spent in zip(times, pair, strict=True):
            if number >= 2:  # the first are warm-up
                kept.append(spent)
    return float(np.median(times[0])), float(np.median(times[1]))


def _diffusers_loop(generator: Generator, steps: int, rows: NDArray[np.int16]) -> Callable[[], None]:
    """The loop of DDIMPipeline around our network, whose answers it takes as x0: for each image the noise, the steps,
    the bytes.
    """
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
    codes = torch.from_numpy(rows.astype(np.int64))
    generators = [torch.Generator().manual_seed(seed) for seed in range(len(rows))]
    shape = (1, model.space.channels, model.side, model.side)

    def loop() -> None:
        with torch.inference_mode():
            scheduler.set_timesteps(steps)
            xt = torch.cat([torch.randn(shape, generator=each) for each in generators])
            for timestep in scheduler.timesteps:
                level = levels[int(timestep)]
                times, alpha, sigma = (
                    torch.full((len(xt),), value) for value in (level.time, level.alpha, level.sigma)
                )
                x0 = model.objective.image(generator.network(xt, times, codes), xt, alpha, sigma)
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
