"""The points of a sweep: every combination of settings, checked, with the run loaded."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from noisette.config.sampling import SamplingSettings
from noisette.errors import RequestError
from noisette.evaluation.axes import check_axis, combinations, of_drawing
from noisette.evaluation.classifier import AttributeClassifier
from noisette.evaluation.evaluate import check_draws
from noisette.evaluation.reference import EvaluationProgress
from noisette.evaluation.setup import EvaluationSetup, prepare


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
    run: str | Path,
    over: Mapping[str, Sequence[Any]],
    count: int | None,
    split: str,
    seed: int,
    draws: int,
    classifier: AttributeClassifier | None,
    progress: EvaluationProgress,
) -> list[Point]:
    """List every combination of settings, checked.

    Args:
        run: A run folder, or a shipped model.
        over: Values by axis.
        count: Images in a draw; see `evaluate`.
        split: Where the requests are from.
        seed: Of the first image, where seeds are not swept.
        draws: How often each point is drawn.
        classifier: The one for these data unless given.
        progress: Told of the training of a classifier.

    Returns:
        The points, the last axis varying fastest.

    Raises:
        RequestError: A combination cannot be.
    """
    if not over or any(not values for values in over.values()):
        raise RequestError("a sweep needs at least one setting with values, such as guidance=1,1.5,2")
    for name in over:
        check_axis(name)
    setup_of = cache(
        lambda step: prepare(run, count=count, split=split, step=step, classifier=classifier, progress=progress)
    )
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
