"""Images and what is said of them, put together: who is described twice, who not at all, and which files are left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from noisette.data.collections.entries import Entry, Listing, Trait
from noisette.data.collections.findings import Findings
from noisette.data.collections.layouts.common import tell_rest
from noisette.data.collections.matching import base_of
from noisette.data.collections.metadata import same_traits
from noisette.data.collections.pictures import PictureFile
from noisette.data.collections.splitting import places_of
from noisette.data.collections.tree import Tree

_TELLING = 10  # metadata of fewer than one in so many images are no metadata of the folder

_CALLED = {"jpg": "JPEG", "jpeg": "JPEG", "tif": "TIFF", "tiff": "TIFF", "webp": "WebP"}


class Assembly:
    """Collects what is said of the images of a folder.

    Args:
        tree: The files.
        findings: Told of what is described twice or not at all, and of files that nobody looked at.
    """

    def __init__(self, tree: Tree, findings: Findings) -> None:
        self.images = tree.images
        self.described: dict[str, tuple[Trait, ...] | None] = {}
        self._tree, self._findings = tree, findings
        self._sources: dict[str, None] = {}
        self._first: dict[str, str] = {}  # the file that described an image first

    def used(self, source: str) -> None:
        """A file was metadata, or should be."""
        self._sources[source] = None

    def describe(self, image: str, traits: Sequence[Trait] | None, source: str = "") -> None:
        """Something is said of an image; what is said first counts.

        Args:
            image: Its path.
            traits: None where its metadata cannot be read, which another file may make good.
            source: The file that says so; empty where nothing but the image's own place does.
        """
        if source:
            self.used(source)
        known = self.described.get(image)
        if known is None:
            self.described[image] = None if traits is None else tuple(traits)
            self._first[image] = source
        elif traits is not None and not same_traits(known, traits):
            self._findings.add("metadata twice", image, f"otherwise in {source}")
        elif traits is not None and source and self._first.get(image) == source:
            self._findings.add("same twice", image, f"in {source}")

    def unknown(self, image: str) -> None:
        """Nothing can be said of an image, which the findings were told; another file may make it good."""
        self.described.setdefault(image, None)

    def forget(self, image: str) -> None:
        """What was said of an image was no description of it, which the findings were told."""
        self.described[image] = None

    def match(self, candidates: Sequence[str], label: str) -> str | None:
        """The one image that metadata mean; None, which is a finding, if there is none or it is not clear which.

        Args:
            candidates: What `FileNames` found.
            label: How a person finds these metadata.
        """
        if len(candidates) == 1:
            return candidates[0]
        self._findings.add("no image", label, "several images are called so" if candidates else "")
        return None

    def listing(self, how: str) -> Listing:
        """All images in the order of their paths, and the findings about what is left.

        Args:
            how: What describes them, in words that continue "PNG files".

        Returns:
            What the layout gives back.
        """
        for image in self.images:
            if image not in self.described:
                self._findings.add("no metadata", image)
        looked_at = [*self.images, *self._sources]
        tell_rest(self._tree, looked_at, self._findings)
        entries = [
            Entry(image, PictureFile(self._tree.path(image), self._tree.root), self.described.get(image))
            for image in self.images
        ]
        places = places_of(self.images)
        for folder, detail in places.told.items():
            self._findings.add("split", folder, detail)
        for folder, detail in places.beside.items():
            self._findings.add("beside splits", folder, detail)
        return Listing(f"{kinds_of(self.images)} {how}", entries, looked_at, places.splits)


def tells_enough(described: int, images: int) -> bool:
    """Whether metadata of so many images are those of the folder, and no stray file."""
    return described > 0 and described * _TELLING >= images


def kinds_of(images: Iterable[str]) -> str:
    """What kinds of files images are: `PNG files`, `PNG and GIF files`."""
    counts = Counter(base_of(image).rpartition(".")[2].lower() for image in images)
    called = list(dict.fromkeys(_CALLED.get(suffix, suffix.upper()) for suffix, _ in counts.most_common()))
    return f"{' and '.join(called)} files" if len(called) < 3 else "images of several kinds"
