"""Verbs that measure: evaluate, sweep, tune, report."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import click

from noisette.cli.common import answer, as_json, how_to_sample, tell
from noisette.errors import RequestError, Stopped


def _how_to_measure(command: Callable[..., None]) -> Callable[..., None]:
    """The options that `evaluate`, `sweep` and `report` share."""
    options = (
        click.option(
            "--count",
            type=click.IntRange(1),
            help="Images in a draw, asked for as the first of the split.  [default: 500, or all]",
        ),
        click.option(
            "--split",
            default="validation",
            show_default=True,
            help="validation, train, held-out (of dataset.hold_out), or test: for a final report.",
        ),
        click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of the first image."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.command()
@click.argument("run", required=False, type=click.Path(path_type=Path))
@_how_to_measure
@click.option(
    "--draws",
    type=click.IntRange(1),
    default=3,
    show_default=True,
    help="How often, each time from other seeds: this gives the spread.",
)
@how_to_sample
@click.option("--guidance", type=float, help="Guidance scale; 1 is plain.  [default: as in the recipe]")
@click.option("--checkpoint", type=int, help="The step of a checkpoint that is kept.  [default: the newest]")
@click.option(
    "--fit-judge",
    metavar="DATASET",
    help="Train the judge of a data set, or of the data of a run or recipe: a few minutes, once.",
)
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
    """Draw with RUN and measure: is what was asked for there, is it right to the pixel, is it near the data, is it
    copied?

    Every figure stands beside that of real images, as read by the same judge: a classifier of the attributes. What was
    measured is kept in RUN/evaluations and not measured again.

    \b
    noisette evaluate punks
    noisette evaluate runs/mine --guidance 1 --draws 1
    noisette evaluate --fit-judge cryptopunks          train the judge of a data set, and tell how well it reads
    """
    if (run is None) == (fit_judge is None):
        raise RequestError(
            "name the run to evaluate, or the data set to train a judge for with --fit-judge; one of them"
        )
    if judge_epochs is not None and fit_judge is None:
        raise RequestError("--judge-epochs goes with --fit-judge")
    context = click.get_current_context()
    given = [
        name for name in context.params if context.get_parameter_source(name) is not click.core.ParameterSource.DEFAULT
    ]
    if fit_judge is not None and (idle := set(given) - {"fit_judge", "judge_epochs", "split", "json_"}):
        raise RequestError(f"--{min(idle)} is of an evaluation, and --fit-judge makes none; leave it out")
    from noisette.cli.display import stages

    if fit_judge is not None:
        from noisette.evaluation.examination import check_split, examine
        from noisette.evaluation.examination import describe as describe_judge
        from noisette.evaluation.judges import EPOCHS, data_of, fit_and_keep

        check_split(split)
        dataset = data_of(fit_judge)
        with stages() as progress:
            judge, path = fit_and_keep(
                dataset.split("train"),
                epochs=judge_epochs or EPOCHS,
                progress=partial(progress, f"training a judge of {dataset.name}"),
            )
        examined = examine(judge, dataset, split)
        answer(json_, {"file": str(path), **examined}, f"{describe_judge(examined)}\n\njudge: {path}")
        return
    from noisette.evaluation.evaluate import describe
    from noisette.evaluation.evaluate import evaluate as measure

    assert run is not None
    with going_on(), stages() as progress:
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
    answer(json_, found, describe(found))


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--over",
    multiple=True,
    required=True,
    metavar="NAME=A,B,...",
    help=(
        "What to sweep: guidance, steps, sampler, spacing, eta, churn, seed, or checkpoint (steps, or all); may be"
        " repeated."
    ),
)
@click.option(
    "--figure", "figures", multiple=True, help="A figure to plot and print, such as exact or frechet; may be repeated."
)
@_how_to_measure
@click.option(
    "--draws",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="How often each point is drawn: more give a spread.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="The folder to write.  [default: one in RUN/sweeps, where the report finds it]",
)
@as_json
def sweep(
    run: Path,
    over: tuple[str, ...],
    figures: tuple[str, ...],
    count: int | None,
    split: str,
    seed: int,
    draws: int,
    out: Path | None,
    json_: bool,
) -> None:
    """Evaluate RUN at every combination of settings: a table, plots, and a grid of pictures.

    \b
    noisette sweep runs/mine --over guidance=1,1.5,2,3 --over steps=10,25 --count 200
    noisette sweep runs/mine --over checkpoint=all --figure exact      with a recipe's training.keep = 20, say

    Stopped, it goes on with the first point that is missing.
    """
    from noisette.cli.display import stages
    from noisette.evaluation.sweep import describe, parse_axis
    from noisette.evaluation.sweep import sweep as measure

    axes: dict[str, list[Any]] = {}
    for text in over:
        name, values = parse_axis(text, run)
        if name in axes:
            raise RequestError(f"--over names {name} twice; give all its values at once")
        axes[name] = values
    with going_on(), stages() as progress:
        found = measure(
            run, axes, out=out, figures=figures, count=count, split=split, seed=seed, draws=draws, progress=progress
        )
    answer(json_, found, f"{describe(found)}\n\n{found['folder']}/table.csv, plots.png, grid.png")


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@_how_to_measure
@click.option("--out", type=click.Path(path_type=Path), help="The table to write.  [default: RUN/quality.json]")
@as_json
def tune(run: Path, count: int | None, split: str, seed: int, out: Path | None, json_: bool) -> None:
    """Find which settings are enough for RUN: how few evaluations of the network lose hardly anything.

    The levels of --spacing fitted are found first: those between which the model's own long walks can be cut short at
    the least cost. Then some seventy combinations of sampler, spacing and steps are measured as by `noisette evaluate`,
    twice as many where RUN is guided, which takes a while. The cheapest that stays within 2 points of the best is then
    --quality fast, within 1 point balanced, within 0.4 best: first in what was asked for, then, among those that obey,
    in Fréchet distance, of which 5 % are a point. Stopped, it goes on with the first that is missing.

    \b
    noisette tune runs/mine
    noisette generate runs/mine --quality fast
    """
    from noisette.cli.display import stages
    from noisette.evaluation.tuning import describe
    from noisette.evaluation.tuning import tune as measure

    with going_on(), stages() as progress:
        found = measure(run, count=count, split=split, seed=seed, out=out, progress=progress)
    answer(json_, found, f"{describe(found)}\n\n{found['file']}")


@click.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@_how_to_measure
@click.option(
    "--draws",
    type=click.IntRange(1),
    default=3,
    show_default=True,
    help="How often each run draws: this gives the spread.",
)
@click.option(
    "--out", type=click.Path(path_type=Path), default="report.html", show_default=True, help="The page to write."
)
@as_json
def report(
    runs: tuple[Path, ...], count: int | None, split: str, seed: int, draws: int, out: Path, json_: bool
) -> None:
    """Write one HTML page about RUNS: what was trained, losses, pictures by request, figures, sweeps, failures,
    commands.

    The page needs no other file and no network. What `evaluate` measured with the same options is taken as it is; the
    rest is drawn and measured now, which takes a minute or two for each run. All sweeps that `sweep` left with a run
    are in it.
    """
    from noisette.cli.display import stages
    from noisette.evaluation.report import report as write

    notes: list[str] = []
    with going_on(), stages() as progress:
        path = write(
            runs, out=out, count=count, split=split, seed=seed, draws=draws, progress=progress, note=notes.append
        )
    for text in notes:
        tell(f"note: {text}")
    answer(json_, {"file": str(path), "not_measured": notes}, str(path))


@contextmanager
def going_on() -> Iterator[None]:
    """Tells whoever interrupts a measurement that nothing of it is lost."""
    try:
        yield
    except KeyboardInterrupt as error:
        raise Stopped(
            "interrupted; what was drawn and measured is kept, and the same command goes on", interrupted=True
        ) from error
