"""Tar shards in which an image and what is said of it have one key (WebDataset); nothing is unpacked."""

from __future__ import annotations

import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO

from noisette.data.collections.entries import Entry, Listing, RefusedPicture, Trait
from noisette.data.collections.findings import Findings
from noisette.data.collections.layouts.common import tell_rest
from noisette.data.collections.metadata import MOST_OF_ONE, TraitReader, read_json, text_of
from noisette.data.collections.packed import DAMAGE
from noisette.data.collections.pictures import MOST_BYTES, decoded
from noisette.data.collections.records import tell_twice, traits_of
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
_READ = ("json", *_LABELS)
"""Suffixes of what says something of an image."""


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
                content = file.read(self.size)
        except (NoisetteError, OSError) as error:
            raise RefusedPicture("unreadable", str(error)) from error
        return decoded(content)


class _WebDataset:
    def claims(self, tree: Tree, settings: CollectionSettings) -> bool:
        return not tree.images and bool(tree.of(".tar", *_PACKED))

    def read(self, tree: Tree, settings: CollectionSettings, findings: Findings) -> Listing:
        entries: list[Entry] = []
        reader = TraitReader(findings)
        shards, packed = tree.of(".tar"), tree.of(*_PACKED)
        for name in packed:
            findings.add("unreadable", name, "packed, so its images cannot be read one by one; unpack it to a .tar")
        for shard in shards:
            entries += _of_shard(tree, shard, reader, findings)
        if not entries:
            reasons = [name for kind in ("unreadable", "cut off") for name in findings.of(kind).names]
            where = plain(str(tree.root), 200)
            raise RequestError(f"no tar in {where} holds images{f': {reasons[0]}' if reasons else ''}")
        tell_rest(tree, [*shards, *packed], findings)
        return Listing("tar shards (WebDataset)", entries)


LAYOUT = _WebDataset()


def _of_shard(tree: Tree, shard: str, reader: TraitReader, findings: Findings) -> list[Entry]:
    """The images of a tar, up to its end or the first fault in it."""
    entries: list[Entry] = []
    path = tree.path(shard)
    try:
        with (
            open_file(path, most=_MOST_SHARD, inside=tree.root) as file,
            tarfile.open(fileobj=file, mode="r:") as archive,
        ):
            for key, parts in _samples(archive, tree.stamps[shard].size, shard, findings).items():
                label = f"{shard}: {key}"
                images = _images_of(parts)
                if not images:
                    findings.add("no image", label)
                    continue
                if len(images) > 1:
                    findings.add("several images", label, f"{images[0]} is taken, of {', '.join(images)}")
                image = parts[images[0]]
                traits = _traits(file, parts, label, reader, findings)
                entries.append(Entry(label, TarMember(path, tree.root, image.offset_data, image.size), traits))
    except (tarfile.TarError, NoisetteError, *DAMAGE) as error:
        findings.add("unreadable", shard, str(error))
    return entries


def _samples(
    archive: tarfile.TarFile, size: int, shard: str, findings: Findings
) -> dict[str, dict[str, tarfile.TarInfo]]:
    """The members of a tar by the key of their image, and by what tells them apart.

    Args:
        archive: The tar, open.
        size: Bytes of its file.
        shard: What it is called.
        findings: Told of members that are left out, and of where the tar is damaged.
    """
    samples: dict[str, dict[str, tarfile.TarInfo]] = {}
    unread: dict[str, str] = {}
    end = 0
    try:
        for member in archive:
            if member.offset_data < end or member.size < 0:  # it leads back, and would for ever
                raise tarfile.ReadError("a size below zero")
            end = member.offset_data
            label = f"{shard}: {member.name}"
            if member.isdir():
                continue
            if not member.isreg() or member.issparse():
                findings.add("archive", label, "it is a link, a device or a file with holes")
                continue
            if member.offset_data + member.size > size:
                raise tarfile.ReadError(f"{member.name} reaches behind its end")
            key, suffix = _key(member.name)
            if suffix in samples.setdefault(key, {}):
                findings.add("archive", label, "it is there twice; the first counts")
                continue
            samples[key][suffix] = member
            if not _is_image(suffix) and suffix not in _READ:
                unread.setdefault(suffix, label)
        _check_end(archive, size)
    except (tarfile.TarError, *DAMAGE) as error:
        if not samples:
            raise
        last = next(reversed(next(reversed(samples.values())).values())).name
        findings.add("cut off", shard, f"behind {last}: {error}")
    for suffix, label in unread.items():
        findings.add("not understood", label, f"and all others that end in .{suffix}")
    return samples


def _check_end(archive: tarfile.TarFile, size: int) -> None:
    """Python takes a header that it cannot read for the end of a tar, where there must be zeros, or nothing at all."""
    if archive.fileobj is None or archive.offset >= size:
        return
    archive.fileobj.seek(archive.offset)
    if any(archive.fileobj.read(tarfile.BLOCKSIZE)):
        raise tarfile.ReadError("there is no header of a file where one should be")


def _key(name: str) -> tuple[str, str]:
    """What the files of one image have in common, and what tells them apart: up to the first dot, and from there on."""
    path = PurePosixPath(name)
    stem, _, suffix = path.name.partition(".")
    return str(path.with_name(stem)) if stem else name, suffix.lower()


def _is_image(suffix: str) -> bool:
    return f".{suffix.rpartition('.')[2]}" in IMAGES


def _images_of(parts: Mapping[str, tarfile.TarInfo]) -> list[str]:
    """Suffixes of the images of a sample, in the order of the tar; `png` before `seg.png`, which is another of it."""
    return sorted(filter(_is_image, parts), key=lambda suffix: "." in suffix)


def _traits(
    file: BinaryIO, parts: Mapping[str, tarfile.TarInfo], label: str, reader: TraitReader, findings: Findings
) -> tuple[Trait, ...] | None:
    traits: list[Trait] = []
    said = False
    for suffix, member in parts.items():
        if suffix not in _READ:
            continue
        if member.size > MOST_OF_ONE:
            findings.add("metadata", label, f"{member.size:,} bytes of .{suffix}; {MOST_OF_ONE:,} at most are read")
            continue
        file.seek(member.offset_data)
        text = text_of(file.read(member.size), f"{label}.{suffix}", findings)
        if text is None:
            findings.add("metadata", label, f".{suffix} is no text")
        elif suffix != "json":
            said = True
            trait = reader.trait(_LABELS[suffix], text.strip(), label)
            traits += () if trait is None else (trait,)
        elif (found := _of_json(text, label, reader, findings)) is not None:
            said = True
            traits += found
    return tuple(traits) if said else None


def _of_json(text: str, label: str, reader: TraitReader, findings: Findings) -> tuple[Trait, ...] | None:
    try:
        said = read_json(text)
    except ValueError as error:
        findings.add("metadata", label, str(error))
        return None
    tell_twice(said.twice, label, findings)
    return traits_of(said.value, label, reader, findings)
