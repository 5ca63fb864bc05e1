"""NumPy arrays: `.npy` with images, or `.npz` with images and labels; nothing in them is run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath

from noisette.data.collections.entries import Entry, Listing, Raw
from noisette.data.collections.findings import Findings
from noisette.data.collections.layouts.common import tell_rest
from noisette.data.collections.layouts.stored import Stored, arrays_in, entries_of, listing_of, values_of
from noisette.data.collections.metadata import MOST_OF_ONE, TraitReader, read_text
from noisette.data.collections.settings import CollectionSettings
from noisette.data.collections.tree import Tree

_IMAGES = ("images", "image", "x", "data", "arr_0", "pixels")
_LABELS = ("labels", "label", "y", "targets", "target", "classes")
_SPLITS = {"train": "", "test": "test", "val": "validation", "valid": "validation", "validation": "validation", "": ""}
"""What follows `x_`, and the split that it means; the images of `x_train` are divided by their content."""
_CLASSES = ("classes.txt", "labels.txt", "class_names.txt")


class _Arrays:
    def claims(self, tree: Tree, settings: CollectionSettings) -> bool:
        return not tree.images and bool(tree.of(".npy", ".npz"))

    def read(self, tree: Tree, settings: CollectionSettings, findings: Findings) -> Listing:
        files = tree.of(".npy", ".npz")
        arrays = arrays_in(tree, files, findings)
        classes = _classes(tree, findings)
        reader = TraitReader(findings)
        entries: list[Entry] = []
        splits: dict[str, str] = {}
        used: set[str] = set()
        for images in arrays:
            kind, split = _kind(images)
            if not images.holds_images or kind not in ("", *_IMAGES):
                continue
            labels = [each for each in arrays if each.is_label_of(images) and _kind(each)[1] == split]
            used |= {each.label for each in (images, *labels)}
            columns = {_label(each): _named(values_of(tree, each, findings), classes) for each in labels}
            known = {name: values for name, values in columns.items() if values is not None}
            for entry in entries_of(tree, images, known, reader):
                entries.append(entry)
                if split:
                    splits[entry.name] = split
        for each in arrays:
            if each.label not in used:
                findings.add("not understood", each.label, "no images, and no label for each")
        tell_rest(tree, {*files, *tree.of(*_CLASSES)}, findings)
        return listing_of(tree, "NumPy arrays", entries, splits, findings)


LAYOUT = _Arrays()


def _kind(array: Stored) -> tuple[str, str]:
    """What an array is called, and the split that its name says: `x_train` is x of train."""
    called = (array.member or PurePosixPath(array.name).stem).lower()
    for split, meant in _SPLITS.items():
        if split and called.startswith(f"{split}_"):
            return called.removeprefix(f"{split}_"), meant
        if split and called.endswith(f"_{split}"):
            return called.removesuffix(f"_{split}"), meant
    return (called if array.member else "" if called not in _LABELS else called), ""


def _label(array: Stored) -> str:
    kind = _kind(array)[0] or PurePosixPath(array.name).stem
    return "class" if kind in _LABELS else kind


def _named(values: list[Raw] | None, classes: Mapping[int, str]) -> list[Raw] | None:
    """Labels by the names of their classes, where there are any."""
    if values is None:
        return None
    return [classes.get(value, value) if isinstance(value, int) else value for value in values]


def _classes(tree: Tree, findings: Findings) -> dict[int, str]:
    for name in tree.of(*_CLASSES):
        text = read_text(tree, name, findings, most=MOST_OF_ONE) or ""
        return dict(enumerate(line.strip() for line in text.splitlines() if line.strip()))
    return {}
