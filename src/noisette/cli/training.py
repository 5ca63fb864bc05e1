"""Verbs that train: recipes, train, distil, resume."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from noisette.cli.common import answer, as_json, tell
from noisette.cli.paths import NEW_FOLDER, PATH
from noisette.errors import RequestError
from noisette.files.output import expand
from noisette.progress import Progress, silent
from noisette.text import brief, plain
from noisette.training.launcher import Launch, read_launch

if TYPE_CHECKING:
    from noisette.store.run import Run

set_ = click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="Change a setting, such as training.batch_size=32; may be repeated for others.",
)
queue_ = click.option("--queue", is_flag=True, help="Wait until nothing else trains on this machine.")


@click.command()
@as_json
def recipes(json_: bool) -> None:
    """List what can be trained, a line each."""
    from noisette.config.recipe import load_recipe, recipe_names

    summaries = {name: load_recipe(name).summary for name in recipe_names()}
    width = max(map(len, summaries))
    facts = {"recipes": [{"name": name, "summary": summary} for name, summary in summaries.items()]}
    answer(json_, facts, "\n".join(f"{name:{width}}  {summary}" for name, summary in summaries.items()))


@click.command()
@click.argument("recipe")
@click.option("--out", type=NEW_FOLDER, help="The run folder to make.  [default: runs/RECIPE]")
@click.option("--budget", help="Wall-clock time such as 90s, 30m or 1h; the learning rate stretches over it.")
@click.option("--epochs", type=int, help="Passes over the data, instead of a budget.")
@click.option("--steps", type=int, help="Optimiser steps, instead of a budget.")
@set_
@click.option(
    "--from",
    "base",
    type=PATH,
    help="Of a folder of images: begin with the weights of this run or shipped model, where values and colours agree.",
)
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
    base: Path | None,
    dry_run: bool,
    queue: bool,
    json_: bool,
) -> None:
    """Train RECIPE into a run folder: a name from `noisette recipes`, a TOML file, or a folder of your own images.

    For a folder (or a zip, a sprite sheet, an array, hf:OWNER/NAME of the Hugging Face hub) a recipe is chosen by what
    the images are; --dry-run prints it with its reasons, and --set changes it. `noisette data inspect FOLDER` tells
    what is wrong with the images.

    Ctrl-C or SIGTERM finishes the step and saves; `noisette resume` goes on.

    \b
    noisette train punks                        a recipe that comes with noisette
    noisette train my-sprites --budget 30m      your own images
    """
    launch = read_launch()
    _refuse_lost(settings, budget, epochs, steps)
    # First what can be told without PyTorch, so that a wrong request is refused at once.
    from noisette.training.checks import assembled, check_training

    with _reading(recipe) as reading:
        checked, _ = check_training(
            recipe, out=out, budget=budget, epochs=epochs, steps=steps, settings=settings, base=base, progress=reading
        )
    if dry_run:
        from noisette.config.recipe import dump_recipe

        assembled(checked)
        if launch.first:
            answer(json_, {"recipe": checked.model_dump(exclude_none=True)}, dump_recipe(checked).rstrip())
        return
    from noisette.cli.display import training
    from noisette.training.start import train as start

    with _beginning(), training(recipe) as (callback, progress):
        run = start(
            recipe,
            out=out,
            budget=budget,
            epochs=epochs,
            steps=steps,
            settings=settings,
            base=base,
            queue=queue,
            callback=callback,
            progress=progress,
        )
    _tell_run(run, json_, launch)


@click.command()
@click.argument("run", type=PATH)
@click.option(
    "--nfe",
    "--evaluations",
    "nfe",
    type=click.IntRange(1, 16),
    default=1,
    show_default=True,
    help="Network evaluations for an image of the distilled model.",
)
@click.option(
    "--guidance",
    type=float,
    help=(
        "The strongest guidance scale that is distilled, with all between it and 1.  [default: twice that of RUN, where"
        " RUN is guided]"
    ),
)
@click.option("--out", type=NEW_FOLDER, help="The run folder to make.  [default: runs/RUN-in-NFE]")
@click.option("--budget", help="Wall-clock time such as 90s, 30m or 1h.  [default: 10m]")
@click.option("--epochs", type=int, help="Passes over the data, instead of a budget.")
@click.option("--steps", type=int, help="Optimiser steps, instead of a budget.")
@set_
@queue_
@as_json
def distil(
    run: Path,
    nfe: int,
    guidance: float | None,
    out: Path | None,
    budget: str | None,
    epochs: int | None,
    steps: int | None,
    settings: tuple[str, ...],
    queue: bool,
    json_: bool,
) -> None:
    """Distil RUN into a model that draws in few network evaluations what RUN draws in many, guided.

    Where RUN is guided, or --guidance is given, the guidance scale becomes an input: `generate --guidance` takes any
    that was distilled at the same cost. RUN is a run folder, or a model that ships with noisette. The distilled model
    is a run like any other: resume, generate, evaluate.

    \b
    noisette distil digits --nfe 2
    noisette distil runs/mine --nfe 2 --budget 20m
    """
    launch = read_launch()
    _refuse_lost(settings, budget, epochs, steps)
    from noisette.cli.display import training
    from noisette.training.distillation import distil as start

    with _beginning(), training(f"{run.resolve().name} in {nfe}") as (callback, progress):
        distilled = start(
            run,
            nfe=nfe,
            guidance=guidance,
            out=out,
            budget=budget,
            epochs=epochs,
            steps=steps,
            settings=settings,
            queue=queue,
            callback=callback,
            progress=progress,
        )
    _tell_run(distilled, json_, launch)


@click.command()
@click.argument("run", type=PATH)
@click.option("--budget", help="Train so much longer, from now on: wall-clock time such as 90s, 30m or 1h.")
@click.option("--epochs", type=int, help="The same in passes over the data.")
@click.option("--steps", type=int, help="The same in optimiser steps.")
@queue_
@as_json
def resume(run: Path, budget: str | None, epochs: int | None, steps: int | None, queue: bool, json_: bool) -> None:
    """Go on with the training in the folder RUN, exactly where its last checkpoint left it.

    With --budget, --epochs or --steps it trains so much longer than it has by now, and is then finished, whether it was
    finished before or not; what was left of its own length no longer counts. The learning rate goes on as if the run
    had been planned so long from the beginning: it rises again to where a training of the whole length would be by
    now, and falls to 0 at the new end (with training.decay = constant it stays what it is). RUN/recipe.toml says the
    new length, and a plain resume goes by it.

    \b
    noisette resume runs/punks                    what a stop or a crash left undone
    noisette resume runs/punks --budget 20m       twenty minutes more
    """
    from noisette.training.checks import check_longer

    launch = read_launch()
    check_longer(run, budget=budget, epochs=epochs, steps=steps)
    from noisette.cli.display import training
    from noisette.training.start import resume as start

    with training(run.resolve().name) as (callback, progress):
        resumed = start(
            run, budget=budget, epochs=epochs, steps=steps, queue=queue, callback=callback, progress=progress
        )
    _tell_run(resumed, json_, launch)


def _refuse_lost(settings: Sequence[str], budget: str | None, epochs: int | None, steps: int | None) -> None:
    """Raises RequestError where two options set the same: the last would count, and the other be lost."""
    from noisette.config.migration import today
    from noisette.config.recipe import lengthened

    given: dict[str, str] = {}  # what was written, by what it sets
    for setting in (*lengthened(budget, epochs, steps), *settings):
        key, _, value = setting.partition("=")
        key = today(key.strip())
        if key in ("training.budget", "training.epochs", "training.steps") and value.strip() != "none":
            key = "the length of the training"
        if key in given:
            raise RequestError(f"{brief(given[key])} and {brief(setting)} both set {brief(key)}; give one of them")
        given[key] = setting


@contextmanager
def _reading(name: str) -> Iterator[Progress]:
    """Shows how far a folder of images is read; a recipe by name must not wait for what draws the bar."""
    from noisette.config.recipe import recipe_names
    from noisette.data.opening import folder_meant

    if folder_meant(name, recipe_names()) is None:
        yield silent
        return
    from noisette.cli.display import reading

    with reading(expand(name).name) as progress:
        yield progress


@contextmanager
def _beginning() -> Iterator[None]:
    """Tells whoever interrupts a training before there is a run folder; from then on it ends as `Stopped`."""
    try:
        yield
    except KeyboardInterrupt:
        tell("note: it had not begun to learn, so there is nothing to resume; start it again")
        raise


def _tell_run(run: Run, json_: bool, launch: Launch) -> None:
    if not launch.first:
        return  # of several processes the first speaks for all
    status = run.status
    facts = {
        "run": str(run.folder),
        **{key: status[key] for key in ("state", "step", "epoch", "seconds", "loss", "validation_loss", "skipped")},
    }
    lines = [
        f"run       {run.folder}",
        f"samples   {run.samples}",
        f"curves    {run.metrics} (tensorboard --logdir {shlex.quote(str(run.folder))})",
        f"draw      noisette generate {shlex.quote(str(run.folder))}",
    ]
    answer(json_, facts, "\n".join(map(plain, lines)))
