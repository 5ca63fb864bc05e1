"""The points of a sweep: every combination of settings, checked, with the run loaded."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from noisette.config.sampling import SamplingSettings
from noisette.errors import RequestError
from noisette.evaluation.axes import check_axis, combinations, of_drawing
from noisette.evaluation.evaluate import check_draws
from noisette.evaluation.setup import EvaluationSetup


@dataclass(frozen=True)
class Point:
    """One combination of settings.

    Attributes:
        settings: Values by axis.
        setup: Of the run, at the checkpoint of the point.
        sampling: How images are drawn.
        seed: Of the first image.
    """

    settings: dict[str, Any]
    setup: EvaluationSetup
    sampling: SamplingSettings
    seed: int


def planned(
    over: Mapping[str, Sequence[Any]], setup_of: Callable[[int | None], EvaluationSetup], seed: int, draws: int
) -> list[Point]:
    """List every combination of settings, checked.

    Args:
        over: Values by axis.
        setup_of: The run, ready to be evaluated, at the step of a checkpoint; the newest of None.
        seed: Of the first image, where seeds are not swept.
        draws: How often each point is drawn.

    Returns:
        The points, the last axis varying fastest.

    Raises:
        RequestError: A combination cannot be.
    """
    if not over or any(not values for values in over.values()):
        raise RequestError("a sweep needs at least one setting with values, such as guidance=1,1.5,2")
    for name in over:
        check_axis(name)
    points = []
    for settings in combinations(over):
        setup, first = setup_of(settings.get("checkpoint")), settings.get("seed", seed)
        check_draws(first, draws)
        sampling = setup.generator.planner.resolve(of_drawing(settings))
        points.append(Point(settings, setup, sampling, first))
    _check_seeds(over.get("seed", ()), points[0].setup.count * draws)
    return points


def _check_seeds(seeds: Sequence[int], images: int) -> None:
    """Raises RequestError where two draws would share images: image k of a draw has the seed of its first plus k."""
    for one, other in itertools.pairwise(sorted(seeds)):
        if other - one < images:
            raise RequestError(
                f"the draws from seeds {one} and {other} would share images; keep seeds {images} apart, one for each"
                " image of a point"
            )
