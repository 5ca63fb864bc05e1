"""A folder of images, read whole: as a data set, with all that was found on the way. It is kept in the cache."""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from noisette.data.collections.archives import is_archive, unpacked
from noisette.data.collections.entries import Entry, Listing
from noisette.data.collections.findings import Finding, Findings
from noisette.data.collections.ingest import ingest
from noisette.data.collections.kept import FILES, TEXTS, TEXTS_INDEX, KeptTexts
from noisette.data.collections.layouts import find_layout
from noisette.data.collections.placeholders import tell_placeholder
from noisette.data.collections.places import all_stored, code, folder_of, home, place_of
from noisette.data.collections.settings import CollectionSettings, read_settings
from noisette.data.collections.shaping import Shape, decide, shaped
from noisette.data.collections.stored import ARRAYS, NAMES, last_of, read_stored, write_record
from noisette.data.collections.traits import understand
from noisette.data.collections.tree import Look, Tree, listed, look, tree_of
from noisette.data.dataset import SPLITS, Dataset
from noisette.data.description import EVERY, TEST, VALIDATION
from noisette.data.hub.fetching import fetch_from_hub
from noisette.data.hub.names import HubName, hub_name
from noisette.data.naming import images_near
from noisette.data.sources import SOURCES
from noisette.errors import NoisetteError, RequestError, as_nearest
from noisette.files.atomic import remove_unfinished, write_folder_atomically
from noisette.files.cache import locked
from noisette.files.output import expand
from noisette.files.room import make_room, remove
from noisette.progress import Progress, silent
from noisette.text import plain

MOST_SIDE = 256
"""Pixels; of larger images the findings are told, and nothing is kept."""

_TICK = 20_000_000
"""Nanoseconds, of the slowest clock of a usual file system and some more."""


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
        kept: Where the cache keeps it.
    """

    root: Path
    layout: str
    how: str
    found: int
    shape: Shape
    names: Sequence[str]
    dataset: Dataset
    findings: Sequence[Finding]
    kept: Path
    origin: str = ""

    @property
    def given(self) -> str:
        """What a recipe names it by, from any folder and at any time."""
        return self.origin or str(self.root.resolve())


def open_collection(
    path: str | Path,
    *,
    settings: CollectionSettings | None = None,
    progress: Progress = silent,
    seen: Look | None = None,
) -> Collection:
    """Read a folder of images, or what the cache keeps of it if nothing in it has changed.

    Args:
        path: Of the folder, of a zip, or of one file that holds many images; or `hf:OWNER/NAME`, of the hub.
        settings: What counts in the place of its `collection.toml`.
        progress: Called with the images read and those there are; of the hub, with the files fetched before.
        seen: A look at it, of just now; one is taken unless given.

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
    if not given.exists():
        raise RequestError(f"no folder {plain(str(given), 200)}{as_nearest(images_near(str(given)))}")
    seen = look(given) if seen is None else seen
    if settings is None and not is_archive(given):
        settings = read_settings(given if given.is_dir() else given.parent)
    kept = folder_of(given, seen, "its own" if settings is None else settings.model_dump_json())
    if (known := _opened(kept, given)) is not None:
        return known
    place = kept.with_name(place_of(given))
    with locked(place):
        if (known := _opened(kept, given, tell=True)) is not None:  # another process may have read it meanwhile
            return known
        remove_unfinished(kept)
        remove(kept, even_used=True)  # it is damaged
        before = last_of(given)
        room = make_room(home(), all_stored())
        _let_settle(seen)
        findings = Findings()
        with _unpacked_or_itself(given, findings) as root:
            reading = _Reading(given, root, seen, findings, before, room, progress)
            write_folder_atomically(kept, lambda folder: _read_into(folder, reading, settings))
        for old in kept.parent.glob(f"{place.name}-*"):
            if old != kept:
                remove(old)  # read before the folder changed
    if (known := _opened(kept, given)) is None:
        raise NoisetteError(f"what was read of {plain(str(given), 200)} cannot be read again from {kept}")
    make_room(home(), all_stored())
    return known


def _of_hub(meant: HubName, settings: CollectionSettings | None, progress: Progress) -> Collection:
    fetched = fetch_from_hub(meant, progress=progress)
    collection = open_collection(fetched.folder, settings=settings, progress=progress)
    dataset = replace(collection.dataset, name=_not_of_noisette(fetched.name.short))
    return replace(collection, dataset=dataset, origin=str(fetched.name))


@dataclass(frozen=True)
class _Reading:
    """What is read.

    Attributes:
        given: The folder or the file that a person named.
        root: Where its files are: it itself, or what a zip was unpacked into.
        seen: What was at `given` when the reading began.
        findings: Told of everything.
        before: What was kept of an earlier reading.
        room: Bytes that the cache may take beside the arrays.
        progress: Called with the images read and those there are.
    """

    given: Path
    root: Path
    seen: Look
    findings: Findings
    before: Path | None
    room: int
    progress: Progress

    @property
    def is_unpacked(self) -> bool:
        return self.root != self.given

    def tree(self) -> Tree:
        return listed(self.root, self.findings) if self.is_unpacked else tree_of(self.seen, self.findings)


@contextmanager
def _unpacked_or_itself(given: Path, findings: Findings) -> Iterator[Path]:
    if not is_archive(given):
        yield given
        return
    with unpacked(given, home(), findings) as root:
        yield root


def _let_settle(seen: Look) -> None:
    """Wait until a change of any file must show in its stamp: clocks of file systems tick, some milliseconds each."""
    newest = max((*seen.numbers[1::4], *seen.numbers[3::4]), default=0)
    left = newest + _TICK - time.time_ns()
    if 0 < left <= _TICK:
        time.sleep(left / 1e9)


def _name(given: Path) -> str:
    """What the data set is called; never as one that noisette knows, whose pixels tell more."""
    name = given.stem if is_archive(given) else given.resolve().name or "images"
    return _not_of_noisette(name)


def _not_of_noisette(name: str) -> str:
    return f"{name} (folder)" if name in SOURCES else name


def _opened(kept: Path, given: Path, *, tell: bool = False) -> Collection | None:
    """What the cache keeps; None where there is nothing, or something is damaged."""
    if (stored := read_stored(kept, _name(given), tell=tell)) is None:
        return None
    record, names, dataset = stored
    shape = record.shape.as_shape
    return Collection(given, record.layout, record.how, record.found, shape, names, dataset, record.findings_read, kept)


def _read_into(folder: Path, reading: _Reading, settings: CollectionSettings | None) -> None:
    """Read everything into a folder of the cache."""
    root, findings = reading.root, reading.findings
    chosen = read_settings(root) if settings is None else settings
    tree = reading.tree().without(chosen.exclude).in_order()
    with (folder / TEXTS).open("wb") as file:
        texts = KeptTexts(tree, reading.before, file, reading.room // 4)
        layout_name, layout = find_layout(replace(tree, kept=texts), chosen)
        with _uncollected():
            listing = layout.read(replace(tree, kept=texts), chosen, findings)
    texts.save(folder / TEXTS_INDEX)
    ingested = ingest(
        tree, listing.entries, folder, findings, reading.progress, reading.before, reading.room // 2, code()
    )
    if not len(ingested.records):
        first = findings.all()[0].names[0] if findings.all() else ""
        raise RequestError(
            f"none of the {len(listing.entries):,} images in {plain(str(reading.given), 200)} can be read: {first}"
        )
    shape = decide(ingested, chosen)
    if max(shape.height, shape.width) > MOST_SIDE:
        for record in ingested.records:
            size = f"{record['width']}x{record['height']}"
            findings.add("too large to learn", listing.entries[int(record["entry"])].name, size)
        ingested = replace(ingested, records=ingested.records[:0])
    places = shaped(ingested, shape, folder / ARRAYS[0], findings)
    records = ingested.records[places]
    entries = [listing.entries[number] for number in records["entry"]]
    taken = {entry.name for entry in entries}
    findings.left_out(entry.name for entry in listing.entries if entry.name not in taken)
    _tell_duplicates(entries, records["digest"], findings)
    membership = _membership(listing, entries, records["digest"])
    with _uncollected():
        understood = understand(entries, chosen.traits, findings, membership == SPLITS.index("train"))
    np.save(folder / ARRAYS[1], understood.table)
    np.save(folder / ARRAYS[2], membership)
    (folder / NAMES).write_text(json.dumps([entry.name for entry in entries]))
    _tell_changed(reading, tree)
    if reading.is_unpacked:  # whatever comes out of it the next time is another file
        for name in FILES:
            (folder / name).unlink()
    write_record(
        folder,
        layout=layout_name,
        how=listing.how,
        found=len(listing.entries),
        shape=asdict(shape),
        schema=understood.schema.model_dump(),
        findings=[asdict(each) for each in findings.all()],
    )


@contextmanager
def _uncollected() -> Iterator[None]:
    """Inside, nobody looks for cycles among the millions of small objects that metadata are: a third of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


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


def _tell_changed(reading: _Reading, tree: Tree) -> None:
    """What changed while it was read; it is read again the next time, since its stamps differ."""
    again = look(reading.given)
    if again.digest == reading.seen.digest:
        return
    then, now = (tree_of(seen, Findings()).stamps for seen in (reading.seen, again))
    for name in then if reading.is_unpacked else tree.stamps:
        if now.get(name) != then[name]:
            reading.findings.add("vanished", name)
