from __future__ import annotations

import numpy as np

import noisette
from noisette.data.attributes import AttributeSchema, Choice, Flag
from noisette.data.dataset import Dataset
from noisette.evaluation.visibility import Missed, covered, missed

SCHEMA = AttributeSchema(
    attributes=(Choice(name="skin", options=tuple(f"tone {number}" for number in range(7))), Flag(name="Earring"), Flag(name="Long Hair"))
)


def portraits():
    """An earring of four pixels, of which long hair, in three of seven skin tones, leaves one."""
    table = np.array([(skin, ring, hair) for skin in range(7) for ring in (0, 1) for hair in ((0, 1) if skin < 3 else (0,))], dtype=np.int16)
    images = np.zeros((len(table), 1, 6, 6), dtype=np.uint8)
    for image, (skin, ring, hair) in zip(images, table, strict=True):
        image[:] = 10 * (skin + 1)
        if ring:
            image[0, 2:4, 0:2] = 200
        if hair:
            image[0, 0:3] = 100
            image[0, 3, 0] = 100
    return Dataset("portraits", images, table, SCHEMA, np.zeros(len(table), dtype=np.uint8))


def test_what_is_hidden_is_found_from_the_pixels():
    [found] = covered(portraits())
    assert (found.flag, found.beside, found.pixels, found.usual, found.twins) == ("Earring", "Long Hair", 1, 4, 3)


def test_where_several_images_have_the_same_attributes_pixels_tell_nothing():
    assert covered(noisette.open_dataset("sprites", count=400, size=8)) == []


def test_what_a_judge_misses_beside_another_value():
    table = np.array([[0, 1, 1]] * 6 + [[0, 1, 0]] * 6, dtype=np.int16)
    seen = table.copy()
    seen[:5, 1] = 0
    assert missed(table, seen, SCHEMA) == [Missed("Earring", "Long Hair", 1 / 6, 6)]
    assert missed(table, table, SCHEMA) == []
