from __future__ import annotations

import pytest

from noisette.data.catalogue import open_dataset
from noisette.data.dataset import Dataset


@pytest.fixture(scope="session")
def punks() -> Dataset:
    """The real punks, from the user's cache or the package index; not to be changed."""
    return open_dataset("cryptopunks")


@pytest.fixture(scope="session")
def digits() -> Dataset:
    """The real MNIST, from the user's cache or the package index; not to be changed."""
    return open_dataset("mnist")
