"""Batches are functions of the seed and the step, whoever trains them."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from noisette.config.data import open_data
from noisette.config.recipe import parse_recipe
from noisette.model import assemble
from noisette.training.batches import Batches
from noisette.training.processes import agree, share_of_batch
from noisette.training.supervision import DataSupervision

from ..conftest import CONDITIONAL, TINY


def process(index=0, of=1):
    return SimpleNamespace(device=torch.device("cpu"), process_index=index, num_processes=of)


def batches(text=CONDITIONAL, accelerator=None):
    recipe = parse_recipe(text, source="t")
    dataset = open_data(recipe)
    model = assemble(recipe, dataset.schema)
    return Batches(model, dataset, DataSupervision(model.schedule, 1.0), accelerator or process())


def test_a_batch_has_the_shapes_that_it_says():
    batch = batches().batch(3)
    assert batch.x0.shape == batch.eps.shape == (6, 4, 8, 8)
    assert batch.times.shape == batch.alpha.shape == batch.sigma.shape == (6,)
    assert batch.condition.codes.shape[0] == 6
    assert batches(TINY).batch(3).condition is None


@pytest.mark.parametrize("name", ["x0", "eps", "times", "alpha", "sigma", "condition"])
def test_processes_share_the_batch_that_one_would_train_on(name):
    def part(batch):
        return batch.condition.codes if name == "condition" else getattr(batch, name)

    whole = part(batches().batch(11))
    shares = [part(batches(accelerator=process(index, of=3)).batch(11)) for index in range(3)]
    assert torch.equal(torch.cat(shares), whole)


def test_epochs_are_counted_by_their_steps():
    nine = batches()  # 54 images in batches of 6
    assert [nine.epoch(steps) for steps in (0, 1, 9, 10, 18)] == [0, 1, 1, 2, 2]
    assert [steps for steps in range(1, 20) if nine.ends_epoch(steps)] == [9, 18]


def test_shares_are_whole_and_in_order():
    assert [share_of_batch(process(index, of=3), 6) for index in range(3)] == [slice(0, 2), slice(2, 4), slice(4, 6)]


def test_one_process_agrees_with_itself():
    assert agree(process(), 0.5, True, False) == (0.5, True, False)
