"""What a sweep goes over: axes, figures, and the combinations of settings that follow; PyTorch is not loaded, so that a
wrong request is refused at once.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from noisette.config.sampling import SWEPT, SamplingSettings
from noisette.errors import RequestError, nearest
from noisette.evaluation.figures import FIGURES, Figure
from noisette.inference.loading import planner_of
from noisette.legacy import old_path
from noisette.store.locate import locate


def _truth(text: str) -> bool:
    return {"true": True, "false": False}[text.lower()]


AXES: dict[str, Callable[[str], Any]] = {
    **{name: str if setting.choices else setting.kind for name, setting in SWEPT.items()},
    "impute": _truth,
    "checkpoint": int,
    "seed": int,
}
"""What can be swept, and how a value is read."""

USUAL_FIGURES = (
    "attribute_accuracy.exact",
    "pixel_accuracy.snapped_pixels",
    "validity.valid",
    "fidelity.frechet",
    "fidelity.coverage",
    "memorisation.distance",
    "pixel_art.in_palette",
)
"""Those that are plotted unless others are chosen."""


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
    check_axis(name)
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
    except KeyError as error:
        raise RequestError(f"{name} takes true and false, with a comma between them, not {values}") from error
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


def combinations(over: Mapping[str, Sequence[Any]]) -> Iterator[dict[str, Any]]:
    """Values by axis, of each point, the last axis varying fastest.

    Args:
        over: All values by axis.
    """
    return (dict(zip(over, values, strict=True)) for values in itertools.product(*over.values()))


def of_drawing(settings: Mapping[str, Any]) -> SamplingSettings:
    """The settings of a drawing among those of a point.

    Args:
        settings: Values by axis.

    Raises:
        RequestError: They cannot be.
    """
    return SamplingSettings.of(
        **{name: value for name, value in settings.items() if name not in ("checkpoint", "seed")}
    )


def check_points(run: str | Path, over: Mapping[str, Sequence[Any]]) -> None:
    """Check the points of a sweep as far as can be told without the network.

    Args:
        run: A run folder, or a shipped model.
        over: Values by axis.

    Raises:
        RequestError: There is no such run or checkpoint, or a combination of settings cannot be.
    """
    bundle = locate(run)
    weights = [bundle.weights(step) for step in over.get("checkpoint", [None])]
    planner = planner_of(bundle, weights[0])
    for settings in combinations(over):
        planner.resolve(of_drawing(settings))


def check_axis(name: str) -> None:
    """Raises RequestError if there is no axis of that name."""
    if name not in AXES:
        raise RequestError(f'"{name}" cannot be swept{nearest(name, AXES)}; there are {", ".join(AXES)}')


def _last(path: str) -> str:
    return path.rpartition(".")[2]
