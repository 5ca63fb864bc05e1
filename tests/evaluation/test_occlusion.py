from __future__ import annotations

import numpy as np

import noisette
from noisette.attributes.schema import AttributeSchema, Choice, Flag
from noisette.data.dataset import Dataset
from noisette.evaluation.occlusion import Pair, missed_beside, occluded, occluded_beside

SCHEMA = AttributeSchema(
    attributes=(
        Choice(name="skin", options=tuple(f"tone {number}" for number in range(12))),
        Flag(name="Earring"),
        Flag(name="Long Hair"),
        Flag(name="Hat"),
    )
)


def portraits():
    """Long hair covers an earring of four pixels. As in a collection that admits no two equal images, no two differ in an occluded
    earring alone: who hides one wears no hat, and the other does.
    """
    table = [(skin, ring, 0, hat) for skin in range(12) for ring in (0, 1) for hat in (0, 1)]
    table += [(skin, int(skin < 6), 1, int(skin >= 6)) for skin in range(12)] + [(skin, 0, 1, 1) for skin in range(6)]
    rows = np.array(table, dtype=np.int16)
    images = np.zeros((len(rows), 1, 6, 6), dtype=np.uint8)
    for image, (skin, ring, hair, hat) in zip(images, rows, strict=True):
        image[:] = 10 * (skin + 1)
        if ring:
            image[0, 3:5, 0:2] = 200
        if hair:
            image[0, 3:6] = 210
        if hat:
            image[0, 0] = 150
    return Dataset("portraits", images, rows, SCHEMA, np.zeros(len(rows), dtype=np.uint8))


def test_what_is_occluded_is_found_from_the_pixels():
    data = portraits()
    mask = occluded(data)
    assert np.array_equal(mask, (data.attributes == 1) & (np.arange(4) == 1) & (data.attributes[:, 2:3] == 1))
    pairs = occluded_beside(data, mask)
    assert pairs[0] == Pair("Earring", "Long Hair", 1.0, 6)
    assert {pair.value for pair in pairs} == {"Earring"}


def test_what_paints_beside_it_is_not_taken_for_occlusion():
    """A hat, which paints elsewhere, is no cover, and no hair is occluded for being under it."""
    data = portraits()
    mask = occluded(data)
    assert not mask[:, [0, 2, 3]].any()
    assert not mask[data.attributes[:, 2] == 0].any()


def test_where_several_images_have_the_same_attributes_pixels_tell_nothing():
    data = portraits()
    twice = data.take(np.repeat(np.arange(len(data)), 2))
    assert np.array_equal(occluded(twice), np.repeat(occluded(data), 2, axis=0))  # repeated, but alike
    twice.images[0] = 7
    assert not occluded(twice).any()
    assert not occluded(
        noisette.open_dataset("sprites", count=400, size=8)
    ).any()  # where each attribute has a place of its own


def test_a_flag_that_is_not_known_is_not_absent():
    data = portraits()
    table = data.attributes.copy()
    shown = int(np.flatnonzero((table[:, 1] == 1) & (table[:, 2] == 0))[0])
    other = np.array([[table[shown, 0], -1, 0, table[shown, 3]]], dtype=np.int16)
    more = Dataset(
        "portraits",
        np.concatenate([data.images, data.images[shown : shown + 1]]),
        np.concatenate([table, other]),
        SCHEMA,
        np.zeros(len(table) + 1, np.uint8),
    )
    assert not occluded(more)[shown].any()


def test_what_a_classifier_misses_beside_another_value():
    table = np.array([[0, 1, 1, 0]] * 6 + [[1, 1, 0, 0]] * 6, dtype=np.int16)
    seen = table.copy()
    seen[:5, 1] = 0
    assert missed_beside(table, seen, SCHEMA) == [
        Pair("Earring", "Long Hair", 5 / 6, 6),
        Pair("Earring", "skin=tone 0", 5 / 6, 6),
    ]
    assert missed_beside(table, table, SCHEMA) == []
    assert (
        missed_beside(np.where(table == 1, np.int16(-1), table), seen, SCHEMA) == []
    )  # what is occluded cannot be missed
