"""Tar shards in which an image and what is said of it have one key (WebDataset); nothing is unpacked."""

from __future__ import annotations

import io
import tarfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from noisette.data.collections.entries import Entry, Listing, RefusedPicture, Trait
from noisette.data.collections.findings import Findings
from noisette.data.collections.layouts.common import tell_rest
from noisette.data.collections.metadata import MOST_OF_ONE, TraitReader, read_json
from noisette.data.collections.pictures import MOST_BYTES, decoded
from noisette.data.collections.settings import CollectionSettings
from noisette.data.collections.tree import IMAGES, Tree
from noisette.errors import NoisetteError, RequestError
from noisette.files.reading import open_file
from noisette.text import plain

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_PACKED = (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
_MOST_SHARD = 2**40
_LABELS = {"cls": "class", "label": "class", "txt": "text", "caption": "text"}


@dataclass(frozen=True, slots=True)
class TarMember:
    """An image in a tar. See `Picture`.

    Attributes:
        path: Of the tar.
        root: The folder that it must lie in.
        start: Where its bytes begin.
        size: How many there are.
    """

    path: Path
    root: Path
    start: int
    size: int

    def read(self) -> NDArray[np.uint8]:
        """The pixels, (H, W, C) uint8. Raises RefusedPicture."""
        if self.size > MOST_BYTES:
            raise RefusedPicture("too large")
        try:
            with open_file(self.path, most=_MOST_SHARD, inside=self.root) as file:
                file.seek(self.start)
                return decoded(file.read(self.size))
        except (NoisetteError, OSError) as error:
            raise RefusedPicture("unreadable", str(error)) from error


class _WebDataset:
    def claims(self, tree: Tree, settings: CollectionSettings) -> bool:
        return not tree.images and bool(tree.of(".tar", *_PACKED))

    def read(self, tree: Tree, settings: CollectionSettings, findings: Findings) -> Listing:
        if packed := tree.of(*_PACKED):
            raise RequestError(
                f"{plain(packed[0], 100)} is packed, so its images cannot be read one by one; unpack it to a .tar first"
            )
        entries: list[Entry] = []
        reader = TraitReader(findings)
        shards = tree.of(".tar")
        for shard in shards:
            entries += self._of_shard(tree, shard, reader, findings)
        if not entries:
            raise RequestError(f"no tar in {plain(str(tree.root), 200)} holds images")
        tell_rest(tree, shards, findings)
        return Listing("tar shards (WebDataset)", entries)

    def _of_shard(self, tree: Tree, shard: str, reader: TraitReader, findings: Findings) -> list[Entry]:
        samples: dict[str, dict[str, tarfile.TarInfo]] = {}
        entries: list[Entry] = []
        try:
            with (
                open_file(tree.path(shard), most=_MOST_SHARD, inside=tree.root) as file,
                tarfile.open(fileobj=file, mode="r:") as archive,
            ):
                for member in archive:
                    if member.isdir():
                        continue
                    if not member.isreg():
                        findings.add("archive", f"{shard}: {member.name}", "it is a link or a device")
                        continue
                    key, suffix = _key(member.name)
                    samples.setdefault(key, {})[suffix] = member
                for key, parts in samples.items():
                    image = next((part for suffix, part in parts.items() if f".{suffix}" in IMAGES), None)
                    label = f"{shard}: {key}"
                    if image is None:
                        findings.add("no image", label)
                        continue
                    traits = _traits(archive, parts, label, reader, findings)
                    picture = TarMember(tree.path(shard), tree.root, image.offset_data, image.size)
                    entries.append(Entry(label, picture, traits))
        except (tarfile.TarError, NoisetteError, OSError, ValueError) as error:
            findings.add("unreadable", shard, str(error))
        return entries


def _key(name: str) -> tuple[str, str]:
    """What the files of one image have in common, and what tells them apart: up to the first dot, and from there on."""
    path = PurePosixPath(name)
    stem, _, suffix = path.name.partition(".")
    return str(path.with_name(stem)) if stem else name, suffix.lower()


def _traits(
    archive: tarfile.TarFile, parts: dict[str, tarfile.TarInfo], label: str, reader: TraitReader, findings: Findings
) -> tuple[Trait, ...] | None:
    traits: list[Trait] = []
    said = False
    for suffix, member in parts.items():
        if suffix != "json" and suffix not in _LABELS:
            continue
        said = True
        content = archive.extractfile(member) or io.BytesIO()
        text = content.read(MOST_OF_ONE).decode("utf-8", errors="replace")
        if suffix == "json":
            traits += _of_json(text, label, reader, findings)
        elif (trait := reader.trait(_LABELS[suffix], text.strip(), label)) is not None:
            traits.append(trait)
    return tuple(traits) if said else None


def _of_json(text: str, label: str, reader: TraitReader, findings: Findings) -> tuple[Trait, ...]:
    try:
        said: Any = read_json(text).value
    except ValueError as error:
        findings.add("metadata", label, str(error))
        return ()
    return reader.attributes(said.get("attributes", said) if isinstance(said, dict) else said, label) or ()


LAYOUT = _WebDataset()
