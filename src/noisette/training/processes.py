"""What the processes of one training share: each has a part of every batch, and all of them take the same steps."""

from __future__ import annotations

import os
import re
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState, GradientState, PartialState
from accelerate.utils import broadcast
from torch import Tensor, distributed
from torch.distributed.rendezvous import rendezvous

from noisette.errors import NoisetteError, RequestError
from noisette.training.launcher import Launch, read_launch, settings_hidden

_PATIENCE = timedelta(seconds=60)
"""How long a process waits for the others when it begins: they were started together."""
_LONGEST_STEP = timedelta(days=1)
"""How long they wait for each other then: the first of them may be in a queue, or draw a long grid. One that dies is
noticed at once, since its connection closes."""
_LOST_PEER = re.compile(r"gloo|nccl|connection (?:closed|reset)|broken pipe|peer", re.IGNORECASE)


def make_accelerator(launch: Launch | None = None) -> Accelerator:
    """The device of a training, and its place among the processes that a launcher started.

    Only the recipe says how it computes: what the environment says of that is hidden from Accelerate.

    Args:
        launch: What the launcher says; read from the environment unless given.

    Raises:
        RequestError: The launcher's variables are not whole, or there are more processes than GPUs.
        NoisetteError: The other processes do not answer.
    """
    launch = read_launch() if launch is None else launch
    # Between processes on Apple's GPU nothing can be shared.
    on_cpu = launch.on_cpu or (launch.processes > 1 and not torch.cuda.is_available() and not torch.xpu.is_available())
    if launch.processes > 1 and not on_cpu and launch.local_rank >= torch.accelerator.device_count():
        raise RequestError(
            f"there are more processes on this machine than its {torch.accelerator.device_count()} GPUs; start one for"
            " each GPU, or set ACCELERATE_USE_CPU=true to train on the processor"
        )
    if launch.processes > 1 and not distributed.is_initialized():
        _meet(on_cpu)
    with settings_hidden(launch), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="OMP_NUM_THREADS")  # it shares the cores among the processes
        return Accelerator(mixed_precision="no", cpu=on_cpu)


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

    Raises:
        NoisetteError: Another process of the training ended before it was finished.
    """
    global _HOLDERS  # noqa: PLW0603  (it stands beside the state that it counts the holders of)
    theirs = _distributed()
    with _LOCK:
        _HOLDERS += 1
        if _HOLDERS == 1:
            # Which processes there are is the same for everybody, where the caller has brought them together.
            kinds: list[Any] = [AcceleratorState, GradientState, *([] if theirs else [PartialState])]
            for kind in kinds:
                _BEFORE[kind] = kind._shared_state
                kind._shared_state = type(kind._shared_state)()
    try:
        yield make_accelerator()
    except RuntimeError as error:
        if _distributed() and _LOST_PEER.search(str(error)):
            raise NoisetteError(
                "another process of this training ended, so this one ends too; what was saved is whole: go on with"
                " `noisette resume` and as many processes"
            ) from error
        raise
    finally:
        with _LOCK:
            _HOLDERS -= 1
            if not _HOLDERS:
                if _distributed() and not theirs:
                    distributed.destroy_process_group()
                for kind, state in _BEFORE.items():
                    kind._shared_state = state  # type: ignore[attr-defined]
                _BEFORE.clear()


def _distributed() -> bool:
    return distributed.is_available() and distributed.is_initialized()


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


def _meet(on_cpu: bool) -> None:
    """Join the other processes. Raises NoisetteError where they do not come."""
    place = f"{os.environ['MASTER_ADDR']}:{os.environ['MASTER_PORT']}"
    try:
        store, rank, processes = next(rendezvous("env://", timeout=_PATIENCE))
        backend = "gloo" if on_cpu else "nccl" if torch.cuda.is_available() else None
        distributed.init_process_group(backend, store=store, rank=rank, world_size=processes, timeout=_LONGEST_STEP)
    except (RuntimeError, ValueError, OSError) as error:  # torch's errors of networks are RuntimeErrors
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise NoisetteError(
            f"the other processes of this training did not answer at {place!r:.80} (MASTER_ADDR, MASTER_PORT) within"
            f" {_PATIENCE.seconds} s: {reason:.200}"
        ) from error
