from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from noisette.training.randomness import batch_indices, derived_seed


@given(images=st.integers(1, 200), data=st.data())
def test_an_epoch_shows_no_image_twice_and_leaves_out_less_than_a_batch(images, data):
    batch = data.draw(st.integers(1, images))
    steps = images // batch
    for epoch in (0, 1):
        seen = torch.cat(
            [batch_indices(7, epoch * steps + step, images=images, batch_size=batch) for step in range(steps)]
        )
        assert len(seen) == len(set(seen.tolist())) == steps * batch
        assert images - len(seen) < batch


def test_epochs_differ_and_seeds_differ_and_the_same_step_is_the_same():
    def first(seed, step):
        return batch_indices(seed, step, images=100, batch_size=50).tolist()

    assert first(0, 0) == first(0, 0)
    assert first(0, 0) != first(0, 2)
    assert first(0, 0) != first(1, 0)


def test_seeds_of_different_purposes_and_steps_never_meet():
    seeds = {
        derived_seed(seed, purpose, count)
        for seed in range(5)
        for purpose in ("order", "noise", "weights")
        for count in range(200)
    }
    assert len(seeds) == 5 * 3 * 200
    assert all(0 <= seed < 2**63 for seed in seeds)
