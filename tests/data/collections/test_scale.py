"""Enlarged pixel art is found and comes back to the pixel; nothing else is touched."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from noisette.data.collections.collection import open_collection
from noisette.data.collections.scale import Enlargement, blocks_of, common, fits, reduce, reduced_size

from .avatars import avatar, kinds, save


@given(seed=st.integers(0, 10**6), factor=st.integers(2, 9), height=st.integers(4, 9), width=st.integers(4, 9))
def test_what_was_enlarged_comes_back(seed, factor, height, width):
    small = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    large = small.repeat(factor, axis=0).repeat(factor, axis=1)
    found = blocks_of(large)
    assert (found.factor, found.left, found.top) == (factor, 0, 0)
    assert np.array_equal(reduce(large, found), small)
    assert reduced_size(found, *large.shape[:2]) == (height, width)


@given(seed=st.integers(0, 10**6), factor=st.integers(2, 9), left=st.integers(0, 8), top=st.integers(0, 8))
def test_a_grid_may_be_cut_at_its_edges(seed, factor, left, top):
    small = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), np.uint8)
    large = small.repeat(factor, axis=0).repeat(factor, axis=1)[top % factor :, left % factor :]
    found = blocks_of(large)
    assert found.factor == factor
    assert np.array_equal(reduce(large, found), small)


def test_a_flat_image_decides_nothing_and_one_that_is_not_on_the_grid_is_told_apart():
    small = [np.random.default_rng(seed).integers(0, 256, (6, 6, 3), np.uint8) for seed in range(200)]
    blocks = [blocks_of(image.repeat(4, axis=0).repeat(4, axis=1)) for image in small]
    blocks.append(blocks_of(np.zeros((24, 24, 3), np.uint8)))
    blocks.append(blocks_of(np.random.default_rng(0).integers(0, 256, (24, 24, 3), np.uint8)))
    factors, lefts, tops = (np.array([getattr(each, name) for each in blocks]) for name in ("factor", "left", "top"))
    found = common(factors, lefts, tops)
    assert found == Enlargement(4, 0, 0)
    assert fits(found, factors, lefts, tops).tolist() == [True] * 201 + [False]


@pytest.mark.parametrize("factor", [1, 3])
def test_a_folder_of_enlargements_is_read_as_what_was_enlarged(tmp_path, monkeypatch, factor):
    monkeypatch.setenv("NOISETTE_CACHE", str(tmp_path / "cache"))
    for number in range(120):
        save(tmp_path / "a" / f"{number}.png", avatar(number).repeat(factor, axis=0).repeat(factor, axis=1))
    save(tmp_path / "a" / "x.png", np.random.default_rng(0).integers(0, 256, (12 * factor, 12 * factor, 4), np.uint8))
    collection = open_collection(tmp_path / "a")
    assert np.array_equal(
        collection.dataset.images[:120].transpose(0, 2, 3, 1), np.stack([avatar(n) for n in range(120)])
    )
    if factor > 1:
        assert {kind: count for kind, count in kinds(collection).items() if kind != "hidden colours"} == {
            "enlarged": 120,
            "off grid": 1,
        }
