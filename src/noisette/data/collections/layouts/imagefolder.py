"""Images with a `metadata.csv` or `metadata.jsonl`, a row for each, as Hugging Face's ImageFolder reads them."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from noisette.data.collections.assembling import Assembly
from noisette.data.collections.entries import Listing
from noisette.data.collections.findings import Findings
from noisette.data.collections.matching import FileNames, base_of
from noisette.data.collections.metadata import MOST_OF_ALL, TraitReader, beginning, read_json, read_text
from noisette.data.collections.records import tell_twice
from noisette.data.collections.settings import CollectionSettings
from noisette.data.collections.tables import form_with, read_table
from noisette.data.collections.tree import Tree
from noisette.errors import RequestError
from noisette.text import brief, plain

_COLUMN = "file_name"
_TRIED = 5


class ImageFolder:
    """Tables with a column `file_name`, one for all images or one in each folder."""

    def claims(self, tree: Tree, settings: CollectionSettings) -> bool:
        """Whether one of the first of these tables has that column."""
        return bool(tree.images) and any(_has_column(tree, name) for name in _tables(tree)[:_TRIED])

    def read(self, tree: Tree, settings: CollectionSettings, findings: Findings) -> Listing:
        """See `Layout.read`."""
        assembly, reader = Assembly(tree, findings), TraitReader(findings)
        names = FileNames(assembly.images)
        for name in _tables(tree):
            if name.lower().endswith(".jsonl"):
                _read_lines(tree, name, names, assembly, reader, findings)
            elif (form := form_with(beginning(tree, name), _COLUMN)) is not None:
                read_table(tree, name, form, names, assembly, reader, findings, settings.separator)
        if not assembly.described:
            raise RequestError(
                f"no {_COLUMN} in the metadata of {plain(str(tree.root), 200)} is one of its images; it must be a path"
                " from the folder of the metadata on"
            )
        return assembly.listing("with metadata in a table (ImageFolder)")


LAYOUT = ImageFolder()


def _tables(tree: Tree) -> list[str]:
    return [path for path in tree.files if base_of(path).lower() in ("metadata.csv", "metadata.jsonl")]


def _has_column(tree: Tree, name: str) -> bool:
    text = beginning(tree, name)
    if name.lower().endswith(".csv"):
        return form_with(text, _COLUMN) is not None
    return any(_says_file(line) for line in islice(text.lstrip().split("\n"), _TRIED))  # one of them may be damaged


def _says_file(line: str) -> bool:
    try:
        said = read_json(line).value
    except ValueError:
        return False
    return isinstance(said, Mapping) and _COLUMN in said


def _read_lines(
    tree: Tree, name: str, names: FileNames, assembly: Assembly, reader: TraitReader, findings: Findings
) -> None:
    """Read JSON Lines: an object in each line, of which all but the name of the file are traits."""
    assembly.used(name)
    text = read_text(tree, name, findings, most=MOST_OF_ALL)
    for number, line in enumerate(io.StringIO(text or "", newline="\n"), 1):
        if not line.strip():
            continue
        label = f"{name}, line {number:,}"
        try:
            said = read_json(line)
        except ValueError as error:
            findings.add("metadata", label, str(error))
            continue
        written = said.value.get(_COLUMN) if isinstance(said.value, Mapping) else None
        if not isinstance(written, str):
            findings.add("metadata", label, f"it is no object with {_COLUMN}")
            continue
        image = assembly.match(names.find(written, name), f'"{brief(written)}" in {label}')
        if image is not None:
            tell_twice(said.twice, image, findings)
            assembly.describe(image, reader.row(_cells(said.value), image), name)


def _cells(row: Mapping[str, Any]) -> Iterator[tuple[str, Sequence[Any]]]:
    """The columns of a row; a list is several values of its column."""
    for column, value in row.items():
        if column != _COLUMN:
            yield column, value if isinstance(value, list) else [value]
