"""Verbs that draw: attributes, generate, regenerate, noising."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING

import click

from noisette.cli.common import Writing, answer, as_json, how_to_sample, tell
from noisette.errors import NoisetteError, RequestError

if TYPE_CHECKING:
    from noisette.attributes.schema import AttributeSchema, Value
    from noisette.attributes.statistics import Statistics


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--all", "everything", is_flag=True, help="Also list each pair of values that never occurs together.")
@as_json
def attributes(run: Path, everything: bool, json_: bool) -> None:
    """List what RUN can be asked for: names, groups, how common each is, and what never occurs together."""
    from noisette.attributes.facts import attribute_facts, describe_attributes

    schema, statistics = _what_can_be_asked(run)
    facts = attribute_facts(schema, statistics)
    answer(json_, {"run": str(run), **facts}, describe_attributes(facts, everything=everything))


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--attributes",
    "asked",
    help='What to draw, such as "Male, Big Shades, no Earring"; what is not mentioned is left open.',
)
@click.option("--only", is_flag=True, help="No flag but those that --attributes mentions: nothing else is worn.")
@click.option(
    "--random",
    "random_",
    is_flag=True,
    help="A plausible request for each image, drawn from the statistics of the data by its seed.",
)
@click.option("--allow-unseen", is_flag=True, help="Ask even for what the data never show together.")
@click.option(
    "--guidance",
    type=float,
    help=(
        "How strongly the request is followed: 1 is plain (others call it 0), and twice as fast, but of a student. "
        " [default: as in the recipe]"
    ),
)
@click.option(
    "--weight",
    "weights",
    multiple=True,
    metavar="NAME=SCALE",
    help="A guidance scale of its own for one attribute; may be repeated.",
)
@click.option(
    "--exclude",
    "excluded",
    multiple=True,
    metavar="NAME[=STRENGTH]",
    help="Keep away from a flag or an option; 0.3 unless given; may be repeated.",
)
@click.option(
    "--vary",
    metavar="SEED[=STRENGTH]",
    help=(
        "Images around the one of another seed, in noise and in what is filled in: 0 is the same, 1 any other; 0.2"
        " unless given."
    ),
)
@click.option(
    "--guidance-interval",
    "interval",
    type=(float, float),
    metavar="LOW HIGH",
    help="Noise levels, 0 to 1, between which guidance works.",
)
@click.option(
    "--guidance-rescale", "rescale", type=float, help="0 to 1: how far the contrast that guidance adds is taken back."
)
@click.option(
    "--count",
    type=click.IntRange(1, 4096),
    default=16,
    show_default=True,
    help="How many images; their seeds follow each other.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of the first image.")
@how_to_sample
@click.option(
    "--complete/--leave-open",
    default=None,
    help=(
        "Fill in what is not asked for with what the data have together, for each image by its seed; or leave it to the"
        " network.  [default: as in the recipe]"
    ),
)
@click.option("--palette", is_flag=True, help="Only colours of the data: each pixel goes to the nearest.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="A .png file for a sheet, a folder for a file each.  [default: RUN-seed-SEED.png]",
)
@click.option(
    "--columns", type=click.IntRange(1), help="Images in a row of the sheet.  [default: as square as possible]"
)
@click.option("--scale", type=click.IntRange(1, 64), help="Whole factor to enlarge by.  [default: to about 600 pixels]")
@click.option(
    "--gif",
    is_flag=True,
    help="Also write the denoising as a GIF beside the picture: noisy on the left, the estimate on the right.",
)
@as_json
def generate(
    run: Path,
    asked: str | None,
    only: bool,
    random_: bool,
    allow_unseen: bool,
    guidance: float | None,
    weights: tuple[str, ...],
    excluded: tuple[str, ...],
    vary: str | None,
    interval: tuple[float, float] | None,
    rescale: float | None,
    count: int,
    seed: int,
    quality: str | None,
    sampler: str | None,
    steps: int | None,
    spacing: str | None,
    eta: float | None,
    churn: float | None,
    complete: bool | None,
    palette: bool,
    out: Path | None,
    columns: int | None,
    scale: int | None,
    gif: bool,
    json_: bool,
) -> None:
    """Draw images with RUN: the folder of a training, or a model that ships with noisette.

    \b
    noisette generate punks --attributes "Male, Big Shades, no Earring"
    noisette generate digits --attributes 7 --count 4
    noisette attributes punks                     what can be asked for

    Each image has its own seed and is the same in any batch. The PNG says how it was made: see `noisette regenerate`.
    """
    if asked is not None and random_:
        raise RequestError("--random draws a request of its own; leave --attributes out, or --random")
    if allow_unseen and asked is None:
        raise RequestError("--allow-unseen goes with --attributes: what they ask for, even if the data never show it")
    if only and asked is None:
        raise RequestError("--only goes with --attributes: nothing is worn but what they mention")
    if asked is not None:
        _refuse_at_once(run, asked, only=only, allow_unseen=allow_unseen)
    from noisette.config.names import EXCLUSION

    scales, strengths = _amounts(weights, "--weight", None), _amounts(excluded, "--exclude", EXCLUSION)
    from noisette.attributes.schema import UNKNOWN
    from noisette.cli.display import drawing
    from noisette.inference.render import draw_to, filled, load_with_notes
    from noisette.inference.request import Request
    from noisette.sampling.resolve import variation_around

    path = out or _unused(Path(f"{run.resolve().name}-seed-{seed}.png"))
    generator = load_with_notes(run, tell)
    sampling = generator.choices.sampling(
        sampler,
        steps,
        eta,
        guidance=guidance,
        interval=interval,
        rescale=rescale,
        weights=scales,
        excluded=strengths,
        complete=complete,
        spacing=spacing,
        churn=churn,
        quality=quality,
    )
    seeds = tuple(range(seed, seed + count))
    values: dict[str, Value] | tuple[dict[str, Value], ...] | None = None
    if asked is not None:
        condition = generator.understand(asked, only=only, allow_unseen=allow_unseen, complete=sampling.complete)
        values = condition.values
        for note in condition.notes:
            tell(f"note: {note}")
        filling = generator.model.recipe.samples.complete  # of data that have one image for a whole request
        if filling and count > 1 and vary is None and UNKNOWN not in condition.row:
            tell("note: the request leaves nothing open, so the images hardly differ; --count 1 may be enough")
    elif random_:
        values = tuple(generator.random_request(each, without=strengths) for each in seeds)
    for each in values if isinstance(values, tuple) else (values or {},):
        generator.choices.check_guidance(sampling.guidance, each)
    request = Request(
        variation=variation_around(_around(vary)) if vary is not None else None,
        run=str(run),
        weights=generator.weights,
        step=generator.step,
        seeds=seeds,
        attributes=values,
        sampling=sampling,
        palette=palette,
    )
    request = filled(generator, request)
    with Writing(path), drawing(f"{count} images") as progress:
        files = draw_to(path, generator, request, columns=columns, scale=scale, gif=gif, progress=progress)
    lines = [str(file) for file in files]
    if isinstance(values, tuple):
        from noisette.attributes.parsing import describe

        lines = [*(f"seed {each}: {describe(its)}" for each, its in zip(seeds, values, strict=True)), *lines]
    answer(json_, {"files": [str(file) for file in files], **request.as_dict()}, "\n".join(lines))


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--run", type=click.Path(path_type=Path), help="Where the run is, if it moved.")
@click.option("--out", type=click.Path(path_type=Path), help="Where the picture goes.  [default: FILE-again.png]")
@as_json
def regenerate(file: Path, run: Path | None, out: Path | None, json_: bool) -> None:
    """Draw the picture FILE again from what it says of itself, and compare the two."""
    from noisette.cli.display import drawing
    from noisette.inference.render import redraw

    path = out or file.parent / f"{file.stem}-again.png"
    if path.suffix.lower() != ".png":
        raise RequestError(f"cannot write {path}: pictures are PNG; name a .png file")
    with Writing(path), drawing(file.name) as progress:
        identical, request = redraw(file, path, run, tell, progress)
    if not identical:
        raise NoisetteError(
            f"{path} differs from {file}: another machine or version may round otherwise, or the picture was changed"
        )
    answer(json_, {"file": str(path), "identical": True, **request.as_dict()}, f"{path}: identical to {file}")


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--count", type=click.IntRange(1, 64), default=8, show_default=True, help="How many images of the data.")
@click.option("--frames", type=click.IntRange(2, 200), default=40, show_default=True, help="Noise levels to show.")
@click.option("--out", type=click.Path(path_type=Path), help="Where the GIF goes.  [default: RUN-noising.gif]")
@as_json
def noising(run: Path, count: int, frames: int, out: Path | None, json_: bool) -> None:
    """Show how images of the data become noise under the schedule of RUN, a run folder or the name of a recipe, as a
    GIF.
    """
    from noisette.inference.noising import noising_gif

    path = out or Path(f"{run.resolve().name}-noising.gif")
    with Writing(path):
        noising_gif(path, run, count=count, frames=frames)
    answer(json_, {"file": str(path)}, str(path))


def _amounts(given: tuple[str, ...], option: str, usual: float | None) -> dict[str, float]:
    """NAME=NUMBER by name; a NAME alone is `usual`. Raises RequestError."""
    amounts = {}
    for text in given:
        name, equals, number = text.rpartition("=")
        amount = _number(number) if equals else None
        if amount is None:  # a name alone, be it 9, or one such as Beard=None
            if usual is None:
                raise RequestError(f'{option} "{text}" is not NAME=NUMBER')
            name, amount = text, usual
        if name.strip() in amounts:
            raise RequestError(f"{option} names {name.strip()} twice; give it once")
        amounts[name.strip()] = amount
    return amounts


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _around(text: str) -> tuple[int, float]:
    """SEED or SEED=STRENGTH. Raises RequestError."""
    from noisette.config.names import VARIATION

    seed, equals, strength = text.partition("=")
    try:
        return int(seed), float(strength) if equals else VARIATION
    except ValueError as error:
        raise RequestError(f'--vary "{text}" is not SEED or SEED=STRENGTH, such as 7=0.2') from error


def _refuse_at_once(run: Path, asked: str, *, only: bool, allow_unseen: bool) -> None:
    """Raises RequestError for a request that the model cannot understand, before PyTorch and the network are loaded,
    which takes seconds.
    """
    from noisette.attributes.parsing import understand

    understand(asked, *_what_can_be_asked(run, asked or "nothing"), only=only, allow_unseen=allow_unseen)


def _what_can_be_asked(run: Path, asked: str = "anything") -> tuple[AttributeSchema, Statistics]:
    """Of a run folder or a shipped model; quick, for no network is loaded."""
    from noisette.store.run import open_run
    from noisette.store.shipped import check_there, means_shipped, open_shipped_tables

    if means_shipped(run):
        return open_shipped_tables(str(run))
    check_there(run)
    opened = open_run(run)
    if not opened.recipe.conditional:
        raise RequestError(f"{run} was trained without attributes, so it cannot be asked for {asked}")
    return opened.schema, opened.statistics


def _unused(path: Path) -> Path:
    """`path`, or with the first number behind it that no file has: a picture that nobody named is not written over."""
    others = (path.with_name(f"{path.stem}~{number}{path.suffix}") for number in itertools.count(2))
    return next(each for each in itertools.chain([path], others) if not each.exists())
