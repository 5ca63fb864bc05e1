"""What belongs to whoever calls Noisette from Python, and is left as it was: PyTorch's random numbers and settings.

What Noisette computes does not depend on it either: with another default dtype or device, without gradients or under
autocast, the same images come out.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar

Given = ParamSpec("Given")
Result = TypeVar("Result")


def leaves_torch_alone(function: Callable[Given, Result]) -> Callable[Given, Result]:
    """Have a function run under `own_torch`."""

    @wraps(function)
    def inside(*arguments: Given.args, **named: Given.kwargs) -> Result:
        with own_torch():
            return function(*arguments, **named)

    return inside


@contextmanager
def own_torch() -> Iterator[None]:
    """Inside, PyTorch and NumPy are as Noisette needs them; afterwards as they were before."""
    import numpy as np
    import torch

    with ExitStack() as held:
        held.enter_context(_SHARED.held())
        devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()  # type: ignore[no-untyped-call]
        held.enter_context(torch.random.fork_rng(devices))
        # Of this thread alone:
        held.enter_context(np.errstate(divide="warn", over="warn", under="ignore", invalid="warn"))
        held.enter_context(torch.inference_mode(mode=False))
        held.enter_context(torch.enable_grad())
        for kind in ("cpu", "cuda"):
            if torch.is_autocast_enabled(kind):
                held.enter_context(torch.autocast(kind, enabled=False))
        if torch.get_default_device().type != "cpu":
            held.enter_context(torch.device("cpu"))
        yield


class _Shared:
    """Settings of the whole process. Several threads may hold them at once: the first one sets them, the last one gives
    them back.
    """

    def __init__(self) -> None:
        self._lock, self._holders = threading.Lock(), 0
        self._undo: list[Callable[[], object]] = []

    @contextmanager
    def held(self) -> Iterator[None]:
        with self._lock:
            self._holders += 1
            if self._holders == 1:
                self._set()
        try:
            yield
        finally:
            with self._lock:
                self._holders -= 1
                while self._undo and not self._holders:
                    self._undo.pop()()

    def _set(self) -> None:
        import torch

        if (dtype := torch.get_default_dtype()) != torch.float32:
            torch.set_default_dtype(torch.float32)
            self._undo.append(lambda: torch.set_default_dtype(dtype))
        if (precision := torch.get_float32_matmul_precision()) != "highest":
            torch.set_float32_matmul_precision("highest")
            self._undo.append(lambda: torch.set_float32_matmul_precision(precision))


_SHARED = _Shared()
