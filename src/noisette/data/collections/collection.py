"""A folder of images, read whole: as a data set, with all that was found on the way. It is kept in the cache."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from noisette.attributes.schema import AttributeSchema
from noisette.data.collections.archives import is_archive, unpacked
from noisette.data.collections.entries import Entry, Listing
from noisette.data.collections.findings import Finding, Findings
from noisette.data.collections.ingest import Ingested, ingest
from noisette.data.collections.layouts import find_layout
from noisette.data.collections.placeholders import tell_placeholder
from noisette.data.collections.scale import Enlargement
from noisette.data.collections.settings import CollectionSettings, read_settings
from noisette.data.collections.shaping import Shape, decide, shaped
from noisette.data.collections.traits import understand
from noisette.data.collections.tree import Tree, listed
from noisette.data.dataset import SPLITS, Dataset
from noisette.data.description import EVERY, TEST, VALIDATION
from noisette.data.hub.fetching import fetch_from_hub
from noisette.data.hub.names import HubName, hub_name
from noisette.data.sources import SOURCES
from noisette.errors import NoisetteError, RequestError
from noisette.files.atomic import write_folder_atomically
from noisette.files.cache import cache_folder, locked
from noisette.files.hashes import Sha256, file_sha256
from noisette.files.output import expand
from noisette.files.reading import read_bytes, read_model
from noisette.progress import Progress, silent
from noisette.text import plain

VERSION = 2
"""Raised when folders are read otherwise: what is kept of them is then read again."""

MOST_SIDE = 256
"""Pixels; of larger images the findings are told, and nothing is kept."""

_FOLDER = "collections"
_RECORD, _NAMES = "collection.json", "names.json"
_ARRAYS = ("images.npy", "attributes.npy", "membership.npy")


@dataclass(frozen=True)
class Collection:
    """What a folder holds.

    Attributes:
        root: The folder.
        layout: Name of its layout; see `noisette.data.collections.layouts.LAYOUTS`.
        how: How it was understood, in words.
        found: Images there are, with those that were left out.
        shape: What the images were brought to.
        names: Of the images of the data set, in their order.
        dataset: The images; none in it where all are too large.
        findings: What is wrong or worth knowing, problems first.
        origin: Of a data set of the hub, its name with the commit; empty of a folder.
    """

    root: Path
    layout: str
    how: str
    found: int
    shape: Shape
    names: Sequence[str]
    dataset: Dataset
    findings: Sequence[Finding]
    origin: str = ""

    @property
    def given(self) -> str:
        """What a recipe names it by, from any folder and at any time."""
        return self.origin or str(self.root.resolve())


class _Enlarged(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    factor: int = Field(ge=1)
    left: int = Field(ge=0)
    top: int = Field(ge=0)


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    height: int = Field(ge=1)
    width: int = Field(ge=1)
    channels: int
    enlarged: _Enlarged
    resize: str


class _Found(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: str
    count: int
    names: list[str]


class _Record(BaseModel):
    """What is kept of a collection beside its arrays."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: int
    layout: str
    how: str
    found: int = Field(ge=0)
    shape: _Shape
    schema_read: AttributeSchema = Field(alias="schema")
    findings: list[_Found]
    sha256: dict[str, Sha256]


def open_collection(
    path: str | Path, *, settings: CollectionSettings | None = None, progress: Progress = silent
) -> Collection:
    """Read a folder of images, or what the cache keeps of it if nothing in it has changed.

    Args:
        path: Of the folder, of a zip, or of one file that holds many images; or `hf:OWNER/NAME`, of the hub.
        settings: What counts in the place of its `collection.toml`.
        progress: Called with the images read and those there are; of the hub, with the files fetched before.

    Returns:
        The images and all that was found.

    Raises:
        RequestError: It is not there, holds no images, or its `collection.toml` asks for what cannot be.
        NoisetteError: The cache cannot be written, or the hub gives no answer.

    Examples:
        >>> open_collection("sprites/").dataset.images.shape  # doctest: +SKIP
        (300, 4, 32, 32)
    """
    if (meant := hub_name(path)) is not None:
        return _of_hub(meant, settings, progress)
    given = expand(str(path))
    findings = Findings()
    root = _root(given, findings)
    chosen = read_settings(root if root.is_dir() else root.parent) if settings is None else settings
    tree = _without_excluded(listed(root, findings), chosen)
    kept = cache_folder() / _FOLDER / f"{_digest(os.path.realpath(root), chosen.model_dump_json())}-{_stamp(tree)}"
    if (known := _read_kept(kept, given)) is not None:
        return known
    with locked(kept.with_name(kept.name.partition("-")[0])):
        if (known := _read_kept(kept, given)) is not None:  # another process may have read it meanwhile
            return known
        for old in kept.parent.glob(f"{kept.name.partition('-')[0]}-*"):
            shutil.rmtree(old, ignore_errors=True)  # read before the folder changed
        write_folder_atomically(
            kept, lambda folder: _read_into(folder, _name(given), tree, chosen, findings, root, progress)
        )
    if (known := _read_kept(kept, given)) is None:
        raise NoisetteError(f"what was read of {plain(str(given), 200)} cannot be read again from {kept}")
    return known


def _of_hub(meant: HubName, settings: CollectionSettings | None, progress: Progress) -> Collection:
    fetched = fetch_from_hub(meant, progress=progress)
    collection = open_collection(fetched.folder, settings=settings, progress=progress)
    dataset = replace(collection.dataset, name=_not_of_noisette(fetched.name.short))
    return replace(collection, dataset=dataset, origin=str(fetched.name))


def _root(given: Path, findings: Findings) -> Path:
    if not given.exists():
        raise RequestError(f"no folder {plain(str(given), 200)}")
    if is_archive(given):
        facts = given.stat()
        key = _digest(os.path.realpath(given), f"{facts.st_size} {facts.st_mtime_ns}")
        return unpacked(given, cache_folder() / _FOLDER / "unpacked" / key, findings)
    return given


def _name(given: Path) -> str:
    """What the data set is called; never as one that noisette knows, whose pixels tell more."""
    name = given.stem if is_archive(given) else given.resolve().name or "images"
    return _not_of_noisette(name)


def _not_of_noisette(name: str) -> str:
    return f"{name} (folder)" if name in SOURCES else name


def _without_excluded(tree: Tree, settings: CollectionSettings) -> Tree:
    from fnmatch import fnmatch

    if not settings.exclude:
        return tree
    kept = {
        path: stamp
        for path, stamp in tree.stamps.items()
        if not any(fnmatch(path, pattern) for pattern in settings.exclude)
    }
    return Tree(tree.root, kept)


def _digest(*texts: str) -> str:
    content = blake2b(digest_size=8)
    for text in texts:
        content.update(f"{len(text)} {text}".encode(errors="surrogateescape"))
    return content.hexdigest()


def _stamp(tree: Tree) -> str:
    lines = (f"{path}\0{stamp.size}\0{stamp.changed}" for path, stamp in tree.stamps.items())
    return _digest(str(VERSION), "\n".join(lines))


def _read_into(
    folder: Path,
    name: str,
    tree: Tree,
    settings: CollectionSettings,
    findings: Findings,
    root: Path,
    progress: Progress,
) -> None:
    """Read everything into a folder of the cache."""
    tree = tree.in_order()
    layout_name, layout = find_layout(tree, settings)
    listing = layout.read(tree, settings, findings)
    pool = folder / "pool"
    ingested = ingest(listing.entries, pool, findings, progress)
    if not len(ingested.records):
        first = findings.all()[0].names[0] if findings.all() else ""
        raise RequestError(
            f"none of the {len(listing.entries):,} images in {plain(str(root), 200)} can be read: {first}"
        )
    shape = decide(ingested, settings)
    if max(shape.height, shape.width) > MOST_SIDE:
        for record in ingested.records:
            size = f"{record['width']}x{record['height']}"
            findings.add("too large to learn", listing.entries[int(record["entry"])].name, size)
        ingested = Ingested(pool, ingested.records[:0])
    places = shaped(ingested, shape, listing.entries, folder / _ARRAYS[0], findings)
    pool.unlink()
    records = ingested.records[places]
    entries = [listing.entries[number] for number in records["entry"]]
    _tell_duplicates(entries, records["digest"], findings)
    membership = _membership(listing, entries, records["digest"])
    understood = understand(entries, settings.traits, findings, membership == SPLITS.index("train"))
    np.save(folder / _ARRAYS[1], understood.table)
    np.save(folder / _ARRAYS[2], membership)
    (folder / _NAMES).write_text(json.dumps([entry.name for entry in entries]))
    _tell_changed(tree, root, findings)
    record = {
        "version": VERSION,
        "layout": layout_name,
        "how": listing.how,
        "found": len(listing.entries),
        "shape": asdict(shape),
        "schema": understood.schema.model_dump(),
        "findings": [asdict(each) for each in findings.all()],
        "sha256": {name: file_sha256(folder / name) for name in (*_ARRAYS, _NAMES)},
    }
    (folder / _RECORD).write_text(json.dumps(record))


def _membership(listing: Listing, entries: Sequence[Entry], digests: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """The split of each image, by its own content alone: no image changes it when others are added.

    What the layout calls test is that and nothing else, and so is its validation; the rest is divided by content.
    """
    place = digests % EVERY
    said = [listing.splits.get(entry.name, "") for entry in entries]
    has = {name: name in said for name in SPLITS}
    membership = np.zeros(len(entries), np.uint8)
    if not has["validation"]:
        membership[place == VALIDATION] = SPLITS.index("validation")
    if not has["test"]:
        membership[place == TEST] = SPLITS.index("test")
    for number, split in enumerate(said):
        if split in ("validation", "test"):
            membership[number] = SPLITS.index(split)
    return membership


def _tell_duplicates(entries: Sequence[Entry], digests: NDArray[np.uint64], findings: Findings) -> None:
    placeholder = tell_placeholder(entries, digests, findings)
    first: dict[int, Entry] = {}
    for entry, digest in zip(entries, digests.tolist(), strict=True):
        other = first.setdefault(digest, entry)
        if other is not entry and digest != placeholder:
            same = _as_set(other) == _as_set(entry)
            findings.add("duplicate" if same else "contradiction", entry.name, f"as {other.name}")


def _as_set(entry: Entry) -> frozenset[tuple[str, str]] | None:
    return None if entry.traits is None else frozenset((trait.name, str(trait.value)) for trait in entry.traits)


def _tell_changed(tree: Tree, root: Path, findings: Findings) -> None:
    """What changed while it was read; it is read again the next time, since its stamps differ."""
    now = listed(root, Findings())
    for name in tree.stamps:
        if now.stamps.get(name) != tree.stamps[name]:
            findings.add("vanished", name)


def _read_kept(folder: Path, given: Path) -> Collection | None:
    """What the cache keeps; None where there is nothing, or something is damaged."""
    if not (folder / _RECORD).is_file():
        return None
    try:
        record = read_model(_Record, folder / _RECORD, inside=folder)
        if record.version != VERSION or any(
            file_sha256(folder / name) != record.sha256.get(name) for name in (*_ARRAYS, _NAMES)
        ):
            return None
        names = json.loads(read_bytes(folder / _NAMES, most=2**40))
        # Copied as it is written into, which nobody does: PyTorch wants no memory that it may not write.
        images = np.load(folder / _ARRAYS[0], mmap_mode="c", allow_pickle=False)
        attributes, membership = (np.load(folder / name, allow_pickle=False) for name in _ARRAYS[1:])
        dataset = Dataset(_name(given), images, attributes, record.schema_read, membership)
    except (NoisetteError, ValueError, OSError):
        return None
    said: dict[str, Any] = record.shape.model_dump()
    shape = Shape(**{**said, "enlarged": Enlargement(**said["enlarged"])})
    findings = [Finding(each.kind, each.count, each.names) for each in record.findings]
    return Collection(given, record.layout, record.how, record.found, shape, names, dataset, findings)
