"""Which settings are enough: candidates are measured, and the cheapest that loses hardly anything is chosen, for three
meanings of hardly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from noisette.diffusion.fitting import Step, cheapest, misses
from noisette.diffusion.schedules import Level
from noisette.diffusion.spacing import spaced
from noisette.errors import RequestError
from noisette.evaluation.evaluate import verdict
from noisette.evaluation.figures import Tree, find
from noisette.evaluation.judge import Judge
from noisette.evaluation.measure import Progress, silently
from noisette.evaluation.trial import Trial, put_on_trial
from noisette.files.atomic import write_text
from noisette.inference.generator import Generator
from noisette.model import BATCH, batches
from noisette.sampling.presets import FILE, Qualities, Quality, QualityName
from noisette.sampling.settings import Sampling
from noisette.store.shipped import means_shipped

SAMPLERS = ("ddim", "dpmpp-2m", "unipc")
"""Deterministic, one evaluation a step: of first order, and two of second."""
SPACINGS = ("time", "log-snr", "fitted")
STEPS = (1, 2, 3, 4, 6, 8, 10, 15, 25)

LONG = 48
"""Of the walk that levels are fitted to, so many levels are evenly spaced in time, and as many in log-SNR."""
WALKERS, FIRST_WALKER = 64, 10**9
"""Images that walk, and the seed of the first: none of those that candidates are measured on."""

SHARES = ("obedience.exact", "exactness.snapped_whole")
"""Figures that are shares of the images; a hundredth is a point."""
DISTANCE, PERCENT = "fidelity.frechet", 5.0
"""A figure that is better when it is less, and how many percent of it are as bad as a point."""
PARTS = tuple(dict.fromkeys(path.partition(".")[0] for path in (*SHARES, DISTANCE)))
"""The kinds of figures that these are of: the others take ten times as long."""
POINTS: dict[QualityName, float] = {"fast": 2.0, "balanced": 1.0, "best": 0.4}
"""How many points a quality may stay behind the best candidate, in each figure."""


@dataclass(frozen=True)
class Candidate:
    """A setting, and what was measured with it.

    evaluations: of the network for an image; a guided pair counts twice.
    """

    sampling: Sampling
    evaluations: int
    figures: dict[str, float]


def tune(
    run: str | Path | Generator,
    *,
    count: int | None = None,
    split: str = "validation",
    seed: int = 0,
    judge: Judge | None = None,
    out: str | Path | None = None,
    progress: Progress = silently,
) -> Tree:
    """Measure candidates and write the table of qualities, quality.json, into the folder of the run, or into the file
    `out`.

    The rest as in `evaluate`. What was measured before is not measured again. Raises RequestError where nothing can be
    measured, and for a shipped model without `out`: its folder is the package's.
    """
    path = _path(run.name if isinstance(run, Generator) else str(run), out)
    trial = put_on_trial(run, count=count, split=split, judge=judge)
    if trial.generator.model.recipe.distillation is not None:
        raise RequestError(f"{trial.generator.name} is a student, which draws as it learned; tune its teacher")
    left_out = trial.yardstick.left_out
    if "obedience" in left_out and "fidelity" in left_out:
        reasons = "; ".join(dict.fromkeys((left_out["obedience"], left_out["fidelity"])))
        raise RequestError(f"there is nothing to choose by: obedience and fidelity are left out, for {reasons}")
    fitted = fit_levels(trial.generator, trial.yardstick.train.attributes if trial.yardstick.asked else None, progress)
    candidates = _measured(trial, candidates_of(trial.generator, fitted), seed, progress)
    chosen = {name: choose(candidates, points) for name, points in POINTS.items()}
    table = Qualities(
        weights=trial.generator.weights,
        requests=f"{trial.count} of the {split} split",
        **{name: _quality(candidate) for name, candidate in chosen.items()},
        fitted=fitted,
    )
    write_text(path, table.model_dump_json(indent=2) + "\n")
    return {
        "run": trial.generator.name,
        "file": str(path),
        **table.model_dump(),
        "left_out": left_out,
        "candidates": [_told(each) for each in candidates],
    }


def fit_levels(
    generator: Generator, rows: NDArray[np.int16] | None, progress: Progress = silently
) -> dict[int, tuple[float, ...]]:
    """For every number of steps up to the most that are tried, the times at which the model's own walks are cut short
    at the least cost.

    rows: requests of the training, of which the first are walked with the guidance of the recipe; None of an
    unconditional model.
    """
    schedule = generator.model.schedule
    most = min(LONG, schedule.steps or LONG)
    levels = (*spaced(schedule, most, "time"), *spaced(schedule, most, "log-snr"))
    times = tuple(sorted({level.time for level in levels}, reverse=True))
    count = WALKERS if rows is None else min(WALKERS, len(rows))
    cost = cost_of_steps(generator, times, None if rows is None else rows[:count], count, progress)
    return {
        number: tuple(times[place] for place in places)
        for number, places in cheapest(cost, min(STEPS[-1], len(times))).items()
    }


def cost_of_steps(
    generator: Generator, times: tuple[float, ...], rows: NDArray[np.int16] | None, count: int, progress: Progress
) -> Tensor:
    """(T, T + 1): how far `count` images land from their walk over these times, root mean square, in one step from each
    to each.
    """
    sampling = replace(
        generator.choices.sampling("ddim", 1, 0.0, spacing="time"), steps=len(times), spacing="fitted", times=times
    )
    total = torch.zeros((len(times), len(times) + 1), dtype=torch.float64)
    for start in range(0, count, BATCH):
        batch = range(start, min(start + BATCH, count))
        walk: list[Step] = []

        def seen(xt: Tensor, x0: Tensor, level: Level, walk: list[Step] = walk, start: int = start) -> None:
            walk.append((xt, x0, level))
            progress("fitting levels", start // BATCH * len(times) + len(walk), batches(count) * len(times))

        seeds = [FIRST_WALKER + place for place in batch]
        generator.model.draw(generator.engine, seeds, sampling, None if rows is None else rows[batch], on_step=seen)
        total += misses(walk) * len(batch)
    return (total / count).sqrt()


def candidates_of(generator: Generator, fitted: Mapping[int, tuple[float, ...]]) -> list[Sampling]:
    """Every sampler, spacing and number of steps that is tried, at the run's own guidance and plainly; of one step
    there is one.
    """
    usual, most = generator.choices.sampling(), generator.model.schedule.steps
    scales = sorted({1.0, usual.guidance.scale}) if generator.model.recipe.conditional else [1.0]
    steps = [number for number in STEPS if most is None or number <= most]
    settings = [
        (sampler, spacing, number, scale)
        for scale, number, sampler, spacing in product(scales, steps, SAMPLERS, SPACINGS)
        if number > 1 or (sampler, spacing) == (SAMPLERS[0], SPACINGS[0])
    ]
    guided = generator.model.recipe.conditional
    return [
        generator.choices.sampling(
            sampler,
            number,
            0.0 if sampler == "ddim" else None,
            guidance=scale if guided else None,
            spacing=spacing,
            times=fitted[number] if spacing == "fitted" else None,
        )
        for sampler, spacing, number, scale in settings
    ]


def choose(candidates: Sequence[Candidate], points: float) -> Candidate:
    """The candidate of the fewest evaluations that stays within `points` of the best in every figure.

    What is asked for comes first: whoever obeys less than that is not compared by distance. Without guidance digits are
    nearer to the data, and one in twenty is another digit.
    """

    def disobeyed(candidate: Candidate) -> float:
        return max((100 * (most[name] - candidate.figures[name]) for name in most), default=0.0)

    def farther(candidate: Candidate) -> float:
        return 100 * (candidate.figures[DISTANCE] / max(least, 1e-9) - 1) / PERCENT if least is not None else 0.0

    most = {name: max(each.figures[name] for each in candidates) for name in SHARES if name in candidates[0].figures}
    enough = max(points, min(map(disobeyed, candidates)))  # one may be the best in a figure, and another in another
    obeying = [candidate for candidate in candidates if disobeyed(candidate) <= enough]
    least = min((each.figures[DISTANCE] for each in obeying if DISTANCE in each.figures), default=None)
    near = [candidate for candidate in obeying if farther(candidate) <= points]
    return min(near, key=lambda each: (each.evaluations, max(disobeyed(each), farther(each))))


def _path(run: str, out: str | Path | None) -> Path:
    if out is not None:
        if not Path(out).parent.is_dir():
            raise RequestError(f"no folder {Path(out).parent} to write {out} into")
        return Path(out)
    if means_shipped(run):
        raise RequestError(
            f"{run} ships with the package, with its table; say where another shall go with --out FILE.json"
        )
    return Path(run) / FILE


def _measured(trial: Trial, samplings: Sequence[Sampling], seed: int, progress: Progress) -> list[Candidate]:
    found = []
    for number, sampling in enumerate(samplings, 1):

        def told(what: str, done: int, total: int, number: int = number) -> None:
            progress(f"candidate {number} of {len(samplings)}, {what}", done, total)

        drawn = verdict(trial, sampling, seed=seed, draws=1, parts=PARTS, progress=told)["drawn"]
        figures = {name: find(drawn, name) for name in (*SHARES, DISTANCE)}
        evaluations = trial.generator.model.evaluations(sampling)
        found.append(
            Candidate(sampling, evaluations, {name: value for name, value in figures.items() if value is not None})
        )
    return found


def _quality(candidate: Candidate) -> Quality:
    sampling = candidate.sampling
    return Quality(
        sampler=sampling.sampler,
        steps=sampling.steps,
        spacing=sampling.spacing,
        guidance=sampling.guidance.scale,
        evaluations=candidate.evaluations,
        figures=candidate.figures,
    )


def _told(candidate: Candidate) -> Tree:
    return _quality(candidate).model_dump()


def describe(found: Tree) -> str:
    """The table for a person to read."""
    names = {"obedience.exact": "as asked", "exactness.snapped_whole": "whole images", "fidelity.frechet": "Fréchet"}
    lines = [f"{found['run']}: {len(found['candidates'])} candidates on {found['requests']}", ""]
    lines.append(
        f"{'':10}{'sampler':>14}{'steps':>7}{'spacing':>9}{'guidance':>10}{'evaluations':>13}"
        + "".join(f"{name:>14}" for name in names.values())
    )
    for name in get_args(QualityName):
        of = found[name]
        figures = "".join(f"{of['figures'][path]:14.3f}" if path in of["figures"] else f"{'':14}" for path in names)
        lines.append(
            f"{name:10}{of['sampler']:>14}{of['steps']:>7}{of['spacing']:>9}{of['guidance']:>10g}{of['evaluations']:>13}{figures}"
        )
    lines += [
        f"not chosen by {part}: {reason}"
        for part, reason in found["left_out"].items()
        if part in PARTS and part != "exactness"
    ]
    return "\n".join(lines)
