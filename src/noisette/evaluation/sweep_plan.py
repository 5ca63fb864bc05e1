"""What a sweep goes over: axes, figures, and the combinations of settings that follow."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from noisette.config.sampling import SWEPT, SamplingSettings
from noisette.errors import RequestError, nearest
from noisette.evaluation.classifier import AttributeClassifier
from noisette.evaluation.evaluate import check_draws
from noisette.evaluation.figures import FIGURES, Figure
from noisette.evaluation.setup import EvaluationSetup, prepare
from noisette.legacy import old_path
from noisette.store.locate import locate

AXES: dict[str, Callable[[str], Any]] = {
    **{name: str if setting.choices else setting.kind for name, setting in SWEPT.items()},
    "checkpoint": int,
    "seed": int,
}
"""What can be swept, and how a value is read."""

USUAL_FIGURES = (
    "attribute_accuracy.exact",
    "pixel_accuracy.snapped_pixels",
    "fidelity.frechet",
    "fidelity.coverage",
    "memorisation.distance",
    "pixel_art.in_palette",
)
"""Those that are plotted unless others are chosen."""


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


def parse_axis(text: str, run: str | Path) -> tuple[str, list[Any]]:
    """Read an axis as a person writes it.

    Args:
        text: Such as `guidance=1,1.5,2`; `checkpoint=all` means those that the run keeps.
        run: A run folder, or a shipped model.

    Returns:
        The name of the axis and its values.

    Raises:
        RequestError: There is no such axis, or its values cannot be read.
    """
    name, equals, values = text.partition("=")
    _check_axis(name)
    if not equals or not values.strip():
        raise RequestError(f'"{text}" has no values; write for example guidance=1,1.5,2')
    if name == "checkpoint" and values.strip() == "all":
        bundle = locate(run)
        bundle.weights()  # tells what is wrong with a run that has none
        if not bundle.steps:
            raise RequestError(f"{run} ships with its last weights alone, so there are no checkpoints to compare")
        return name, list(bundle.steps)
    try:
        found = [AXES[name](value.strip()) for value in values.split(",")]
    except ValueError as error:
        raise RequestError(f"{name} takes numbers with commas between them, not {values}") from error
    if len(set(found)) < len(found):
        raise RequestError(f"{text} names a value twice")
    return name, found


def chosen_figures(names: Sequence[str]) -> list[Figure]:
    """Find figures by name.

    Args:
        names: Such as `exact` or `fidelity.frechet`; also those of version 0.1, such as `stray`.

    Returns:
        The figures; the usual ones if there are no names.

    Raises:
        RequestError: There is no figure of a name.
    """
    if not names:
        return [figure for figure in FIGURES if figure.path in USUAL_FIGURES]
    known = {figure.path: figure for figure in FIGURES}
    short = {_last(path): figure for path, figure in reversed(known.items())}
    before = {old_path(path): figure for path, figure in known.items()}
    named = {_last(path): figure for path, figure in reversed(before.items())} | before | short | known
    for name in names:
        if name not in named:
            raise RequestError(f'no figure "{name}"{nearest(name, (*short, *known))}; there are {", ".join(short)}')
    return [named[name] for name in names]


def planned(
    run: str | Path,
    over: Mapping[str, Sequence[Any]],
    count: int | None,
    split: str,
    seed: int,
    draws: int,
    classifier: AttributeClassifier | None,
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

    Returns:
        The points, the last axis varying fastest.

    Raises:
        RequestError: A combination cannot be.
    """
    if not over or any(not values for values in over.values()):
        raise RequestError("a sweep needs at least one setting with values, such as guidance=1,1.5,2")
    for name in over:
        _check_axis(name)
    setup_of = cache(lambda step: prepare(run, count=count, split=split, step=step, classifier=classifier))
    points = []
    for values in itertools.product(*over.values()):
        settings = dict(zip(over, values, strict=True))
        setup, first = setup_of(settings.get("checkpoint")), settings.get("seed", seed)
        check_draws(first, draws)
        wanted = {name: value for name, value in settings.items() if name not in ("checkpoint", "seed")}
        sampling = setup.generator.planner.resolve(SamplingSettings.of(**wanted))
        points.append(Point(settings, setup, sampling, first))
    _check_seeds(over.get("seed", ()), points[0].setup.count * draws)
    return points


def _check_axis(name: str) -> None:
    if name not in AXES:
        raise RequestError(f'"{name}" cannot be swept{nearest(name, AXES)}; there are {", ".join(AXES)}')


def _check_seeds(seeds: Sequence[int], images: int) -> None:
    """Raises RequestError where two draws would share images: image k of a draw has the seed of its first plus k."""
    for one, other in itertools.pairwise(sorted(seeds)):
        if other - one < images:
            raise RequestError(
                f"the draws from seeds {one} and {other} would share images; keep seeds {images} apart, one for each"
                " image of a point"
            )


def _last(path: str) -> str:
    return path.rpartition(".")[2]
