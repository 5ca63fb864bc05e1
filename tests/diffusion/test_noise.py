from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from noisette.diffusion.noise import ImageNoise, VariedNoise, between
from noisette.seeds import AGAIN, END, IMPUTED, KEPT, NOISE, WORD, random_of


@given(st.floats(0, 1))
def test_between_two_noises_is_noise_of_the_same_strength(share):
    one, other = ImageNoise([0, 1]).draw((3, 200, 200))
    mixed = between(one, other, share)
    assert mixed.std().item() == pytest.approx(1, abs=0.01)
    assert mixed.mean().item() == pytest.approx(0, abs=0.01)


def test_it_begins_with_the_one_and_ends_with_the_other():
    one, other = ImageNoise([0, 1]).draw((3, 8, 8))
    assert torch.equal(between(one, other, 0), one)
    assert torch.equal(between(one, other, 1), other)
    torch.testing.assert_close(between(one, other, 1 / 3), one * 3**0.5 / 2 + other / 2)


SEEDS = st.integers(0, END - 1)


@given(SEEDS, st.integers(1, END // WORD - 1), st.integers(0, 5))
def test_no_two_seeds_draw_the_same(seed, times, purpose):
    """PyTorch's generator, and NumPy's of several numbers, read 32 bits of each."""
    other = (seed + times * WORD) % END
    one, two = ImageNoise([seed, other]).draw((64,))
    assert abs(float((one * two).mean())) < 0.9
    draws = {(each, what): random_of(each, what).random(4).tobytes() for each in (seed, other) for what in range(6)}
    assert len(set(draws.values())) == 12
    if other >= WORD:  # what is above 32 bits is no purpose
        assert random_of(other, times).random() != random_of(other % WORD, times).random()


@pytest.mark.parametrize("seed", [WORD, WORD + 5, 5 + 2 * WORD, END - 1])
def test_no_two_purposes_of_a_long_seed_draw_the_same_nor_what_another_seed_draws(seed):
    """As one of several numbers, the upper half of the seed would be a purpose, and the purpose a number."""
    purposes = [(IMPUTED,), (KEPT,), *((AGAIN, number) for number in range(3)), (NOISE,)]
    drawn = [
        random_of(its, *purpose).standard_normal(4).astype(np.float32).tobytes()
        for its in (seed, seed % WORD)
        for purpose in purposes
    ]
    assert len(set(drawn)) == len(drawn)
    assert ImageNoise([seed]).draw((4,)).numpy().tobytes() == drawn[purposes.index((NOISE,))]


@given(st.integers(0, WORD - 1))
def test_seeds_of_32_bits_draw_what_they_always_drew(seed):
    wanted = torch.randn(3, 4, generator=torch.Generator().manual_seed(seed))
    assert torch.equal(ImageNoise([seed]).draw((3, 4))[0], wanted)
    assert random_of(seed, 1).random() == np.random.default_rng([seed, 1]).random()
    assert random_of(seed, AGAIN, 3).random() == np.random.default_rng([seed, 2, 3]).random()
    assert random_of(seed, IMPUTED).random() == np.random.Generator(np.random.PCG64(seed)).random()


def test_long_seeds_draw_unit_normal_numbers_that_go_on():
    noise = ImageNoise([WORD, END - 1])
    first, second = noise.draw((3, 64, 64)), noise.like(torch.zeros(2, 3, 64, 64, dtype=torch.float64))
    assert (first.dtype, second.dtype) == (torch.float32, torch.float64)
    assert not torch.equal(first, second.float())
    for drawn in (*first, *second):
        assert drawn.mean().item() == pytest.approx(0, abs=0.04)
        assert drawn.std().item() == pytest.approx(1, abs=0.04)


@given(st.floats(0, 1), st.integers(1, 3))
def test_all_draws_of_a_variation_lie_on_the_way_between_two_seeds(strength, count):
    seeds = list(range(20, 20 + count))
    varied, own, around = VariedNoise(seeds, 7, strength), ImageNoise(seeds), ImageNoise([7] * count)
    for _ in range(3):
        start, added = varied.draw((3, 4)), varied.like(torch.zeros(count, 3, 4))
        assert torch.equal(start, between(around.draw((3, 4)), own.draw((3, 4)), strength))
        assert torch.equal(added, between(around.draw((3, 4)), own.draw((3, 4)), strength))
