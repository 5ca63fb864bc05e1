"""Sweeps: any settings of a run against any figures, as a table, plots and an X/Y grid of pictures.

    sweep.json     every point, whole
    table.csv      a row for each point: its settings, then each figure drawn, its spread, and that of real images
    plots.png      the chosen figures over the first axis, a line for each setting of the others
    grid.png       one image for each point, of the same request and seed

Points are kept as what was drawn always is (records.py), so a sweep that was stopped goes on with the first point that
is missing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from noisette.caller import leaves_torch_alone
from noisette.errors import RequestError
from noisette.evaluation.axes import chosen_figures
from noisette.evaluation.charts import as_png, sweep_panels
from noisette.evaluation.classifier import AttributeClassifier
from noisette.evaluation.evaluate import evaluate_prepared
from noisette.evaluation.figures import Tree
from noisette.evaluation.reference import EvaluationProgress, silently
from noisette.evaluation.setup import prepare
from noisette.evaluation.sweep_output import panels, table, write_grid
from noisette.evaluation.sweep_plan import planned
from noisette.evaluation.targets import sweep_folder, sweeps_of
from noisette.files.atomic import make_folder, write_atomically, write_text


@leaves_torch_alone
def sweep(
    run: str | Path,
    over: Mapping[str, Sequence[Any]],
    *,
    out: str | Path | None = None,
    overwrite: bool = False,
    figures: Sequence[str] = (),
    count: int | None = None,
    split: str = "validation",
    seed: int = 0,
    draws: int = 1,
    classifier: AttributeClassifier | None = None,
    ask: int | None = None,
    renderer: str | Path | None = None,
    progress: EvaluationProgress = silently,
) -> Tree:
    """Evaluate a run at every combination of settings, and write a folder.

    Args:
        run: A run folder, or a shipped model.
        over: Values by axis: settings of a drawing such as guidance or steps, checkpoint (the step of one that is
            kept), seed. The first is the x axis of plots and grid.
        out: The folder that is written; one in RUN/sweeps unless given. That of the same sweep is written anew.
        overwrite: Whether another sweep that is there is replaced.
        figures: Those that are plotted, such as "exact"; the usual ones unless given. All are in the table.
        count: Images in a draw, 1 and up; see `evaluate`.
        split: Where the requests are from.
        seed: Of the first image, where seeds are not swept, 0 and up.
        draws: How often each point is drawn, 1 and up; several give a spread.
        classifier: The one for these data unless given.
        ask: How many values are asked for, 0 and up, and all unless given; see `evaluate`.
        renderer: Draws whole attributes right to the pixel; see `evaluate`.
        progress: Told of the drawing and the measuring.

    Returns:
        What sweep.json holds: the settings of the sweep, and under "points" what `evaluate` returns for each.

    Raises:
        RequestError: Settings cannot be, or nothing can be measured; nothing is drawn then.
    """
    plotted = chosen_figures(figures)
    if "impute" in over and ask is None:
        raise RequestError("impute is swept where requests leave something open; say how much is asked for with --ask")
    setup_of = cache(
        lambda step: prepare(
            run,
            count=count,
            split=split,
            step=step,
            classifier=classifier,
            ask=ask,
            renderer=renderer,
            progress=progress,
        )
    )
    points = planned(over, setup_of, seed, draws)
    reference, images = points[0].setup.reference, points[0].setup.count
    if not [figure for figure in plotted if figure.path.partition(".")[0] not in reference.left_out]:
        part = plotted[0].path.partition(".")[0]
        raise RequestError(
            f"nothing to plot: {part.replace('_', ' ')} is left out, for {reference.left_out[part]}; choose another"
            " --figure"
        )
    facts = {
        "over": {name: list(values) for name, values in over.items()},
        "count": images,
        "split": split,
        "seed": seed,
        "draws": draws,
        "ask": ask,
        "renderer": None if renderer is None else str(renderer),
        "plotted": [each.path for each in plotted],
        "weights": list(dict.fromkeys(point.setup.generator.weights for point in points)),
    }
    said = {name: value for name, value in facts.items() if value is not None}
    digest = sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:8]
    folder = sweep_folder(out if out is not None else sweeps_of(run) / f"{'-'.join(over)}-{digest}", overwrite, facts)
    found = []
    for number, point in enumerate(points, 1):

        def told(what: str, done: int, total: int, number: int = number) -> None:
            progress(f"point {number} of {len(points)}, {what}", done, total)

        result = evaluate_prepared(point.setup, point.sampling, seed=point.seed, draws=draws, progress=told)
        found.append({"settings": point.settings, **result})
    swept = {
        "run": str(run),
        "folder": str(folder),
        **facts,
        "points": found,
    }
    make_folder(folder)
    write_text(folder / "sweep.json", json.dumps(swept, indent=2) + "\n")
    write_text(folder / "table.csv", table(swept))
    plots = as_png(sweep_panels(panels(swept)))
    write_atomically(folder / "plots.png", lambda temporary: temporary.write_bytes(plots))
    write_grid(folder / "grid.png", str(run), over, points)
    return swept
