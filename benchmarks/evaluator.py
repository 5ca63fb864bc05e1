"""What time_to_quality.py and ablations.py share: training into a folder, and measuring networks in PyTorch.

The metrics are read off the images of whole requests: the attribute classifier reads what was drawn, and the real image
of the same request says which pixels are right, after each has gone to the nearest colour of the data.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pages import machine

import noisette
from noisette.cli.display import drawing, training
from noisette.config.sampling import SamplingSettings
from noisette.data.dataset import Dataset
from noisette.data.palette import palette_of
from noisette.evaluation.attribute_accuracy import attribute_accuracy
from noisette.evaluation.classifiers import find_classifier, fit_and_keep
from noisette.evaluation.pixel_accuracy import pixel_accuracy
from noisette.files.atomic import write_text
from noisette.inference.generator import in_memory
from noisette.model import Model
from noisette.networks.base import Network
from noisette.sampling.resolve import nfe


def plain(steps: int, guidance: float = 1.0) -> SamplingSettings:
    """Deterministic DDIM, evenly in time, whatever a recipe says of sampling."""
    return SamplingSettings.of(
        sampler="ddim",
        steps=steps,
        spacing="time",
        eta=0.0,
        guidance=guidance,
        interval=(0.0, 1.0),
        rescale=0.0,
        impute=False,
    )


FLAGSHIP = plain(10)
"""How the flagship is drawn."""


class Evaluator:
    """Draws requests of the validation split and measures; keeps the results in a file.

    Attributes:
        results: by what was trained, then by minutes of training.
    """

    def __init__(self, dataset: Dataset, file: Path) -> None:
        """Find the classifier, and the results that there are.

        Args:
            dataset: all of it.
            file: JSON, for the results; what is in it already is not measured again.
        """
        self.validation, self.palette = dataset.split("validation"), palette_of(dataset.split("train").images)
        train = dataset.split("train")
        self._classifier = find_classifier(train, dataset.name) or fit_and_keep(train)[0]
        self._file = file
        self.results: dict[str, dict[str, Any]] = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}

    def has(self, name: str, minutes: float, training: float) -> bool:
        """Whether there are results after so many minutes of a training that lasted so many in all."""
        return bool(self.results.get(name, {}).get(f"{minutes:g}", {}).get("training") == training)

    def measure(
        self,
        name: str,
        minutes: float,
        training: float,
        model: Model,
        network: Network,
        step: int,
        settings: Sequence[SamplingSettings],
        requests: int,
    ) -> None:
        """Keep the best of what these settings draw, by the exact set.

        Args:
            name: of what was trained.
            minutes: of training so far.
            training: minutes in all.
            model: that is drawn with.
            network: with its weights.
            step: of the training.
            settings: each is tried.
            requests: the first so many of the validation split.
        """
        tried = [self._metrics(model, network, each, requests, f"{name} at {minutes:g} min") for each in settings]
        best = max(tried, key=lambda metrics: (metrics["exact set"], metrics["whole"]))
        result = {"training": training, "step": step, **best, "machine": machine()}
        self.results.setdefault(name, {})[f"{minutes:g}"] = result
        write_text(self._file, json.dumps(self.results, indent=1) + "\n")
        print(f"{name:20} {minutes:4g} min, step {step:6,}: {best}", flush=True)

    def _metrics(
        self, model: Model, network: Network, settings: SamplingSettings, requests: int, title: str
    ) -> dict[str, Any]:
        codes, real = self.validation.attributes[:requests], self.validation.images[:requests]
        generator = in_memory(model, network.eval())
        plan = generator.plan(codes, seeds=range(requests), settings=settings)
        started = time.perf_counter()
        with drawing(title) as progress:
            images = generator.draw(plan, progress=progress)
        spent = time.perf_counter() - started
        seen = attribute_accuracy(codes, self._classifier.read(images), self.validation.schema)
        pixels = pixel_accuracy(self.palette.snap(images) if self.palette else images, real)
        return {
            "exact set": seen.exact,
            "recall": seen.recall,
            "whole": pixels.whole,
            "pixels": pixels.pixels,
            "real": attribute_accuracy(codes, self._classifier.read(real), self.validation.schema).exact,
            "requests": requests,
            "nfe": nfe(plan.sampling, model.recipe),
            "guidance": plan.sampling.guidance.scale,
            "seconds an image": round(spent / requests, 3),
        }


def train_to(recipe: str, folder: Path, minutes: float, settings: Sequence[str]) -> None:
    """Train into a folder, or go on there; tells how long that took, all in all."""
    began = time.monotonic()
    with training(folder.name) as (callback, _):
        if folder.exists():
            noisette.resume(folder, callback=callback)
        else:
            noisette.train(recipe, out=folder, budget=f"{minutes:g}m", settings=settings, callback=callback)
    print(f"{folder}: {(time.monotonic() - began) / 60:.1f} min in all", flush=True)
