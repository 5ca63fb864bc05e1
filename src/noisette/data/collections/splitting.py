"""Where images lie: which of their folders divide them into splits, and which say what they show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field

from noisette.data.collections.layouts.common import SPLITS

_SURE = frozenset({"test", "testing", "val", "validation"})  # a class may be called train, or valid, or dev
_REST = frozenset({"extra", "unlabelled", "unlabeled", "unsup", "unsupervised", "rest"})
"""What folders are called beside those of splits that are neither a split nor a class."""
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
        beside: Folders beside those of splits that are no classes either, each with how much lies in it.
    """

    splits: Mapping[str, str]
    folders: Folders
    told: Mapping[str, str]
    beside: Mapping[str, str] = field(default_factory=dict)


def places_of(images: Sequence[str]) -> Places:
    """Where images lie.

    Folders divide the images where a level has no other names than those of `SPLITS`, whether classes lie in them or
    they in classes; beside others where there are those of training and of another split, or where their name can be
    none of a class. They are never classes. One of training alone, which may be a vehicle, is none beside folders of
    `_REST`, beside such as are divided into the same classes, or where it alone is divided into classes.

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
    none = _no_classes(folders, inside) if level == 0 else set()
    rest, counts = {}, Counter[str]()
    for image, each in folders.items():
        if image in inside:
            rest[image] = each[:level] + each[level + 1 :]
        elif each and level == 0 and (most or each[0] in none):
            rest[image] = each[1:] if each[0] in none else ()
            counts[each[0]] += 1
        else:
            rest[image] = each
    divides = _divides(splits, len(images))
    beside = {name: _images(count) for name, count in counts.items()}
    if divides and (expected or most):
        return Places(splits, _below_common(rest), {}, beside)
    return Places(splits if divides else {}, _below_common(rest), _told(inside, divides), beside)


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
    others = {each[0] for image, each in folders.items() if each and image not in inside}
    if "train" in known and (len(known) > 1 or others == _no_classes(folders, inside)):
        return inside
    return {image: name for image, name in inside.items() if name.lower() in _SURE}


def _no_classes(folders: Folders, inside: Container[str]) -> set[str]:
    """The outermost folders beside those of splits that are no classes: as their names say, since they are divided into
    the same classes, or since there is one alone, which is not divided, beside splits that are.

    folders: Of all images. inside: The images in folders of splits.
    """
    classes = {each[1] for image, each in folders.items() if image in inside and len(each) > 1}
    others: dict[str, set[str]] = {}
    for image, each in folders.items():
        if each and image not in inside:
            others.setdefault(each[0], set()).update(each[1:2])
    return {
        name
        for name, its in others.items()
        if name.lower() in _REST or len(its & classes) > 1 or (len(others) == 1 and not its and len(classes) > 1)
    }


def _divides(splits: Mapping[str, str], images: int) -> bool:
    """Whether splits leave enough to learn from, and hold enough to measure by."""
    known = set(splits.values())
    if "train" in known:
        return len(known) > 1
    return len(splits) < images and len(splits) * _ENOUGH >= images


def _told(inside: Mapping[str, str], divides: bool) -> dict[str, str]:
    missing = "test" if any(SPLITS[name.lower()] == "train" for name in inside.values()) else "training"
    how = "it divides the images" if divides else f"without one of {missing}; the images are divided by their content"
    return {name: f"{_images(count)}; {how}" for name, count in Counter(inside.values()).items()}


def _images(count: int) -> str:
    return f"{count:,} {'images' if count != 1 else 'image'}"


def _below_common(folders: Folders) -> dict[str, tuple[str, ...]]:
    """Folders of images without the first that all have in common, but for images that lie in none, such as a cover."""
    common, inside = 0, [each for each in folders.values() if each]
    if inside:
        first, last = min(inside), max(inside)  # what these share lies between them in all others too
        while common < min(len(first), len(last)) and first[common] == last[common]:
            common += 1
    return {image: each[common:] for image, each in folders.items()}
