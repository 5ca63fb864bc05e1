"""Images with a table (CSV, TSV) that has a row for each: its file, its name or its number, and what it shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from noisette.data.collections.assembling import Assembly, tells_enough
from noisette.data.collections.entries import Listing
from noisette.data.collections.findings import Findings
from noisette.data.collections.matching import FileNames
from noisette.data.collections.metadata import TraitReader, beginning
from noisette.data.collections.settings import CollectionSettings
from noisette.data.collections.tables import Form, find_form, read_table, rows_estimated
from noisette.data.collections.tree import Tree
from noisette.errors import RequestError
from noisette.text import plain

_SUFFIXES = (".csv", ".tsv")
_TRIED = 5


class TableLayout:
    """A table of images, or several with the same columns."""

    def claims(self, tree: Tree, settings: CollectionSettings) -> bool:
        """Whether the first tables have a column that names images, and rows for enough of them."""
        tables = tree.of(*_SUFFIXES)
        tried = tables[:_TRIED]
        return bool(_of_images(tree, tried, FileNames(tree.images), len(tables) / max(1, len(tried))))

    def read(self, tree: Tree, settings: CollectionSettings, findings: Findings) -> Listing:
        """See `Layout.read`."""
        assembly, reader = Assembly(tree, findings), TraitReader(findings)
        names = FileNames(assembly.images)
        for name, form in _of_images(tree, tree.of(*_SUFFIXES), names):
            read_table(tree, name, form, names, assembly, reader, findings, settings.separator)
        if not assembly.described:
            raise RequestError(
                f"no column of a CSV in {plain(str(tree.root), 200)} names its images; one must hold their files' names"
            )
        return assembly.listing("with a table of what they show")


LAYOUT = TableLayout()


def _of_images(tree: Tree, tables: Sequence[str], names: FileNames, share: float = 1) -> list[tuple[str, Form]]:
    """The tables that describe images, with their form: no small one of other columns, such as of rarities.

    Args:
        tree: The files.
        tables: Those that are looked at.
        names: Of all images.
        share: How many times as many tables there are.
    """
    images = len(tree.images)
    found: list[tuple[str, Form]] = []
    rows: Counter[tuple[str, ...]] = Counter()
    for name in tables:
        text = beginning(tree, name)
        form = find_form(text, names, name, images)
        if form is not None:
            found.append((name, form))
            rows[form.columns] += rows_estimated(tree, name, text)
    return [(name, form) for name, form in found if tells_enough(round(rows[form.columns] * share), images)]
