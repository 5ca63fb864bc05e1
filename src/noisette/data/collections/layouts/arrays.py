"""NumPy arrays: `.npy` with images, or `.npz` with images and labels; nothing in them is run."""

from __future__ import annotations

from pathlib import PurePosixPath

from noisette.data.collections.entries import Entry, Listing, Raw
from noisette.data.collections.findings import Findings
from noisette.data.collections.layouts.common import tell_rest
from noisette.data.collections.layouts.labels import columns_of, images_among, squares_told
from noisette.data.collections.layouts.stored import Stored, arrays_in, entries_of, listing_of
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
        all_images = images_among([each for each in arrays if _kind(each)[0] in ("", *_IMAGES)], lambda x: _kind(x)[1])
        held = {each.label for each in all_images}
        for images in all_images:
            split = _kind(images)[1]
            labels = [
                each
                for each in arrays
                if each.label not in held and each.is_label_of(images) and _kind(each)[1] == split
            ]
            used |= {each.label for each in (images, *labels)}
            columns: dict[str, list[Raw]] = {}
            for each in labels:
                name = _label(each) if _label(each) not in columns else each.label
                columns |= columns_of(tree, each, name, classes, findings)
            for entry in entries_of(tree, images, columns, reader):
                entries.append(entry)
                if split:
                    splits[entry.name] = split
        for each in arrays:
            if each.label not in used:
                findings.add("not understood", each.label, "no images, and no label for each")
        tell_rest(tree, {*files, *tree.of(*_CLASSES)}, findings)
        return listing_of(tree, f"NumPy arrays{squares_told(all_images)}", entries, splits, findings)


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


def _classes(tree: Tree, findings: Findings) -> dict[int, str]:
    for name in tree.of(*_CLASSES):
        text = read_text(tree, name, findings, most=MOST_OF_ONE) or ""
        return dict(enumerate(line.strip() for line in text.splitlines() if line.strip()))
    return {}
