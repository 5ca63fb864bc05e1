"""A report on runs: one HTML file that needs nothing else, with what was trained, what it draws, how good that is and
where it fails.
"""

from __future__ import annotations

import base64
import io
import json
import shlex
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from numpy.typing import NDArray

from noisette._version import __version__
from noisette.attributes.schema import Choice
from noisette.config.recipe import Recipe
from noisette.errors import NoisetteError, RequestError
from noisette.evaluation.charts import as_svg, loss_curves, sweep_panels
from noisette.evaluation.evaluate import (
    DRAWS,
    bands,
    beside,
    check_draws,
    circumstances,
    left_out,
    rows,
    values,
    verdict,
)
from noisette.evaluation.figures import FIGURES, Tree, find
from noisette.evaluation.measure import Progress, silently
from noisette.evaluation.memorisation import nearest, nearest_images
from noisette.evaluation.obedience import verdict as faults_of
from noisette.evaluation.sweep import command as sweep_command
from noisette.evaluation.sweep import panels, request_text, sweeps_of
from noisette.evaluation.trial import Trial, put_on_trial
from noisette.files.atomic import write_text
from noisette.files.images import sheet
from noisette.inference.generator import Generator
from noisette.inference.loading import load
from noisette.store.run import Run, open_run
from noisette.store.shipped import means_shipped

_MOST_CLASSES = 20
_OF_A_CLASS = 10
_SHOWN = 12
_NEIGHBOURS = 8
_SIDE = 96  # pixels on the screen that an image has at least

Images = NDArray[np.uint8]


@dataclass(frozen=True)
class Picture:
    """uri: the PNG itself.

    width: on the screen. text: under it. right: whether it is as asked; None where nobody asked.
    """

    uri: str
    width: int
    text: str = ""
    right: bool | None = None
    faults: str = ""


@dataclass(frozen=True)
class Sweep:
    """title: what was swept, and the rest of the settings."""

    title: str
    plots: Markup
    grid: Picture
    command: str


@dataclass(frozen=True)
class Section:
    """All that the page says of one run.

    Empty where there is nothing to say; `reason` where it could not be measured.
    """

    name: str
    facts: dict[str, str]
    environment: dict[str, str]
    commands: list[str]
    reason: str
    found: Tree | None
    told: str
    figures: list[tuple[str, str, str, str, str]]
    left_out: list[str]
    classes: list[tuple[str, list[Picture]]]
    asked: list[tuple[Picture, Picture | None]]
    right: list[Picture]
    wrong: list[Picture]
    counted: str
    drawn: list[Picture]
    neighbours: list[tuple[str, list[tuple[Picture, Picture]]]]
    by_rarity: list[tuple[str, str, str, str]]
    by_value: list[tuple[str, str, str, str, str]]
    sweeps: list[Sweep]


def report(
    runs: Sequence[str | Path],
    *,
    out: str | Path,
    count: int | None = None,
    split: str = "validation",
    seed: int = 0,
    draws: int = DRAWS,
    progress: Progress = silently,
    note: Callable[[str], None] = lambda text: None,
) -> Path:
    """Write the page `out` about runs and shipped models, and return its path.

    What `evaluate` measured with the same settings is taken as it is, the rest is measured now. A run that cannot be
    measured is shown with the reason, which `note` is told too. Sweeps are those that `sweep` left where it leaves
    them. The rest as in `evaluate`.

    Raises RequestError if a run does not exist, or the page cannot be written there.
    """
    path = Path(out)
    if path.suffix.lower() not in (".html", ".htm"):
        raise RequestError(f"cannot write {path}: the report is a page; name a .html file")
    if path.is_dir() or not path.parent.is_dir():
        raise RequestError(
            f"cannot write {path}: it is a folder"
            if path.is_dir()
            else f"no folder {path.parent} to write {path.name} into; make it first"
        )
    check_draws(seed, draws)
    names = list(dict.fromkeys(map(str, runs)))
    if len(names) < len(runs):
        raise RequestError("a run is named twice; name each once")
    folders = {name: None if means_shipped(name) else _folder(name) for name in names}
    sections, curves = [], {}
    for name, folder in folders.items():
        if folder is not None and (losses := folder.scalars("loss")):
            curves[name] = losses

        def told(what: str, done: int, total: int, name: str = name) -> None:
            progress(f"{name}: {what}", done, total)

        sections.append(_section(name, folder, count, split, seed, draws, told))
        if sections[-1].reason:
            note(f"{name} was not measured: {sections[-1].reason}")
    environment = Environment(
        loader=PackageLoader("noisette", "evaluation"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    page = environment.get_template("report.html.j2").render(
        sections=sections,
        compared=_compared(sections),
        curves=Markup(as_svg(loss_curves(curves))) if curves else None,
        written=time.strftime("%Y-%m-%d %H:%M"),
        version=__version__,
        command=shlex.join(["noisette", "report", *names, *_options(count, split, seed, draws), "--out", str(out)]),
    )
    write_text(path, page)
    return path


def _folder(name: str) -> Run:
    """Raises RequestError if there is no run."""
    if not Path(name).is_dir():
        load(name)  # says what there is
    return open_run(Path(name))


def _section(
    name: str, run: Run | None, count: int | None, split: str, seed: int, draws: int, progress: Progress
) -> Section:
    found: Tree | None = None
    trial: Trial | None = None
    generator: Generator | None = None
    environment: Tree = {}
    status: Tree = {}
    reason = ""
    try:
        generator = load(name)
        environment, status = (run.environment, run.status) if run is not None else ({}, {})
        trial = put_on_trial(generator, count=count, split=split)
        sampling = trial.generator.choices.sampling()
        found = verdict(trial, sampling, seed=seed, draws=draws, progress=progress)
        images = trial.draw(sampling, seed)
    except NoisetteError as error:
        found, reason = None, str(error)
    shown = _Shown(trial, images) if trial is not None and found is not None else None
    options = _options(count, split, seed, draws)
    train, sweeps = environment.get("command"), _sweeps(name)
    return Section(
        name=name,
        facts=_facts(generator.model.recipe, generator, status, trial) if generator else {},
        environment=_environment(environment),
        commands=[
            *([shlex.join(map(str, train))] if train else []),
            shlex.join(["noisette", "evaluate", name, *options]),
            *(each.command for each in sweeps),
        ],
        reason=reason,
        found=found,
        told=circumstances(found) if found else "",
        figures=rows(found) if found else [],
        left_out=left_out(found) if found else [],
        classes=shown.classes() if shown else [],
        asked=shown.asked() if shown else [],
        right=shown.judged(right=True) if shown else [],
        wrong=shown.judged(right=False) if shown else [],
        counted=shown.counted() if shown else "",
        drawn=shown.drawn() if shown else [],
        neighbours=shown.neighbours() if shown else [],
        by_rarity=bands(found) if found else [],
        by_value=values(found) if found else [],
        sweeps=sweeps,
    )


class _Shown:
    """The pictures of one draw, with what a judge says of each."""

    def __init__(self, trial: Trial, images: Images) -> None:
        self.trial, self.images = trial, images
        self.real = trial.yardstick.real
        self.schema = trial.yardstick.judge.schema
        self.seen, self.as_asked = trial.yardstick.verdicts(images)

    @property
    def _of_classes(self) -> bool:
        """Whether there is but one thing to ask for, such as which digit."""
        attributes = self.schema.attributes
        one = len(attributes) == 1 and isinstance(attributes[0], Choice) and len(attributes[0].values) <= _MOST_CLASSES
        return self.trial.yardstick.asked and one

    def picture(self, place: int, *, text: bool = True) -> Picture:
        if not self.trial.yardstick.asked:
            return _picture(self.images[place])
        faults = ", ".join(faults_of(self.trial.yardstick.showing[place], self.seen[place], self.schema))
        return _picture(
            self.images[place],
            request_text(self.trial, place) if text else "",
            right=bool(self.as_asked[place]),
            faults=faults,
        )

    def classes(self) -> list[tuple[str, list[Picture]]]:
        """The first images of each class."""
        if not self._of_classes:
            return []
        codes = self.real.attributes[:, 0]
        named = enumerate(self.schema.attributes[0].values)
        return [
            (
                str(value),
                [self.picture(int(place), text=False) for place in np.flatnonzero(codes == code)[:_OF_A_CLASS]],
            )
            for code, value in named
        ]

    def asked(self) -> list[tuple[Picture, Picture | None]]:
        """The first requests, not chosen, each beside the one real image that is its answer, where there is but one."""
        if not self.trial.yardstick.asked or self._of_classes:
            return []
        one_answer = "exactness" not in self.trial.yardstick.left_out
        return [
            (self.picture(place), _picture(self.real.images[place]) if one_answer else None)
            for place in range(min(_SHOWN, len(self.images)))
        ]

    def judged(self, *, right: bool) -> list[Picture]:
        """The first that are as asked, or that are not."""
        if not self.trial.yardstick.asked:
            return []
        return [self.picture(int(place)) for place in np.flatnonzero(self.as_asked == right)[:_SHOWN]]

    def counted(self) -> str:
        return f"{int(self.as_asked.sum())} of {len(self.images)} are as asked" if self.trial.yardstick.asked else ""

    def drawn(self) -> list[Picture]:
        """The first images of a run that can be asked for nothing."""
        return (
            []
            if self.trial.yardstick.asked
            else [self.picture(place) for place in range(min(2 * _SHOWN, len(self.images)))]
        )

    def neighbours(self) -> list[tuple[str, list[tuple[Picture, Picture]]]]:
        """The drawn images that are nearest to a training image, beside it: by their pixels, and by what the judge
        makes of them.
        """
        yardstick = self.trial.yardstick
        images = yardstick.palette.snap(self.images) if yardstick.palette else self.images
        places, distances = nearest_images(images, yardstick.train.images)
        by_pixels = self._beside(images, places, distances)
        features = yardstick.judge.features(images)
        places, squared = nearest(features, yardstick.train_features)
        return [
            ("by pixels", by_pixels),
            ("by features", self._beside(images, places, np.sqrt(squared / features.shape[1]))),
        ]

    def _beside(
        self, images: Images, places: NDArray[np.intp], distances: NDArray[np.float64]
    ) -> list[tuple[Picture, Picture]]:
        train = self.trial.yardstick.train.images
        first = np.argsort(distances, kind="stable")[:_NEIGHBOURS]
        return [
            (_picture(images[each], f"distance {distances[each]:.2f}"), _picture(train[places[each]])) for each in first
        ]


def _picture(image: Images, text: str = "", *, right: bool | None = None, faults: str = "") -> Picture:
    """(C, H, W) as it is; the page enlarges it by a whole factor, without smoothing."""
    file = io.BytesIO()
    sheet(image[None]).save(file, format="PNG", optimize=True)
    return Picture(_uri(file.getvalue()), image.shape[2] * max(1, -(-_SIDE // image.shape[2])), text, right, faults)


def _uri(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode()


def _facts(recipe: Recipe, generator: Generator, status: Tree, trial: Trial | None) -> dict[str, str]:
    """What was trained on what."""
    data, diffusion = recipe.dataset, recipe.diffusion
    told = {"size", "background", "hold_out", *(("count", "seed") if data.name == "sprites" else ())}
    wanted = ", ".join(
        f"{key} {value}"
        for key, value in data.model_dump(exclude_none=True, include=told).items()
        if value not in ("", [])
    )
    facts = {
        "recipe": recipe.summary,
        "data": f"{data.name} ({wanted})" if wanted else data.name,
        "trained on": (
            f"{len(trial.yardstick.train):,} images, SHA-256 {trial.yardstick.train.fingerprint[:16]}..."
            if trial
            else ""
        ),
        "network": (
            f"{recipe.network.kind}, {sum(each.numel() for each in generator.network.parameters()):,} parameters"
        ),
        "request": " + ".join(recipe.network.condition) if recipe.conditional else "none: it can be asked for nothing",
        "diffusion": (
            f"{diffusion.schedule} schedule, {diffusion.steps} levels, target {diffusion.target}, {diffusion.weighting}"
            " weighting"
        ),
        "training": (
            f"{generator.step:,} steps of {recipe.training.batch_size} images"
            + (f" in {status['seconds'] / 60:.0f} minutes, {status['state']}" if status.get("seconds") else "")
        ),
        "weights": f"{'averaged' if recipe.training.ema > 0 else 'last'}, SHA-256 {generator.weights[:16]}...",
    }
    return {name: value for name, value in facts.items() if value}


def _environment(environment: Tree) -> dict[str, str]:
    """The machine and the versions that a run was trained with."""
    packages = ", ".join(f"{name} {version}" for name, version in environment.get("packages", {}).items())
    machine = [f"{environment[name]} {name}" for name in ("cores", "threads", "processes") if name in environment]
    facts = {
        "started": environment.get("started", ""),
        "python": environment.get("python", ""),
        "system": environment.get("system", ""),
        "machine": ", ".join([*machine, *([str(environment["device"])] if "device" in environment else [])]),
        "packages": packages,
    }
    return {name: str(value) for name, value in facts.items() if value}


def _options(count: int | None, split: str, seed: int, draws: int) -> list[str]:
    counted = ["--count", str(count)] if count is not None else []
    return [*counted, "--split", split, "--seed", str(seed), "--draws", str(draws)]


def _compared(sections: Sequence[Section]) -> list[tuple[str, list[str]]]:
    """The figures of all runs that were measured: a row each, drawn (and real), a column for each run."""

    def cell(found: Tree | None, path: str) -> str:
        value = find(found["drawn"], path) if found else None
        if found is None or value is None:
            return ""
        spread, real = find(found["spread"], path), beside(found, path)
        return (
            f"{value:.3f}"
            + (f" ± {spread:.3f}" if spread is not None else "")
            + (f" (real {real:.3f})" if real is not None else "")
        )

    table = [(figure.title, [cell(section.found, figure.path) for section in sections]) for figure in FIGURES]
    return [(title, cells) for title, cells in table if set(cells) != {""}]


def _sweeps(name: str) -> list[Sweep]:
    """Those of a run. One that is damaged, or of another version, is left out."""
    found = []
    for path in sorted(sweeps_of(name).glob("*/sweep.json")):
        grid = path.parent / "grid.png"
        try:
            result = json.loads(path.read_text(encoding="utf-8"))
            title = ", ".join(f"{axis}: {', '.join(map(str, each))}" for axis, each in result["over"].items())
            told = f"{title} ({circumstances(result['points'][0], result['over'])})"
            plots = Markup(as_svg(sweep_panels(panels(result))))
            found.append(
                Sweep(
                    told, plots, Picture(_uri(grid.read_bytes()), 0), shlex.join(sweep_command({**result, "run": name}))
                )
            )
        except (OSError, ValueError, LookupError, TypeError):
            continue
    return found
