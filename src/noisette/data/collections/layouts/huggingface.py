"""Hugging Face data sets on the disk: Parquet files as the hub has them, or Arrow files as `save_to_disk` writes them.

Their scripts are never run: files hold all that is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from noisette.data.collections.columnar import (
    HOW_TO_INSTALL,
    SUFFIXES,
    RowImage,
    Rows,
    is_installed,
    rows_of,
    schema_of,
)
from noisette.data.collections.columns import Columns, columns_of, features_in, traits_of
from noisette.data.collections.entries import Entry, Listing
from noisette.data.collections.findings import Findings
from noisette.data.collections.layouts.common import split_in, tell_rest
from noisette.data.collections.matching import base_of, folder_of
from noisette.data.collections.metadata import MOST_OF_ONE, TraitReader, read_json, read_text
from noisette.data.collections.settings import CollectionSettings
from noisette.data.collections.tree import MOST_FILES, Tree
from noisette.errors import RequestError
from noisette.text import brief, plain

_ABOUT = ("dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json", "readme.md")
"""What lies beside the tables, in small letters."""
_LEFT_BEHIND = ("cache-", "indices", "tmp")
"""How Arrow files begin that `datasets` makes for itself."""
_TRIED = 5


class HuggingFace:
    """Tables with a column of images."""

    def claims(self, tree: Tree, settings: CollectionSettings) -> bool:
        """Whether there are tables and no other images, or one of the first tables holds images."""
        tables = tree.of(*SUFFIXES)
        if not tables or not tree.images:
            return bool(tables)
        return is_installed() and any(_holds_images(tree, name, settings) for name in tables[:_TRIED])

    def read(self, tree: Tree, settings: CollectionSettings, findings: Findings) -> Listing:
        """See `Layout.read`."""
        if not is_installed():
            raise RequestError(f"Parquet and Arrow files are read by pyarrow; {HOW_TO_INSTALL}")
        tables = _tables(tree, findings)
        reader = TraitReader(findings)
        entries: list[Entry] = []
        splits: dict[str, str] = {}
        unused: dict[str, str] = {}
        there: dict[str, None] = {}
        for name in tables:
            columns = _columns(tree, name, settings, findings)
            if columns is None:
                continue
            there |= dict.fromkeys([*(label.name for label in columns.labels), *columns.unused])
            if not columns.image:
                findings.add("not understood", name, "no column of it holds images")
                continue
            unused |= columns.unused
            split = _split_of(name)
            for entry in _entries(tree, name, columns, reader, findings):
                entries.append(entry)
                if split:
                    splits[entry.name] = split
                if len(entries) > MOST_FILES:
                    raise RequestError(f"{plain(str(tree.root), 200)} holds more than {MOST_FILES:,} images")
        for column, why in unused.items():
            findings.add("column", column, why)
        if not entries:
            raise RequestError(_nothing(tree, settings, list(there), findings))
        known = [name for name in tree.files if base_of(name).lower() in _ABOUT]
        tell_rest(tree, [*tables, *known], findings)
        if not {"train"} < set(splits.values()):
            splits = {}  # one split alone divides nothing
        kinds = sorted({PurePosixPath(name).suffix.lower()[1:].capitalize() for name in tables})
        return Listing(f"{' and '.join(kinds)} files (Hugging Face)", entries, tables, splits)


LAYOUT = HuggingFace()


def _tables(tree: Tree, findings: Findings) -> list[str]:
    """The files of the data set; where `save_to_disk` wrote down which they are, none but these."""
    saved = {folder_of(name): _saved(tree, name, findings) for name in tree.files if base_of(name) == "state.json"}
    return [
        name
        for name in tree.of(*SUFFIXES)
        if (base_of(name) in listed if (listed := saved.get(folder_of(name))) else not _is_left_behind(name))
    ]


def _is_left_behind(name: str) -> bool:
    return name.endswith(".arrow") and base_of(name).startswith(_LEFT_BEHIND)


def _saved(tree: Tree, name: str, findings: Findings) -> frozenset[str]:
    """The names of files that a `state.json` lists; none where it lists none."""
    said = _json(tree, name, findings)
    files = said.get("_data_files") if isinstance(said, Mapping) else None
    listed = (each.get("filename") for each in files if isinstance(each, Mapping)) if isinstance(files, list) else ()
    return frozenset(each for each in listed if isinstance(each, str))


def _json(tree: Tree, name: str, findings: Findings) -> Any:
    try:
        return read_json(read_text(tree, name, findings, most=MOST_OF_ONE) or "{}").value
    except ValueError as error:
        findings.add("metadata", name, str(error))
        return {}


def _columns(tree: Tree, name: str, settings: CollectionSettings, findings: Findings) -> Columns | None:
    """What the columns of a table are; None if it cannot be read."""
    try:
        schema = schema_of(tree.path(name), tree.root)
    except RequestError as error:
        findings.add("unreadable", name, str(error))
        return None
    written = (schema.metadata or {}).get(b"huggingface", b"")
    features = features_in(written.decode(errors="replace")) if len(written) <= MOST_OF_ONE else {}
    folder = folder_of(name)
    beside = f"{folder}/dataset_info.json" if folder else "dataset_info.json"
    if not features and beside in tree.stamps:
        features = features_in(read_text(tree, beside, findings, most=MOST_OF_ONE) or "")
    return columns_of(schema, features, settings.image)


def _holds_images(tree: Tree, name: str, settings: CollectionSettings) -> bool:
    found = _columns(tree, name, settings, Findings())
    return found is not None and bool(found.image)


def _entries(tree: Tree, name: str, columns: Columns, reader: TraitReader, findings: Findings) -> Iterator[Entry]:
    path = tree.path(name)
    # Without labels the images themselves tell how many rows there really are.
    wanted = [label.name for label in columns.labels] or [columns.image]
    for rows in rows_of(path, tree.root, wanted):
        if rows.batch is None:
            findings.add("unreadable", _places(name, rows), rows.wrong)
            continue
        names = [f"{name}#{place}" for place in range(rows.first, rows.first + rows.count)]
        said = traits_of(columns.labels, rows.batch, names, reader, findings)
        for place, (label, traits) in enumerate(zip(names, said, strict=True), rows.first):
            yield Entry(label, RowImage(path, tree.root, columns.image, place), traits)


def _places(name: str, rows: Rows) -> str:
    if rows.count > MOST_FILES:
        return f"{name}, all rows from {rows.first:,} on"
    if rows.count == 1:
        return f"{name}, row {rows.first:,}"
    return f"{name}, rows {rows.first:,} to {rows.first + rows.count - 1:,}"


def _split_of(name: str) -> str:
    """The split that a file's name says, else the nearest of its folders: `data/train-00000-of-00001.parquet`."""
    path = PurePosixPath(name)
    return next(filter(None, map(split_in, (path.stem, *(folder.name for folder in path.parents)))), "")


def _nothing(tree: Tree, settings: CollectionSettings, there: list[str], findings: Findings) -> str:
    """Why there is no image at all."""
    where, columns = plain(str(tree.root), 200), ", ".join(brief(each, 40) for each in there[:20])
    if (damaged := findings.of("unreadable").names) or not findings.of("not understood").count:
        return f"the tables in {where} have no rows that can be read{f': {damaged[0]}' if damaged else ''}"
    if settings.image:
        return (
            f'collection.toml: image = "{brief(settings.image)}" is no column of images in {where}; there are {columns}'
        )
    return f"no column of the tables in {where} holds the bytes of images; there are {columns or 'none'}"
