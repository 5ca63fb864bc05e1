"""A report on runs: one HTML file that needs nothing else.

It shows what was trained, what it draws, how good that is and where it fails.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from noisette._version import __version__
from noisette.caller import leaves_torch_alone
from noisette.errors import NoisetteError, RequestError
from noisette.evaluation.charts import Curve, as_svg, loss_curves
from noisette.evaluation.evaluate import DRAWS, check_draws, evaluate_prepared
from noisette.evaluation.figures import Tree
from noisette.evaluation.reference import EvaluationProgress, Images, silently
from noisette.evaluation.report_facts import Sweep, compared, environment_facts, sweeps, training_facts
from noisette.evaluation.report_pictures import DrawnPictures, Picture
from noisette.evaluation.setup import EvaluationSetup, prepare
from noisette.evaluation.tables import Row, bands, circumstances, floor_summaries, left_out, rows, values
from noisette.evaluation.targets import report_file
from noisette.inference.generator import Generator
from noisette.inference.loading import load
from noisette.store.bundle import Bundle
from noisette.store.locate import locate
from noisette.text import plain


@dataclass(frozen=True)
class Section:
    """All that the page says of one run; a part is empty where there is nothing to say.

    Attributes:
        name: Of the run.
        facts: What was trained on what.
        environment: Machine and versions of the training.
        commands: What a person types for the same.
        reason: Why the run could not be measured.
        result: Of the evaluation.
        told: How images were drawn, in a line.
        figures: The table of figures.
        floor: The baselines in it, and what they do.
        left_out: Figures that were not taken, with the reason.
        classes: The first images of each class.
        by_request: The first requests, drawn beside real.
        right: The first images that show their request.
        wrong: The first images that do not.
        counted: How many show their request.
        unconditional: The first images of a run that takes no requests.
        neighbours: Drawn images beside the nearest training images.
        by_rarity: Recall by how common values are.
        by_value: Recall and precision of each value.
        sweeps: Those of the run.
    """

    name: str
    facts: dict[str, str]
    environment: dict[str, str]
    commands: list[str]
    reason: str
    result: Tree | None
    told: str
    figures: list[Row]
    floor: list[tuple[str, str]]
    left_out: list[str]
    classes: list[tuple[str, list[Picture]]]
    by_request: list[tuple[Picture, Picture | None]]
    right: list[Picture]
    wrong: list[Picture]
    counted: str
    unconditional: list[Picture]
    neighbours: list[tuple[str, list[tuple[Picture, Picture]]]]
    by_rarity: list[tuple[str, str, str, str]]
    by_value: list[tuple[str, str, str, str, str]]
    sweeps: list[Sweep]


@leaves_torch_alone
def report(
    runs: Sequence[str | Path],
    *,
    out: str | Path | None = None,
    overwrite: bool = False,
    count: int | None = None,
    split: str = "validation",
    seed: int = 0,
    draws: int = DRAWS,
    floor: bool = False,
    ask: int | None = None,
    renderer: str | Path | None = None,
    progress: EvaluationProgress = silently,
    note: Callable[[str], None] = lambda text: None,
) -> Path | None:
    """Write a page about runs and shipped models.

    What `evaluate` measured with the same settings is taken as it is, the rest is measured now. A run that cannot be
    measured is shown with the reason. Sweeps are those that `sweep` left where it leaves them.

    Args:
        runs: Run folders and shipped models.
        out: The page, a .html file; "-" is standard output; report.html, or the next name that is free, unless given.
        overwrite: Whether a page that is there is replaced.
        count: Images in a draw, 1 and up; see `evaluate`.
        split: Where the requests are from.
        seed: Of the first image, 0 and up.
        draws: How often the requests are drawn, 1 and up.
        floor: Whether baselines that need no network stand beside each run; see `evaluate`.
        ask: How many values are asked for, 0 and up, and all unless given; see `evaluate`.
        renderer: Draws whole attributes right to the pixel; see `evaluate`.
        progress: Told of the drawing and the measuring.
        note: Told why a run was not measured.

    Returns:
        The path of the page; None of standard output.

    Raises:
        RequestError: A run does not exist, or the page cannot be written there.
    """
    target = report_file(out, overwrite)
    check_draws(seed, draws)
    names = list(dict.fromkeys(map(str, runs)))
    if len(names) < len(runs):
        raise RequestError("a run is named twice; name each once")
    bundles = {name: locate(name) for name in names}
    options = [*(["--count", str(count)] if count is not None else [])]
    options += ["--split", split, "--seed", str(seed), "--draws", str(draws), *(["--floor"] if floor else [])]
    options += [*(["--ask", str(ask)] if ask is not None else [])]
    options += [*(["--renderer", str(renderer)] if renderer is not None else [])]
    measure = partial(
        _measured, count=count, split=split, seed=seed, draws=draws, floor=floor, ask=ask, renderer=renderer
    )
    sections: list[Section] = []
    curves: dict[str, Curve] = {}
    held_out: dict[str, Curve] = {}
    for name, bundle in bundles.items():
        if losses := bundle.scalars("loss"):
            curves[name], held_out[name] = losses, bundle.scalars("validation_loss")

        def told(what: str, done: int, total: int, name: str = name) -> None:
            progress(f"{name}: {what}", done, total)

        sections.append(_section(name, bundle, partial(measure, progress=told), options))
        if sections[-1].reason:
            note(f"{name} was not measured: {sections[-1].reason}")
    environment = Environment(
        loader=PackageLoader("noisette", "evaluation"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        finalize=_shown,
    )
    page = environment.get_template("report.html.j2").render(
        sections=sections,
        compared=compared([section.result for section in sections]),
        curves=Markup(as_svg(loss_curves(curves, held_out))) if curves else None,
        written=time.strftime("%Y-%m-%d %H:%M"),
        version=__version__,
        command=shlex.join(["noisette", "report", *names, *options, *(["--out", str(out)] if out is not None else [])]),
    )
    return next(iter(target.write(page.encode())), None)


def _shown(value: object) -> object:
    """What the page shows of a value: text that others wrote must not turn the direction of what stands beside it."""
    return plain(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _measured(
    generator: Generator, *, seed: int, draws: int, floor: bool, progress: EvaluationProgress, **asked: Any
) -> tuple[EvaluationSetup, Tree, Images]:
    """The run, ready, its figures, and the images of the first draw."""
    setup, sampling = prepare(generator, progress=progress, **asked), generator.planner.resolve()
    result = evaluate_prepared(setup, sampling, seed=seed, draws=draws, floor=floor, progress=progress)
    return setup, result, setup.draw(sampling, seed)


def _section(
    name: str,
    bundle: Bundle,
    measure: Callable[[Generator], tuple[EvaluationSetup, Tree, Images]],
    options: Sequence[str],
) -> Section:
    result: Tree | None = None
    setup: EvaluationSetup | None = None
    generator: Generator | None = None
    pictures: DrawnPictures | None = None
    environment: Tree = {}
    status: Tree = {}
    reason = ""
    try:
        generator = load(name)
        environment, status = bundle.environment, bundle.status
        setup, result, images = measure(generator)
    except NoisetteError as error:
        result, reason = None, str(error)
    if setup is not None and result is not None:
        pictures = DrawnPictures(setup, images)
    train, swept = environment.get("command"), sweeps(name)
    return Section(
        name=name,
        facts=training_facts(generator.model.recipe, generator, status, setup) if generator else {},
        environment=environment_facts(environment),
        commands=[
            *([shlex.join(map(str, train))] if train else []),
            shlex.join(["noisette", "evaluate", name, *options]),
            *(each.command for each in swept),
        ],
        reason=reason,
        result=result,
        told=circumstances(result) if result else "",
        figures=rows(result) if result else [],
        floor=floor_summaries(result) if result else [],
        left_out=left_out(result) if result else [],
        classes=pictures.classes() if pictures else [],
        by_request=pictures.by_request() if pictures else [],
        right=pictures.compared(right=True) if pictures else [],
        wrong=pictures.compared(right=False) if pictures else [],
        counted=pictures.counted() if pictures else "",
        unconditional=pictures.unconditional() if pictures else [],
        neighbours=pictures.neighbours() if pictures else [],
        by_rarity=bands(result) if result else [],
        by_value=values(result) if result else [],
        sweeps=swept,
    )
