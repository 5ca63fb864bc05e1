"""Figures as trees of numbers, what each is called, and how several draws make a mean and a spread."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import fmean, stdev
from typing import Any, Literal, NamedTuple

Tree = dict[str, Any]
"""Numbers by name, nested; None where a figure was left out."""


class Figure(NamedTuple):
    """A figure that is told in tables and plots. path: to it through the tree, with dots. better: which way."""

    path: str
    title: str
    better: Literal["higher", "lower", "as real"]


FIGURES = (
    Figure("obedience.exact", "all attributes as asked", "higher"),
    Figure("obedience.visible", "all that the pixels can show", "higher"),
    Figure("obedience.recall", "recall", "higher"),
    Figure("obedience.precision", "precision", "higher"),
    Figure("new_pairs.exact", "as asked, pairs never met", "higher"),
    Figure("by_pixels.exact", "as asked, by pixels on the palette", "higher"),
    Figure("by_pixels.judge_agrees", "judge agrees with the pixels", "higher"),
    Figure("exactness.pixels", "pixels right", "higher"),
    Figure("exactness.snapped_pixels", "pixels right on the palette", "higher"),
    Figure("exactness.snapped_whole", "images right to the last pixel", "higher"),
    Figure("fidelity.frechet", "Fréchet distance", "lower"),
    Figure("fidelity.kernel", "kernel distance", "lower"),
    Figure("fidelity.density", "density", "as real"),
    Figure("fidelity.coverage", "coverage", "higher"),
    Figure("classification.score", "classification accuracy score", "higher"),
    Figure("memorisation.copies", "exact copies of training images", "as real"),
    Figure("memorisation.distance", "nearest training image, in bytes", "as real"),
    Figure("memorisation.feature_distance", "nearest training image, in features", "as real"),
    Figure("memorisation.unworn", "requests no training image has", "as real"),
    Figure("pixel_art.in_palette", "pixels in the palette", "higher"),
    Figure("pixel_art.colours", "colours in an image", "as real"),
    Figure("pixel_art.stray", "stray pixels", "as real"),
    Figure("pixel_art.alpha", "valid alpha", "higher"),
)


PARTS = ("obedience", "new_pairs", "exactness", "by_pixels", "fidelity", "classification", "memorisation", "pixel_art")
"""The kinds of figures, in the order in which they are taken."""


def find(tree: Mapping[str, Any] | None, path: str) -> Any:
    """The number, or the tree, at a path with dots; None where there is none."""
    here: Any = tree
    for name in path.split("."):
        here = here.get(name) if isinstance(here, Mapping) else None
    return here


def mean_and_spread(trees: Sequence[Tree]) -> tuple[Tree, Tree | None]:
    """Of trees alike: the mean of each number, and its standard deviation over them; None of a single one.

    A number that some lack, such as the recall of what was never asked for, is taken from the rest.
    """
    return _merged(trees, fmean), _merged(trees, stdev, 2) if len(trees) > 1 else None


def _merged(trees: Sequence[Any], of: Callable[[Sequence[float]], float], fewest: int = 1) -> Any:
    if isinstance(trees[0], Mapping):
        return {name: _merged([tree[name] for tree in trees], of, fewest) for name in trees[0]}
    values = [value for value in trees if value is not None]
    return of(values) if len(values) >= fewest else None
