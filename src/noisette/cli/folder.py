"""`noisette data inspect FOLDER`: what a person's own images are, and what would be trained."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from noisette.cli.common import answer, shown, tell
from noisette.cli.paths import check_answer
from noisette.errors import RequestError
from noisette.files.output import expand
from noisette.text import plain

if TYPE_CHECKING:
    from noisette.config.recipe import Recipe
    from noisette.data.collections.collection import Collection
    from noisette.data.collections.memoised import Inspection
    from noisette.data.collections.tree import Look


def inspect_folder(
    folder: Path,
    out: str | None,
    page: str | None,
    settings: str | None,
    *,
    overwrite: bool,
    estimate: bool,
    json_: bool,
) -> None:
    """Tell what a folder of images is.

    Args:
        folder: Of the images, or the name of a data set of the hub.
        out: Where the contact sheet goes.
        page: Where an HTML page goes.
        settings: Where a `collection.toml` goes.
        overwrite: Whether files that are there are replaced.
        estimate: Whether a training is measured.
        json_: Whether a program reads the answer.

    Raises:
        RequestError: There are no images, or a file cannot go where it should.
    """
    from noisette.data.collections.memoised import read_inspection
    from noisette.data.collections.telling import describe
    from noisette.data.collections.tree import look
    from noisette.data.hub.names import hub_name, short_name
    from noisette.files.output import output_file

    check_answer(out, json_)
    for each in (out, page):
        if each not in (None, "-") and _is_within(expand(each), folder):
            raise RequestError(
                f"{plain(each, 200)} would lie among the images, which are only read; name another place"
            )
    sheet = None
    if json_ and out is None:
        pass  # a program asks for it where it wants it
    elif out is not None or not _is_within(Path.cwd() / "sheet.png", folder):
        usual = Path(f"{short_name(folder) or 'images'}-contact-sheet.png")
        sheet = output_file(out, usual, (".png",), "pictures are PNG; name a .png file", overwrite=overwrite)
    else:
        tell("note: no contact sheet is written here, among the images, which are only read; name a place with --out")
    files = [
        output_file(each, Path(each), suffixes, what, overwrite=overwrite)
        for each, suffixes, what in (
            (page, (".html", ".htm"), "the page is HTML; name a .html file"),
            (settings, (".toml",), "settings are TOML; name a .toml file"),
        )
        if each is not None
    ]
    seen = None if hub_name(folder) else look(folder)
    inspection = None if files or estimate or seen is None else read_inspection(folder, seen)
    contents: list[str] = []
    if inspection is None:
        inspection, contents = _inspected(
            folder, seen, page=page is not None, settings=settings is not None, estimate=estimate
        )
    found = {**inspection.found, "contact_sheet": None}
    told = shown(found)
    written: list[str] = []
    for target, content in zip(files, contents, strict=True):
        written += map(str, target.write(content.encode()))
    text = "\n".join([describe(told), *_training_lines(told)])
    if inspection.sheet and sheet is not None:
        pictures = sheet.write(inspection.sheet, older=lambda content: _is_sheet_of(folder, content))
        if not pictures:  # it went to standard output
            for line in text.splitlines():
                tell(line)
            return
        found["contact_sheet"] = str(pictures[0])
        written = [*map(str, pictures), *written]
    answer(
        json_,
        {**found, "written": written},
        "\n".join([text, "", *(f"written      {plain(each)}" for each in written)]),
    )


def _inspected(
    folder: Path, seen: Look | None, *, page: bool, settings: bool, estimate: bool
) -> tuple[Inspection, list[str]]:
    """An inspection that is made now, and the contents of the files that are asked for beside it."""
    from noisette.cli.display import reading
    from noisette.data.collections import inspection
    from noisette.data.collections.collection import open_collection
    from noisette.data.collections.memoised import Inspection, write_inspection
    from noisette.data.collections.settings import dump_settings
    from noisette.data.hub.names import short_name
    from noisette.data.inspection import contact_sheet
    from noisette.files.images import as_own_png

    with reading(short_name(folder)) as progress:
        collection = open_collection(folder, progress=progress, seen=seen)
    dataset = collection.dataset
    sheet = as_own_png(contact_sheet(dataset), _about(folder)) if len(dataset) else b""
    made = Inspection({**inspection.facts(collection), **_training(collection)}, sheet)
    if seen is not None:
        write_inspection(collection.kept, folder, seen, made)
    if estimate and "recipe" in made.found:
        made = Inspection({**made.found, **_estimate(collection)}, sheet)
    contents = [inspection.page(collection, shown(made.found))] if page else []
    return made, contents + ([dump_settings(collection)] if settings else [])


def _about(folder: Path) -> dict[str, str]:
    """What a contact sheet says of where it comes from: enough to know it again, and no path, since pictures travel."""
    from noisette.data.collections.places import digest, place_of
    from noisette.data.hub.names import hub_name, short_name

    where = place_of(folder) if hub_name(folder) is None else digest(str(folder))
    return {"dataset": short_name(folder), "folder": where}


def _is_sheet_of(folder: Path, content: bytes) -> bool:
    """Whether a file is a contact sheet of a folder as it was before."""
    from noisette.files.images import is_own_png

    return is_own_png(content, _about(folder))


def _is_within(path: Path, folder: Path) -> bool:
    return folder.is_dir() and path.resolve().is_relative_to(folder.resolve())


def _training(collection: Collection) -> dict[str, Any]:
    """The recipe that would be trained, or why none can be."""
    from noisette.config.suggestion import recipe_of, why_not

    if (reason := why_not(collection)) is not None:
        return {"why_not": reason}
    recipe = recipe_of(collection)
    return {"recipe": {name: f"{_setting(recipe, name)}: {reason}" for name, reason in (recipe.reasons or {}).items()}}


def _estimate(collection: Collection) -> dict[str, Any]:
    """How fast the training is here."""
    from noisette.config.sections import seconds
    from noisette.config.suggestion import recipe_of
    from noisette.training.estimate import speed_here

    recipe = recipe_of(collection)
    speed = speed_here(recipe, collection.dataset)
    rate = speed.images_per_second / recipe.training.batch_size
    images = len(collection.dataset.places("train"))
    budget = recipe.training.budget or ""
    return {
        "budget": budget,
        "steps_per_second": round(rate, 2),
        "speed_by": speed.by,
        "passes_in_budget": round(rate * recipe.training.batch_size * seconds(budget) / images, 1),
    }


def _setting(recipe: Recipe, name: str) -> str:
    value: Any = recipe
    for part in name.split("."):
        value = getattr(value, part)
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _training_lines(found: dict[str, Any]) -> list[str]:
    if "why_not" in found:
        return ["", f"cannot be trained: {found['why_not']}"]
    lines = ["", f"noisette train {found['folder']} would take"]
    lines += [f"  {name:<28} {reason}" for name, reason in found["recipe"].items()]
    if "steps_per_second" in found:
        passes = found["passes_in_budget"]
        by = "as measured" if found["speed_by"] == "measurement" else "as the last such training had"
        steps = f"{found['steps_per_second']} steps a second here, {by}"
        lines.append(f"  {steps}: {passes} passes over the images in {found['budget']}")
        lines.append(f"  {_before(found['recipe'])} comes before the first step, and on top of {found['budget']}")
    return lines


def _before(recipe: Mapping[str, str]) -> str:
    """What a training does before its first step, in words."""
    counts = "layers" in recipe.get("network.condition", "").partition(":")[0].split(", ")
    return "measuring this machine and counting layers" if counts else "measuring this machine"
