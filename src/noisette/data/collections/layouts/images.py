"""Images of which nothing is said."""

from __future__ import annotations

from noisette.data.collections.assembling import Assembly
from noisette.data.collections.entries import Listing
from noisette.data.collections.findings import Findings
from noisette.data.collections.settings import CollectionSettings
from noisette.data.collections.tree import Tree
from noisette.errors import RequestError
from noisette.text import plain


class Images:
    """Images without metadata: they have no attributes at all, which is not the same as attributes that are unknown."""

    def claims(self, tree: Tree, settings: CollectionSettings) -> bool:
        """Whether there are images."""
        return bool(tree.images)

    def read(self, tree: Tree, settings: CollectionSettings, findings: Findings) -> Listing:
        """See `Layout.read`."""
        if not tree.images:
            raise RequestError(f"there are no images in {plain(str(tree.root), 200)}")
        assembly = Assembly(tree, findings)
        for image in assembly.images:
            assembly.describe(image, ())
        return assembly.listing("without metadata")


LAYOUT = Images()
