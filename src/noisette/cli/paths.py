"""Options that name files and folders, the same for all verbs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from noisette.errors import RequestError
from noisette.files.output import STANDARD_OUTPUT, expand


class _Path(click.Path):
    """A file or folder that is read, with its `~` expanded: shells leave that of `--option=~/x` as it is."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        path = expand(value)
        super().convert(path, param, ctx)
        return path


class _NewFolder(_Path):
    """The folder of a new run."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return value if value == STANDARD_OUTPUT else expand(value)  # which is refused where the run is made


PATH = _Path()
NEW_FOLDER = _NewFolder()
FOLDER = _Path(file_okay=False)

overwrite_ = click.option("--overwrite", is_flag=True, help="Replace what is there; it is refused otherwise.")


def out_(help_: str) -> Callable[[Any], Any]:
    """The option `--out`. What it names is checked where it is written, with its slash at the end, if there is one."""
    return click.option("--out", type=click.Path(), help=help_)


def check_answer(out: str | None, json_: bool) -> None:
    """Raises RequestError if both the file and the answer would go to standard output, or the file among the models
    that ship.
    """
    if out is None:
        return
    if json_ and out == STANDARD_OUTPUT:
        raise RequestError(
            "--json answers on standard output, where --out - puts the file; name a file, or leave --json"
        )
    from noisette.store.shipped import check_not_shipped

    check_not_shipped(out)
