"""What evaluates a trained network: PyTorch, or ONNX Runtime, which is two to four times as fast for networks this
small.

For PyTorch a batch of another size takes other kernels, whose last bits differ, so an image would depend on those
beside it; batches are filled up there. ONNX Runtime computes each image of a batch as if it were alone, which is found
out where it is loaded.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import shutil
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from noisette.caller import leaves_torch_alone
from noisette.diffusion.condition import Condition
from noisette.diffusion.denoiser import ConditionalDenoiser, as_conditional_denoiser, memoised
from noisette.diffusion.objectives import Objective
from noisette.diffusion.schedules import Level
from noisette.errors import NoisetteError
from noisette.files.atomic import write_folder_atomically, write_text
from noisette.files.cache import CACHE_VARIABLE, cache_folder
from noisette.files.hashes import read_verified, write_hashes
from noisette.files.reading import DamagedError, read_json
from noisette.model import Model
from noisette.networks.base import Network
from noisette.text import plain

_log = logging.getLogger(__name__)

_VERSION = 2
"""Of what is exported; another one makes what is kept in the cache worthless."""
_KEPT = 20  # exported networks in the cache; of 22 MB for the flagship, and of 94 for the report's network
_MOST_BYTES = 2**31  # of an exported network
_ENCODE, _ESTIMATE = "encode.onnx", "estimate.onnx"
_CONDITION = Condition._fields
"""The inputs of the encoder, by their names."""


@dataclass(frozen=True)
class Engine:
    """What evaluates a network.

    Attributes:
        denoiser: Makes a denoiser for one batch, which keeps what the network makes of a condition from step to step.
        batch_invariant: Whether an image comes out the same, to the bit, in any batch.
        name: For people: "ONNX Runtime" or "PyTorch".
        version: Its version.
        note: Why it is not the faster one, and how to mend that; empty where there is nothing to tell.
    """

    denoiser: Callable[[], ConditionalDenoiser]
    batch_invariant: bool
    name: str
    version: str = ""
    note: str = ""

    @property
    def label(self) -> str:
        """As a picture names it, such as "onnxruntime 1.29.0"."""
        return f"{self.name.replace(' ', '').lower()} {self.version}".strip()


@dataclass(frozen=True)
class Inputs:
    """What an exported network takes.

    Attributes:
        shape: (C, H, W) of what the network sees of an image.
        attributes: Of a request; 0 of a network that is not conditioned.
        guidance_embed: Whether the guidance scale is an input too.
    """

    shape: tuple[int, int, int]
    attributes: int
    guidance_embed: bool

    @classmethod
    def of(cls, model: Model) -> Inputs:
        """What the networks of a model take."""
        attributes = len(model.schema.attributes) if model.recipe.conditional else 0
        return cls(model.noisy_shape, attributes, model.guidance_embed)

    def condition(self, images: int, random: torch.Generator | None = None) -> Condition | None:
        """Any condition for so many images; of unknown attributes, or else random ones."""
        if not self.attributes:
            return None
        codes = torch.zeros(images, self.attributes, dtype=torch.int64)
        if random is not None:
            codes = torch.randint(-1, 2, (images, self.attributes), generator=random)
        condition = Condition(codes)
        return condition.with_scale(1.5) if self.guidance_embed else condition


@leaves_torch_alone
def engine_of(model: Model, network: Network, weights: str) -> Engine:
    """What evaluates a network of a model on the CPU: ONNX Runtime where it can, else PyTorch, and a note why.

    Args:
        model: The model that it is of.
        network: The network with its weights, ready to draw.
        weights: The SHA-256 of the file that they are from, by which an exported network is found again.
    """
    recipe = model.recipe
    facts = {
        "weights": weights,
        "averaged": recipe.training.ema > 0,
        "network": recipe.network.model_dump(),
        "diffusion": recipe.diffusion.model_dump(),
        "condition": recipe.condition.null,
        "schema": model.schema.fingerprint,
        "palette": model.colours_learned,
    }
    try:
        return in_onnxruntime(network, model.objective, Inputs.of(model), facts)
    except Exception as error:
        # An exporter has as many errors as there are operations; what it cannot have is drawn all the same.
        note = f"PyTorch evaluates the network, more slowly than ONNX Runtime and rounding otherwise: {_why_not(error)}"
        _log.warning("note: %s", note)
        return replace(in_pytorch(network, model.objective), note=note)


def in_pytorch(network: Network, objective: Objective) -> Engine:
    """The network as it is, on the device where it lies."""
    return Engine(lambda: as_conditional_denoiser(network, objective), False, "PyTorch", torch.__version__)


def _why_not(error: Exception) -> str:
    """Why ONNX Runtime cannot have a network, and how to mend it."""
    said = plain(str(error).strip().partition("\n")[0] or type(error).__name__, 200)
    if isinstance(error, ImportError):
        return f"it cannot be loaded ({said}); install noisette anew"
    if isinstance(error, NoisetteError):
        return said
    if isinstance(error, OSError):
        where = f"the cache {cache_folder()} cannot be written ({error.strerror or said})"
        return f"{where}; set {CACHE_VARIABLE} to a folder with room that can be written"
    return f"PyTorch {torch.__version__} cannot export it ({type(error).__name__}: {said}); install the pinned versions"


def in_onnxruntime(network: Network, objective: Objective, inputs: Inputs, facts: Mapping[str, Any]) -> Engine:
    """The network as ONNX Runtime has it, on the CPU, with PyTorch's number of threads.

    It is exported into the user's cache folder, once.

    Args:
        network: Ready to draw.
        objective: What its answers mean.
        inputs: What it takes.
        facts: All that decides what the network and its objective compute, such as the SHA-256 of the weights.

    Raises:
        Exception: Whatever PyTorch's exporter or ONNX Runtime raises where they cannot have this network, or are not
            there.
    """
    import onnxruntime  # noqa: F401  (before minutes are spent on what it could not load)

    named = json.dumps({"version": _VERSION, "torch": torch.__version__, **facts}, sort_keys=True)
    folder = cache_folder() / "engines" / hashlib.sha256(named.encode()).hexdigest()[:32]
    if not folder.is_dir():
        _export(network, objective, inputs, folder)
    try:
        engine = loaded(folder, inputs)
    except Exception as error:  # ONNX Runtime has an error for each way in which a file may be damaged
        if isinstance(error, DamagedError):
            _log.warning("note: %s", error)
        shutil.rmtree(folder, ignore_errors=True)
        _export(network, objective, inputs, folder)
        engine = loaded(folder, inputs)
    with contextlib.suppress(OSError):  # of a cache that is another user's
        os.utime(folder)  # used: others go first
    return engine


class _Encode(nn.Module):
    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, *condition: Tensor) -> tuple[Tensor, ...]:
        return self.network.encode_condition(Condition(*condition))


class _Estimate(nn.Module):
    def __init__(self, network: Network, objective: Objective) -> None:
        super().__init__()
        self.network, self.objective = network, objective

    def forward(self, xt: Tensor, times: Tensor, alpha: Tensor, sigma: Tensor, *encoded: Tensor) -> Tensor:
        return self.objective.image(self.network.predict(xt, times, *encoded), xt, alpha, sigma)


def _export(network: Network, objective: Objective, inputs: Inputs, folder: Path) -> None:
    """Both parts of a network into a folder that appears whole; the oldest folders beside it go."""

    def fill(made: Path) -> None:
        with torch.inference_mode(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that this exporter is an old one; the new one takes twenty times as long
            encoded: tuple[Tensor, ...] = ()
            condition = inputs.condition(2)
            if condition is not None:
                given = tuple(part for part in condition if part is not None)
                encoded = network.encode_condition(condition)
                _write(_Encode(network), given, made / _ENCODE, list(_CONDITION[: len(given)]), _names(encoded))
            scales = (torch.full((2,), 0.5) for _ in range(3))
            names = ["xt", "times", "alpha", "sigma", *_names(encoded)]
            module = _Estimate(network, objective)
            _write(module, (torch.zeros(2, *inputs.shape), *scales, *encoded), made / _ESTIMATE, names, ["x0"])
        write_hashes(made, [path.name for path in made.iterdir()])

    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        write_folder_atomically(folder, fill)
    except OSError:
        if not folder.is_dir():  # else another process was quicker
            raise
    others = [each for each in folder.parent.iterdir() if each != folder and not each.name.startswith(".")]
    for old in sorted(others, key=_used)[: max(0, len(others) + 1 - _KEPT)]:
        shutil.rmtree(old, ignore_errors=True)


def _names(encoded: Sequence[Any]) -> list[str]:
    return [f"encoded_{place}" for place in range(len(encoded))]


def _used(folder: Path) -> float:
    """When it was last used; long ago, of one that another process has just removed."""
    try:
        return folder.stat().st_mtime
    except OSError:
        return 0.0


def _write(module: nn.Module, inputs: tuple[Tensor, ...], path: Path, names: list[str], results: list[str]) -> None:
    batch = {name: {0: "batch"} for name in [*names, *results]}
    settings: dict[str, Any] = {
        "input_names": names,
        "output_names": results,
        "dynamic_axes": batch,
        "opset_version": 17,
        "dynamo": False,
    }
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)  # its operator is PyTorch's alone
    try:
        torch.onnx.export(module.eval(), inputs, str(path), **settings)
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)


def loaded(folder: Path, inputs: Inputs) -> Engine:
    """The engine of a folder that was exported.

    Args:
        folder: In the cache.
        inputs: As they were then.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3  # errors alone
    # Threads that spin win nothing in networks this small, and beside other work they halve the speed.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")

    def session(name: str) -> Any:
        content = read_verified(folder, name, most=_MOST_BYTES, mend="it is made anew")
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])

    estimate, encoder = session(_ESTIMATE), session(_ENCODE) if inputs.attributes else None
    used = {each.name for each in estimate.get_inputs()}  # a target may need no sigma, say

    def encode(condition: Condition | None) -> dict[str, Any]:
        if encoder is None or condition is None:
            return {}
        given = {name: part.numpy() for name, part in zip(_CONDITION, condition, strict=True) if part is not None}
        encoded = encoder.run(None, given)
        return dict(zip(_names(encoded), encoded, strict=True))

    def denoiser() -> ConditionalDenoiser:
        encoded = memoised(encode)

        def denoise(xt: Tensor, level: Level, condition: Condition | None) -> Tensor:
            scales = {"times": level.time, "alpha": level.alpha, "sigma": level.sigma}
            levels = {name: torch.full((len(xt),), scale).numpy() for name, scale in scales.items()}
            given = {"xt": xt.contiguous().numpy(), **levels, **encoded(condition)}
            [x0] = estimate.run(None, {name: value for name, value in given.items() if name in used})
            return torch.from_numpy(x0)

        return denoise

    known = folder / f"batch-invariant-with-{options.intra_op_num_threads}-threads"
    if not known.is_file():
        answer = _batch_invariant(denoiser, inputs)
        with contextlib.suppress(OSError):
            write_text(known, json.dumps(answer))
    else:
        answer = read_json(known, inside=folder, mend="it is made anew") is True
    return Engine(denoiser, answer, "ONNX Runtime", onnxruntime.__version__)


def _batch_invariant(denoiser: Callable[[], ConditionalDenoiser], inputs: Inputs) -> bool:
    """Whether images come out the same in batches of every kind of size that is used: guidance asks for each several
    times.
    """
    random = torch.Generator().manual_seed(0)
    xt = torch.randn(48, *inputs.shape, generator=random)
    condition = inputs.condition(48, random)
    level = Level(0.5, 0.7, 0.7)
    whole = denoiser()(xt, level, condition)
    parts = [slice(0, 1), slice(47, 48), slice(0, 2), slice(3, 8), slice(32, 48), slice(0, 32), slice(13, 46)]

    def of(part: slice) -> Tensor:
        return denoiser()(xt[part], level, None if condition is None else condition.taken(part))

    return all(torch.equal(of(part), whole[part]) for part in parts)
