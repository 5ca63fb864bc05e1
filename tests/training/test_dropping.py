from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from noisette.training.dropping import drop

UNITS = torch.tensor([0, 1, 1, 1, 4, 5])


def dropped(images, *, units=UNITS, drop_all=0.0, drop_each=0.0, seed=0):
    codes = torch.arange(6).repeat(images, 1) % 2
    return codes, drop(
        codes, units, drop_all=drop_all, drop_each=drop_each, generator=torch.Generator().manual_seed(seed)
    )


@given(st.floats(0, 0.99), st.floats(0, 0.5), st.integers(0, 10**6))
def test_a_code_is_kept_or_unknown_and_never_another(drop_all, drop_each, seed):
    codes, hidden = dropped(32, drop_all=drop_all, drop_each=drop_each, seed=seed)
    assert ((hidden == codes) | (hidden == -1)).all()


def test_without_chances_all_stays():
    codes, hidden = dropped(64)
    assert torch.equal(codes, hidden)


@pytest.mark.parametrize("chance", [0.1, 0.5])
def test_all_are_dropped_per_image_with_their_chance(chance):
    _, hidden = dropped(20_000, drop_all=chance)
    lost = (hidden == -1).all(dim=1)
    assert torch.equal(lost, (hidden == -1).any(dim=1))  # nothing is lost by itself
    assert lost.float().mean().item() == pytest.approx(chance, abs=0.02)


@pytest.mark.parametrize("chance", [0.15, 0.4])
def test_each_attribute_is_dropped_with_its_chance(chance):
    _, hidden = dropped(20_000, drop_each=chance)
    assert (hidden == -1).float().mean(dim=0).tolist() == pytest.approx([chance] * 6, abs=0.02)


def test_requests_of_every_length_are_trained():
    _, hidden = dropped(5_000, drop_each=0.25)
    lengths = (hidden >= 0).sum(dim=1)
    assert (torch.bincount(lengths, minlength=7) > 100).all()


def test_half_of_the_images_lose_groups_as_a_whole():
    _, hidden = dropped(20_000, drop_each=0.5)
    group = hidden[:, 1:4] == -1
    split = (group.any(dim=1) & ~group.all(dim=1)).float().mean().item()
    # One by one, with shares evenly from 0 to 1, three of them are neither all kept nor all lost half of the time.
    assert split == pytest.approx(0.25, abs=0.02)
