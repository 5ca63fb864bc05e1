"""Where images lie: which of their folders divide them into splits, and which say what they show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from noisette.data.collections.layouts.common import SPLITS

_SURE = frozenset({"test", "testing", "val", "validation"})  # a class may be called train, or valid, or dev
_ENOUGH = 10  # one image in so many, or what lies beside the classes of all others is not held against them

Folders = Mapping[str, tuple[str, ...]]
"""The folders that each image lies in, outermost first."""


@dataclass(frozen=True)
class Places:
    """Where images lie, below the folders that all have in common.

    Attributes:
        splits: Of each image in a folder of a split; empty where none divide the images.
        folders: That each image lies in, without that of its split. None of an image beside folders of splits that hold
            most images.
        told: Folders of splits that are not where one expects them, each with how it was read.
    """

    splits: Mapping[str, str]
    folders: Folders
    told: Mapping[str, str]


def places_of(images: Sequence[str]) -> Places:
    """Where images lie.

    Folders divide the images where a level has no other names than those of `SPLITS`, whether classes lie in them or
    they in classes; beside others where there are those of training and of another split, or where their name can be
    none of a class. They are never classes.

    Args:
        images: Their paths.
    """
    folders = _below_common({image: tuple(image.split("/")[:-1]) for image in images})
    level = _level_of_splits(folders)
    if level is not None:
        inside = {image: each[level] for image, each in folders.items() if len(each) > level}
        expected = level == 0
    else:
        level, inside, expected = 0, _among_others(folders), False
    if not inside:
        return Places({}, folders, {})
    splits = {image: SPLITS[name.lower()] for image, name in inside.items()}
    most = len(inside) * 2 > len(images) and "train" in splits.values()
    rest = {
        image: each[:level] + each[level + 1 :] if image in inside else () if most and level == 0 else each
        for image, each in folders.items()
    }
    divides = _divides(splits, len(images))
    if divides and (expected or most):
        return Places(splits, _below_common(rest), {})
    return Places(splits if divides else {}, _below_common(rest), _told(inside, divides))


def _level_of_splits(folders: Folders) -> int | None:
    """The outermost level with no other names than those of splits."""
    names: list[set[str]] = []
    for each in folders.values():
        for level, name in enumerate(each):
            if level == len(names):
                names.append(set())
            names[level].add(name.lower())
    return next((level for level, its in enumerate(names) if its <= SPLITS.keys()), None)


def _among_others(folders: Folders) -> dict[str, str]:
    """The outermost folder of each image that lies in one of a split, where others lie beside it."""
    inside = {image: each[0] for image, each in folders.items() if each and each[0].lower() in SPLITS}
    known = {SPLITS[name.lower()] for name in inside.values()}
    if "train" in known and len(known) > 1:
        return inside
    return {image: name for image, name in inside.items() if name.lower() in _SURE}


def _divides(splits: Mapping[str, str], images: int) -> bool:
    """Whether splits leave enough to learn from, and hold enough to measure by."""
    known = set(splits.values())
    if "train" in known:
        return len(known) > 1
    return len(splits) < images and len(splits) * _ENOUGH >= images


def _told(inside: Mapping[str, str], divides: bool) -> dict[str, str]:
    how = "it divides the images" if divides else "without one of training; the images are divided by their content"
    counts = Counter(inside.values())
    return {name: f"{count:,} {'images' if count != 1 else 'image'}; {how}" for name, count in counts.items()}


def _below_common(folders: Folders) -> dict[str, tuple[str, ...]]:
    """Folders of images without the first that all have in common, but for images that lie in none, such as a cover."""
    common, inside = 0, [each for each in folders.values() if each]
    if inside:
        first, last = min(inside), max(inside)  # what these share lies between them in all others too
        while common < min(len(first), len(last)) and first[common] == last[common]:
            common += 1
    return {image: each[common:] for image, each in folders.items()}
