"""Images with one JSON file that describes them all, such as the `_metadata.json` that HashLips' art engine writes."""

from __future__ import annotations

from noisette.data.collections.assembling import Assembly, tells_enough
from noisette.data.collections.entries import Listing
from noisette.data.collections.findings import Findings
from noisette.data.collections.matching import FileNames, base_of
from noisette.data.collections.metadata import TraitReader, beginning
from noisette.data.collections.records import describes_images, read_records, records_estimated
from noisette.data.collections.settings import CollectionSettings
from noisette.data.collections.tree import Tree
from noisette.errors import RequestError
from noisette.text import plain

_TRIED = 5


class HashLips:
    """A list of objects that describe an image each, or an object of such by the image's number or name."""

    def claims(self, tree: Tree, settings: CollectionSettings) -> bool:
        """Whether the first files of JSON are such lists, of enough images."""
        names = FileNames(tree.images)
        likely = sorted(tree.of(".json"), key=lambda path: "metadata" not in base_of(path).lower())
        described = sum(records_estimated(tree, name, names) for name in likely[:_TRIED])
        return bool(tree.images) and tells_enough(described, len(tree.images))

    def read(self, tree: Tree, settings: CollectionSettings, findings: Findings) -> Listing:
        """See `Layout.read`."""
        assembly, reader = Assembly(tree, findings), TraitReader(findings)
        names = FileNames(assembly.images)
        for name in tree.of(".json"):
            if describes_images(beginning(tree, name), names, name):
                read_records(tree, name, names, assembly, reader, findings)
        if not assembly.described:
            raise RequestError(
                f"no image in {plain(str(tree.root), 200)} is described by its JSON; name the images as the metadata do"
                ', or say layout = "images" in collection.toml'
            )
        return assembly.listing("with the metadata of all in one JSON file")


LAYOUT = HashLips()
