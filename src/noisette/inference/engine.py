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
import os
import shutil
import tempfile
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from noisette.diffusion.denoiser import ConditionalDenoiser, as_conditional_denoiser, remembered
from noisette.diffusion.objectives import Objective
from noisette.diffusion.schedules import Level
from noisette.files.atomic import write_text
from noisette.files.cache import cache_folder

_VERSION = 1
"""Of what is exported; another one makes what is kept in the cache worthless."""
_KEPT = 20  # exported networks in the cache; of 22 MB for the flagship, and of 94 for the report's network
_ASK, _ESTIMATE = "ask.onnx", "estimate.onnx"
_NEW = ".new-"


@dataclass(frozen=True)
class Engine:
    """denoiser: makes a denoiser for one batch, which keeps what the network makes of a request from step to step.
    alone: whether an image comes out the same, to the bit, in any batch. name: for people.
    """

    denoiser: Callable[[], ConditionalDenoiser]
    alone: bool
    name: str


def in_pytorch(network: nn.Module, objective: Objective) -> Engine:
    """The network as it is, on the device where it lies."""
    return Engine(lambda: as_conditional_denoiser(network, objective), alone=False, name="PyTorch")  # type: ignore[arg-type]


def in_onnxruntime(
    network: nn.Module, objective: Objective, shape: tuple[int, int, int], attributes: int, facts: Mapping[str, Any]
) -> Engine:
    """The network as ONNX Runtime has it; exported into the user's cache folder, once. On the CPU, with PyTorch's
    number of threads.

    shape: (C, H, W) of a diffused image. attributes: of a request; 0 of a network that is asked nothing. facts: all
    that decides what the network and its objective compute, such as the SHA-256 of the weights. Raises whatever
    PyTorch's exporter or ONNX Runtime raises where they cannot have this network, or are not there.
    """
    import onnxruntime  # noqa: F401  (before minutes are spent on what it could not load)

    named = json.dumps({"version": _VERSION, "torch": torch.__version__, **facts}, sort_keys=True)
    folder = cache_folder() / "engines" / hashlib.sha256(named.encode()).hexdigest()[:32]
    if not folder.is_dir():
        _export(network, objective, shape, attributes, folder)
    try:
        engine = loaded(folder, shape, attributes)
    except Exception:  # ONNX Runtime has an error for each way in which a file may be damaged
        shutil.rmtree(folder, ignore_errors=True)
        _export(network, objective, shape, attributes, folder)
        engine = loaded(folder, shape, attributes)
    with contextlib.suppress(OSError):  # of a cache that is another user's
        os.utime(folder)  # used: others go first
    return engine


class _Ask(nn.Module):
    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, codes: Tensor) -> tuple[Tensor, ...]:
        asked: tuple[Tensor, ...] = self.network.ask(codes)  # type: ignore[operator]
        return asked


class _Estimate(nn.Module):
    def __init__(self, network: nn.Module, objective: Objective) -> None:
        super().__init__()
        self.network, self.objective = network, objective

    def forward(self, xt: Tensor, times: Tensor, alpha: Tensor, sigma: Tensor, *asked: Tensor) -> Tensor:
        return self.objective.image(self.network.answer(xt, times, *asked), xt, alpha, sigma)  # type: ignore[operator]


def _export(network: nn.Module, objective: Objective, shape: Sequence[int], attributes: int, folder: Path) -> None:
    """Both parts of a network into a folder that appears whole; the oldest folders beside it go."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(dir=folder.parent, prefix=_NEW))
    try:
        with torch.inference_mode(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that this exporter is an old one; the new one takes twenty times as long
            asked: tuple[Tensor, ...] = ()
            if attributes:
                codes = torch.zeros(2, attributes, dtype=torch.int64)
                asked = network.ask(codes)  # type: ignore[operator]
                _write(
                    _Ask(network), (codes,), made / _ASK, ["codes"], [f"asked_{place}" for place in range(len(asked))]
                )
            inputs = (torch.zeros(2, *shape), *(torch.full((2,), 0.5) for _ in range(3)), *asked)
            names = ["xt", "times", "alpha", "sigma", *(f"asked_{place}" for place in range(len(asked)))]
            _write(_Estimate(network, objective), inputs, made / _ESTIMATE, names, ["x0"])
        made.chmod(0o755)
        made.replace(folder)
    except OSError:
        if not folder.is_dir():  # else another process was quicker
            raise
    finally:
        shutil.rmtree(made, ignore_errors=True)
    others = [each for each in folder.parent.iterdir() if each != folder and not each.name.startswith(_NEW)]
    for old in sorted(others, key=_used)[: max(0, len(others) + 1 - _KEPT)]:
        shutil.rmtree(old, ignore_errors=True)


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


def loaded(folder: Path, shape: Sequence[int], attributes: int) -> Engine:
    """The engine of a folder that was exported; shape, attributes: as they were then."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3  # errors alone

    def session(name: str) -> Any:
        return onnxruntime.InferenceSession(str(folder / name), options, providers=["CPUExecutionProvider"])

    estimate, asking = session(_ESTIMATE), session(_ASK) if attributes else None
    used = {each.name for each in estimate.get_inputs()}  # a target may need no sigma, say

    def ask(codes: Tensor | None) -> dict[str, Any]:
        if asking is None or codes is None:
            return {}
        return {f"asked_{place}": part for place, part in enumerate(asking.run(None, {"codes": codes.numpy()}))}

    def denoiser() -> ConditionalDenoiser:
        asked = remembered(ask)

        def denoise(xt: Tensor, level: Level, codes: Tensor | None) -> Tensor:
            scales = {"times": level.time, "alpha": level.alpha, "sigma": level.sigma}
            levels = {name: torch.full((len(xt),), scale).numpy() for name, scale in scales.items()}
            given = {"xt": xt.contiguous().numpy(), **levels, **asked(codes)}
            [x0] = estimate.run(None, {name: value for name, value in given.items() if name in used})
            return torch.from_numpy(x0)

        return denoise

    known = folder / f"alone-with-{options.intra_op_num_threads}-threads"
    if not known.is_file():
        answer = _each_alone(denoiser, shape, attributes)
        with contextlib.suppress(OSError):
            write_text(known, json.dumps(answer))
        return Engine(denoiser, answer, "ONNX Runtime")
    return Engine(denoiser, json.loads(known.read_text(encoding="utf-8")) is True, "ONNX Runtime")


def _each_alone(denoiser: Callable[[], ConditionalDenoiser], shape: Sequence[int], attributes: int) -> bool:
    """Whether images come out the same in batches of every kind of size that is used: guidance asks for each several
    times.
    """
    random = torch.Generator().manual_seed(0)
    xt, codes = torch.randn(48, *shape, generator=random), torch.randint(-1, 2, (48, attributes), generator=random)
    level = Level(0.5, 0.7, 0.7)
    whole = denoiser()(xt, level, codes)
    parts = [slice(0, 1), slice(47, 48), slice(0, 2), slice(3, 8), slice(32, 48), slice(0, 32), slice(13, 46)]
    return all(torch.equal(denoiser()(xt[part], level, codes[part]), whole[part]) for part in parts)
