"""Noisette trains and serves diffusion models for small images with attributes.

import noisette

dataset = noisette.open_dataset("cryptopunks")
run = noisette.train("punks-attributes", budget="30m", out="runs/mine")
generator = noisette.load("runs/mine")              # or noisette.load("punks"), which ships with the package
images = generator.generate({"type": "Female", "Earring": False}, seeds=range(16))    # (16, 3, 24, 24) uint8
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from noisette._version import __version__ as __version__
from noisette.telemetry import switch_off

if TYPE_CHECKING:
    from noisette.data.opening import open_dataset as open_dataset
    from noisette.errors import NoisetteError as NoisetteError
    from noisette.errors import RequestError as RequestError
    from noisette.errors import Stopped as Stopped
    from noisette.evaluation.evaluate import evaluate as evaluate
    from noisette.evaluation.report import report as report
    from noisette.evaluation.sweep import sweep as sweep
    from noisette.evaluation.tuning import tune as tune
    from noisette.inference.loading import load as load
    from noisette.training.distillation import distil as distil
    from noisette.training.start import resume as resume
    from noisette.training.start import train as train

switch_off()

_HOMES = {
    "open_dataset": "noisette.data.opening",
    "train": "noisette.training.start",
    "resume": "noisette.training.start",
    "distil": "noisette.training.distillation",
    "load": "noisette.inference.loading",
    "evaluate": "noisette.evaluation.evaluate",
    "sweep": "noisette.evaluation.sweep",
    "report": "noisette.evaluation.report",
    "tune": "noisette.evaluation.tuning",
    "NoisetteError": "noisette.errors",
    "RequestError": "noisette.errors",
    "Stopped": "noisette.errors",
}
__all__ = [
    "NoisetteError",
    "RequestError",
    "Stopped",
    "distil",
    "evaluate",
    "load",
    "open_dataset",
    "report",
    "resume",
    "sweep",
    "train",
    "tune",
]


def __getattr__(name: str) -> object:
    # Each name is imported when it is first used: `import noisette` and `noisette --help` must not wait for PyTorch.
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *_HOMES]
