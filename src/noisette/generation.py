"""A trained run that answers requests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from noisette.diffusion.samplers import OnStep, ignore
from noisette.errors import NoisetteError, RequestError, nearest
from noisette.model import Model, SamplerName, Sampling, assemble, batches
from noisette.training.run import Run, open_run

Preview = Callable[[NDArray[np.uint8], NDArray[np.uint8], int], None]
"""Called at each step of each batch with xt and x0_hat as bytes, (B, C, H, W) each, and the number of the step, from 1."""

OnProgress = Callable[[int, int], None]
"""Called after each step with the steps taken, over all batches, and the steps there are."""


_MOST_STEPS = 10_000
"""Of a continuous schedule: far past any use, and a picture cannot ask for an endless drawing."""


@dataclass(frozen=True)
class Generator:
    """A loaded run: its averaged weights, ready to draw.

    weights: the SHA-256 of the checkpoint, which says exactly what drew an image.
    """

    run: Run
    model: Model
    network: nn.Module
    step: int
    weights: str
    notes: tuple[str, ...] = ()

    def sampling(self, sampler: str | None = None, steps: int | None = None, eta: float | None = None) -> Sampling:
        """What is given, and what the recipe says for the rest. Raises RequestError where it cannot be."""
        usual = self.model.recipe.samples
        name = sampler or usual.sampler
        if name not in get_args(SamplerName):
            raise RequestError(f'no sampler "{name}"{nearest(name, get_args(SamplerName))}; there are {", ".join(get_args(SamplerName))}')
        if eta is not None and name != "ddim":
            raise RequestError(f"eta is a setting of ddim; {name} has none")
        if eta is not None and not 0 <= eta <= 1:
            raise RequestError(f"eta must lie between 0 and 1, not {eta:g}")
        count = usual.steps if steps is None else steps
        most = self.model.schedule.steps
        if not 1 <= count <= (most or _MOST_STEPS):
            allowed = f"1 to {most or _MOST_STEPS}" + (", the noise levels of this model" if most else "")
            raise RequestError(f"steps must be {allowed}, not {count}")
        return Sampling(name, count, (usual.eta if eta is None else eta) if name == "ddim" else 1.0)  # type: ignore[arg-type]

    def generate(
        self,
        request: Mapping[str, Any] | None = None,
        *,
        seeds: Sequence[int],
        sampler: str | None = None,
        steps: int | None = None,
        eta: float | None = None,
        preview: Preview | None = None,
        progress: OnProgress | None = None,
    ) -> NDArray[np.uint8]:
        """Draw one image for each seed: (len(seeds), C, H, W) uint8.

        An image depends on its own seed alone, not on those beside it. seeds: 0 or more, below 2**63. sampler, steps,
        eta: as in the run's recipe unless given. preview, progress: see each step.

        Raises RequestError for settings that cannot be, and for a request: this run knows no attributes.
        """
        if request:
            raise RequestError(f"{self.run.folder} was trained without attributes, so it cannot be asked for {', '.join(request)}")
        if not len(seeds):
            raise RequestError("give at least one seed")
        if min(seeds) < 0 or max(seeds) >= 2**63:
            raise RequestError("a seed must be 0 or more, and below 2**63")
        chosen = self.sampling(sampler, steps, eta)
        return self.model.draw(self.network, seeds, chosen, on_step=self._watched(preview, progress, chosen.steps, len(seeds))).numpy()

    def _watched(self, preview: Preview | None, progress: OnProgress | None, steps: int, images: int) -> OnStep:
        if preview is None and progress is None:
            return ignore
        decode, taken = self.model.space.decode, 0

        def on_step(xt: torch.Tensor, x0: torch.Tensor, level: object) -> None:
            nonlocal taken
            if preview is not None:
                preview(decode(xt).cpu().numpy(), decode(x0).cpu().numpy(), taken % steps + 1)
            taken += 1
            if progress is not None:
                progress(taken, steps * batches(images))

        return on_step


def load(run: str | Path) -> Generator:
    """Load the run in a folder, with its averaged weights from the newest checkpoint that is whole.

    Raises RequestError if there is no run, or none with a checkpoint yet; NoisetteError if all are damaged.
    """
    opened = open_run(Path(run))
    model = assemble(opened.recipe)
    checkpoint, notes = opened.checkpoint()
    if checkpoint is None:
        raise RequestError(f"{run} has no checkpoint yet; train on with `noisette resume {run}`")
    network = model.network()
    part = "average" if model.recipe.training.ema > 0 else "network"
    try:
        network.load_state_dict(checkpoint.tensors(part))
    except RuntimeError as error:
        raise NoisetteError(f"the weights in {checkpoint.path} do not fit the recipe in {run}: one of them is of another run or version") from error
    network.requires_grad_(False).eval()
    return Generator(opened, model, network, checkpoint.entry.step, checkpoint.entry.sha256, tuple(f"{note}; using an older one" for note in notes))
