"""Baselines that need no network, on small data whose right answer is known."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest

from noisette.attributes.schema import UNKNOWN, AttributeSchema, Choice, Flag
from noisette.data.dataset import Dataset
from noisette.floor.chain import chain
from noisette.floor.layers import layered
from noisette.floor.lots import marginal, resampled
from noisette.floor.nearest import nearest
from noisette.floor.registry import BASELINES, left_out
from noisette.floor.trees import trees

from ..layers import made

COLOURS = np.random.default_rng(7).permutation(256)[: made.COLOURS].astype(np.uint8)
SCHEMA = AttributeSchema(
    attributes=tuple(
        Choice(name=name, options=tuple(f"{name} {value}" for value in range(size)))
        for name, size in zip(("sky", "body", "head", "glasses"), made.SIZES, strict=True)
    )
)


def collection(codes):
    """RGB images of parts that lie on each other, as `made` puts them together."""
    places = made.drawn(made.parts(), codes)
    images = np.stack([COLOURS[places], 255 - COLOURS[places], COLOURS[places] // 2], axis=1)
    table = codes.astype(np.int16)
    return Dataset("parts", images, table, SCHEMA, np.zeros(len(codes), np.uint8))


def equal(images, others):
    return (images == others).all(axis=(1, 2, 3)).mean()


@pytest.fixture(scope="module")
def train():
    return collection(made.codes(400, seed=1))


@pytest.fixture(scope="module")
def unseen(train):
    """Requests that no training image has."""
    known = {row.tobytes() for row in train.attributes}
    new = made.codes(300, seed=2).astype(np.int16)
    return new[[row.tobytes() not in known for row in new]][:60]


def pixel(rows):
    """Images of one grey pixel with two flags, `(first, second, grey)` each."""
    schema = AttributeSchema(attributes=(Flag(name="A"), Flag(name="B")))
    table = np.array([row[:2] for row in rows], np.int16)
    images = np.array([row[2] for row in rows], np.uint8).reshape(-1, 1, 1, 1)
    return Dataset("pixel", images, table, schema, np.zeros(len(rows), np.uint8))


@pytest.mark.parametrize("name", BASELINES)
def test_a_baseline_draws_the_same_from_the_same_seed_as_images_are_learned(train, unseen, name):
    if name == "trees":
        pytest.importorskip("sklearn")
    told = []
    first = BASELINES[name].draw(train, unseen, 5, lambda done, there: told.append((done, there)))
    assert np.array_equal(BASELINES[name].draw(train, unseen, 5), first)
    assert (first.shape, first.dtype) == ((len(unseen), *train.images.shape[1:]), np.uint8)
    assert told
    assert all(0 < done <= there for done, there in told)


def test_nearest_finds_the_very_image_of_a_request_that_was_trained(train):
    assert equal(nearest(train, train.attributes[:50], 0), train.images[:50]) == 1


def test_nearest_takes_what_differs_in_the_fewest_values():
    train = pixel([(0, 0, 10), (1, 0, 20), (1, 1, 30)])
    assert nearest(train, np.array([[0, 1]], np.int16), 0).ravel() in ([10], [30])  # one value from either
    assert nearest(train.take(np.array([0, 1])), np.array([[1, 1]], np.int16), 0).ravel() == [20]


def test_nearest_asks_nothing_of_what_a_request_leaves_open():
    train = pixel([(0, 0, 10), (0, 1, 20), (1, 0, 30)])
    request = np.array([[UNKNOWN, 1]], np.int16)
    assert {int(nearest(train, request, seed).item()) for seed in range(20)} == {20}
    open_ = np.array([[UNKNOWN, UNKNOWN]], np.int16)
    assert {int(nearest(train, open_, seed).item()) for seed in range(40)} == {10, 20, 30}


def test_several_that_are_as_near_are_taken_by_lot():
    train = pixel([(1, 1, grey) for grey in range(4)])
    drawn = nearest(train, np.ones((400, 2), np.int16), 0)
    assert np.bincount(drawn.ravel(), minlength=4).min() > 70


def test_trees_learn_what_each_pixel_makes_of_two_flags():
    pytest.importorskip("sklearn")
    either = [(first, second, 100 if first != second else 200) for first in (0, 1) for second in (0, 1)]
    found = trees(pixel(either * 5), np.array([row[:2] for row in either], np.int16), 0)
    assert found.ravel().tolist() == [row[2] for row in either]


def test_trees_draw_what_they_never_saw_where_pixels_follow_one_value():
    pytest.importorskip("sklearn")
    codes = np.stack(np.meshgrid(np.arange(6), np.arange(5), indexing="ij"), axis=-1).reshape(-1, 2)
    schema = AttributeSchema(
        attributes=(Choice(name="top", options=tuple("abcdef")), Choice(name="bottom", options=tuple("uvwxy")))
    )
    images = np.zeros((len(codes), 3, 4, 4), np.uint8)
    images[:, :, :2] = (codes[:, 0] * 40)[:, None, None, None]
    images[:, 1, 2:] = (codes[:, 1] * 50)[:, None, None]
    whole = Dataset("halves", images, codes.astype(np.int16), schema, np.zeros(len(codes), np.uint8))
    kept = np.arange(len(codes)) % 4 != 1
    drawn = trees(whole.take(np.flatnonzero(kept)), whole.attributes[~kept], 0)
    assert equal(drawn, images[~kept]) == 1


def test_trees_take_requests_and_images_with_unknown_values():
    pytest.importorskip("sklearn")
    train = pixel([(1, UNKNOWN, 50)] * 3 + [(0, 0, 90)] * 3)
    assert trees(train, np.array([[1, UNKNOWN], [UNKNOWN, 0]], np.int16), 0).ravel().tolist() == [50, 90]


def test_layers_are_put_together_as_nobody_saw_them(train, unseen):
    assert equal(layered(train, unseen, 0), collection(unseen).images) > 0.97


def test_layers_are_counted_in_images_whose_labels_are_known(train, unseen):
    table = train.attributes.copy()
    table[::5, 1] = UNKNOWN
    assert equal(layered(replace(train, attributes=table), unseen, 0), collection(unseen).images) > 0.9


def test_resampled_images_are_training_images_each_once(train):
    marked = train.with_images(
        lambda images: np.arange(images.size, dtype=np.int64).astype(np.uint8).reshape(images.shape)
    )
    marked.images[:, 0, 0, :2] = np.stack(np.divmod(np.arange(400), 256), axis=1)
    drawn = resampled(marked, train.attributes, 0)
    numbers = drawn[:, 0, 0, 0].astype(int) * 256 + drawn[:, 0, 0, 1]
    assert sorted(numbers) == list(range(400))
    assert np.array_equal(drawn, marked.images[numbers])
    assert numbers.tolist() != list(range(400))
    assert len(resampled(marked, np.zeros((900, 4), np.int16), 0)) == 900  # more than there are


def test_pixels_by_themselves_have_the_frequencies_of_the_data():
    greys = np.zeros((100, 1, 1, 2), np.uint8)
    greys[:30] = 7  # both pixels of an image are alike
    train = Dataset(
        "two",
        greys,
        np.zeros((100, 1), np.int16),
        AttributeSchema(attributes=(Flag(name="A"),)),
        np.zeros(100, np.uint8),
    )
    drawn = marginal(train, np.zeros((4000, 1), np.int16), 0).reshape(-1, 2) == 7
    assert drawn.mean(axis=0) == pytest.approx([0.3, 0.3], abs=0.03)
    assert drawn.all(axis=1).mean() == pytest.approx(0.09, abs=0.02)  # and nothing to do with each other


def test_a_pixel_by_itself_keeps_its_channels_together(train):
    drawn = marginal(train, train.attributes[:50], 0)
    assert (drawn[:, 1] == 255 - drawn[:, 0]).all()


def test_a_chain_of_pixels_holds_together_and_makes_what_no_training_image_is(train):
    drawn = chain(train, np.zeros((200, 4), np.int16), 3)
    every = {image.tobytes() for image in collection(made.codes(20_000, seed=9)).images}
    right = np.mean([image.tobytes() in every for image in drawn])
    assert right > 0.6  # pixels by themselves are never right
    known = {image.tobytes() for image in train.images}
    assert 0 < np.mean([image.tobytes() in known for image in drawn]) < 1
    assert np.array_equal(drawn, chain(train, np.zeros((200, 4), np.int16), 3))


def test_what_does_not_apply_is_left_out_with_the_reason(train, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    monkeypatch.setattr("noisette.floor.trees.find_spec", lambda name: None)
    reasons = left_out(train, conditional=True)
    assert reasons == {
        "trees": "scikit-learn is not installed; install it with: pip install 'noisette[floor]'",
        "resampled": "it takes requests",
        "marginal": "it takes requests",
        "chain": "it takes requests",
    }
    assert left_out(train, conditional=False).keys() == {"nearest", "trees", "layers", "chain"}


def test_of_photographs_only_the_nearest_is_left():
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (60, 3, 12, 12), dtype=np.uint8)
    photos = Dataset("photos", images, made.codes(60, 0).astype(np.int16), SCHEMA, np.zeros(60, np.uint8))
    reasons = left_out(photos, conditional=True)
    assert "nearest" not in reasons
    assert "many colours" in reasons["layers"]
    assert "trees" in reasons
    grey = photos.with_images(lambda images: images[:, :1])
    assert "grey" in left_out(grey, conditional=True)["layers"]


def test_layers_need_images_with_all_their_labels(train):
    table = train.attributes.copy()
    table[10:, 0] = UNKNOWN
    assert "have all their labels" in left_out(replace(train, attributes=table), conditional=True)["layers"]
