"""Beginning with another model's weights: what both know stays what it was, in whatever order it stands."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

import noisette
from noisette.attributes.schema import AttributeSchema, Choice, Flag
from noisette.cli import main
from noisette.config.recipe import parse_recipe
from noisette.data.palette import Palette
from noisette.diffusion.condition import Condition
from noisette.model import assemble
from noisette.training.finetuning import transferred

RECIPE = """
[dataset]
name = "folder"
path = "nowhere"
size = "8x10"
mode = "RGB"
[network]
kind = "unet"
patch = 2
widths = [8, 8]
blocks = 1
attention = [false, false]
condition = ["concat", "add", "modulate", "spatial"]
pixel_width = {pixel_width}
pixel_map_channels = 3
map_channels = 3
[diffusion]
target = "palette"
[training]
steps = 1
[sampling]
steps = 2
"""
OLD = AttributeSchema(attributes=(Choice(name="Body", options=("Red", "Green")), Flag(name="Hat"), Flag(name="Ring")))
NEW = AttributeSchema(
    attributes=(Flag(name="ring"), Choice(name="body", options=("Blue", "Green", "Red")), Flag(name="Hat"))
)
COLOURS = np.array([[0, 0, 0], [10, 20, 30], [40, 50, 60], [200, 0, 0]], np.uint8)


def model(schema, colours, pixel_width, condition=None):
    overrides = [] if condition is None else [f"network.condition={json.dumps(condition)}"]
    recipe = parse_recipe(RECIPE.format(pixel_width=pixel_width), source="t", overrides=overrides)
    return assemble(recipe, schema, Palette(colours))


@pytest.mark.parametrize("pixel_width", [0, 4])
def test_requests_that_both_understand_are_answered_alike(pixel_width):
    source, fresh = model(OLD, COLOURS, pixel_width), model(NEW, COLOURS[[1, 3]], pixel_width)
    network = source.network()
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    weights, share = transferred(fresh, source, network.state_dict())
    assert 0.5 < share < 1
    mine = fresh.network()
    mine.load_state_dict(weights)
    xt, times = torch.randn(3, 3, 10, 8), torch.rand(3)
    #              Body, Hat, Ring                        ring, body, Hat
    its = Condition(torch.tensor([[0, 1, 0], [1, 0, 1], [-1, -1, -1]]))
    new = Condition(torch.tensor([[0, 2, 1], [1, 1, 0], [-1, -1, -1]]))
    assert torch.allclose(mine(xt, times, new), network(xt, times, its)[:, [1, 3]], atol=1e-5)


@pytest.mark.parametrize("condition", [["modulate", "spatial"], ["spatial"], ["concat"], ["add"]])
def test_a_mechanism_that_is_new_does_not_disturb_the_others(condition):
    source = model(OLD, COLOURS, 4, condition)
    fresh = model(OLD, COLOURS, 4, [*condition, *(each for each in ("modulate", "layers") if each not in condition)])
    network = source.network()
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    weights, _ = transferred(fresh, source, network.state_dict())
    mine = fresh.network()
    mine.load_state_dict(weights)
    xt, times = torch.randn(3, 3, 10, 8), torch.rand(3)
    request = Condition(torch.tensor([[0, 1, 0], [1, 0, 1], [-1, -1, -1]]))
    its = network(xt, times, request).log_softmax(dim=1)  # layers are not counted yet, and know nothing
    assert torch.allclose(mine(xt, times, request).log_softmax(dim=1), its, atol=1e-4)


def test_what_was_counted_of_other_values_is_not_taken_over():
    """Of as many values and colours, but others: what each draws would be that of another."""
    other = AttributeSchema(attributes=(*OLD.attributes[:2], Flag(name="Scar")))
    source, fresh = (model(schema, COLOURS, 4, ["spatial", "layers"]) for schema in (OLD, other))
    weights = source.network().state_dict()
    weights["sketch.colours"] = torch.ones_like(weights["sketch.colours"])
    assert (transferred(fresh, source, weights)[0]["sketch.colours"] == -1).all()
    assert (transferred(source, source, weights)[0]["sketch.colours"] == 1).all()


def test_the_same_data_keep_every_weight():
    source = model(OLD, COLOURS, 4)
    weights = source.network().state_dict()
    made, share = transferred(model(OLD, COLOURS, 4), source, weights)
    assert share == 1
    assert all(torch.equal(made[name], tensor) for name, tensor in weights.items())


def test_a_training_begins_there_and_goes_on_there(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("NOISETTE_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    assert main(["collection", "punks", "--count", "60", "--out", "mine"]) == 0
    words = ["train", "mine", "--from", "punks", "--steps", "2", "--set", "training.compile=no"]
    words += ["--set", "training.learning_rate=1e-9", "--set", "training.batch_size=8"]
    assert main(words) == 0
    assert "of the weights begin as those of punks" in capsys.readouterr().err
    run = noisette.load("runs/mine")
    request = noisette.load("punks").random_request(3)
    known = set(run.schema.names)
    asked = {name: value for name, value in request.items() if name in known and value is not False}
    drawn = run.generate(asked, seeds=range(4), allow_unseen=True)
    there = noisette.load("punks").generate(asked, seeds=range(4), allow_unseen=True)
    assert (drawn == there).all(axis=1).mean() > 0.8  # untrained it would be noise
    assert main(["resume", "runs/mine", "--steps", "1"]) == 0
    assert main(["train", "digits", "--from", "punks"]) == 2
    assert "--from is for a folder of images" in capsys.readouterr().err
