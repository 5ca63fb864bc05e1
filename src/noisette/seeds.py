"""Seeds: which there are, and NumPy's random numbers of one. Those of noise are in `noisette.diffusion.noise`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from noisette.errors import RequestError, told

if TYPE_CHECKING:
    import numpy as np

END = 2**63
"""The first whole number that is no seed."""
WORD = 2**32
"""PyTorch, and NumPy where a seed is one number of several, know a seed by 32 bits: those below are one word."""
MOST_SEEDS = 1_000_000
"""Images of one drawing."""
IMPUTED, KEPT, AGAIN, NOISE, MEMBER, PLANNED, BASELINE, ASKED = range(8)
"""What random numbers of an image are for: what its request leaves open (all of it where the request is random), what a
variation keeps of another's, a request in the place of one that is there already, the noise of long seeds, what a
member of a collection is, which members have what is to be as frequent as a person says, the lots of baselines, and
what an evaluation asks of all that an image shows.
"""


def whole_seed(seed: Any) -> int:
    """A seed as Python's integer.

    Args:
        seed: 0 or more, below 2**63; a number of NumPy too.

    Raises:
        RequestError: It is none.
    """
    found = seed.item() if type(seed).__module__ == "numpy" and hasattr(seed, "item") and not seed.shape else seed
    if not isinstance(found, int) or isinstance(found, bool) or not 0 <= found < END:
        raise RequestError(f"a seed must be a whole number, 0 or more, and below 2**63, not {told(seed)}")
    return found


def whole_seeds(seeds: Any) -> list[int]:
    """Seeds as Python's integers.

    Args:
        seeds: A sequence, or an array of one dimension.

    Raises:
        RequestError: They are none, or too many.
    """
    if isinstance(seeds, str | bytes) or not (isinstance(seeds, Sequence) or hasattr(seeds, "__array__")):
        raise RequestError(
            f"seeds are a sequence of whole numbers, one for each image, such as range(4), not {told(seeds)}"
        )
    found = seeds.tolist() if hasattr(seeds, "tolist") else list(islice(seeds, MOST_SEEDS + 1))
    if not isinstance(found, list) or not found:
        raise RequestError("give at least one seed")
    if len(found) > MOST_SEEDS:
        raise RequestError(f"a drawing has at most {MOST_SEEDS:,} images; draw the others from the seeds that follow")
    return [whole_seed(seed) for seed in found]


def random_of(seed: int, purpose: int, *number: int) -> np.random.Generator:
    """The random numbers of a seed for one purpose.

    Args:
        seed: 0 or more, below 2**63; no two have the same numbers.
        purpose: IMPUTED, KEPT, AGAIN, NOISE, MEMBER, PLANNED, BASELINE or ASKED; each has numbers of its own.
        number: Of the time that they are drawn for it, if they are several.
    """
    import numpy as np

    if seed < WORD:
        return np.random.default_rng([seed, purpose, *number])
    # As one of several numbers, the upper half of a long seed would be taken for a purpose.
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(purpose, *number)))
