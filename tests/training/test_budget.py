from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noisette.training.budget import Budget, learning_rate


@given(progress=st.floats(0, 1), step=st.integers(0, 10_000), warmup=st.integers(0, 1000))
def test_the_rate_never_leaves_zero_to_peak(progress, step, warmup):
    assert 0 <= learning_rate(2e-3, step, progress, warmup=warmup, decay="cosine") <= 2e-3


def test_the_rate_rises_over_the_warm_up_and_ends_at_zero_whatever_the_budget():
    rises = [learning_rate(1.0, step, 0.0, warmup=4, decay="cosine") for step in range(5)]
    assert rises == [0.25, 0.5, 0.75, 1.0, 1.0]
    for budget in (Budget(steps=50), Budget(seconds=0.5)):
        assert learning_rate(1.0, 500, budget.progress(50, 0.5), warmup=4, decay="cosine") == pytest.approx(0)
        assert learning_rate(1.0, 500, budget.progress(25, 0.25), warmup=4, decay="cosine") == pytest.approx(0.5)
    assert learning_rate(1.0, 500, 1.0, warmup=4, decay="constant") == 1.0
