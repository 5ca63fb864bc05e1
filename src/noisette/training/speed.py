"""Choosing precision, memory layout and compilation by measuring them on this machine."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from noisette.diffusion.condition import Condition, repeated
from noisette.model import Model
from noisette.training.optimizers import make_optimizers

_WORTH_COMPILING = 5 * 60.0
"""Seconds: compiling takes up to a minute, and a training shorter than this does not earn it back."""
_GAIN = 1.05  # a setting other than the plain one must be this much faster: timings vary, and plain is simplest
_ROUNDS = 2  # in turns, and the best counts: whatever else the machine does only ever slows a round down
_ROUND_SECONDS = 0.5


@dataclass(frozen=True)
class Settings:
    """How the network is computed; the plain way is float32, contiguous, not compiled.

    Attributes:
        precision: float32 or bfloat16 (autocast).
        layout: contiguous or channels-last.
        compiled: By torch.compile.
    """

    precision: str = "float32"
    layout: str = "contiguous"
    compiled: bool = False

    @property
    def memory_format(self) -> torch.memory_format:
        return torch.channels_last if self.layout == "channels-last" else torch.contiguous_format


def why_not_compiled() -> str | None:
    """Why torch.compile does not work on this machine, in a line; None if it does."""
    try:
        torch.compile(lambda numbers: numbers.sin() + 1)(torch.ones(8))
    except Exception as error:  # whatever is missing (a C++ compiler, say), it says so in its own way
        return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return None


def has_bfloat16(device: torch.device) -> bool:
    """Whether the device computes in bfloat16 itself; elsewhere it is imitated, many times slower than float32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "cpu":
        has_onednn = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
        return has_onednn and bool(
            torch.ops.mkldnn._is_mkldnn_bf16_supported()
            and _cpu_flag("_is_avx512_bf16_supported", "_is_amx_tile_supported")
        )
    return False


def _cpu_flag(*names: str) -> bool:
    return any(getattr(torch.cpu, name)() for name in names if hasattr(torch.cpu, name))


def choose(
    model: Model,
    batch: int,
    device: torch.device,
    *,
    condition: Condition | None = None,
    seconds: Callable[[float], float],
) -> tuple[Settings, dict[str, float]]:
    """Find the fastest settings among those that the recipe allows.

    Args:
        model: Whose steps are measured; what is not auto in its recipe is settled.
        batch: Images in a step of one process.
        device: Where the training will run.
        condition: Any of one image; None of an unconditional network.
        seconds: From images/s to how long the training would last.

    Returns:
        The settings, and images/s of each that was measured, by its name; 0 where it does not work.
    """
    config = model.recipe.training
    precisions = (
        [config.precision]
        if config.precision != "auto"
        else ["float32", *(["bfloat16"] if has_bfloat16(device) else [])]
    )
    layouts = [config.layout] if config.layout != "auto" else ["contiguous", "channels-last"]
    candidates = [Settings(precision, layout) for precision in precisions for layout in layouts]
    measured: dict[Settings, float] = {}
    if len(candidates) > 1 or config.compile == "auto":
        measured = _measure(model, candidates, batch, device, condition)
    best = _fastest(measured) if measured else candidates[0]
    if config.compile == "yes":
        best = Settings(best.precision, best.layout, compiled=True)
    elif config.compile == "auto" and seconds(measured[best]) >= _WORTH_COMPILING:
        compiled = Settings(best.precision, best.layout, compiled=True)
        try:
            # The plain one again, beside it: a machine drifts, and the first measurement is a minute old by then.
            measured.update(_measure(model, [best, compiled], batch, device, condition))
        except Exception:  # whatever is missing (a C++ compiler, say), the training can do without
            measured[compiled] = 0.0
        best = _fastest({best: measured[best], compiled: measured[compiled]})
    return best, {
        f"{s.precision}, {s.layout}{', compiled' if s.compiled else ''}": round(rate, 1) for s, rate in measured.items()
    }


def _fastest(measured: dict[Settings, float]) -> Settings:
    """The first, unless another is clearly faster."""
    plain, *others = measured
    best = plain
    for other in others:
        if measured[other] > measured[best] * (_GAIN if best is plain else 1):
            best = other
    return best


def _measure(
    model: Model,
    candidates: list[Settings],
    batch: int,
    device: torch.device,
    condition: Condition | None,
) -> dict[Settings, float]:
    """Images/s of each candidate, by whole steps on copies of the network."""
    steps = {candidate: probe_step(model, candidate, batch, device, condition) for candidate in candidates}
    for step in steps.values():
        step()
    rates = dict.fromkeys(candidates, 0.0)
    for _ in range(_ROUNDS):
        for candidate, step in steps.items():
            start, count = time.perf_counter(), 0
            while (spent := time.perf_counter() - start) < _ROUND_SECONDS:
                step()
                count += 1
            rates[candidate] = max(rates[candidate], count * batch / spent)
    return rates


def probe_step(
    model: Model,
    settings: Settings,
    batch: int,
    device: torch.device,
    condition: Condition | None,
) -> Callable[[], None]:
    probe = model.network().to(device, memory_format=settings.memory_format)  # type: ignore[call-overload]
    forward = torch.compile(probe) if settings.compiled else probe
    loss_of = torch.compile(model.objective.loss) if settings.compiled else model.objective.loss
    optimizers = make_optimizers(probe, model.recipe.training)
    x0 = torch.zeros(batch, *model.shape, device=device)
    xt = torch.zeros(batch, *model.noisy_shape, device=device).contiguous(memory_format=settings.memory_format)
    times = alpha = sigma = torch.full((batch,), 0.5, device=device)
    of_batch = None if condition is None else repeated(condition, batch, device)

    def step() -> None:
        with torch.autocast(device.type, torch.bfloat16, enabled=settings.precision == "bfloat16"):
            prediction: Tensor = forward(xt, times, of_batch)
        loss: Tensor = loss_of(prediction.float(), x0, x0, xt, alpha, sigma)
        loss.backward()  # type: ignore[no-untyped-call]
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        loss.item()  # waits for the device

    return step
