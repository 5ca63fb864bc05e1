"""The layouts in which collections lie in folders: each is a module with one object, `LAYOUT`, and a line here."""

from __future__ import annotations

from importlib import import_module
from typing import Protocol

from noisette.data.collections.entries import Listing
from noisette.data.collections.findings import Findings
from noisette.data.collections.settings import CollectionSettings
from noisette.data.collections.tree import Tree
from noisette.errors import RequestError, nearest
from noisette.text import plain


class Layout(Protocol):
    """A way in which images and their metadata lie in a folder."""

    def claims(self, tree: Tree, settings: CollectionSettings) -> bool:
        """Whether a folder looks like it. Quick: names, and the first bytes of few files."""

    def read(self, tree: Tree, settings: CollectionSettings, findings: Findings) -> Listing:
        """List the images of a folder with what is said of them.

        Args:
            tree: The files.
            settings: What `collection.toml` says.
            findings: Told of everything that is wrong or left out.

        Returns:
            The images; their pixels are not read yet.

        Raises:
            RequestError: There is nothing of this layout, or so little of it that guessing on would be wrong.
        """


LAYOUTS: dict[str, str] = {
    "webdataset": "tar shards with an image and its JSON or text under one key (WebDataset)",
    "idx": "arrays in IDX files, MNIST's own format, gzipped or not",
    "arrays": "NumPy arrays, .npy or .npz",
    "huggingface": "a Hugging Face data set: Parquet or Arrow files with a column of images",
    "aseprite": "a sprite sheet with Aseprite's JSON, hash or array",
    "erc721": "images with a JSON file each, ERC-721 as OpenSea reads it",
    "hashlips": "images with one array of the metadata of all, HashLips' _metadata.json",
    "imagefolder": "images with metadata.csv or metadata.jsonl (ImageFolder)",
    "table": "images with a CSV of a file and its names",
    "sheet": "sprite sheets with a regular grid",
    "classes": "a folder of images for each class",
    "images": "images without metadata",
}
"""What they look like, by the name of the layout and of its module; the most particular first: the first that claims a
folder reads it. HashLips writes a JSON file for each image and the array of all beside them: erc721 reads both.
"""


def find_layout(tree: Tree, settings: CollectionSettings) -> tuple[str, Layout]:
    """The layout of a folder: the one that its settings name, or the first that claims it.

    Raises:
        RequestError: It is none that is known.
    """
    if settings.layout:
        if settings.layout not in LAYOUTS:
            wrong = plain(settings.layout, 80)
            near = nearest(wrong, LAYOUTS)
            raise RequestError(f'collection.toml: no layout "{wrong}"{near}; there are {", ".join(LAYOUTS)}')
        return settings.layout, _layout(settings.layout)
    for name in LAYOUTS:
        if (layout := _layout(name)).claims(tree, settings):
            return name, layout
    raise RequestError(f"there are no images in {plain(str(tree.root), 200)}")


def _layout(name: str) -> Layout:
    layout: Layout = import_module(f"{__name__}.{name}").LAYOUT
    return layout
