"""Verbs that draw: attributes, generate, regenerate, noising."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from noisette.cli.common import DrawingCommand, answer, as_json, print_json, shown, tell, understood
from noisette.cli.paths import PATH, check_answer, out_, overwrite_
from noisette.errors import NoisetteError, RequestError
from noisette.files.output import STANDARD_OUTPUT, output_file
from noisette.text import plain

if TYPE_CHECKING:
    from noisette.inference.plan import Start


@click.command()
@click.argument("run", type=PATH)
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
    told = describe_attributes(shown(facts), everything=everything)
    answer(json_, {"run": str(run), **facts}, told)


@click.command(cls=DrawingCommand)
@click.argument("run", type=PATH)
@click.option(
    "--attributes",
    "asked",
    multiple=True,
    callback=lambda context, option, parts: ", ".join(parts) if parts else None,
    help='What to draw, such as "Male, Big Shades, no Earring"; what is not mentioned is unspecified. A name with'
    " commas in it stands in double quotes. May be repeated: all of it is asked for.",
)
@click.option("--only", is_flag=True, help="All flags but those that --attributes mentions are absent.")
@click.option(
    "--random",
    "random_",
    is_flag=True,
    help="A plausible request for each image, drawn from the statistics of the data by its seed.",
)
@click.option(
    "--unique",
    is_flag=True,
    help=(
        "Of --random: no two images are asked for the same, what repeats an earlier one is drawn anew. Images of"
        " different requests may still look alike."
    ),
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
@out_(
    "A .png file for a sheet, a folder for a file each, - for standard output; of --frames a .gif or .png file."
    "  [default: RUN-seed-SEED.png, or the next name that is free]"
)
@overwrite_
@click.option(
    "--columns", type=click.IntRange(1), help="Images in a row of the sheet.  [default: as square as possible]"
)
@click.option("--scale", type=click.IntRange(1, 64), help="Whole factor to enlarge by.  [default: to about 600 pixels]")
@click.option(
    "--gif",
    is_flag=True,
    help="Also write the denoising as a GIF beside the picture: noisy on the left, the estimate on the right.",
)
@click.option("--apng", is_flag=True, help="The same as an animated PNG, which keeps all colours and transparency.")
@click.option(
    "--atlas", is_flag=True, help="Also write JSON beside the sheet that tells where its images lie (Aseprite's)."
)
@click.option(
    "--frames",
    is_flag=True,
    help=(
        "The images in turn, as the frames of one animation: a .gif file, if their colours allow it, or an animated"
        " .png. Nothing is lost."
    ),
)
@click.option(
    "--duration",
    metavar="MS",
    type=click.IntRange(20, 60_000),
    help="Milliseconds that each image stays, in --frames and in what --atlas says.  [default: 120]",
)
@as_json
def generate(
    run: Path,
    asked: str | None,
    only: bool,
    random_: bool,
    unique: bool,
    allow_unseen: bool,
    vary: str | None,
    count: int,
    seed: int,
    out: str | None,
    overwrite: bool,
    columns: int | None,
    scale: int | None,
    gif: bool,
    apng: bool,
    atlas: bool,
    frames: bool,
    duration: int | None,
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
    if unique and not random_:
        raise RequestError("--unique goes with --random: no two of the requests that it draws are the same")
    if allow_unseen and asked is None:
        raise RequestError("--allow-unseen goes with --attributes: what they ask for, even if the data never show it")
    if frames and (others := _not_in_turn(columns=columns, gif=gif, apng=apng, atlas=atlas)):
        raise RequestError(f"--frames shows the images in turn, without a sheet; leave {others} out, or --frames")
    if duration is not None and not (frames or atlas):
        raise RequestError("--duration goes with --frames or --atlas: how long each image stays")
    check_answer(out, json_)
    if only and asked is None:
        raise RequestError("--only goes with --attributes: all flags but those that they mention are absent")
    # Nothing of this loads PyTorch, so that a wrong request is refused at once.
    from noisette.attributes.parsing import typed
    from noisette.attributes.schema import UNKNOWN
    from noisette.config.sampling import SamplingSettings
    from noisette.inference.loading import planner_of, with_network
    from noisette.inference.plan import with_old_keys
    from noisette.store.locate import locate

    bundle = locate(run)
    start = _start(vary)
    settings = SamplingSettings.of(**understood(given, bundle.schema))
    weights = bundle.weights()
    planner = planner_of(bundle, weights)
    seeds = range(seed, seed + count)
    without = settings.guidance.negative
    request: Any = asked
    if random_:
        request = planner.random_requests(seeds, without=without, unique=unique, start=start)
    plan = planner.plan(
        request, seeds=seeds, settings=settings, preset=preset, only=only, allow_unseen=allow_unseen, start=start
    )
    from noisette.inference.destination import (
        DURATION,
        destination,
    )  # which loads Pillow, and a refused request does not wait

    there = destination(
        out,
        Path(f"{run.resolve().name}-seed-{seed}.png"),
        planner.recipe.dataset.shape[1:],
        plan,
        columns=columns,
        scale=scale,
        animations=[suffix for suffix, asked_for in ((".gif", gif), (".apng", apng)) if asked_for],
        atlas=atlas,
        frames=frames,
        duration=DURATION if duration is None else duration,
        overwrite=overwrite,
        inputs=[bundle.folder],
    )
    for note in (*planner.notes, *(f"note: {note}" for note in plan.notes)):
        tell(note)
    # Of data that have one image for a whole request:
    if asked is not None and planner.recipe.sampling.impute and count > 1 and vary is None and plan.imputed is None:
        codes = planner.codes(plan)
        if codes is not None and UNKNOWN not in codes:
            tell("note: the request specifies every attribute, so the images hardly differ; --count 1 may be enough")
    if (recorded := there.done) is not None:  # nothing is left to draw, so no network is loaded
        files = [*there.files(), *map(there.film, there.animations)]
    else:
        from noisette.cli.display import drawing
        from noisette.inference.render import draw_to

        generator = with_network(planner, weights)
        with drawing(f"{count} images") as progress:
            files = draw_to(there, generator, note=lambda text: tell(f"note: {text}"), progress=progress)
        recorded = generator.recorded(plan)
    lines = [plain(str(file)) for file in files]
    if isinstance(plan.attributes, tuple):
        each = zip(plan.seeds, plan.attributes, strict=True)
        lines = [*(f"seed {number}: {plain(typed(its, planner.schema))}" for number, its in each), *lines]
    if out == STANDARD_OUTPUT:
        for line in lines:
            tell(line)
        return
    facts = {"files": [str(file) for file in files], **recorded.facts()}
    answer(json_, with_old_keys(facts), "\n".join(lines))


@click.command()
@click.argument("file", type=PATH)
@click.option("--run", type=PATH, help="Where the run is, if it moved.")
@out_("Where the picture goes, - for standard output.  [default: FILE-again.png, or the next name that is free]")
@overwrite_
@as_json
def regenerate(file: Path, run: Path | None, out: str | None, overwrite: bool, json_: bool) -> None:
    """Draw the picture FILE again from what it says of itself, and compare the two."""
    from noisette.inference.plan import with_old_keys
    from noisette.inference.redraw import redraw, remember

    check_answer(out, json_)
    remembered = remember(file, run)  # what is none is refused before PyTorch is loaded
    usual, what = file.with_name(f"{file.stem}-again.png"), "pictures are PNG; name a .png file"
    target = output_file(out, usual, (".png",), what, overwrite=overwrite, inputs=[file])
    from noisette.cli.display import drawing

    with drawing(file.name) as progress:
        redrawn = redraw(remembered, target, tell, progress)
    path = redrawn.files[0] if redrawn.files else target
    facts = {"file": str(path), "identical": redrawn.identical, **redrawn.plan.facts()}
    if redrawn.identical:
        text = plain(f"{path}: identical to {file}")
        if out == STANDARD_OUTPUT:
            tell(text)
        else:
            answer(json_, with_old_keys(facts), text)
        return
    if json_:
        print_json(with_old_keys({"difference": redrawn.difference, **facts}))
    raise NoisetteError(f"{path} differs from {file}: {redrawn.difference}")


@click.command()
@click.argument("run", type=PATH)
@click.option("--count", type=click.IntRange(1, 64), default=8, show_default=True, help="How many images of the data.")
@click.option("--frames", type=click.IntRange(2, 200), default=40, show_default=True, help="Noise levels to show.")
@out_("Where the GIF goes, - for standard output.  [default: RUN-noising.gif, or the next name that is free]")
@overwrite_
@as_json
def noising(run: Path, count: int, frames: int, out: str | None, overwrite: bool, json_: bool) -> None:
    """Show how images of the data become noise under the schedule of RUN, a run folder or the name of a recipe, as a
    GIF.
    """
    check_answer(out, json_)
    usual, what = Path(f"{run.resolve().name}-noising.gif"), "the animation is a GIF; name a .gif file"
    target = output_file(out, usual, (".gif",), what, overwrite=overwrite)
    from noisette.store.locate import recipe_of

    recipe = recipe_of(run)  # a wrong name is refused before PyTorch is loaded
    from noisette.inference.noising import noising_gif

    for path in target.write(noising_gif(recipe, count=count, frames=frames)):
        answer(json_, {"file": str(path)}, plain(str(path)))


def _not_in_turn(**given: Any) -> str:
    """The options of a sheet that are given."""
    return ", ".join(f"--{name}" for name, value in given.items() if value)


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
