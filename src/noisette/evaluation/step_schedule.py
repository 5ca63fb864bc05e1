"""An optimised step schedule: the timesteps between which a model's own sampling trajectories can be cut short best."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from noisette.config.sampling import SamplingSettings
from noisette.diffusion.fitting import Step, cheapest, misses
from noisette.diffusion.schedules import Level
from noisette.diffusion.spacing import spaced
from noisette.evaluation.reference import EvaluationProgress, silently
from noisette.inference.generator import BATCH, Generator, batches

FINE = 48
"""Of the fine trajectory, so many timesteps are evenly spaced in time, and as many in log-SNR."""
TRAJECTORIES, FIRST_SEED = 64, 10**9
"""How many images are followed, and the seed of the first: none of those that candidates are measured on."""


def optimise_timesteps(
    generator: Generator, codes: NDArray[np.int16] | None, most: int, progress: EvaluationProgress = silently
) -> dict[int, tuple[float, ...]]:
    """Find the timesteps at which the model's own fine trajectories are cut short at the least cost.

    Args:
        generator: The model.
        codes: (N, A) requests of the training, of which the first are followed with the guidance of the recipe; None of
            an unconditional model.
        most: The most steps that are wanted, 1 and up.
        progress: Told of the trajectories.

    Returns:
        For every number of steps up to the most, so many times, from 1 downwards.
    """
    schedule = generator.model.schedule
    fine = min(FINE, schedule.steps or FINE)
    levels = (*spaced(schedule, fine, "time"), *spaced(schedule, fine, "log-snr"))
    times = tuple(sorted({level.time for level in levels}, reverse=True))
    count = TRAJECTORIES if codes is None else min(TRAJECTORIES, len(codes))
    cost = cost_of_steps(generator, times, None if codes is None else codes[:count], count, progress)
    return {
        number: tuple(times[place] for place in places)
        for number, places in cheapest(cost, min(most, len(times))).items()
    }


def cost_of_steps(
    generator: Generator,
    times: tuple[float, ...],
    codes: NDArray[np.int16] | None,
    count: int,
    progress: EvaluationProgress,
) -> Tensor:
    """Measure how far one step from each time to each other lands from the fine trajectory.

    Args:
        generator: The model.
        times: T of them, from 1 downwards, in (0, 1].
        codes: (count, A) requests; None of an unconditional model.
        count: Images that are followed.
        progress: Told of the trajectories.

    Returns:
        (T, T + 1) root mean square distances over the images; the last column is the clean image.
    """
    settings = SamplingSettings.of(
        sampler="ddim", steps=len(times), spacing="fitted", times=times, eta=0.0, impute=False, palette=False
    )
    total = torch.zeros((len(times), len(times) + 1), dtype=torch.float64)
    for start in range(0, count, BATCH):
        batch = range(start, min(start + BATCH, count))
        trajectory: list[Step] = []

        def seen(xt: Tensor, x0: Tensor, level: Level, trajectory: list[Step] = trajectory, start: int = start) -> None:
            trajectory.append((xt, x0, level))
            done = start // BATCH * len(times) + len(trajectory)
            progress("optimising the step schedule", done, batches(count) * len(times))

        seeds = [FIRST_SEED + place for place in batch]
        plan = generator.plan(None if codes is None else codes[batch], seeds=seeds, settings=settings)
        generator.draw(plan, on_step=seen)
        total += misses(trajectory) * len(batch)
    return (total / count).sqrt()
