"""Figures as trees of numbers, what each is called, and how several draws make a mean and a spread."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import fmean, stdev
from typing import Any, Literal, NamedTuple

Tree = dict[str, Any]
"""Numbers by name, nested; None where a figure was left out."""


class Figure(NamedTuple):
    """A figure that tables and plots show.

    Attributes:
        path: Where it stands in the tree, with dots.
        title: What a person reads.
        better: Which values are better; `as real` if those near the figure of real images are.
    """

    path: str
    title: str
    better: Literal["higher", "lower", "as real"]


FIGURES = (
    Figure("attribute_accuracy.exact", "all attributes correct", "higher"),
    Figure("attribute_accuracy.visible", "all visible attributes correct", "higher"),
    Figure("attribute_accuracy.recall", "recall", "higher"),
    Figure("attribute_accuracy.precision", "precision", "higher"),
    Figure("novel_pairs.exact", "all correct, novel pairs", "higher"),
    Figure("by_pixels.exact", "all correct, by pixels on the palette", "higher"),
    Figure("by_pixels.classifier_agrees", "classifier agrees with the pixels", "higher"),
    Figure("pixel_accuracy.pixels", "pixel accuracy", "higher"),
    Figure("pixel_accuracy.snapped_pixels", "pixel accuracy on the palette", "higher"),
    Figure("pixel_accuracy.snapped_whole", "exact match on the palette", "higher"),
    Figure("validity.valid", "valid to the pixel", "higher"),
    Figure("validity.pixels", "pixels as in the valid image", "higher"),
    Figure("validity.values", "total variation of values", "as real"),
    Figure("validity.pairs", "total variation of pairs of values", "as real"),
    Figure("validity.novel", "novel combinations shown", "as real"),
    Figure("validity.different", "different from all before", "as real"),
    Figure("fidelity.frechet", "Fréchet distance", "lower"),
    Figure("fidelity.kernel", "kernel distance", "lower"),
    Figure("fidelity.density", "density", "as real"),
    Figure("fidelity.coverage", "coverage", "higher"),
    Figure("classification.score", "classification accuracy score", "higher"),
    Figure("memorisation.copies", "exact copies of training images", "as real"),
    Figure("memorisation.distance", "nearest training image, in bytes", "as real"),
    Figure("memorisation.feature_distance", "nearest training image, in features", "as real"),
    Figure("memorisation.novel_combinations", "novel combinations requested", "as real"),
    Figure("pixel_art.in_palette", "pixels in the palette", "higher"),
    Figure("pixel_art.colours", "colours in an image", "as real"),
    Figure("pixel_art.isolated", "isolated pixels", "as real"),
    Figure("pixel_art.alpha", "valid alpha", "higher"),
)

PARTS = (
    "attribute_accuracy",
    "novel_pairs",
    "pixel_accuracy",
    "by_pixels",
    "validity",
    "fidelity",
    "classification",
    "memorisation",
    "pixel_art",
)
"""The kinds of figures, in the order in which they are taken."""


def find(tree: Mapping[str, Any] | None, path: str) -> Any:
    """Look a figure up.

    Args:
        tree: Figures, or None.
        path: Names with dots between them.

    Returns:
        The number, or the tree, at the path; None where there is none.
    """
    here: Any = tree
    for name in path.split("."):
        here = here.get(name) if isinstance(here, Mapping) else None
    return here


def mean_and_spread(trees: Sequence[Tree]) -> tuple[Tree, Tree | None]:
    """Summarise the figures of several draws.

    A number that some draws lack, such as the recall of what was never requested, is taken from the rest.

    Args:
        trees: One of each draw, with the same names; at least one.

    Returns:
        The mean of each number, and its standard deviation over the draws; None in its place for a single draw.
    """
    return _merged(trees, fmean), _merged(trees, stdev, 2) if len(trees) > 1 else None


def _merged(trees: Sequence[Any], of: Callable[[Sequence[float]], float], fewest: int = 1) -> Any:
    if isinstance(trees[0], Mapping):
        return {name: _merged([tree[name] for tree in trees], of, fewest) for name in trees[0]}
    values = [value for value in trees if value is not None]
    return of(values) if len(values) >= fewest else None
