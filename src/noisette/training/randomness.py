"""Random numbers as a function of (seed, purpose, count): nothing has to be saved for a training to go on exactly."""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256

import torch
from torch import Tensor


def generator(seed: int, purpose: str, count: int) -> torch.Generator:
    """A generator that belongs to one step or epoch of one training.

    Args:
        seed: Of the training.
        purpose: What is drawn; each purpose has numbers of its own.
        count: Number of the step or epoch.

    Returns:
        On the CPU, so that every device sees the same numbers.
    """
    return torch.Generator().manual_seed(derived_seed(seed, purpose, count))


def derived_seed(seed: int, purpose: str, count: int) -> int:
    """A seed below 2**63, unrelated to that of any other purpose or count."""
    return int.from_bytes(sha256(f"{seed}/{purpose}/{count}".encode()).digest()[:8], "big") >> 1


def batch_indices(seed: int, step: int, *, images: int, batch_size: int) -> Tensor:
    """The images of a step: each epoch is a new permutation, its incomplete last batch left out.

    Args:
        seed: Of the training.
        step: Number of the step, from 0.
        images: How many there are to train on.
        batch_size: At most as many.

    Returns:
        (batch_size,) int64 indices below `images`.
    """
    epoch, place = divmod(step, images // batch_size)
    return _order(seed, epoch, images)[place * batch_size : (place + 1) * batch_size]


@lru_cache(maxsize=2)  # all steps of an epoch share it, and a million indices take a while to shuffle
def _order(seed: int, epoch: int, images: int) -> Tensor:
    return torch.randperm(images, generator=generator(seed, "order", epoch))
