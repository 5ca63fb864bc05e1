"""What layouts share."""

from __future__ import annotations

import re
from collections.abc import Iterable

from noisette.data.collections.findings import Findings
from noisette.data.collections.tree import Tree

SPLITS = {
    "train": "train",
    "training": "train",
    "test": "test",
    "testing": "test",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
}
"""What folders and files are called that hold a split, in small letters, and which split that is."""

_BETWEEN = re.compile(r"[-_.]")


def split_in(name: str) -> str:
    """The split that a word in a name says, as in `train-00000-of-00001`; empty if none does."""
    return next((SPLITS[word] for word in _BETWEEN.split(name.lower()) if word in SPLITS), "")


def tell_rest(tree: Tree, known: Iterable[str], findings: Findings) -> None:
    """Name each file that is neither an image nor metadata."""
    taken = set(known)
    for name in tree.files:
        if name not in taken:
            findings.add("not understood", name)
