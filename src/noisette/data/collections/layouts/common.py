"""What layouts share."""

from __future__ import annotations

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


def tell_rest(tree: Tree, known: Iterable[str], findings: Findings) -> None:
    """Name each file that is neither an image nor metadata."""
    taken = set(known)
    for name in tree.files:
        if name not in taken:
            findings.add("not understood", name)
