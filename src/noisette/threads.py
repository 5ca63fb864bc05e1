"""How the threads of a computation wait for each other."""

from __future__ import annotations

import os

SPINS = 20_000
"""Some tens of microseconds, which is how far apart the pieces of a small network lie."""


def wait_briefly() -> None:
    """Let threads spin a moment and then sleep. To be called before PyTorch is loaded; whoever sets OMP_WAIT_POLICY has
    their way.

    Threads that sleep at once wake up late: 173 images/s of the flagship instead of 375 on two quiet cores. Those that
    spin without end stall each other as soon as anything else runs: 3 images/s of a small network instead of 90 beside
    one busy process.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
        os.environ.setdefault("GOMP_SPINCOUNT", str(SPINS))  # of GNU's library, which takes it before the policy
