"""The grids after each epoch."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from PIL import Image

import noisette
from noisette.config.data import open_data
from noisette.config.recipe import parse_recipe
from noisette.data.palette import palette_of
from noisette.errors import RequestError
from noisette.model import assemble
from noisette.training.grids import Grid, grid_requests

from ..conftest import CONDITIONAL, TINY


def model_and_data(*overrides, text=CONDITIONAL):
    recipe = parse_recipe(text, source="t", overrides=overrides)
    dataset = open_data(recipe)
    return assemble(recipe, dataset.schema), dataset


def test_the_requests_of_the_recipe_take_turns():
    model, dataset = model_and_data("samples.count=5", 'samples.requests=["Zombie, Top Hat", "no earring"]')
    codes, texts = grid_requests(model, dataset)
    assert codes.shape == (5, len(dataset.schema.attributes))
    assert [dataset.schema.decode(row) for row in codes[:2]] == [
        {"Body": "Zombie", "Hat": "Top Hat"},
        {"Earring": False},
    ]
    assert (codes[[0, 1, 0]] == codes[2:]).all()
    assert texts == [texts[0], texts[1]] * 2 + [texts[0]]


def test_without_requests_a_grid_has_the_attributes_of_the_validation_split():
    model, dataset = model_and_data("samples.count=9", "samples.requests=[]")
    codes, texts = grid_requests(model, dataset)
    validation = dataset.attributes[dataset.places("validation")]
    assert len(validation) < 9  # they begin again
    assert (codes == np.resize(validation, codes.shape)).all()
    assert len(texts) == 9


def test_a_request_that_cannot_be_is_refused():
    model, dataset = model_and_data('samples.requests=["Top Hatt"]')
    with pytest.raises(RequestError, match="Top Hat"):
        grid_requests(model, dataset)


def test_drawing_leaves_the_network_as_it_was():
    model, dataset = model_and_data()
    grid, network = Grid(model, dataset, torch.device("cpu")), model.network().train()
    images = grid.draw(network)
    assert images.shape == (4, model.space.channels, 8, 8)
    assert network.training
    assert (grid.draw(network.eval()) == images).all()
    assert not network.training


def test_a_grid_has_the_palette_of_the_recipe_or_is_refused_before_the_training():
    model, dataset = model_and_data("sampling.palette=true")
    with pytest.raises(RequestError, match="knows no palette"):
        Grid(model, dataset, torch.device("cpu"))
    palette = palette_of(dataset.images)
    known = assemble(model.recipe, dataset.schema, palette)
    images = Grid(known, dataset, torch.device("cpu")).draw(known.network())
    assert (palette.snap(images) == images).all()


def test_a_grid_says_what_it_was_drawn_from(tmp_path):
    model, dataset = model_and_data()
    grid = Grid(model, dataset, torch.device("cpu"))
    picture = grid.save(np.zeros((4, 4, 8, 8), np.uint8), tmp_path / "grid.png", step=18, epoch=2)
    with Image.open(tmp_path / "grid.png") as image:
        said = json.loads(image.info["noisette"])
        assert picture.shape[:2] == (image.height, image.width)
    assert (said["step"], said["epoch"], said["seeds"]) == (18, 2, [0, 1, 2, 3])
    assert len(said["requests"]) == 4
    assert said["sampling"]["steps"] == 3


def test_the_grid_of_an_unconditional_model_asks_for_nothing(tmp_path):
    model, dataset = model_and_data(text=TINY)
    grid = Grid(model, dataset, torch.device("cpu"))
    grid.save(np.zeros((4, 4, 8, 8), np.uint8), tmp_path / "grid.png", step=9, epoch=1)
    with Image.open(tmp_path / "grid.png") as image:
        assert json.loads(image.info["noisette"])["requests"] == []


@pytest.mark.slow
def test_a_grid_that_a_kill_left_out_is_drawn_on_resume(tiny, tmp_path):
    run = noisette.train(tiny, out=tmp_path / "r")
    (run.samples / "epoch-0003.png").unlink()
    run.write_status(**{**run.status, "state": "running"})
    noisette.resume(tmp_path / "r")
    assert (run.samples / "epoch-0003.png").exists()
    assert run.status["state"] == "finished"
