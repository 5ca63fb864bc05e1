from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from noisette.diffusion.condition import Condition
from noisette.layers.certainty import certainty_of
from noisette.layers.find import find_layers
from noisette.layers.fit import composed, fit_layers
from noisette.layers.order import find_order
from noisette.layers.rows import Units
from noisette.networks.conditioning import ConditionSpec
from noisette.networks.layers import Sketch, mixed

from .made import COLOURS, SIZES, UNITS, codes, drawn, parts

IMAGES = 400  # of 720 that there could be


@pytest.fixture(scope="module")
def collection():
    table, wanted = parts(), codes(IMAGES, seed=1)
    return table, wanted, drawn(table, wanted)


def test_parts_are_found_again_and_make_images_that_were_never_seen(collection):
    table, wanted, images = collection
    layers = find_layers(images, UNITS.rows(wanted), UNITS)
    new = codes(300, seed=2)
    assert layers.exact > 0.98
    assert (composed(layers, UNITS.rows(new)) == drawn(table, new)).all(axis=(1, 2)).mean() > 0.97


def test_the_order_is_found_whatever_order_the_attributes_have(collection):
    _, wanted, images = collection
    shuffled = [3, 1, 0, 2]
    units = Units.of([range(SIZES[unit]) for unit in shuffled], range(4))
    told = []
    order = find_order(images, units.rows(wanted[:, shuffled]), units, tried=lambda *counts: told.append(counts))
    found = [shuffled[unit] for unit in order]
    assert found.index(1) < found.index(2) < found.index(3)  # nothing but the sky lies below the body
    assert [done for done, _ in told] == list(range(1, len(told) + 1))


def test_a_wrong_order_explains_less(collection):
    _, wanted, images = collection
    rows = UNITS.rows(wanted)
    right, wrong = (fit_layers(images, rows, UNITS, order) for order in ((0, 1, 2, 3), (0, 3, 2, 1)))
    assert wrong.exact < right.exact


def test_a_pixel_that_was_always_covered_gets_the_colour_around_it():
    """A round head under glasses that all wear: nobody can know, but no hole is likely."""
    units = Units.of([range(2), range(2)], range(2))
    head = np.full((2, 6, 6), -1, np.int16)
    head[:, 1:5, 1:5] = [[[1]], [[2]]]
    images = head[[0, 1] * 20]
    images = np.where(images < 0, 0, images).astype(np.int16)
    images[:, 2, 2:4] = 3
    wanted = np.array([[0, 0], [1, 0]] * 20)
    layers = fit_layers(images, units.rows(wanted), units, (0, 1))
    assert (composed(layers, units.rows(np.array([[0, 0], [1, 0]]))) == images[:2]).all()


def test_noise_is_not_explained():
    random = np.random.default_rng(0)
    wanted = codes(300, seed=3)
    images = random.integers(COLOURS, size=(300, 12, 12)).astype(np.int16)
    rows = UNITS.rows(wanted)
    layers = find_layers(images, rows, UNITS)
    certainty = certainty_of(layers, images, rows, UNITS)
    assert layers.exact == 0
    assert np.median(certainty.values) < 0.3


def test_flags_of_a_group_are_one_layer_and_an_absent_one_draws_nothing():
    units = Units.of([range(1, 2), range(3), range(1, 2)], [0, 1, 0])
    assert units.count == 2
    rows = units.rows(np.array([[1, 2, 0], [0, 0, 1], [0, 1, 0], [-1, -1, 0]]))
    assert rows.tolist() == [[0, 3], [4, 1], [5, 2], [5, 5]]


@given(seed=st.integers(0, 10**6), shuffled=st.permutations(range(4)))
def test_a_network_sketches_what_numpy_composes(seed, shuffled):
    """The same table, in the two places that read it."""
    random = np.random.default_rng(seed)
    layers_ = fit_layers(np.zeros((4, 3, 5), np.int16), UNITS.rows(codes(4, 0)), UNITS, tuple(shuffled), sweeps=1)
    table = random.integers(-1, COLOURS, size=(UNITS.values, 3, 5)).astype(np.int16)
    layers = type(layers_)(tuple(shuffled), table, random.integers(-1, 5, size=(3, 5)).astype(np.int16), 0.0, 0.0)
    wanted = codes(6, seed)
    images = composed(layers, UNITS.rows(wanted))
    sketch = Sketch(ConditionSpec(tuple(range(size) for size in SIZES)), (3, 5), (0, 1, 0, 0), COLOURS)
    sketch.fill(layers, certainty_of(layers, images, UNITS.rows(wanted), UNITS))
    places, odds, planes = sketch(Condition(torch.from_numpy(wanted)))
    assert (places[..., :5].numpy() == images).all()
    assert (places[..., 5] == -1).all()
    assert (odds[places < 0] == 0).all()
    assert planes.shape == (6, sketch.channels, 3, 6)


def test_what_may_be_covered_by_something_unknown_is_less_certain(collection):
    _, wanted, images = collection
    rows = UNITS.rows(wanted)
    layers = fit_layers(images, rows, UNITS, (0, 1, 2, 3))
    sketch = Sketch(ConditionSpec(tuple(range(size) for size in SIZES)), images.shape[1:], (0, 0, 0, 0), COLOURS)
    sketch.fill(layers, certainty_of(layers, images, rows, UNITS))
    known = torch.from_numpy(wanted[:1])
    unknown = known.clone()
    unknown[0, 2] = -1  # the head
    (all_known, sure, _), (without, unsure, _) = sketch(Condition(known)), sketch(Condition(unknown))
    corner, middle = (slice(None), 0, 0), (slice(None), 3, 4)
    assert sure[corner] == unsure[corner]
    assert all_known[corner] == without[corner]
    assert unsure[middle] < sure[middle] - 3
    nobody = torch.full_like(known, -1)
    assert (sketch(Condition(nobody))[0] == torch.from_numpy(layers.base)).all()


def test_a_mixture_is_a_mixture():
    """Held against its definition, in probabilities."""
    torch.manual_seed(0)
    logits, odds = torch.randn(2, 5, 3, 3, dtype=torch.float64), torch.randn(2, 3, 3, dtype=torch.float64)
    places = torch.randint(-1, 5, (2, 3, 3))
    sketched = torch.nn.functional.one_hot(places.clamp(min=0), 5).permute(0, 3, 1, 2)
    chance = torch.where(places >= 0, odds.sigmoid(), 0.0)[:, None]
    expected = chance * sketched + (1 - chance) * logits.softmax(dim=1)
    torch.testing.assert_close(mixed(logits, places, odds).softmax(dim=1), expected)
