"""Sweeps: any settings of a run against any figures, as a table, plots and an X/Y grid of pictures.

    sweep.json     every point, whole
    table.csv      a row for each point: its settings, then each figure drawn, its spread, and that of real images
    plots.png      the chosen figures over the first axis, a line for each setting of the others
    grid.png       one image for each point, of the same request and seed

Points are kept as what was drawn always is (records.py), so a sweep that was stopped goes on with the first point that
is missing.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from noisette.attributes.parsing import describe as describe_request
from noisette.errors import RequestError, nearest
from noisette.evaluation.charts import Panel, as_png, sweep_panels
from noisette.evaluation.evaluate import beside, check_draws, circumstances, verdict
from noisette.evaluation.figures import FIGURES, Figure, Tree, find
from noisette.evaluation.judge import Judge
from noisette.evaluation.measure import Progress, silently
from noisette.evaluation.records import home_of
from noisette.evaluation.trial import Trial, put_on_trial
from noisette.files.atomic import write_atomically, write_text
from noisette.files.images import cross_sheet, good_scale, save_png
from noisette.inference.loading import load
from noisette.sampling.settings import Sampling
from noisette.store.run import open_run
from noisette.store.shipped import means_shipped

AXES: dict[str, Callable[[str], Any]] = {
    "guidance": float,
    "steps": int,
    "sampler": str,
    "spacing": str,
    "eta": float,
    "churn": float,
    "checkpoint": int,
    "seed": int,
}
"""What can be swept, and how a value is read."""

USUAL_FIGURES = (
    "obedience.exact",
    "exactness.snapped_pixels",
    "fidelity.frechet",
    "fidelity.coverage",
    "memorisation.distance",
    "pixel_art.in_palette",
)

_REQUESTS_IN_GRID = 6


def sweeps_of(run: str | Path) -> Path:
    """Where the sweeps of a run are, for the report to find."""
    return home_of(str(run)) / "sweeps"


def parse_axis(text: str, run: str | Path) -> tuple[str, list[Any]]:
    """`guidance=1,1.5,2` as a name and values; `checkpoint=all` are those that the run keeps. Raises RequestError."""
    name, equals, values = text.partition("=")
    if name not in AXES:
        raise RequestError(f'"{name}" cannot be swept{nearest(name, AXES)}; there are {", ".join(AXES)}')
    if not equals or not values.strip():
        raise RequestError(f'"{text}" has no values; write for example guidance=1,1.5,2')
    if name == "checkpoint" and values.strip() == "all":
        if means_shipped(run):
            raise RequestError(f"{run} ships with its last weights alone, so there are no checkpoints to compare")
        load(run)  # tells what is wrong with a run that has none
        return name, list(open_run(Path(run)).steps)
    try:
        found = [AXES[name](value.strip()) for value in values.split(",")]
    except ValueError as error:
        raise RequestError(f"{name} takes numbers with commas between them, not {values}") from error
    if len(set(found)) < len(found):
        raise RequestError(f"{text} names a value twice")
    return name, found


def chosen_figures(names: Sequence[str]) -> list[Figure]:
    """Figures by name, such as `exact` or `fidelity.frechet`; the usual ones if there are none.

    Raises RequestError for another.
    """
    if not names:
        return [figure for figure in FIGURES if figure.path in USUAL_FIGURES]
    known = {figure.path: figure for figure in FIGURES}
    short = {path.rpartition(".")[2]: figure for path, figure in reversed(known.items())}
    for name in names:
        if name not in known and name not in short:
            raise RequestError(f'no figure "{name}"{nearest(name, (*short, *known))}; there are {", ".join(short)}')
    return [known.get(name) or short[name] for name in names]


def sweep(
    run: str | Path,
    over: Mapping[str, Sequence[Any]],
    *,
    out: str | Path | None = None,
    figures: Sequence[str] = (),
    count: int | None = None,
    split: str = "validation",
    seed: int = 0,
    draws: int = 1,
    judge: Judge | None = None,
    progress: Progress = silently,
) -> Tree:
    """Evaluate a run at every combination of settings, and write the folder `out`, one in RUN/sweeps unless given; see
    above.

    over: values by axis: guidance, steps, sampler, spacing, eta, churn, checkpoint (the step of one that is kept),
    seed. The first is the x axis of plots and grid. figures: those that are plotted, such as "exact"; all are in the
    table. The rest as in `evaluate`.

    Raises RequestError for settings that cannot be, before anything is drawn.
    """
    plotted = chosen_figures(figures)
    points = _planned(run, over, count, split, seed, draws, judge)
    yardstick, images = points[0].trial.yardstick, points[0].trial.count
    if not [figure for figure in plotted if figure.path.partition(".")[0] not in yardstick.left_out]:
        part = plotted[0].path.partition(".")[0]
        raise RequestError(
            f"nothing to plot: {part.replace('_', ' ')} is left out, for {yardstick.left_out[part]}; choose another"
            " --figure"
        )
    facts = {
        "over": {name: list(values) for name, values in over.items()},
        "count": images,
        "split": split,
        "seed": seed,
        "draws": draws,
    }
    digest = sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:8]
    folder = Path(out) if out is not None else sweeps_of(run) / f"{'-'.join(over)}-{digest}"
    if folder.is_dir() and any(folder.iterdir()) and not (folder / "sweep.json").is_file():
        raise RequestError(f"{folder} holds other things; name a new folder for the sweep")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise RequestError(f"{folder} is a file; name a folder for the sweep") from error
    found = []
    for number, point in enumerate(points, 1):

        def told(what: str, done: int, total: int, number: int = number) -> None:
            progress(f"point {number} of {len(points)}, {what}", done, total)

        measured = verdict(point.trial, point.sampling, seed=point.seed, draws=draws, progress=told)
        found.append({"settings": point.settings, **measured})
    result = {
        "run": str(run),
        "folder": str(folder),
        **facts,
        "plotted": [each.path for each in plotted],
        "points": found,
    }
    write_text(folder / "sweep.json", json.dumps(result, indent=2, ensure_ascii=False) + "\n")
    write_text(folder / "table.csv", _table(result))
    plots = as_png(sweep_panels(panels(result)))
    write_atomically(folder / "plots.png", lambda temporary: temporary.write_bytes(plots))
    _write_grid(folder / "grid.png", str(run), over, points)
    return result


@dataclass(frozen=True)
class _Point:
    """One combination of settings. seed: of the first image."""

    settings: dict[str, Any]
    trial: Trial
    sampling: Sampling
    seed: int


def _planned(
    run: str | Path,
    over: Mapping[str, Sequence[Any]],
    count: int | None,
    split: str,
    seed: int,
    draws: int,
    judge: Judge | None,
) -> list[_Point]:
    """Every combination, checked. Raises RequestError where one cannot be."""
    if not over or any(not values for values in over.values()):
        raise RequestError("a sweep needs at least one setting with values, such as guidance=1,1.5,2")
    for name in over:
        if name not in AXES:
            raise RequestError(f'"{name}" cannot be swept{nearest(name, AXES)}; there are {", ".join(AXES)}')
    trial_of = cache(lambda step: put_on_trial(run, count=count, split=split, step=step, judge=judge))
    points = []
    for values in itertools.product(*over.values()):
        settings = dict(zip(over, values, strict=True))
        trial, first = trial_of(settings.get("checkpoint")), settings.get("seed", seed)
        check_draws(first, draws)
        wanted = {name: value for name, value in settings.items() if name not in ("checkpoint", "seed")}
        points.append(_Point(settings, trial, trial.generator.choices.sampling(**wanted), first))
    _check_seeds(over.get("seed", ()), points[0].trial.count * draws)
    return points


def panels(result: Tree) -> list[Panel]:
    """What is plotted of a sweep: of the chosen figures, those that could be measured."""
    first, *rest = result["over"]
    others = [name for name in rest if len(result["over"][name]) > 1]
    chosen = []
    for figure in (figure for figure in FIGURES if figure.path in result["plotted"]):
        lines: dict[str, list[tuple[float | str, float, float | None]]] = {}
        for point in result["points"]:
            if (value := find(point["drawn"], figure.path)) is not None:
                name = ", ".join(f"{other} {point['settings'][other]}" for other in others) or "drawn"
                lines.setdefault(name, []).append((point["settings"][first], value, find(point["spread"], figure.path)))
        if lines:
            chosen.append(Panel(figure.title, first, lines, beside(result["points"][0], figure.path)))
    return chosen


def describe(result: Tree) -> str:
    """The chosen figures of all points for a person to read."""
    over = result["over"]
    taken = [
        figure
        for figure in FIGURES
        if figure.path in result["plotted"] and find(result["points"][0]["drawn"], figure.path) is not None
    ]
    widths = [max(len(figure.title), 7) for figure in taken]
    lines = [result["run"], circumstances(result["points"][0], over), ""]
    lines.append(
        "".join(f"{name:>12}" for name in over)
        + "".join(f"  {figure.title:>{width}}" for figure, width in zip(taken, widths, strict=True))
    )
    for point in result["points"]:
        cells = [
            f"  {find(point['drawn'], figure.path):>{width}.3f}" for figure, width in zip(taken, widths, strict=True)
        ]
        lines.append("".join(f"{point['settings'][name]!s:>12}" for name in over) + "".join(cells))
    real = [beside(result["points"][0], figure.path) for figure in taken]
    cells = [f"  {'' if value is None else f'{value:.3f}':>{width}}" for value, width in zip(real, widths, strict=True)]
    lines.append(f"{'real images':>{12 * len(over)}}" + "".join(cells))
    return "\n".join(lines)


def command(result: Tree) -> list[str]:
    """What a person types for the same sweep."""
    axes = [
        part for name, values in result["over"].items() for part in ("--over", f"{name}={','.join(map(str, values))}")
    ]
    settings = [part for name in ("count", "split", "seed", "draws") for part in (f"--{name}", str(result[name]))]
    return ["noisette", "sweep", result["run"], *axes, *settings]


def _check_seeds(seeds: Sequence[int], images: int) -> None:
    """Raises RequestError where two draws would share images: image k of a draw has the seed of its first plus k."""
    for one, other in itertools.pairwise(sorted(seeds)):
        if other - one < images:
            raise RequestError(
                f"the draws from seeds {one} and {other} would share images; keep seeds {images} apart, one for each"
                " image of a point"
            )


def _table(result: Tree) -> str:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    drawing = ("run", "step", "averaged weights", "sampler", "steps", "spacing", "eta", "churn", "guidance")
    measuring = ("split", "images", "draws", "first seed", "judge")
    writer.writerow(
        [*drawing, *measuring, *(f"{figure.path}{part}" for figure in FIGURES for part in ("", " spread", " real"))]
    )
    for point in result["points"]:
        sampling, seeds = point["sampling"], point["first_seeds"]
        settings = [point["run"], point["step"], point["averaged"], sampling["sampler"], sampling["steps"]]
        settings += [sampling.get("spacing", "time"), sampling["eta"], sampling.get("churn", 0.0)]
        settings += [
            sampling["guidance"]["scale"],
            point["split"],
            point["images"],
            len(seeds),
            seeds[0],
            point["judge"]["weights"],
        ]
        cells = [
            (find(point["drawn"], each.path), find(point["spread"], each.path), beside(point, each.path))
            for each in FIGURES
        ]
        writer.writerow([*settings, *("" if cell is None else cell for three in cells for cell in three)])
    return file.getvalue()


def _write_grid(path: Path, run: str, over: Mapping[str, Sequence[Any]], points: Sequence[_Point]) -> None:
    """Columns are the first axis; rows the second, or, of one axis alone, several requests.

    Further axes stay at their first value.
    """
    names = [name for name in over if len(over[name]) > 1] or list(over)
    fixed = {name: values[0] for name, values in over.items() if name not in names[:2]}
    shown = [point for point in points if all(point.settings[name] == value for name, value in fixed.items())]
    drawn = [point.trial.draw(point.sampling, point.seed) for point in shown]
    trial = shown[0].trial
    across = [f"{names[0]} {value}" for value in over[names[0]]]
    if len(names) > 1:
        title, down = request_text(trial, 0), [f"{names[1]} {value}" for value in over[names[1]]]
        images = (
            np.stack([each[0] for each in drawn]).reshape(len(across), len(down), *drawn[0].shape[1:]).swapaxes(0, 1)
        )
    else:
        title, down = "", [request_text(trial, place) for place in range(min(_REQUESTS_IN_GRID, trial.count))]
        images = np.stack([each[: len(down)] for each in drawn]).swapaxes(0, 1)
    title = "; ".join([*([title] if title else []), *(f"{name} {value}" for name, value in fixed.items())])
    picture = cross_sheet(images, across, down, title=title, scale=max(2, good_scale(images.shape[-1], len(across))))
    save_png(path, picture, {"sweep": {name: list(values) for name, values in over.items()}, "run": run})


def request_text(trial: Trial, place: int) -> str:
    """What an image of a trial was asked for, without what is absent."""
    if not trial.yardstick.asked:
        return f"image {place + 1}"
    values = trial.yardstick.judge.schema.decode(trial.yardstick.real.attributes[place])
    return describe_request({name: value for name, value in values.items() if value is not False})
