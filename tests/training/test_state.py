"""Checkpoints that fit, and strangers."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

import noisette
from noisette.config.recipe import parse_recipe
from noisette.config.sections import TrainingConfig
from noisette.errors import NoisetteError
from noisette.model import assemble
from noisette.training.optimizers import make_optimizers
from noisette.training.state import State, load_optimizer_tensors, optimizer_tensors, restore

from ..conftest import TINY
from .helpers import Interrupting


@pytest.mark.slow
def test_the_state_of_another_optimiser_is_found_out(tmp_path):
    run = noisette.train(parse_recipe(TINY, source="t", overrides=['training.optimizer="muon"']), out=tmp_path / "r")
    recipe = (run.folder / "recipe.toml").read_text()
    (run.folder / "recipe.toml").write_text(
        recipe.replace('optimizer = "muon"', 'optimizer = "adamw"').replace("steps = 20", "steps = 30")
    )
    with pytest.raises(NoisetteError, match="does not fit the recipe"):
        noisette.resume(run.folder)


@pytest.mark.slow
def test_a_recipe_that_was_edited_is_not_resumed_into_nonsense(tiny, tmp_path):
    with pytest.raises(ZeroDivisionError):
        noisette.train(tiny, out=tmp_path / "cut", callback=Interrupting(10))
    recipe = tmp_path / "cut/recipe.toml"
    recipe.write_text(recipe.read_text().replace("    16,\n", "    32,\n", 1))
    with pytest.raises(NoisetteError, match="does not fit the recipe"):
        noisette.resume(tmp_path / "cut")


def learned(kind):
    """A layer and its optimisers after one step."""
    network = Layer(4, 4)
    optimizers = make_optimizers(network, TrainingConfig(steps=1, optimizer=kind))
    network(torch.ones(2, 4)).sum().backward()
    for optimizer in optimizers:
        optimizer.step()
    return network, optimizers


class Layer(torch.nn.Linear):
    ends: tuple[str, ...] = ()


@pytest.mark.parametrize("kind", ["adamw", "muon"])
def test_what_optimisers_keep_comes_back_to_the_bit(kind):
    network, optimizers = learned(kind)
    before = optimizer_tensors(network, optimizers)
    assert {name.rpartition("/")[0] for name in before} == {"weight", "bias"}
    other = make_optimizers(network, TrainingConfig(steps=1, optimizer=kind))
    load_optimizer_tensors(before, network, other)
    after = optimizer_tensors(network, other)
    assert before.keys() == after.keys()
    assert all(torch.equal(tensor, after[name]) for name, tensor in before.items())


@pytest.mark.parametrize("stranger", ["other/exp_avg", "weight/momentum", "weight/variance"])
def test_a_tensor_that_no_parameter_or_optimiser_knows_is_refused(stranger):
    network, optimizers = learned("adamw")
    tensors = {**optimizer_tensors(network, optimizers), stranger: torch.zeros(4, 4)}
    with pytest.raises(KeyError):
        load_optimizer_tensors(tensors, network, optimizers)


def test_a_state_that_this_version_does_not_know_is_refused(trained, tmp_path):
    checkpoint, _ = trained.checkpoint()
    network = assemble(trained.recipe, trained.schema).network()
    stranger = replace(checkpoint, state={**checkpoint.state, "mood": 1})
    with pytest.raises(NoisetteError, match=r"step-00000020\.safetensors does not fit the recipe of"):
        restore(stranger, trained, network, None, make_optimizers(network, trained.recipe.training))


def test_steps_are_counted_as_they_came():
    state = State()
    for finite, averaged in ((True, True), (True, False), (False, True)):
        state.count_step(finite=finite, averaged=averaged)
    assert (state.step, state.updates, state.skipped) == (3, 1, 1)
