"""Noisette trains and serves diffusion models for small images with attributes.

Everything that a program needs is imported from here; the other modules may change from one version to the next.

Examples:
    A model that ships with the package draws at once:

    >>> import noisette
    >>> generator = noisette.load("punks")
    >>> images = generator.generate({"type": "Female", "Earring": False}, seeds=range(4), steps=2)
    >>> images.shape, images.dtype
    ((4, 4, 24, 24), dtype('uint8'))

    A training writes a run folder, which is loaded in the same way:

    >>> run = noisette.train("digits", budget="10m", out="runs/mine")  # doctest: +SKIP
    >>> generator = noisette.load("runs/mine")  # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from noisette._version import __version__ as __version__
from noisette.files.cache import keep_libraries_in_cache
from noisette.telemetry import switch_off
from noisette.threads import wait_briefly

if TYPE_CHECKING:
    from noisette.attributes.parsing import ParsedRequest as ParsedRequest
    from noisette.attributes.schema import Attribute as Attribute
    from noisette.attributes.schema import AttributeSchema as AttributeSchema
    from noisette.attributes.schema import Choice as Choice
    from noisette.attributes.schema import Flag as Flag
    from noisette.attributes.schema import Group as Group
    from noisette.attributes.schema import Range as Range
    from noisette.attributes.schema import Value as Value
    from noisette.attributes.statistics import Statistics as Statistics
    from noisette.config.recipe import Recipe as Recipe
    from noisette.config.recipe import load_recipe as load_recipe
    from noisette.config.sampling import GuidanceSettings as GuidanceSettings
    from noisette.config.sampling import SamplingSettings as SamplingSettings
    from noisette.config.sections import ConditionConfig as ConditionConfig
    from noisette.config.sections import DatasetConfig as DatasetConfig
    from noisette.config.sections import DiffusionConfig as DiffusionConfig
    from noisette.config.sections import DistillationConfig as DistillationConfig
    from noisette.config.sections import ReportUNetConfig as ReportUNetConfig
    from noisette.config.sections import SamplesConfig as SamplesConfig
    from noisette.config.sections import SimpleUNetConfig as SimpleUNetConfig
    from noisette.config.sections import TrainingConfig as TrainingConfig
    from noisette.config.sections import UNetConfig as UNetConfig
    from noisette.data.dataset import Dataset as Dataset
    from noisette.data.description import Description as Description
    from noisette.data.opening import open_dataset as open_dataset
    from noisette.data.palette import Palette as Palette
    from noisette.data.pixels import PixelSpace as PixelSpace
    from noisette.data.sources.base import Options as Options
    from noisette.diffusion.condition import Condition as Condition
    from noisette.diffusion.objectives import Objective as Objective
    from noisette.diffusion.schedules import Level as Level
    from noisette.diffusion.schedules import Schedule as Schedule
    from noisette.diffusion.schedules import ScheduleError as ScheduleError
    from noisette.errors import NoisetteError as NoisetteError
    from noisette.errors import RequestError as RequestError
    from noisette.errors import Stopped as Stopped
    from noisette.evaluation.classifier import AttributeClassifier as AttributeClassifier
    from noisette.evaluation.classifier_network import ClassifierNetwork as ClassifierNetwork
    from noisette.evaluation.evaluate import evaluate as evaluate
    from noisette.evaluation.reference import EvaluationProgress as EvaluationProgress
    from noisette.evaluation.report import report as report
    from noisette.evaluation.sweep import sweep as sweep
    from noisette.evaluation.tuning import tune as tune
    from noisette.inference.engine import Engine as Engine
    from noisette.inference.generator import Generator as Generator
    from noisette.inference.generator import Images as Images
    from noisette.inference.generator import Preview as Preview
    from noisette.inference.loading import load as load
    from noisette.inference.plan import DrawnBy as DrawnBy
    from noisette.inference.plan import Plan as Plan
    from noisette.inference.plan import Start as Start
    from noisette.inference.planner import Planner as Planner
    from noisette.inference.planner import Request as Request
    from noisette.model import Model as Model
    from noisette.networks.base import Network as Network
    from noisette.networks.conditioning import ConditionSpec as ConditionSpec
    from noisette.progress import Progress as Progress
    from noisette.sampling.presets import Preset as Preset
    from noisette.sampling.presets import Presets as Presets
    from noisette.sampling.resolve import Capabilities as Capabilities
    from noisette.store.bundle import Bundle as Bundle
    from noisette.store.bundle import Weights as Weights
    from noisette.store.checkpoint import Checkpoint as Checkpoint
    from noisette.store.checkpoint import CheckpointEntry as CheckpointEntry
    from noisette.store.run import Run as Run
    from noisette.store.standing import Expected as Expected
    from noisette.training.callback import Callback as Callback
    from noisette.training.callback import NullCallback as NullCallback
    from noisette.training.callback import StepInfo as StepInfo
    from noisette.training.distillation import distil as distil
    from noisette.training.start import resume as resume
    from noisette.training.start import train as train

switch_off()
wait_briefly()
keep_libraries_in_cache()

_HOMES = {
    # What is called first.
    "load": "noisette.inference.loading",
    "open_dataset": "noisette.data.opening",
    "load_recipe": "noisette.config.recipe",
    "train": "noisette.training.start",
    "resume": "noisette.training.start",
    "distil": "noisette.training.distillation",
    "evaluate": "noisette.evaluation.evaluate",
    "sweep": "noisette.evaluation.sweep",
    "tune": "noisette.evaluation.tuning",
    "report": "noisette.evaluation.report",
    # Drawing.
    "Generator": "noisette.inference.generator",
    "Images": "noisette.inference.generator",
    "Preview": "noisette.inference.generator",
    "Planner": "noisette.inference.planner",
    "Request": "noisette.inference.planner",
    "Plan": "noisette.inference.plan",
    "DrawnBy": "noisette.inference.plan",
    "Start": "noisette.inference.plan",
    "ParsedRequest": "noisette.attributes.parsing",
    "Engine": "noisette.inference.engine",
    "SamplingSettings": "noisette.config.sampling",
    "GuidanceSettings": "noisette.config.sampling",
    "Preset": "noisette.sampling.presets",
    "Presets": "noisette.sampling.presets",
    "Capabilities": "noisette.sampling.resolve",
    "Progress": "noisette.progress",
    # Data and attributes.
    "Dataset": "noisette.data.dataset",
    "Description": "noisette.data.description",
    "Palette": "noisette.data.palette",
    "Options": "noisette.data.sources.base",
    "AttributeSchema": "noisette.attributes.schema",
    "Attribute": "noisette.attributes.schema",
    "Choice": "noisette.attributes.schema",
    "Flag": "noisette.attributes.schema",
    "Range": "noisette.attributes.schema",
    "Group": "noisette.attributes.schema",
    "Value": "noisette.attributes.schema",
    "Statistics": "noisette.attributes.statistics",
    # Recipes and trainings.
    "Recipe": "noisette.config.recipe",
    "DatasetConfig": "noisette.config.sections",
    "UNetConfig": "noisette.config.sections",
    "SimpleUNetConfig": "noisette.config.sections",
    "ReportUNetConfig": "noisette.config.sections",
    "DiffusionConfig": "noisette.config.sections",
    "ConditionConfig": "noisette.config.sections",
    "TrainingConfig": "noisette.config.sections",
    "SamplesConfig": "noisette.config.sections",
    "DistillationConfig": "noisette.config.sections",
    "Bundle": "noisette.store.bundle",
    "Weights": "noisette.store.bundle",
    "Run": "noisette.store.run",
    "Expected": "noisette.store.standing",
    "Checkpoint": "noisette.store.checkpoint",
    "CheckpointEntry": "noisette.store.checkpoint",
    "Callback": "noisette.training.callback",
    "NullCallback": "noisette.training.callback",
    "StepInfo": "noisette.training.callback",
    # Evaluation.
    "AttributeClassifier": "noisette.evaluation.classifier",
    "ClassifierNetwork": "noisette.evaluation.classifier_network",
    "EvaluationProgress": "noisette.evaluation.reference",
    # What a model is made of.
    "Model": "noisette.model",
    "PixelSpace": "noisette.data.pixels",
    "Schedule": "noisette.diffusion.schedules",
    "Level": "noisette.diffusion.schedules",
    "Condition": "noisette.diffusion.condition",
    "Objective": "noisette.diffusion.objectives",
    "Network": "noisette.networks.base",
    "ConditionSpec": "noisette.networks.conditioning",
    # Errors.
    "NoisetteError": "noisette.errors",
    "RequestError": "noisette.errors",
    "Stopped": "noisette.errors",
    "ScheduleError": "noisette.diffusion.schedules",
}
"""Where each public name is defined; `__all__` has the same names."""

__all__ = [
    "Attribute",
    "AttributeClassifier",
    "AttributeSchema",
    "Bundle",
    "Callback",
    "Capabilities",
    "Checkpoint",
    "CheckpointEntry",
    "Choice",
    "ClassifierNetwork",
    "Condition",
    "ConditionConfig",
    "ConditionSpec",
    "Dataset",
    "DatasetConfig",
    "Description",
    "DiffusionConfig",
    "DistillationConfig",
    "DrawnBy",
    "Engine",
    "EvaluationProgress",
    "Expected",
    "Flag",
    "Generator",
    "Group",
    "GuidanceSettings",
    "Images",
    "Level",
    "Model",
    "Network",
    "NoisetteError",
    "NullCallback",
    "Objective",
    "Options",
    "Palette",
    "ParsedRequest",
    "PixelSpace",
    "Plan",
    "Planner",
    "Preset",
    "Presets",
    "Preview",
    "Progress",
    "Range",
    "Recipe",
    "ReportUNetConfig",
    "Request",
    "RequestError",
    "Run",
    "SamplesConfig",
    "SamplingSettings",
    "Schedule",
    "ScheduleError",
    "SimpleUNetConfig",
    "Start",
    "Statistics",
    "StepInfo",
    "Stopped",
    "TrainingConfig",
    "UNetConfig",
    "Value",
    "Weights",
    "distil",
    "evaluate",
    "load",
    "load_recipe",
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
    return sorted({*globals(), *_HOMES})
