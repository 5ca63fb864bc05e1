"""A picture that is drawn again from what it says of itself. Nothing here loads PyTorch before it draws."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from noisette._version import __version__
from noisette.errors import NoisetteError, RequestError
from noisette.files.images import as_png, check_sheet, differing, read_png, sheet
from noisette.files.output import OutputFile
from noisette.inference.loading import planner_of, with_network
from noisette.inference.plan import DrawnBy, Plan
from noisette.inference.planner import Planner
from noisette.progress import Progress, silent
from noisette.store.bundle import Bundle, Weights
from noisette.store.locate import around, find_weights, locate
from noisette.store.naming import name_of
from noisette.store.shipped import Shipped
from noisette.text import plain

_ROUNDING = 2
"""Levels by which a pixel may differ where another engine or processor rounds otherwise."""


@dataclass(frozen=True)
class Remembered:
    """A picture, and what drew it.

    Attributes:
        file: Of the picture.
        picture: Its pixels.
        said: Its plan, as it carries it.
        plan: The same, as the model that is here draws it.
        planner: Of the model.
        weights: Those that drew it.
    """

    file: Path
    picture: Image.Image
    said: Plan
    plan: Plan
    planner: Planner
    weights: Weights


@dataclass(frozen=True)
class Redrawn:
    """A picture that was drawn again.

    Attributes:
        plan: What was drawn, and by what.
        files: The one that was written; none of standard output.
        difference: How it differs from the picture, and why; empty where all pixels are the same.
    """

    plan: Plan
    files: list[Path]
    difference: str

    @property
    def identical(self) -> bool:
        """Whether all pixels are the same."""
        return not self.difference


def remember(file: Path, run: Path | None = None) -> Remembered:
    """Find what drew a picture.

    Args:
        file: A PNG that carries its plan.
        run: The only place where its weights are looked for; wherever they may be unless given.

    Returns:
        The picture with its plan, checked by the model that has its weights.

    Raises:
        RequestError: The picture does not say how it was made, its weights are not here, or it was changed.
        NoisetteError: Its weights are damaged.
    """
    picture, said = read_png(file)
    plan = Plan.from_metadata(said, str(file))
    named = [locate(run)] if run is not None else None

    def among() -> Iterable[Bundle]:
        return around(file, plan.run) if named is None else named

    try:
        found = find_weights(plan.weights, among())  # which looks no further than it must
    except NoisetteError as error:
        raise NoisetteError(f"{file} was drawn by weights that are damaged: {error}") from error
    if found is None:
        raise RequestError(_not_here(file, plan, run, list(among())))
    bundle, weights = found
    planner = planner_of(bundle, weights)
    again = planner.replan(plan)
    check_sheet(len(again.seeds), planner.recipe.dataset.shape[1:], again.scale or 1)
    return Remembered(file, picture, plan, again, planner, weights)


def redraw(
    remembered: Remembered, out: OutputFile, note: Callable[[str], None], progress: Progress = silent
) -> Redrawn:
    """Draw a picture again, by the engine that drew it.

    Args:
        remembered: The picture.
        out: Where the new one goes.
        note: Told what a person should know.
        progress: Called with the steps taken and the steps there are.

    Returns:
        What was drawn, and how it differs.
    """
    engine = remembered.said.drawn_by.engine if remembered.said.drawn_by else ""
    generator = with_network(remembered.planner, remembered.weights).with_engine(engine)
    for text in generator.notes:
        note(text)
    if engine and _name(engine) != _name(generator.engine.label):
        note(f"note: {remembered.file} was drawn by {plain(engine, 60)}, and {generator.engine.label} draws it now")
    plan = generator.recorded(remembered.plan)
    images = generator.draw(plan, progress=progress)
    drawn = sheet(images, columns=plan.columns, scale=plan.scale or 1)
    files = out.write(as_png(drawn, plan.metadata()))
    if remembered.picture.mode == "RGB" and drawn.mode == "RGBA":  # of a version that left the background in
        drawn = sheet(generator.model.as_learned(images), columns=plan.columns, scale=plan.scale or 1)
    return Redrawn(plan, files, _difference(remembered, drawn, plan.drawn_by or DrawnBy()))


def _not_here(file: Path, plan: Plan, run: Path | None, candidates: list[Bundle]) -> str:
    """Which weights are wanted, what is there in their place, and where they were looked for."""
    name = plain(name_of(plan.run), 80)
    drawn = f"{file} was drawn by the weights {plain(plan.weights[:12], 60)} of step {plan.step}"
    if run is not None:
        return f"{drawn} of the run {name}, but {_keeps(candidates[0])}"
    for bundle in candidates:
        if name_of(bundle.name) == name:
            there = _keeps(bundle)
            return f"{drawn}, but {there}; no other run that is near has them; say which one does with --run"
    return (
        f"{drawn} of the run {name}, which no run beside the picture, in the folders above it or under runs/ keeps, and"
        " no model that ships; say where it is with --run"
    )


def _keeps(bundle: Bundle) -> str:
    """What there is in the place of the weights that are wanted."""
    if isinstance(bundle, Shipped):
        try:
            bundle.step_of("")
        except NoisetteError as error:
            return f"what the {bundle.name} of noisette {__version__} has cannot be told: {error}"
        return f"the {bundle.name} of noisette {__version__} has others"
    try:
        steps = bundle.steps
    except NoisetteError as error:
        return f"in {bundle.name}: {error}"
    kept = ", ".join(map(str, steps))
    return (
        f"{bundle.name} keeps those of step {kept} alone (training.keep says how many)"
        if kept
        else f"{bundle.name} keeps none"
    )


def _difference(remembered: Remembered, drawn: Image.Image, now: DrawnBy) -> str:
    """How a picture differs from the new one, and what is to blame; empty where it does not."""
    picture = remembered.picture
    if picture.size != drawn.size:
        (width, height), (wide, high) = picture.size, drawn.size
        return f"it has {width}x{height} pixels and was drawn with {wide}x{high}: it was cropped or scaled"
    count, levels = differing(picture, drawn)
    if not count:
        return ""
    pixels = f"{count:,} of {picture.width * picture.height:,} pixels differ, by up to {levels} of 255"
    return f"{pixels}: {_blame(remembered.said.drawn_by, now, remembered.planner.notes, levels)}"


def _blame(then: DrawnBy | None, now: DrawnBy, notes: Sequence[str], levels: int) -> str:
    """Why pixels differ.

    Args:
        then: What drew the picture; None where it does not say.
        now: What drew it again.
        notes: What is known of the model, such as that its recipe was edited.
        levels: By which pixels differ at most.
    """
    others = (
        [
            f"{name} {plain(old, 60)} then, {new} now"
            for name, old, new in (
                ("noisette", then.noisette, now.noisette),
                ("engine", then.engine, now.engine),
                ("PyTorch", then.pytorch, now.pytorch),
                ("machine", then.machine, now.machine),
            )
            if old != new
        ]
        if then is not None
        else []
    )
    if others or notes:
        changed = "" if notes or levels <= _ROUNDING else ", or the picture was changed"
        return f"what draws it is not what it was ({'; '.join([*notes, *others])}){changed}"
    if then is None:
        return "it does not say what drew it; another version, engine or machine may round otherwise, or it was changed"
    if levels <= _ROUNDING:
        return "the same versions drew it, on a processor that rounds otherwise, or it was changed"
    return "the same versions drew it on such a machine, so the picture was changed after it was drawn"


def _name(engine: str) -> str:
    return engine.partition(" ")[0]
