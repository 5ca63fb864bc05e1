"""Which engine evaluates the network fastest, and what quantisation to eight bits costs in pixel accuracy.

    python benchmarks/engines.py [RUN] [--steps 2] [--count 200] [--page docs/results/samplers.md]

- Milliseconds of one network evaluation with x0_hat taken from it, for 1, 4 and 16 images, in turns, the median.
- Images right: of --count requests of the validation split, the share that is right to the last pixel in --steps steps.
- Eight bits: static quantisation of convolutions and products, a scale for each output channel, calibrated on 64
  images of the training.

Takes minutes. Run it when nothing else runs.
"""

from __future__ import annotations

import argparse
import copy
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from noisette.threads import wait_briefly

wait_briefly()  # as the command does

import numpy as np
import torch
from numpy.typing import NDArray
from pages import check_marks, machine, milliseconds, write_between

import noisette
from noisette.config.sampling import SamplingSettings
from noisette.diffusion.condition import Condition
from noisette.evaluation.pixel_accuracy import pixel_accuracy
from noisette.evaluation.setup import prepare
from noisette.files.cache import CACHE_VARIABLE
from noisette.inference.engine import Engine, Inputs, in_pytorch, loaded
from noisette.inference.generator import Generator

_SIZES = (1, 4, 16)
_ROUNDS = 30
_CALIBRATING = 64


def main() -> None:
    arguments = _arguments()
    if arguments.page:
        check_marks(arguments.page, "engines")
    generator = noisette.load(arguments.run)
    setup = prepare(generator, count=arguments.count)
    with tempfile.TemporaryDirectory() as folder:
        engines = _engines(generator, setup.reference.train.attributes[:_CALIBRATING], Path(folder))
        codes = setup.reference.real.attributes
        times = {size: _in_turns(generator, engines, codes[:size]) for size in _SIZES}
        right = {}
        for name, engine in engines.items():
            images = _drawn(generator, engine, codes, arguments.steps)
            if generator.palette:
                images = generator.palette.snap(images)
            right[name] = pixel_accuracy(images, setup.reference.real.images).whole
    lines = ["| | " + " | ".join(map(str, _SIZES)) + " | images right |", "|---|" + "---|" * (len(_SIZES) + 1)]
    lines += [
        f"| {name} | " + " | ".join(f"{times[size][name]:.1f}" for size in _SIZES) + f" | {right[name]:.3f} |"
        for name in engines
    ]
    foot = (
        f"{generator.name}, weights {generator.weights[:12]}, {len(codes)} requests in {arguments.steps} steps;"
        f" {machine()}."
    )
    print("\n".join([*lines, "", foot]))
    if arguments.page:
        write_between(arguments.page, "engines", [*lines, "", foot])


def _drawn(generator: Generator, engine: Engine, codes: NDArray[np.int16], steps: int) -> NDArray[np.uint8]:
    """(N, C, H, W), drawn by an engine."""
    plan = generator.plan(codes, seeds=range(len(codes)), settings=SamplingSettings.of(steps=steps))
    return replace(generator, given_engine=engine).draw(plan)


def _engines(generator: Generator, codes: NDArray[np.int16], folder: Path) -> dict[str, Engine]:
    """The engines, by name.

    Args:
        generator: whose network they evaluate.
        codes: (N, A), requests that eight bits are calibrated on.
        folder: for what is exported.
    """
    model, network = generator.model, generator.network
    last: Any = copy.deepcopy(network)
    last.to(memory_format=torch.channels_last)
    compiled: Any = copy.deepcopy(network)
    compiled.predict = torch.compile(compiled.predict, dynamic=False)
    inputs = Inputs.of(model)
    with _caching(folder):
        onnx = replace(generator, given_engine=None).engine
    if onnx.name == "PyTorch":
        raise SystemExit("ONNX Runtime cannot have this network here, so there is nothing to compare")
    [exported] = (folder / "engines").iterdir()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    one_thread = loaded(exported, inputs)
    torch.set_num_threads(threads)
    quantised = shutil.copytree(exported, folder / "quantised")
    _quantise(quantised / "estimate.onnx", generator, codes)
    for known in quantised.glob("batch-invariant-*"):
        known.unlink()
    return {
        "PyTorch": in_pytorch(network, model.objective),
        "PyTorch, channels-last": in_pytorch(last, model.objective),
        "PyTorch, compiled": in_pytorch(compiled, model.objective),
        onnx.name: onnx,
        f"{onnx.name}, one thread": one_thread,
        f"{onnx.name}, eight bits": loaded(quantised, inputs),
    }


@contextmanager
def _caching(folder: Path) -> Iterator[None]:
    """With another cache folder."""
    before = os.environ.get(CACHE_VARIABLE)
    os.environ[CACHE_VARIABLE] = str(folder)
    try:
        yield
    finally:
        os.environ.pop(CACHE_VARIABLE)
        if before is not None:
            os.environ[CACHE_VARIABLE] = before


def _quantise(path: Path, generator: Generator, codes: NDArray[np.int16]) -> None:
    """Replace the exported estimate by one in eight bits, calibrated on the inputs of the network in four steps."""
    import onnxruntime
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    seen: list[dict[str, Any]] = []
    original = onnxruntime.InferenceSession

    class Watched(original):  # type: ignore[misc, valid-type]
        def run(self, names: Any, given: dict[str, Any], *rest: Any) -> Any:
            if "xt" in given:
                seen.append({name: value.copy() for name, value in given.items()})
            return super().run(names, given, *rest)

    class Seen(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self._left = iter(seen)

        def get_next(self) -> Any:
            return next(self._left, None)

    onnxruntime.InferenceSession = Watched
    try:
        engine = loaded(path.parent, Inputs.of(generator.model))
        seen.clear()
        _drawn(generator, engine, codes, steps=4)
    finally:
        onnxruntime.InferenceSession = original
    prepared = path.with_suffix(".prepared")
    quant_pre_process(str(path), str(prepared), skip_symbolic_shape=True)
    quantize_static(
        str(prepared),
        str(path),
        Seen(),
        quant_format=QuantFormat.QOperator,
        op_types_to_quantize=["Conv", "Gemm", "MatMul"],
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
    )


def _in_turns(generator: Generator, engines: dict[str, Engine], codes: NDArray[np.int16]) -> dict[str, float]:
    """Median milliseconds of one evaluation under these requests, by engine."""
    level, condition = generator.model.schedule.at(0.5), Condition(torch.from_numpy(codes.astype(np.int64)))
    xt = torch.randn(len(codes), *generator.model.shape)
    denoisers = {name: engine.denoiser() for name, engine in engines.items()}
    spent: dict[str, list[float]] = {name: [] for name in engines}
    with torch.inference_mode():
        for number in range(_ROUNDS + 3):
            for name, denoise in denoisers.items():
                took = milliseconds(lambda denoise=denoise: denoise(xt, level, condition))  # type: ignore[misc]
                if number >= 3:  # the first are warm-up
                    spent[name].append(took)
    return {name: float(np.median(each)) for name, each in spent.items()}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", nargs="?", default="punks", help="a run folder, or a shipped model")
    parser.add_argument("--steps", type=int, default=2)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--page", type=Path, help="put the table into this page")
    return parser.parse_args()


if __name__ == "__main__":
    main()
