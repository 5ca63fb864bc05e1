"""A folder of images for each class, or folders of such folders: where an image lies says what it shows."""

from __future__ import annotations

import os
from itertools import chain

from noisette.data.collections.assembling import Assembly, places_of
from noisette.data.collections.entries import Listing
from noisette.data.collections.findings import Findings
from noisette.data.collections.metadata import TraitReader
from noisette.data.collections.settings import CollectionSettings
from noisette.data.collections.tree import Tree
from noisette.errors import RequestError
from noisette.text import plain


class Classes:
    """Folders that are classes. Those of training and test are none: they divide the images."""

    def claims(self, tree: Tree, settings: CollectionSettings) -> bool:
        """Whether most images lie in different folders, and not each in one of its own."""
        inside = [folders for folders in places_of(tree.images).folders.values() if folders]
        return len(inside) * 2 >= len(tree.images) and 1 < len(set(inside)) < len(inside)

    def read(self, tree: Tree, settings: CollectionSettings, findings: Findings) -> Listing:
        """See `Layout.read`."""
        assembly, reader = Assembly(tree, findings), TraitReader(findings)
        folders = places_of(assembly.images).folders
        deepest = max(map(len, folders.values()), default=0)
        if not deepest:
            raise RequestError(f"the images in {plain(str(tree.root), 200)} do not lie in folders that are classes")
        names = ["class"] if deepest == 1 else [f"level {number}" for number in range(1, deepest + 1)]
        called = {folder: _letters(folder, findings) for folder in dict.fromkeys(chain(*folders.values()))}
        for image, inside in folders.items():
            if inside:
                values = (called[folder] for folder in inside)
                assembly.describe(image, reader.pairs(zip(names, values, strict=False), image))
        return assembly.listing("in a folder for each class")


LAYOUT = Classes()


def _letters(folder: str, findings: Findings) -> str:
    """The name of a folder; where its bytes are no UTF-8, as Windows-1252 has them, which the findings are told."""
    written = os.fsencode(folder)
    try:
        return written.decode("utf-8")
    except UnicodeDecodeError:
        findings.add("encoding", folder, "read as Windows-1252")
        return written.decode("cp1252", errors="backslashreplace")
