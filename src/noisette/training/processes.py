"""What the processes of one training share: each has a part of every batch, and all of them take the same steps."""

from __future__ import annotations

import torch
from accelerate import Accelerator
from accelerate.utils import broadcast
from torch import Tensor


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
