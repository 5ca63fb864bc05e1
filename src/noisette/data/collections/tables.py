"""Tables (CSV) as strangers write them: with any delimiter, with a header or without, several names in one cell or one.

What a table is about is found out by the images: the column that names them is the one whose cells most of them match.
"""

from __future__ import annotations

import csv
import io
import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from noisette.data.collections.assembling import Assembly, tells_enough
from noisette.data.collections.findings import Findings
from noisette.data.collections.matching import FileNames
from noisette.data.collections.metadata import MOST_OF_ALL, TraitReader, read_text
from noisette.data.collections.tree import IMAGES, Tree
from noisette.text import brief

DELIMITERS = (",", ";", "\t", "|")
"""Between cells; the first that makes sense of a table counts."""

_SURE = ("|", ";")  # signs that hardly stand inside a name
_UNSURE = ("/", ",")  # signs that may: they separate where the parts come again and again
_SEPARATED = 10  # one cell in so many must have a sure sign, if the parts do not come again
_MOST_NAMES = 100  # different parts of such a column; those of more are sentences
_MOST_COLUMNS = 1000
_SAMPLE = 2000  # rows that tell what the columns are
_MOST_CELLS = 100_000  # different ones of a column that are remembered; a column of more is one of sentences
_MOST_LINES = 100  # of a row, whose cells may have several; a quotation of more has no end
_OPEN = "a quotation in it has no end, or a cell is too long"
_NUMBER = re.compile(r"#?\s*[0-9]{1,18}")
_TELLS_DELIMITER = re.compile("sep=.?")  # Excel's first line, a delimiter that is found out anyway
_LETTER = re.compile(r"[^\W\d_]")


@dataclass(frozen=True)
class Form:
    """How a table is written.

    Attributes:
        delimiter: Between its cells.
        column: Which of its columns names the images.
        columns: Names of all columns; empty where values stand alone.
        headed: Whether its first row is these names.
    """

    delimiter: str
    column: int
    columns: tuple[str, ...]
    headed: bool


@dataclass
class _Cells:
    """What is known of a column: its different cells, as long as they are few enough."""

    different: set[str] = field(default_factory=set)

    def add(self, cell: str) -> None:
        if cell and len(self.different) < _MOST_CELLS:
            self.different.add(cell)


class _Lines:
    """The lines of a text, of which those behind the first that a row took can be given back."""

    def __init__(self, text: str) -> None:
        self._rest, self._again = io.StringIO(text, newline=""), deque[str]()
        self.number, self.taken = 0, list[str]()

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        if len(self.taken) == _MOST_LINES:
            raise StopIteration
        line = self._again.popleft() if self._again else next(self._rest)
        self.number += 1
        self.taken.append(line)
        return line

    def give_back(self) -> None:
        self._again.extendleft(reversed(self.taken[1:]))
        self.number -= len(self.taken) - 1

    def are_whole(self, **options: Any) -> bool:
        """Whether what was taken for a row is one. It is none if a quotation goes on to the next that begins."""
        if len(self.taken) == _MOST_LINES:
            return False
        try:
            return len(self.taken) == 1 or bool(list(csv.reader(self.taken, strict=True, **options)))
        except csv.Error:
            return False


def rows_of(text: str, delimiter: str, tell: Callable[[int], object] = bool) -> Iterator[tuple[int, list[str]]]:
    """The rows of a table with the line that each ends in, without empty ones; cells without spaces around.

    Args:
        text: The table.
        delimiter: Between its cells.
        tell: Called with each line that has a quotation without an end, which then ends with the line, or a cell that
            is too long, which is then no row.
    """
    lines = _Lines(text)
    options: dict[str, Any] = {"delimiter": delimiter, "skipinitialspace": True}
    reader = csv.reader(lines, **options)
    while True:
        lines.taken.clear()
        try:
            row = next(reader)
            is_wrong = not lines.are_whole(**options)
        except StopIteration:
            return
        except csv.Error:
            row, is_wrong = [], True
        if is_wrong:
            lines.give_back()
            tell(lines.number)
            with suppress(csv.Error):
                row = next(csv.reader(lines.taken[:1], **options), [])
            reader = csv.reader(lines, **options)
        cells = [cell.strip() for cell in row[:_MOST_COLUMNS]]
        if any(cells) and not (lines.number == 1 and _TELLS_DELIMITER.fullmatch("".join(cells))):
            yield lines.number, cells


def form_with(text: str, column: str) -> Form | None:
    """The form of a table whose header has a certain column; None if it has none.

    Args:
        text: The table, or its beginning.
        column: Name of the column that names the images.
    """
    for delimiter in DELIMITERS:
        header = next(iter(_sample(text, delimiter, 1)), [])
        if column in header:
            return Form(delimiter, header.index(column), _named(header), headed=True)
    return None


def find_form(text: str, names: FileNames, near: str, images: int) -> Form | None:
    """Find out how a table is written, by the images that its cells match.

    Args:
        text: The table, or its beginning.
        names: Of all images.
        near: Path of the table.
        images: How many there are.

    Returns:
        The form; None if no column names images.
    """
    best, form = (False, 0), None
    for delimiter in DELIMITERS:
        sample = _sample(text, delimiter, _SAMPLE)
        width = max(map(len, sample), default=0)
        for column in range(width if width > 1 else 0):
            cells = [row[column] for row in sample if column < len(row)]
            matched = {found[0] for cell in cells if len(found := names.find_id(cell, near)) == 1}
            files = sum(map(_is_file, cells)) * 2 > len(cells)
            if tells_enough(len(matched), min(len(sample), images)) and (files, len(matched)) > best:
                best = files, len(matched)  # a number beside the name of a file may only count the rows
                form = _form(delimiter, column, sample, names, near)
    return form


def rows_estimated(tree: Tree, name: str, text: str) -> int:
    """About how many rows a table has, by its beginning."""
    lines = max(text.count("\n"), text.count("\r")) + 1  # a line of an old Mac ends in a mere return
    return round(lines * max(1, tree.stamps[name].size / max(1, len(text))))


def read_table(
    tree: Tree,
    name: str,
    form: Form,
    names: FileNames,
    assembly: Assembly,
    reader: TraitReader,
    findings: Findings,
    separator: str = "",
) -> None:
    """Read what a table says of images.

    Args:
        tree: The files.
        name: Of the table.
        form: How it is written.
        names: Of all images.
        assembly: Told what is said of each.
        reader: Makes the traits.
        findings: Told of everything that is wrong.
        separator: What stands between the names in a cell; found out for each column if empty.
    """
    assembly.used(name)
    text = read_text(tree, name, findings, most=MOST_OF_ALL)
    if text is None:
        return
    separators = {} if separator else _separators(text, form)
    rows = rows_of(text, form.delimiter, lambda line: findings.add("metadata", f"{name}, line {line:,}", _OPEN))
    for line, row in islice(rows, int(form.headed), None):
        cell = row[form.column] if form.column < len(row) else ""
        image = assembly.match(names.find_id(cell, name), f'"{brief(cell)}" in {name}, line {line:,}')
        if image is None:
            continue
        if form.columns and any(row[len(form.columns) :]):
            findings.add("trait", image, f"line {line:,} of {name} has more cells than there are columns")
        columns = form.columns or [""] * len(row)
        cells = [
            (column, _cell(written, separator or separators.get(number, ""), alone=not form.columns))
            for number, (column, written) in enumerate(zip(columns, row, strict=False))
            if number != form.column
        ]
        assembly.describe(image, reader.row(cells, image), name)


def _sample(text: str, delimiter: str, count: int) -> list[list[str]]:
    return [row for _, row in islice(rows_of(text, delimiter), count)]


def _form(delimiter: str, column: int, sample: Sequence[Sequence[str]], names: FileNames, near: str) -> Form:
    first = sample[0]
    cell = first[column] if column < len(first) else ""
    if not (names.find_id(cell, near) or _is_file(cell) or _NUMBER.fullmatch(cell)):
        return Form(delimiter, column, _named(first), headed=True)
    same = len(first) > 2 and all(len(row) == len(first) for row in sample)
    return Form(delimiter, column, _named([""] * len(first)) if same else (), headed=False)


def _is_file(cell: str) -> bool:
    return cell.lower().endswith(IMAGES)


def _named(header: Sequence[str]) -> tuple[str, ...]:
    return tuple(name or f"column {number}" for number, name in enumerate(header, 1))


def _separators(text: str, form: Form) -> dict[int, str]:
    """What stands between the names in the cells of each column that has several in one."""
    columns: dict[int, _Cells] = {}
    for _, row in islice(rows_of(text, form.delimiter), int(form.headed), None):
        for number, cell in enumerate(row):
            if number != form.column:
                columns.setdefault(number, _Cells()).add(cell)
    found = {number: _separator(cells.different) for number, cells in columns.items()}
    return {number: separator for number, separator in found.items() if separator}


def _separator(cells: set[str]) -> str:
    """What stands between names in some of these cells; empty if nothing does.

    `3/4`, `1,5` and days are no names, so numbers alone are not separated. `Black, shiny` is one name, unless its parts
    stand in other cells as well; so is a sentence with a `;`.
    """
    if len(cells) == _MOST_CELLS:
        return ""
    for separator in (*_SURE, *_UNSURE):
        if not any(separator in cell for cell in cells):
            continue
        parts = {part for cell in cells for part in _values(cell, separator)}
        several = [cell for cell in cells if separator in cell]
        sure = separator in _SURE and len(several) * _SEPARATED >= len(cells) and len(parts) <= _MOST_NAMES
        if any(map(_LETTER.search, several)) and (sure or len(parts) <= len(cells)):
            return separator
    return ""


def _cell(written: str, separator: str, *, alone: bool) -> list[str]:
    """The values of a cell, as `TraitReader.row` takes them. Where several names may stand in one, or names stand
    alone, an empty one says that there are none.
    """
    return _values(written, separator) or ([] if separator or alone else [""])


def _values(cell: str, separator: str) -> list[str]:
    """The names in a cell; none in an empty one."""
    parts = cell.split(separator) if separator else [cell]
    return [part.strip() for part in parts if part.strip()]
