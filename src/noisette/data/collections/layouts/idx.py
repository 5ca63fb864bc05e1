"""Arrays in IDX files, the format of MNIST and Fashion-MNIST, gzipped or not (LeCun 1998)."""

from __future__ import annotations

from noisette.data.collections.entries import Entry, Listing
from noisette.data.collections.findings import Findings
from noisette.data.collections.layouts.common import tell_rest
from noisette.data.collections.layouts.headers import header_of
from noisette.data.collections.layouts.labels import columns_of, images_among, squares_told
from noisette.data.collections.layouts.stored import arrays_in, entries_of, listing_of
from noisette.data.collections.matching import base_of
from noisette.data.collections.metadata import TraitReader
from noisette.data.collections.packed import DAMAGE
from noisette.data.collections.settings import CollectionSettings
from noisette.data.collections.tree import Tree
from noisette.errors import NoisetteError

_TEST = ("t10k", "test")
_SUFFIXES = ("ubyte", "ubyte.gz")


class _Idx:
    def claims(self, tree: Tree, settings: CollectionSettings) -> bool:
        return not tree.images and any(_may_hold_images(tree, name) for name in _files(tree))

    def read(self, tree: Tree, settings: CollectionSettings, findings: Findings) -> Listing:
        files = _files(tree)
        arrays = arrays_in(tree, files, findings)
        reader = TraitReader(findings)
        entries: list[Entry] = []
        splits: dict[str, str] = {}
        used: set[str] = set()
        all_images = images_among(arrays, lambda each: _beginning(each.name))
        held = {each.name for each in all_images}
        for images in all_images:
            beginning = _beginning(images.name)
            labels = [
                each
                for each in arrays
                if each.name not in held and each.is_label_of(images) and _beginning(each.name) == beginning
            ][:1]
            used |= {each.name for each in (images, *labels)}
            columns = columns_of(tree, labels[0], "class", {}, findings) if labels else {}
            for entry in entries_of(tree, images, columns, reader):
                entries.append(entry)
                if beginning in _TEST:
                    splits[entry.name] = "test"
        for each in arrays:
            if each.name not in used:
                findings.add("not understood", each.name, "no images, and no label for each")
        tell_rest(tree, files, findings)
        return listing_of(tree, f"IDX files{squares_told(all_images)}", entries, splits, findings)


LAYOUT = _Idx()


def _files(tree: Tree) -> list[str]:
    return [
        name for name in tree.files if "idx" in base_of(name).lower() or name.lower().endswith(("ubyte", "ubyte.gz"))
    ]


def _beginning(name: str) -> str:
    """What images and their labels have in common: `train` of `train-images-idx3-ubyte.gz`."""
    return base_of(name).split("-")[0].split(".")[0].split("_")[0].lower()


def _may_hold_images(tree: Tree, name: str) -> bool:
    try:
        return len(header_of(tree.path(name), tree.root).image) >= 2
    except (*DAMAGE, NoisetteError):
        return False
