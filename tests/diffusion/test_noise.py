from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from noisette.diffusion.noise import ImageNoise, between


@given(st.floats(0, 1))
def test_between_two_noises_is_noise_of_the_same_strength(share):
    one, other = ImageNoise([0, 1]).draw((3, 200, 200))
    mixed = between(one, other, share)
    assert mixed.std().item() == pytest.approx(1, abs=0.01)
    assert mixed.mean().item() == pytest.approx(0, abs=0.01)


def test_it_begins_with_the_one_and_ends_with_the_other():
    one, other = ImageNoise([0, 1]).draw((3, 8, 8))
    assert torch.equal(between(one, other, 0), one)
    torch.testing.assert_close(between(one, other, 1), other)
    torch.testing.assert_close(between(one, other, 1 / 3), one * 3**0.5 / 2 + other / 2)
