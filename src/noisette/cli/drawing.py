"""Verbs that draw: attributes, generate, regenerate, noising."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from noisette.cli.common import DrawingCommand, Writing, answer, as_json, tell
from noisette.errors import NoisetteError, RequestError

if TYPE_CHECKING:
    from noisette.inference.plan import Start


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--all", "everything", is_flag=True, help="Also list each pair of values that never occurs together.")
@as_json
def attributes(run: Path, everything: bool, json_: bool) -> None:
    """List what RUN can be asked for: names, groups, how common each is, and what never occurs together."""
    from noisette.attributes.facts import attribute_facts, describe_attributes
    from noisette.store.locate import locate

    bundle = locate(run)
    if not bundle.recipe.conditional:
        raise RequestError(f"{run} was trained without attributes, so it cannot be asked for anything")
    facts = attribute_facts(bundle.schema, bundle.statistics)
    answer(json_, {"run": str(run), **facts}, describe_attributes(facts, everything=everything))


@click.command(cls=DrawingCommand)
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--attributes",
    "asked",
    help='What to draw, such as "Male, Big Shades, no Earring"; what is not mentioned is unspecified.',
)
@click.option("--only", is_flag=True, help="All flags but those that --attributes mentions are absent.")
@click.option(
    "--random",
    "random_",
    is_flag=True,
    help="A plausible request for each image, drawn from the statistics of the data by its seed.",
)
@click.option("--allow-unseen", is_flag=True, help="Ask even for what the data never show together.")
@click.option(
    "--vary",
    metavar="SEED[=STRENGTH]",
    help=(
        "Images around the one of another seed, in noise and in what is imputed: 0 is the same, 1 any other; 0.2 unless"
        " given."
    ),
)
@click.option(
    "--count",
    type=click.IntRange(1, 4096),
    default=16,
    show_default=True,
    help="How many images; their seeds follow each other.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of the first image.")
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
    vary: str | None,
    count: int,
    seed: int,
    out: Path | None,
    columns: int | None,
    scale: int | None,
    gif: bool,
    preset: str | None,
    given: dict[str, Any],
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
        raise RequestError("--only goes with --attributes: all flags but those that they mention are absent")
    # Nothing of this loads PyTorch, so that a wrong request is refused at once.
    from noisette.attributes.parsing import describe
    from noisette.attributes.schema import UNKNOWN
    from noisette.config.sampling import SamplingSettings
    from noisette.inference.loading import planner_of, with_network
    from noisette.inference.plan import with_old_keys
    from noisette.store.locate import locate

    path = out or _unused(Path(f"{run.resolve().name}-seed-{seed}.png"))
    bundle = locate(run)
    if asked is not None and not bundle.recipe.conditional:
        raise RequestError(f"{run} was trained without attributes, so it cannot be asked for {asked or 'nothing'}")
    settings, start = SamplingSettings.of(**given), _start(vary)
    weights = bundle.weights()
    planner = planner_of(bundle, weights)
    for note in planner.notes:
        tell(note)
    seeds = range(seed, seed + count)
    without = settings.guidance.negative
    request: Any = [planner.random_request(each, without=without) for each in seeds] if random_ else asked
    plan = planner.plan(
        request, seeds=seeds, settings=settings, preset=preset, only=only, allow_unseen=allow_unseen, start=start
    )
    for note in plan.notes:
        tell(f"note: {note}")
    # Of data that have one image for a whole request:
    if asked is not None and planner.recipe.sampling.impute and count > 1 and vary is None and plan.imputed is None:
        codes = planner.codes(plan)
        if codes is not None and UNKNOWN not in codes:
            tell("note: the request specifies every attribute, so the images hardly differ; --count 1 may be enough")
    from noisette.cli.display import drawing
    from noisette.inference.render import draw_to

    generator = with_network(planner, weights)
    with Writing(path), drawing(f"{count} images") as progress:
        files = draw_to(path, generator, plan, columns=columns, scale=scale, gif=gif, progress=progress)
    lines = [str(file) for file in files]
    if isinstance(plan.attributes, tuple):
        each = zip(plan.seeds, plan.attributes, strict=True)
        lines = [*(f"seed {number}: {describe(its)}" for number, its in each), *lines]
    facts = {"files": [str(file) for file in files], **plan.metadata()}
    answer(json_, with_old_keys(facts), "\n".join(lines))


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--run", type=click.Path(path_type=Path), help="Where the run is, if it moved.")
@click.option("--out", type=click.Path(path_type=Path), help="Where the picture goes.  [default: FILE-again.png]")
@as_json
def regenerate(file: Path, run: Path | None, out: Path | None, json_: bool) -> None:
    """Draw the picture FILE again from what it says of itself, and compare the two."""
    from noisette.files.images import read_png
    from noisette.inference.plan import Plan, with_old_keys

    path = out or file.parent / f"{file.stem}-again.png"
    if path.suffix.lower() != ".png":
        raise RequestError(f"cannot write {path}: pictures are PNG; name a .png file")
    Plan.from_metadata(read_png(file)[1], str(file))  # what is none is refused before PyTorch is loaded
    from noisette.cli.display import drawing
    from noisette.inference.render import redraw

    with Writing(path), drawing(file.name) as progress:
        identical, plan = redraw(file, path, run, tell, progress)
    if not identical:
        raise NoisetteError(
            f"{path} differs from {file}: another machine or version may round otherwise, or the picture was changed"
        )
    facts = {"file": str(path), "identical": True, **plan.metadata()}
    answer(json_, with_old_keys(facts), f"{path}: identical to {file}")


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


def _start(vary: str | None) -> Start | None:
    """From SEED or SEED=STRENGTH. Raises RequestError."""
    from noisette.config.names import VARIATION
    from noisette.inference.plan import Start

    if vary is None:
        return None
    seed, equals, strength = vary.partition("=")
    try:
        return Start.of((int(seed), float(strength) if equals else VARIATION))
    except ValueError as error:
        raise RequestError(f'--vary "{vary}" is not SEED or SEED=STRENGTH, such as 7=0.2') from error


def _unused(path: Path) -> Path:
    """`path`, or with the first number behind it that no file has: a picture that nobody named is not written over."""
    others = (path.with_name(f"{path.stem}~{number}{path.suffix}") for number in itertools.count(2))
    return next(each for each in itertools.chain([path], others) if not each.exists())
