"""Callbacks for tests, and what is compared of two runs."""

from __future__ import annotations

import torch

from noisette.training.callback import NullCallback


def final(run):
    checkpoint, _ = run.checkpoint()
    return {part: checkpoint.tensors(part) for part in ("network", "average", "optimizer")}, checkpoint.state


def same(one, other):
    for part, tensors in one.items():
        assert tensors.keys() == other[part].keys()
        assert all(torch.equal(tensor, other[part][name]) for name, tensor in tensors.items()), part


class Interrupting(NullCallback):
    """Stops a training at a step as a power cut would: without a word."""

    def __init__(self, step):
        self.at = step

    def on_step(self, info):
        if info.step == self.at:
            raise ZeroDivisionError


class Collecting(NullCallback):
    def __init__(self):
        self.notes, self.steps, self.grids = [], [], []

    def on_step(self, info):
        self.steps.append(info)

    def on_note(self, text):
        self.notes.append(text)

    def on_samples(self, epoch, path):
        self.grids.append((epoch, path.name))
