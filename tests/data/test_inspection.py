from __future__ import annotations

import json
from collections import Counter
from hashlib import sha256

import numpy as np
import pytest

from noisette.data.inspection import contact_sheet, describe, facts
from noisette.data.opening import open_dataset
from noisette.data.sources.sprites import sprites


@pytest.mark.parametrize("background", [None, "#638596"])
def test_the_facts_are_what_counting_by_hand_gives(background):
    data = open_dataset("sprites", count=40, size=16, background=background)
    found = facts(data)
    pixels = data.images.transpose(0, 2, 3, 1)
    counts = Counter(pixel.tobytes().hex() for pixel in pixels.reshape(-1, data.channels))
    assert found["splits"] == {"train": 36, "validation": 2, "test": 2}
    assert (found["images"], found["height"], found["width"]) == (40, 16, 16)
    assert found["mode"] == ("RGB" if background else "RGBA")
    assert found["pixels_sha256"] == sha256(pixels.tobytes()).hexdigest()
    assert found["colours"] == len(counts)
    assert found["commonest_colours"] == pytest.approx(
        {colour: counts[colour] / pixels[..., 0].size for colour in found["commonest_colours"]}, abs=1e-4
    )
    assert list(found["commonest_colours"].values())[:3] == [
        round(count / pixels[..., 0].size, 4) for _, count in counts.most_common(3)
    ]
    assert json.loads(json.dumps(found)) == found
    assert ("alpha" in found) == (background is None)


@pytest.mark.slow
def test_grey_images_have_colours_too(digits):
    few = digits.take(np.arange(50))
    found = facts(few)
    assert found["mode"] == "grey"
    assert found["colours"] == len(np.unique(few.images))
    assert next(iter(found["commonest_colours"])) == "00"
    assert found["attributes"][0]["counts"] == {str(digit): int((few.attributes == digit).sum()) for digit in range(10)}


def test_the_facts_of_the_punks(punks):
    found = facts(punks)
    assert found["pixels_sha256"] == "db0e780ac7553b5dd6a3bb02ed2bf8106c16659e15a36797294e01e8817286bf"
    assert found["colours"] == 222
    assert found["alpha"] == pytest.approx({"0": 0.637, "128": 0.0014, "255": 0.3616})
    told = describe(found)
    assert "cryptopunks: 10,000 images, 24x24 RGBA" in told
    assert "Male 6,039, Female 3,840, Zombie 88, Ape 24, Alien 9" in told
    assert "train 9,000, validation 500, test 500" in told
    assert "87 flags" in told
    assert "Earring 2,459" in told


def test_unknown_attributes_are_counted_apart():
    data = sprites(30, 8)
    data.attributes[:4] = -1
    for row in facts(data)["attributes"]:
        assert row["unknown"] == 4
        assert row["kind"] == "flag" or sum(row["counts"].values()) == 26


def test_the_contact_sheet_is_the_first_hundred():
    data = sprites(120, 16)
    picture = contact_sheet(data)
    assert picture.size == (4 * (10 * 17 - 1), 4 * (10 * 17 - 1))
    last = np.asarray(picture)[4 * 9 * 17 :: 4, 4 * 9 * 17 :: 4]
    assert (last == data.images[99].transpose(1, 2, 0)).all()
    assert contact_sheet(data.take(np.arange(3))).size == (4 * (3 * 17 - 1), 4 * 16)


def test_images_that_are_not_square_are_told_and_shown_as_they_are():
    data = open_dataset("sprites", count=20, size="16x24")
    found = facts(data)
    assert (found["width"], found["height"]) == (16, 24)
    assert "20 images, 16x24 RGBA" in describe(found)
    picture = contact_sheet(data)
    assert picture.size == (4 * (10 * 17 - 1), 4 * (2 * 25 - 1))
    last = np.asarray(picture)[4 * 25 :: 4, 4 * 9 * 17 :: 4]
    assert (last == data.images[19].transpose(1, 2, 0)).all()
