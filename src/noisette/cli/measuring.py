"""Verbs that measure: evaluate, sweep, tune, report."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import click

from noisette.cli.common import DrawingCommand, answer, as_json, shown, tell
from noisette.cli.paths import PATH, check_answer, out_, overwrite_
from noisette.errors import RequestError, Stopped
from noisette.files.output import STANDARD_OUTPUT
from noisette.legacy import with_old_keys
from noisette.signals import Terminated
from noisette.text import plain


def _how_to_measure(command: Callable[..., None]) -> Callable[..., None]:
    """The options that `evaluate`, `sweep` and `report` share."""
    options = (
        click.option(
            "--count",
            type=click.IntRange(1),
            help=(
                "Images in a draw, one for each of the first requests of the split; all, where it has fewer."
                "  [default: 500]"
            ),
        ),
        click.option(
            "--split",
            default="validation",
            show_default=True,
            help=(
                "Where the requests are from: validation, train, held-out (dataset.hold_out), or test, for a final"
                " report."
            ),
        ),
        click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seed of the first image."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def _how_much_to_ask(command: Callable[..., None]) -> Callable[..., None]:
    """The options that say how much of each image is asked for."""
    options = (
        click.option(
            "--ask",
            type=click.IntRange(0),
            metavar="VALUES",
            help=(
                "Ask for so many of the values that each real image shows, by lot, and 0 for nothing; the rest is left"
                " open. Whether the images are valid to the pixel is told then.  [default: all attributes]"
            ),
        ),
        click.option(
            "--renderer",
            metavar="RUN",
            type=PATH,
            help=(
                "The run that draws whole attributes right to the pixel, against which images are held.  [default: the"
                " source of the data, or a model that ships]"
            ),
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


_floor = click.option(
    "--floor",
    is_flag=True,
    help=(
        "Beside it what needs no network, with its seconds: the nearest training image, a decision tree for each pixel,"
        " a layer count; where nothing is requested, lots. A minute or two, once for all runs on the same data."
    ),
)


class _EvaluationCommand(DrawingCommand):
    """Requests here are those of real images, and images are measured as they come."""

    without = ("weights", "negative", "palette")


@click.command(cls=_EvaluationCommand)
@click.argument("run", required=False, type=PATH)
@_how_to_measure
@click.option(
    "--draws",
    type=click.IntRange(1),
    default=3,
    show_default=True,
    help="How often the requests are drawn, each time from other seeds: this gives the spread.",
)
@_floor
@_how_much_to_ask
@click.option("--checkpoint", type=int, help="Step of a checkpoint that is kept.  [default: the newest]")
@click.option(
    "--fit-classifier",
    metavar="DATASET",
    help="Train the attribute classifier of a data set, or of the data of a run or recipe: a few minutes, once.",
)
@click.option(
    "--classifier-epochs",
    type=click.IntRange(1),
    help="Passes over the data for --fit-classifier.  [default: 24]",
)
@click.option(
    "--overwrite", is_flag=True, help="For --fit-classifier: replace the classifier of these data that is kept."
)
@click.option("--fit-judge", hidden=True, help="The name of --fit-classifier in version 0.1.")
@click.option(
    "--judge-epochs", type=click.IntRange(1), hidden=True, help="The name of --classifier-epochs in version 0.1."
)
@as_json
def evaluate(
    run: Path | None,
    count: int | None,
    split: str,
    seed: int,
    draws: int,
    preset: str | None,
    given: dict[str, Any],
    floor: bool,
    ask: int | None,
    renderer: Path | None,
    checkpoint: int | None,
    fit_classifier: str | None,
    classifier_epochs: int | None,
    overwrite: bool,
    fit_judge: str | None,
    judge_epochs: int | None,
    json_: bool,
) -> None:
    """Draw with RUN and measure.

    The figures are attribute accuracy, pixel accuracy, fidelity and coverage, memorisation, and whether images are
    pixel art. Each stands beside the figure of real images, taken with the same attribute classifier. What was measured
    is kept in RUN/evaluations and not measured again.

    \b
    noisette evaluate punks
    noisette evaluate runs/mine --guidance 1 --draws 1
    noisette evaluate punks --floor                    beside what needs no network
    noisette evaluate punks --ask 1 --leave-open       one value asked for, nothing imputed: do the pixels agree?
    noisette evaluate --fit-classifier cryptopunks     train the classifier of a data set, and report on it
    """
    if fit_judge is not None or judge_epochs is not None:
        tell("note: --fit-judge and --judge-epochs are called --fit-classifier and --classifier-epochs now")
        fit_classifier, classifier_epochs = fit_classifier or fit_judge, classifier_epochs or judge_epochs
    if (run is None) == (fit_classifier is None):
        raise RequestError(
            "name the run to evaluate, or the data set to train a classifier for with --fit-classifier; one of them"
        )
    if fit_classifier is not None:
        _fit_classifier(fit_classifier, classifier_epochs, split, overwrite, json_)
        return
    if classifier_epochs is not None:
        raise RequestError("--classifier-epochs goes with --fit-classifier")
    if overwrite:
        raise RequestError("--overwrite goes with --fit-classifier: an evaluation is written over nothing")
    assert run is not None
    if ask is None and given["impute"] is not None:
        raise RequestError("--impute and --leave-open go with --ask: without it, requests leave nothing open")
    # A wrong request is refused before PyTorch is loaded.
    from noisette.config.sampling import SamplingSettings
    from noisette.inference.loading import planner_of
    from noisette.store.locate import locate

    bundle = locate(run)
    planner_of(bundle, bundle.weights(checkpoint)).resolve(SamplingSettings.of(**given), preset)
    from noisette.cli.display import stages
    from noisette.evaluation.evaluate import evaluate as measure
    from noisette.evaluation.tables import describe

    with going_on(), stages() as progress:
        found = measure(
            run,
            count=count,
            split=split,
            seed=seed,
            draws=draws,
            preset=preset,
            step=checkpoint,
            floor=floor,
            ask=ask,
            renderer=renderer,
            progress=progress,
            **given,
        )
    answer(json_, with_old_keys(found), describe(shown(found)))


_OF_A_CLASSIFIER = {"fit_classifier", "classifier_epochs", "fit_judge", "judge_epochs", "split", "overwrite", "json_"}


def _fit_classifier(name: str, epochs: int | None, split: str, overwrite: bool, json_: bool) -> None:
    """Train the attribute classifier of the data that `name` means, and report on it."""
    context = click.get_current_context()
    usual = (None, click.core.ParameterSource.DEFAULT)
    given = {name for name in context.params if context.get_parameter_source(name) not in usual}
    from noisette.config.sampling import SETTINGS

    drawing = {SETTINGS[name].option for name, value in context.params["given"].items() if value is not None}
    if idle := {f"--{name}" for name in given - _OF_A_CLASSIFIER} | drawing:
        raise RequestError(f"{min(idle)} is of an evaluation, and --fit-classifier makes none; leave it out")
    from noisette.evaluation.whole_data import check_split, data_of

    check_split(split)
    dataset = data_of(name)  # a wrong name is refused before PyTorch is loaded
    from noisette.cli.display import stages
    from noisette.evaluation.classifier_report import classifier_report, describe
    from noisette.evaluation.classifiers import fit_and_keep, kept_here

    if not overwrite and (kept := kept_here(dataset.split("train"))) is not None:
        raise RequestError(f"a classifier of these data is kept in {kept}; --overwrite trains another in its place")
    with stages() as progress:
        classifier, path = fit_and_keep(
            dataset.split("train"),
            epochs=epochs,
            progress=partial(progress, f"training an attribute classifier of {dataset.name}"),
        )
    found = {"file": str(path), **classifier_report(classifier, dataset, split)}
    answer(json_, with_old_keys(found), f"{describe(shown(found))}\n\nclassifier: {plain(str(path))}")


@click.command()
@click.argument("run", type=PATH)
@click.option(
    "--over",
    multiple=True,
    required=True,
    metavar="NAME=A,B,...",
    help="An axis: a setting of a drawing such as guidance, steps or sampler; seed; or checkpoint (steps, or all); may"
    " be repeated.",
)
@click.option(
    "--figure", "figures", multiple=True, help="A figure to plot and print, such as exact or frechet; may be repeated."
)
@_how_to_measure
@_how_much_to_ask
@click.option(
    "--draws",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="How often each point is drawn: more give a spread.",
)
@out_("The folder to write.  [default: one in RUN/sweeps, where the report finds it]")
@overwrite_
@as_json
def sweep(
    run: Path,
    over: tuple[str, ...],
    figures: tuple[str, ...],
    count: int | None,
    split: str,
    seed: int,
    ask: int | None,
    renderer: Path | None,
    draws: int,
    out: str | None,
    overwrite: bool,
    json_: bool,
) -> None:
    """Evaluate RUN at every combination of settings: a table, plots, and a grid of pictures.

    \b
    noisette sweep runs/mine --over guidance=1,1.5,2,3 --over steps=10,25 --count 200
    noisette sweep runs/mine --over checkpoint=all --figure exact      with a recipe's training.keep = 20, say

    A sweep that was stopped goes on with the first point that is missing.
    """
    # A wrong request is refused before PyTorch is loaded.
    from noisette.evaluation.axes import check_points, chosen_figures, parse_axis
    from noisette.evaluation.targets import sweep_folder

    if out is not None:
        sweep_folder(out, overwrite, {"split": split, "seed": seed, "draws": draws})
    axes: dict[str, list[Any]] = {}
    for text in over:
        name, values = parse_axis(text, run)
        if name in axes:
            raise RequestError(f"--over names {name} twice; give all its values at once")
        axes[name] = values
    chosen_figures(figures)
    check_points(run, axes)
    from noisette.cli.display import stages
    from noisette.evaluation.sweep import sweep as measure
    from noisette.evaluation.sweep_output import describe

    with going_on(), stages() as progress:
        found = measure(
            run,
            axes,
            out=out,
            overwrite=overwrite,
            figures=figures,
            count=count,
            split=split,
            seed=seed,
            draws=draws,
            ask=ask,
            renderer=renderer,
            progress=progress,
        )
    files = plain(f"{found['folder']}/table.csv, plots.png, grid.png")
    answer(json_, with_old_keys(found), f"{describe(shown(found))}\n\n{files}")


@click.command()
@click.argument("run", type=PATH)
@_how_to_measure
@out_("The table to write, - for standard output.  [default: RUN/presets.json]")
@overwrite_
@as_json
def tune(run: Path, count: int | None, split: str, seed: int, out: str | None, overwrite: bool, json_: bool) -> None:
    """Find the presets of RUN: how few network evaluations lose hardly anything.

    First the step schedule of --spacing fitted is optimised: the timesteps between which the model's own sampling
    trajectories can be cut short at the least cost. Then some seventy combinations of sampler, spacing and steps are
    measured as by `noisette evaluate`, twice as many where RUN is guided, which takes a while. The cheapest that stays
    within 2 points of the best becomes --preset fast, within 1 point balanced, within 0.4 best: first in attribute and
    pixel accuracy, then, among those that are accurate enough, in Frechet distance, of which 5 % are a point. A command
    that was stopped goes on with the first combination that is missing.

    \b
    noisette tune runs/mine
    noisette generate runs/mine --preset fast
    """
    check_answer(out, json_)
    from noisette.evaluation.targets import presets_file

    presets_file(run, out, overwrite)
    from noisette.cli.display import stages
    from noisette.evaluation.tuning import describe
    from noisette.evaluation.tuning import tune as measure

    with going_on(), stages() as progress:
        found = measure(run, count=count, split=split, seed=seed, out=out, overwrite=overwrite, progress=progress)
    text = f"{describe(shown(found))}\n\n{plain(found['file'])}"
    if out == STANDARD_OUTPUT:
        for line in text.splitlines():
            tell(line)
    else:
        answer(json_, with_old_keys(found), text)


@click.command()
@click.argument("runs", nargs=-1, required=True, type=PATH)
@_how_to_measure
@click.option(
    "--draws",
    type=click.IntRange(1),
    default=3,
    show_default=True,
    help="How often the requests are drawn, each time from other seeds: this gives the spread.",
)
@_floor
@_how_much_to_ask
@out_("The page to write, - for standard output.  [default: report.html, or the next name that is free]")
@overwrite_
@as_json
def report(
    runs: tuple[Path, ...],
    count: int | None,
    split: str,
    seed: int,
    draws: int,
    floor: bool,
    ask: int | None,
    renderer: Path | None,
    out: str | None,
    overwrite: bool,
    json_: bool,
) -> None:
    """Write one HTML page about RUNS: what was trained, losses, pictures by request, figures, sweeps, failures,
    commands.

    The page needs no other file and no network. What `evaluate` measured with the same options is taken as it is; the
    rest is drawn and measured now, which takes a minute or two for each run. All sweeps that `sweep` left with a run
    are in it.
    """
    check_answer(out, json_)
    from noisette.evaluation.targets import report_file
    from noisette.store.locate import locate

    report_file(out, overwrite)
    for run in runs:  # a wrong name is refused before PyTorch is loaded
        locate(run)
    from noisette.cli.display import stages
    from noisette.evaluation.report import report as write

    notes: list[str] = []
    with going_on(), stages() as progress:
        path = write(
            runs,
            out=out,
            overwrite=overwrite,
            count=count,
            split=split,
            seed=seed,
            draws=draws,
            floor=floor,
            ask=ask,
            renderer=renderer,
            progress=progress,
            note=notes.append,
        )
    for text in notes:
        tell(f"note: {text}")
    if path is not None:
        answer(json_, {"file": str(path), "not_measured": notes}, plain(str(path)))


@contextmanager
def going_on() -> Iterator[None]:
    """Tells whoever interrupts or ends a measurement that nothing of it is lost."""
    try:
        yield
    except KeyboardInterrupt as error:
        raise Stopped(
            "interrupted; what was drawn and measured is kept, and the same command goes on",
            interrupted=not isinstance(error, Terminated),
        ) from error
