"""A folder of images for each class, or folders of such folders: where an image lies says what it shows."""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from collections.abc import Sequence

from noisette.attributes.names import folded
from noisette.data.collections.assembling import Assembly, tells_enough
from noisette.data.collections.entries import Listing
from noisette.data.collections.findings import Findings
from noisette.data.collections.metadata import TraitReader
from noisette.data.collections.settings import CollectionSettings
from noisette.data.collections.splitting import places_of
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
        depth = _depth(list(folders.values()))
        if not depth:
            raise RequestError(f"the images in {plain(str(tree.root), 200)} do not lie in folders that are classes")
        names = ["class"] if depth == 1 else [f"level {number}" for number in range(1, depth + 1)]
        called = [
            _called(name, Counter(each[level] for each in folders.values() if len(each) > level), findings)
            for level, name in enumerate(names)
        ]
        for image, inside in folders.items():
            if inside:
                pairs = [(name, its[folder]) for name, its, folder in zip(names, called, inside, strict=False)]
                assembly.describe(image, reader.pairs(pairs, image))
            if len(inside) > depth:
                findings.add("deeper", image, "/".join(inside[depth:]))
        return assembly.listing("in a folder for each class")


LAYOUT = Classes()


def _depth(folders: Sequence[tuple[str, ...]]) -> int:
    """How many folders inside each other say what an image shows: as many as enough of the images lie in."""
    inside = sum(map(bool, folders))
    deepest = max(map(len, folders), default=0)
    return max((depth for depth in range(1, deepest + 1) if tells_enough(_as_deep(folders, depth), inside)), default=0)


def _as_deep(folders: Sequence[tuple[str, ...]], depth: int) -> int:
    return sum(len(each) >= depth for each in folders)


def _called(level: str, folders: Counter[str], findings: Findings) -> dict[str, str]:
    """What folders of one level are called: as the most images have it, where names are the same but for case, signs
    between words or form of Unicode, which is told."""
    names = {folder: _letters(folder, findings) for folder, _ in folders.most_common()}
    same: dict[str, list[str]] = {}
    for folder, name in names.items():
        same.setdefault(folded(name), []).append(folder)
    for several in same.values():
        if len(several) > 1:
            written = [names[folder] for folder in several]
            looks = [unicodedata.normalize("NFC", name) for name in written]
            detail = ", ".join(looks) + ("; in two forms of Unicode" if len(set(looks)) < len(looks) else "")
            findings.add("merged", f"{level} {looks[0]}", detail)
    return {folder: names[several[0]] for several in same.values() for folder in several}


def _letters(folder: str, findings: Findings) -> str:
    """The name of a folder; where its bytes are no UTF-8, as Windows-1252 has them, which the findings are told."""
    written = os.fsencode(folder)
    try:
        return written.decode("utf-8")
    except UnicodeDecodeError:
        findings.add("encoding", folder, "read as Windows-1252")
        return written.decode("cp1252", errors="backslashreplace")
