"""A trained run that answers requests."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from noisette.config import EXCLUSION, SamplerName, SpacingName
from noisette.data.attributes import UNKNOWN, AttributeSchema, Value
from noisette.data.completion import Completion
from noisette.data.palette import MOST_COLOURS, Palette
from noisette.data.pixels import OnPalette
from noisette.data.requests import Condition, attribute_behind, places, understand
from noisette.data.statistics import Statistics
from noisette.diffusion.samplers import OnStep, ignore
from noisette.engine import Engine, in_onnxruntime, in_pytorch
from noisette.errors import RequestError, nearest
from noisette.model import Model, assemble, batches
from noisette.quality import Qualities, Quality, QualityName, read_qualities
from noisette.sampling import CHURNED, Guidance, Sampling, Variation, usual_sampling
from noisette.shipped import means_shipped, open_shipped, shipped_names
from noisette.training.run import open_run

Preview = Callable[[NDArray[np.uint8], NDArray[np.uint8], int], None]
"""Called at each step of each batch with xt and x0_hat as bytes, (B, C, H, W) each, and the number of the step, from 1."""

OnProgress = Callable[[int, int], None]
"""Called after each step with the steps taken, over all batches, and the steps there are."""


_MOST_STEPS = 10_000
"""Of a continuous schedule: far past any use, and a picture cannot ask for an endless drawing."""

_STRONGEST = 100.0
_OF_STUDENTS = ("ddim", "lcm")
"""Samplers for a student: they ask for its image at the few levels that it learned, and for nothing between."""

Asked = str | Mapping[str, Any]
"""A request such as "Male, Big Shades, no Earring", or {"type": "Female", "Earring": False}."""


@dataclass(frozen=True, repr=False)
class Generator:
    """A loaded run or shipped model: its averaged weights, ready to draw.

    name: the folder of the run, or the name of the model. palette: the colours of its data, where they are few. step: of the
    training. weights: the SHA-256 of their file, which says exactly what drew an image. qualities: settings that were found to be enough.
    """

    name: str
    model: Model
    network: nn.Module
    statistics: Statistics
    palette: Palette | None
    step: int
    weights: str
    notes: tuple[str, ...] = ()
    qualities: Qualities | None = None

    def __repr__(self) -> str:
        return f"Generator({self.name!r}, step {self.step:,}, {self.model.side}x{self.model.side}, weights {self.weights[:12]})"

    @property
    def schema(self) -> AttributeSchema:
        """What can be asked for; nothing of a run that was trained without attributes."""
        return self.model.schema if self.model.recipe.conditional else AttributeSchema()

    def sampling(
        self,
        sampler: str | None = None,
        steps: int | None = None,
        eta: float | None = None,
        *,
        guidance: float | None = None,
        interval: tuple[float, float] | None = None,
        rescale: float | None = None,
        weights: Mapping[str, float] | None = None,
        excluded: Mapping[str, float] | None = None,
        complete: bool | None = None,
        spacing: str | None = None,
        churn: float | None = None,
        quality: str | None = None,
    ) -> Sampling:
        """What is given, and what the recipe says for the rest, or else the table of qualities. Raises RequestError where it cannot be."""
        usual = usual_sampling(self.model.recipe.samples)
        if quality is not None:
            enough = self._quality(quality)
            guidance_ = replace(usual.guidance, scale=enough.guidance)
            usual = replace(usual, sampler=enough.sampler, steps=enough.steps, spacing=enough.spacing, eta=0.0, churn=0.0, guidance=guidance_)
        name = _one_of("sampler", usual.sampler if sampler is None else sampler, get_args(SamplerName))
        places_ = _one_of("spacing", usual.spacing if spacing is None else spacing, get_args(SpacingName))
        steps = None if steps is None else _whole("steps", steps)
        eta = None if eta is None else _number("eta", eta)
        churn = None if churn is None else _number("churn", churn)
        if eta is not None and name != "ddim":
            raise RequestError(f"eta is a setting of ddim; {name} has none")
        if eta is not None and not 0 <= eta <= 1:
            raise RequestError(f"eta must lie between 0 and 1, not {eta:g}")
        if churn is not None and name not in CHURNED:
            raise RequestError(f"churn is a setting of {' and '.join(CHURNED)}; {name} has none")
        if churn is not None and not 0 <= churn < math.inf:
            raise RequestError(f"churn must be 0 or more, and finite, not {churn:g}")
        count = usual.steps if steps is None else steps
        most = self.model.schedule.steps
        if not 1 <= count <= (most or _MOST_STEPS):
            allowed = f"1 to {most or _MOST_STEPS}" + (", the noise levels of this model" if most else "")
            raise RequestError(f"steps must be {allowed}, not {count}")
        student = self.model.recipe.distillation
        if student is not None and (name not in _OF_STUDENTS or places_ != "time" or student.evaluations % count):
            learned = f"{student.evaluations} level{'s evenly in time' if student.evaluations > 1 else ''}"
            raise RequestError(f"{self.name} is a student of {learned}; draw in as many steps, or a part of them, by {' or '.join(_OF_STUDENTS)}")
        guides = Guidance(
            usual.guidance.scale if guidance is None else _number("guidance", guidance),
            usual.guidance.interval if interval is None else _pair(interval),
            usual.guidance.rescale if rescale is None else _number("rescale", rescale),
            self._once("weights", weights, self._weighted),
            self._once("excluded", excluded, self._excluded),
        )
        self._check(guides)
        if complete is not None and not isinstance(complete, bool):
            raise RequestError(f"complete is True or False, not {complete!r}")
        if complete and not self.model.recipe.conditional:
            raise RequestError(f"{self.name} was trained without attributes, so no request can be completed; leave complete out")
        eta = (usual.eta if eta is None else eta) if name == "ddim" else float(name == "ddpm")
        churn = (usual.churn if churn is None else churn) if name in CHURNED else 0.0
        filled = self.model.recipe.conditional and (usual.complete if complete is None else complete)
        return Sampling(name, count, eta, guides, filled, places_, churn)  # type: ignore[arg-type]

    def _quality(self, name: str) -> Quality:
        chosen = _one_of("quality", name, get_args(QualityName))
        if self.qualities is None:
            raise RequestError(f"{self.name} has no table of qualities for its weights; `noisette tune {self.name}` makes one, or say --steps")
        return self.qualities.named(chosen)  # type: ignore[arg-type]

    @staticmethod
    def _once(what: str, amounts: Mapping[str, float] | None, meaning: Callable[[str], str]) -> dict[str, float]:
        """By what each name stands for. Raises RequestError where two stand for the same."""
        if not isinstance(amounts, Mapping | None):
            raise RequestError(f"{what} map names to numbers, such as {{'Earring': 2}}, not {type(amounts).__name__}")
        found: dict[str, tuple[str, float]] = {}
        for name, amount in (amounts or {}).items():
            if not isinstance(name, str):
                raise RequestError(f"the names in {what} are text, not {name!r}")
            if (meant := meaning(name)) in found:
                raise RequestError(f"{found[meant][0]} and {name} stand for the same; give one of them")
            found[meant] = name, _number(name, amount)
        return {meant: amount for meant, (_, amount) in found.items()}

    def _weighted(self, name: str) -> str:
        """A group is followed as one."""
        attribute = attribute_behind(name, self.schema)
        return next((group.name for group in self.schema.groups if attribute in group.members), attribute)

    def _excluded(self, name: str) -> str:
        """A flag by its name, an option with its choice: Beard=None."""
        [(attribute, value)] = places([name], self.schema)
        return attribute if value is True else f"{attribute}={value}"

    @staticmethod
    def variation(around: tuple[int, float] | None) -> Variation | None:
        """A seed, and how far from its image. Raises RequestError where it cannot be."""
        if around is None:
            return None
        if not isinstance(around, Sequence) or isinstance(around, str) or len(around) != 2:
            raise RequestError(f"a variation is a seed and a strength from 0 to 1, such as (7, 0.3), not {around!r}")
        [seed], strength = _seeds([around[0]]), _number("the strength of a variation", around[1])
        if not 0 <= strength <= 1:
            raise RequestError(f"the strength of a variation lies between 0, the same image, and 1, any other; not {strength:g}")
        return Variation(seed, strength)

    def check_guidance(self, guidance: Guidance, values: Mapping[str, Value], *, alone: bool = True) -> None:
        """Raises RequestError for guidance that works against what is asked for, or, of a request alone, has nothing to work on."""
        for name in guidance.excluded:
            flag, _, option = name.partition("=")
            if values.get(flag) == (option or True):
                raise RequestError(f"{name} is excluded, and is asked for or follows from what is; drop one")
        mentioned = {self._weighted(name) for name in values}
        for name in guidance.weights if alone else ():
            if name not in mentioned:
                raise RequestError(f"{name} has a weight, but nothing is asked of it; ask for it, or leave the weight out")

    def _check(self, guidance: Guidance) -> None:
        low, high = guidance.interval
        for name, amount in {"guidance": guidance.scale, **guidance.weights}.items():
            if not 0 <= amount <= _STRONGEST:
                raise RequestError(f"{name} = {amount:g}: a scale lies between 0 and {_STRONGEST:g}, and 1 is the plain request")
        for name, amount in guidance.excluded.items():
            if not 0 <= amount <= _STRONGEST:
                raise RequestError(f"{name} = {amount:g}: the strength of an exclusion lies between 0 and {_STRONGEST:g}; {EXCLUSION} is a start")
        if not 0 <= low <= high <= 1:
            raise RequestError(f"guidance works between two noise levels from 0 to 1, the lower first, not {low:g} and {high:g}")
        if not 0 <= guidance.rescale <= 1:
            raise RequestError(f"rescale must lie between 0 and 1, not {guidance.rescale:g}")
        if not self.model.recipe.conditional and guidance != Guidance():
            raise RequestError(f"{self.name} was trained without attributes, so there is nothing to guide by; leave guidance out")
        condition = self.model.recipe.condition
        if condition.drop_all == 0 and guidance.scale != 1:
            raise RequestError(f"{self.name} never learned to draw without a request (condition.drop_all = 0), which guidance needs; use 1")
        if guidance.weights and (condition.null == "single" or condition.drop_each == 0) and len(self.schema.attributes) > 1:
            raise RequestError(f"{self.name} never learned to forget one attribute (condition.drop_each = 0); leave the weights out")

    def understand(self, request: Asked, *, only: bool = False, allow_unseen: bool = False, complete: bool = False) -> Condition:
        """What a request means to this model; see `noisette.data.requests.understand`. complete: whether what it leaves open will be filled in."""
        if not self.model.recipe.conditional:
            asked = ", ".join(map(str, request)) if isinstance(request, Mapping) else str(request)
            raise RequestError(f"{self.name} was trained without attributes, so it cannot be asked for {asked or 'any'}")
        condition = understand(request, self.schema, self.statistics, only=only, allow_unseen=allow_unseen)
        if self.model.recipe.condition.drop_each == 0 and UNKNOWN in condition.row and condition.values and not complete:
            note = (
                f"{self.name} was only trained on whole requests (condition.drop_each = 0): what is not mentioned may come out as absent, "
                "unless it is filled in (--complete)"
            )
            condition = replace(condition, notes=(*condition.notes, note))
        return condition

    def random_request(self, seed: int, *, without: Collection[str] = ()) -> dict[str, Value]:
        """A plausible request, all attributes known, drawn from the statistics of the data. seed: 0 or more. without: flags or options it has not."""
        if not isinstance(seed, int | np.integer) or seed < 0:
            raise RequestError(f"a seed must be a whole number, 0 or more, not {seed!r}")
        if not self.model.recipe.conditional:
            raise RequestError(f"{self.name} was trained without attributes, so no request can be drawn")
        return self._completion.random_request(int(seed), without=places(without, self.schema))

    @cached_property
    def engine(self) -> Engine:
        """What evaluates the network: ONNX Runtime where it can, else PyTorch."""
        model = self.model
        recipe = model.recipe
        facts = {
            "weights": self.weights,
            "averaged": recipe.training.ema > 0,
            "network": recipe.network.model_dump(),
            "diffusion": recipe.diffusion.model_dump(),
            "condition": recipe.condition.null,
            "schema": model.schema.fingerprint,
            "palette": model.colours_learned,
        }
        shape = (model.space.channels, model.side, model.side)
        try:
            return in_onnxruntime(self.network, model.objective, shape, len(self.schema.attributes), facts)
        except Exception:  # an exporter has as many errors as there are operations; what it cannot have is drawn all the same, and `name` tells
            return in_pytorch(self.network, model.objective)

    @cached_property
    def _completion(self) -> Completion:
        return Completion(self.schema, self.statistics)

    def generate(
        self,
        request: Asked | Sequence[Asked] | None = None,
        *,
        seeds: Sequence[int],
        only: bool = False,
        allow_unseen: bool = False,
        sampler: str | None = None,
        steps: int | None = None,
        eta: float | None = None,
        guidance: float | None = None,
        interval: tuple[float, float] | None = None,
        rescale: float | None = None,
        weights: Mapping[str, float] | None = None,
        excluded: Mapping[str, float] | None = None,
        complete: bool | None = None,
        spacing: str | None = None,
        churn: float | None = None,
        quality: str | None = None,
        variation: tuple[int, float] | None = None,
        palette: bool = False,
        preview: Preview | None = None,
        progress: OnProgress | None = None,
    ) -> NDArray[np.uint8]:
        """Draw one image for each seed: (len(seeds), C, H, W) uint8.

        An image depends on its own seed and request alone, not on those beside it.

        request: for all images, or one for each; what it does not mention is open. only: but flags it does not mention are
        absent. allow_unseen: ask for what the data never show together. seeds: 0 or more, below 2**63. sampler, steps, spacing, eta, churn,
        guidance (a scale, 1 is plain; another costs two evaluations a step, in one batch), interval, rescale: as in the run's
        recipe unless given, or as the table of `quality` ("fast", "balanced" or "best") says. weights: attributes with another scale
        than the rest. excluded: flags or options to keep away from, and how strongly (0.3 is a start). complete: what a request leaves
        open is first drawn from what the data have together, by the seed of the image, or else is left to the network; as in the recipe.
        variation: a seed, and how far from its image, 0 to 1, the images go, each towards its own seed's. palette: each pixel goes to
        the nearest colour of the data.
        preview, progress: see each step, before that.

        Raises RequestError for settings that cannot be, and for requests that this model cannot understand.
        """
        chosen = self.sampling(
            sampler,
            steps,
            eta,
            guidance=guidance,
            interval=interval,
            rescale=rescale,
            weights=weights,
            excluded=excluded,
            complete=complete,
            spacing=spacing,
            churn=churn,
            quality=quality,
        )
        rows = None
        if request is not None:
            seeds = _seeds(seeds)
            alone = isinstance(request, str | Mapping) or not isinstance(request, Sequence)
            requests: list[Any] = [request] if alone else list(request)
            asked = [self.understand(each, only=only, allow_unseen=allow_unseen, complete=chosen.complete) for each in requests]
            for each in asked:
                self.check_guidance(chosen.guidance, each.values, alone=alone)
            if not alone and len(asked) != len(seeds):
                raise RequestError(f"there are {len(asked)} requests for {len(seeds)} seeds; give one for each, or one for all")
            rows = np.stack([each.row for each in (asked * len(seeds) if alone else asked)])
        else:
            if only:
                raise RequestError("only goes with a request: but for what it mentions, nothing is worn")
            self.check_guidance(chosen.guidance, {})
        return self.draw(rows, seeds, chosen, variation=self.variation(variation), palette=palette, preview=preview, progress=progress)

    def draw(
        self,
        rows: NDArray[np.int16] | None,
        seeds: Sequence[int],
        sampling: Sampling,
        *,
        variation: Variation | None = None,
        palette: bool = False,
        preview: Preview | None = None,
        progress: OnProgress | None = None,
    ) -> NDArray[np.uint8]:
        """The same from rows of an attribute table, (len(seeds), A); None asks for nothing at all. What they leave open is `completed` first."""
        seeds = _seeds(seeds)
        rows = self.completed(rows, seeds, sampling, variation=variation)
        if rows is None and self.model.recipe.conditional and self.model.recipe.condition.drop_all == 0:
            raise RequestError(f"{self.name} never learned to draw without a request (condition.drop_all = 0); ask for something")
        if palette and self.palette is None:
            raise RequestError(f"{self.name} knows no palette: its data are grey, or have more than {MOST_COLOURS:,} colours; leave the palette out")
        watched = self._watched(preview, progress, sampling.steps, len(seeds))
        images = self.model.draw(self.engine, seeds, sampling, rows, variation=variation, on_step=watched).numpy()
        return self.palette.snap(images) if palette and self.palette else images

    def completed(
        self, rows: NDArray[np.int16] | None, seeds: Sequence[int], sampling: Sampling, *, variation: Variation | None = None
    ) -> NDArray[np.int16] | None:
        """What is drawn for these rows, (len(seeds), A): where the sampling says so, with nothing left open.

        What is filled in is each image's by its seed; of a variation in part as the image has it that it is around.
        """
        if not sampling.complete:
            return rows
        if rows is None:
            rows = np.full((len(seeds), len(self.schema.attributes)), UNKNOWN, dtype=np.int16)
        without = places(sampling.guidance.excluded, self.schema)

        def fill(row: NDArray[np.int16], seed: int) -> NDArray[np.int16]:
            return self._completion.fill(row, np.random.default_rng([seed, 0]), without=without)

        def kept(row: NDArray[np.int16], seed: int, around: Variation) -> NDArray[np.int16]:
            return self._completion.keep(row, fill(row, around.of), 1 - around.strength, np.random.default_rng([seed, 1]))

        if variation is not None:
            rows = np.stack([kept(row, seed, variation) for row, seed in zip(rows, seeds, strict=True)])
        return np.stack([fill(row, seed) for row, seed in zip(rows, seeds, strict=True)])

    def _watched(self, preview: Preview | None, progress: OnProgress | None, steps: int, images: int) -> OnStep:
        if preview is None and progress is None:
            return ignore
        space, taken = self.model.space, 0
        noisy = space.off_palette if isinstance(space, OnPalette) else space.decode

        def on_step(xt: torch.Tensor, x0: torch.Tensor, level: object) -> None:
            nonlocal taken
            if preview is not None:
                preview(noisy(xt).cpu().numpy(), space.decode(x0).cpu().numpy(), taken % steps + 1)
            taken += 1
            if progress is not None:
                progress(taken, steps * batches(images))

        return on_step


def _seeds(seeds: Any) -> list[int]:
    """Raises RequestError for anything but whole numbers that a generator of random numbers takes."""
    if not isinstance(seeds, Sequence | np.ndarray) or isinstance(seeds, str | bytes):
        raise RequestError(f"seeds are a sequence of whole numbers, one for each image, such as range(4), not {seeds!r}")
    if not len(seeds):
        raise RequestError("give at least one seed")
    if not all(isinstance(seed, int | np.integer) and 0 <= seed < 2**63 for seed in seeds):
        raise RequestError("a seed must be a whole number, 0 or more, and below 2**63")
    return [int(seed) for seed in seeds]


def _one_of(what: str, name: Any, names: Sequence[str]) -> str:
    if not isinstance(name, str):
        raise RequestError(f"a {what} is a name, not {name!r}")
    if name not in names:
        raise RequestError(f'no {what} "{name}"{nearest(name, names)}; there are {", ".join(names)}')
    return name


def _whole(name: str, value: Any) -> int:
    if not isinstance(value, int | np.integer) or isinstance(value, bool):
        raise RequestError(f"{name} must be a whole number, not {value!r}")
    return int(value)


def _number(name: str, value: Any) -> float:
    if not isinstance(value, int | float | np.integer | np.floating) or isinstance(value, bool):
        raise RequestError(f"{name} must be a number, not {value!r}")
    try:
        return float(value)
    except OverflowError as error:
        raise RequestError(f"{name} is too large") from error


def _pair(interval: Any) -> tuple[float, float]:
    if not isinstance(interval, Sequence) or isinstance(interval, str) or len(interval) != 2:
        raise RequestError(f"interval is two noise levels from 0 to 1, such as (0.2, 0.8), not {interval!r}")
    low, high = (_number("interval", level) for level in interval)
    return low, high


def load(run: str | Path, *, step: int | None = None) -> Generator:
    """Load the run in a folder, with its averaged weights from the newest checkpoint that is whole; or a shipped model.

    run: a folder, or the name of a model that ships with the package. A folder of that name in the current one wins.
    step: of another checkpoint that is kept. Raises RequestError if there is neither, or no checkpoint yet, or none of that
    step; NoisetteError if all are damaged.
    """
    if not isinstance(run, str | Path):
        raise RequestError(f"a run is named by its folder or by the name of a model, not {run!r}")
    if means_shipped(run):
        if step is not None:
            raise RequestError(f"{run} ships with its last weights alone; leave the step out")
        return _shipped(str(run))
    if not Path(run).is_dir():
        raise RequestError(
            f"no folder {run}, and no model of that name ships with noisette{nearest(str(run), shipped_names())}; "
            f"there are {', '.join(shipped_names()) or 'none'}, and the folders that `noisette train` made"
        )
    opened = open_run(Path(run))
    model = assemble(opened.recipe, opened.schema, opened.palette)
    checkpoint, notes = opened.checkpoint(step)
    if checkpoint is None:
        raise RequestError(f"{run} has no checkpoint yet; train on with `noisette resume {run}`")
    tensors = checkpoint.tensors("average" if model.recipe.training.ema > 0 else "network")
    network = _with_weights(model, tensors, checkpoint.state, str(checkpoint.path), str(run))
    notes = [f"{note}; using an older one" for note in notes]
    opened.statistics.check(model.schema)
    weights = checkpoint.entry.sha256
    table, more = read_qualities(opened.folder, weights)
    return Generator(str(run), model, network, opened.statistics, opened.palette, checkpoint.entry.step, weights, (*notes, *more), table)


def _shipped(name: str) -> Generator:
    shipped = open_shipped(name)
    model = assemble(shipped.recipe, shipped.schema, shipped.palette)
    tensors = {key: tensor.float() for key, tensor in shipped.tensors.items()}
    network = _with_weights(model, tensors, shipped.learned, "weights.safetensors", name)
    return Generator(name, model, network, shipped.statistics, shipped.palette, shipped.step, shipped.sha256, (), shipped.qualities)


def _with_weights(model: Model, tensors: Mapping[str, torch.Tensor], learned: Mapping[str, Any], weights: str, name: str) -> nn.Module:
    """The model's network with these weights, ready to draw. learned: fingerprints of the schema and palette they were trained under, if known."""
    strangers = f"the weights in {weights} do not fit the recipe, schema and palette of {name}: one of them is of another run or version"
    network = model.network()
    try:
        network.load_state_dict(dict(tensors))
    except RuntimeError as error:
        raise RequestError(strangers) from error
    for what, now in (("schema", model.schema.fingerprint), ("palette", model.colours_learned)):
        if learned.get(what) not in ("", None, now):
            raise RequestError(strangers)
    return network.requires_grad_(False).eval()
