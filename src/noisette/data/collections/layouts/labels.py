"""What arrays beside images say of them: a number or a text for each, or a row of zeros and ones."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from noisette.data.collections.entries import Raw
from noisette.data.collections.findings import Findings
from noisette.data.collections.layouts.stored import Stored, array_of
from noisette.data.collections.metadata import MOST_TRAITS
from noisette.data.collections.tree import Tree

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def images_among(arrays: Sequence[Stored], group_of: Callable[[Stored], Hashable]) -> list[Stored]:
    """The arrays that hold images.

    Args:
        arrays: Those that may, by their names.
        group_of: What arrays have in common that are of the same images, such as their split.

    Returns:
        Those of the shape of images. Where there are none, those whose rows can be square images: of a group the
        widest, since what is narrower says something of them.
    """
    if shaped := [each for each in arrays if each.holds_images]:
        return shaped
    rows = [each for each in arrays if each.holds_rows_of_pixels]
    widest: dict[Hashable, int] = {}
    for each in rows:
        group = group_of(each), each.header.shape[0]
        widest[group] = max(each.header.shape[1], widest.get(group, 0))
    return [each for each in rows if each.header.shape[1] == widest[group_of(each), each.header.shape[0]]]


def squares_told(images: Iterable[Stored]) -> str:
    """How rows of numbers were read as images, in words; empty where none were."""
    sizes = sorted({each.header.shape[1:] + each.header.image for each in images if each.holds_rows_of_pixels})
    return "".join(f", rows of {count:,} numbers as {side}x{side} pixels" for count, side, _ in sizes)


def columns_of(
    tree: Tree, labels: Stored, name: str, classes: Mapping[int, str], findings: Findings
) -> dict[str, list[Raw]]:
    """The traits that an array of labels says.

    Args:
        tree: The files.
        labels: (N,), or (N, K) of zeros and ones.
        name: What the trait is called.
        classes: Names of classes, by their number, where there are any.
        findings: Told if it says none.

    Returns:
        The values of all N images by the name of the trait. One trait, where each image has one label, or a one in one
        column; else K flags, called by their class, or by their number. None where it cannot be read, or says none.
    """
    if len(labels.header.shape) == 2 and not 1 <= labels.header.shape[1] <= MOST_TRAITS:
        findings.add("not understood", labels.label, f"rows of {labels.header.shape[1]:,} numbers")
        return {}
    array = array_of(tree, labels, findings)
    if array is None:
        return {}
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim == 1:
        return {name: _named(_as_python(array), classes)}
    if not _is_of_truths(array):
        findings.add("not understood", labels.label, "rows of other numbers than 0 and 1")
        return {}
    truths = array != 0
    if (truths.sum(axis=1) == 1).all():
        return {name: _named(truths.argmax(axis=1).tolist(), classes)}
    called = list(classes.values())
    if len(set(called)) != truths.shape[1]:
        called = [f"{name} {column}" for column in range(truths.shape[1])]
    return dict(zip(called, truths.T.tolist(), strict=True))


def _is_of_truths(array: NDArray[np.generic]) -> bool:
    return array.dtype.kind in "buif" and bool(((array == 0) | (array == 1)).all())


def _as_python(array: NDArray[np.generic]) -> list[Any]:
    values: list[Any] = array.tolist()
    return [value.decode(errors="replace") if isinstance(value, bytes) else value for value in values]


def _named(values: Iterable[Any], classes: Mapping[int, str]) -> list[Raw]:
    """Labels by the names of their classes, where there are any."""
    return [classes.get(value, value) if isinstance(value, int) else value for value in values]
