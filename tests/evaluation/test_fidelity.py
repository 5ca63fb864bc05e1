from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from noisette.errors import RequestError
from noisette.evaluation.fidelity import density_and_coverage, fidelity, frechet_distance, kernel_distance


def cloud(count, width=8, *, seed=0, shift=0.0, spread=1.0):
    return (np.random.default_rng(seed).standard_normal((count, width)) * spread + shift).astype(np.float32)


def by_eigenvalues(real, drawn):
    """The Fréchet distance of two normal distributions another way: with symmetric square roots."""

    def root(matrix):
        values, vectors = np.linalg.eigh(matrix)
        return vectors @ np.diag(np.sqrt(values.clip(min=0))) @ vectors.T

    one, two = np.cov(real.astype(float), rowvar=False), np.cov(drawn.astype(float), rowvar=False)
    half = root(one)
    return ((real.astype(float).mean(0) - drawn.astype(float).mean(0)) ** 2).sum() + np.trace(
        one + two - 2 * root(half @ two @ half)
    )


@pytest.mark.slow
@given(seed=st.integers(0, 1000), width=st.integers(2, 40), shift=st.floats(0, 3), spread=st.floats(0.2, 3))
def test_the_frechet_distance_is_that_of_an_independent_computation(seed, width, shift, spread):
    real, drawn = cloud(300, width, seed=seed), cloud(200, width, seed=seed + 1, shift=shift, spread=spread)
    assert frechet_distance(real, drawn) == pytest.approx(by_eigenvalues(real, drawn), abs=1e-3)


def test_the_frechet_distance_of_two_known_distributions():
    """Means 3 apart in each of two directions, standard deviations 1 and 2: 18 + 2."""
    random = np.random.default_rng(0)
    real, drawn = random.standard_normal((200_000, 2)), 2 * random.standard_normal((200_000, 2)) + 3
    assert frechet_distance(real.astype(np.float32), drawn.astype(np.float32)) == pytest.approx(20, rel=0.01)


@pytest.mark.slow
@given(st.integers(0, 100))
def test_of_the_same_images_nothing_is_lost(seed):
    real = cloud(200, seed=seed)
    found = fidelity(real, real)
    assert found.frechet == pytest.approx(0, abs=1e-5)
    assert found.coverage == 1
    assert found.kernel < fidelity(real, cloud(200, seed=seed + 1)).kernel  # below 0: no two of a set are taken for one


def test_all_figures_get_worse_with_distance():
    real = cloud(300)
    found = [fidelity(real, cloud(300, seed=1, shift=shift)) for shift in (0.0, 0.5, 1.0, 2.0)]
    for name, better in (("frechet", -1), ("kernel", -1), ("density", 1), ("coverage", 1)):
        figures = [better * getattr(each, name) for each in found]
        assert figures == sorted(figures, reverse=True), (name, figures)


def test_one_image_repeated_is_no_variety():
    real = cloud(300)
    repeated = np.repeat(real[:1], 300, axis=0)
    assert fidelity(real, repeated).coverage < 0.1
    assert fidelity(real, repeated).frechet > 10 * fidelity(real, cloud(300, seed=1)).frechet


def test_density_and_coverage_by_hand():
    """Four real points on a line; the ball around each reaches to its nearest other."""
    real = np.array([[0.0], [1.0], [3.0], [7.0]], dtype=np.float32)
    assert density_and_coverage(real, np.array([[0.4], [6.0]], dtype=np.float32), neighbours=1) == ((2 + 1) / 2, 3 / 4)


def test_the_kernel_distance_is_the_same_each_time():
    assert kernel_distance(cloud(200), cloud(200, seed=1)) == kernel_distance(cloud(200), cloud(200, seed=1))


def test_too_few_images_are_refused():
    with pytest.raises(RequestError, match="at least 100 images on either side, not 30"):
        fidelity(cloud(200), cloud(30))
