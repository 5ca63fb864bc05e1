"""What the processes of one training share: each has a part of every batch, and all of them take the same steps."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState, GradientState, PartialState
from accelerate.utils import broadcast
from torch import Tensor

_LOCK = threading.Lock()
_HOLDERS = 0
_BEFORE: dict[type, Any] = {}


@contextmanager
def own_accelerator() -> Iterator[Accelerator]:
    """An accelerator of our own, beside one that the caller may have.

    Accelerate keeps the settings of its first accelerator for the whole process, and refuses another precision. So its
    state is put aside here, and put back afterwards; an accelerator that the caller has goes on with its own.

    Yields:
        Of plain precision: the recipe's is a matter of the training.
    """
    global _HOLDERS  # noqa: PLW0603  (it stands beside the state that it counts the holders of)
    with _LOCK:
        _HOLDERS += 1
        if _HOLDERS == 1:
            kinds: list[Any] = [AcceleratorState, GradientState]
            if not _distributed():  # which processes there are is the same for everybody
                kinds.append(PartialState)
            for kind in kinds:
                _BEFORE[kind] = kind._shared_state
                kind._shared_state = type(kind._shared_state)()
    try:
        yield Accelerator(mixed_precision="no")
    finally:
        with _LOCK:
            _HOLDERS -= 1
            if not _HOLDERS:
                if _distributed():
                    _BEFORE.pop(PartialState, None)
                for kind, state in _BEFORE.items():
                    kind._shared_state = state  # type: ignore[attr-defined]
                _BEFORE.clear()


def _distributed() -> bool:
    return torch.distributed.is_available() and torch.distributed.is_initialized()


def share_of_batch(accelerator: Accelerator, batch_size: int) -> slice:
    """The images of a batch that this process trains on.

    Args:
        accelerator: Of the training.
        batch_size: Images of the whole batch, a multiple of the number of processes.
    """
    share = batch_size // accelerator.num_processes
    return slice(accelerator.process_index * share, (accelerator.process_index + 1) * share)


def agree(accelerator: Accelerator, progress: float, stop: bool, save: bool) -> tuple[float, bool, bool]:
    """One decision for all processes.

    Args:
        accelerator: Of the training.
        progress: Share of the budget that is spent by this process's clock, 0 to 1.
        stop: Whether this process was asked to stop.
        save: Whether a checkpoint is due by this process's clock.

    Returns:
        The first process's progress, whether anyone was asked to stop, and whether the first process is to save.
    """
    if accelerator.num_processes == 1:
        return progress, stop, save
    device = accelerator.device
    first: Tensor = broadcast(torch.tensor([progress, save], dtype=torch.float64, device=device))
    stops: Tensor = accelerator.reduce(torch.tensor(float(stop), device=device), reduction="sum")
    return first[0].item(), bool(stops > 0), bool(first[1])
