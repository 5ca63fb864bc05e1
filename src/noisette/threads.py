"""How the threads of a computation wait for each other: awake while the machine is theirs, asleep beside other work.

A network this small is computed in pieces of some ten microseconds, and after each its threads wait for the last one.
Threads that spin meanwhile are the fastest while they have the cores for themselves; beside another process they spin
on the core that the last thread needs, and the flagship trains at a quarter of its speed. Threads that sleep at once
keep half of it then, which is about what is left to them, and lose a sixth when they are alone. So `steady` looks
twice a second how busy others are, and lets waiting threads sleep as long as the cores do not suffice for all.

Nothing of it changes a bit of what is computed: the number of threads stays. It has effect on Linux, where PyTorch
brings GNU's OpenMP; ONNX Runtime's threads never spin, see `noisette.inference.engine`.

The faster the machine, the more of a step is waiting for the thread that another process has put off its core, and
sleeping does not help: two threads then have 30 % of their pace, and one by itself has 60. What is computed under a
wall-clock budget follows the clock in any case, so there, and there alone, a step takes one thread while others need
the cores: see `giving_way`.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

SPINS = 20_000
"""Some tens of microseconds, which is how far apart the pieces of a small network lie."""

_PERIOD = 0.5  # seconds between two looks at the machine; processor time is counted in hundredths
_BUSY = 0.3  # cores that others take beyond the free ones, from which on threads sleep
_QUIET = 0.15  # and until which they do


def wait_briefly() -> None:
    """Let threads spin a moment and then sleep. To be called before PyTorch is loaded; whoever sets OMP_WAIT_POLICY has
    their way.

    Those that spin without end stall each other as soon as anything else runs, before `steady` has looked.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
        os.environ.setdefault("GOMP_SPINCOUNT", str(SPINS))  # of GNU's library, which takes it before the policy


@dataclass(frozen=True)
class Reading:
    """What the processors had done at a moment.

    Attributes:
        all: Seconds in which any core worked, for whomever; a core that the host took away counts as one that worked.
        own: Those for this process.
        time: Seconds of a clock.
    """

    all: float
    own: float
    time: float

    def others_since(self, before: Reading) -> float:
        """How many cores others kept busy since an earlier reading, 0 and up."""
        return max(0.0, (self.all - before.all) - (self.own - before.own)) / max(self.time - before.time, 1e-9)


def crowded(others: float, threads: int, cores: int, before: bool) -> bool:
    """Whether waiting threads are in the way of others.

    Args:
        others: Cores that others keep busy.
        threads: Of this process, that compute.
        cores: There are.
        before: What was answered last: it takes more to change than to stay.
    """
    return threads > 1 and others - (cores - threads) > (_QUIET if before else _BUSY)


class Crowd:
    """Lets the waiting threads of this process sleep at once, as long as it is open.

    GNU's OpenMP has no function for that, but does it by itself while it manages more threads than there are cores: a
    few more, which never have anything to do, are what it takes. No other library is disturbed by them.

    Args:
        threads: That compute.
        cores: There are.
    """

    def __init__(self, threads: int, cores: int) -> None:
        self._leave, self._threads = threading.Event(), threads
        pools = max(0, cores - threads) // (threads - 1) + 1  # each brings threads - 1
        self._pools = [threading.Thread(target=self._hold, daemon=True) for _ in range(pools)]
        for pool in self._pools:
            pool.start()

    def _hold(self) -> None:
        import torch

        torch.set_num_threads(self._threads)  # which a thread has of its own: OMP_NUM_THREADS may say another
        torch.ones(1 << 17).neg_()  # large enough for all threads: this is what makes them
        self._leave.wait()

    def close(self) -> None:
        """Let them spin again."""
        self._leave.set()
        for pool in self._pools:
            pool.join()


class _Watch:
    """Looks at the machine while anything is computed, in a thread of its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self.crowded = False
        self._last: threading.Event | None = None  # set when the last user leaves

    def enter(self) -> None:
        with self._lock:
            self._users += 1
            if self._users == 1:
                self._last = threading.Event()
                threading.Thread(target=_follow, args=(self, self._last), name="steady", daemon=True).start()

    def leave(self) -> None:
        with self._lock:
            self._users -= 1
            if self._users == 0 and self._last is not None:
                self._last.set()


_watch = _Watch()


@contextmanager
def steady() -> Iterator[None]:
    """Computes at a steady pace beside other work: to be held around whatever takes PyTorch more than a moment."""
    watch = _watch
    watch.enter()
    try:
        yield
    finally:
        watch.leave()


@contextmanager
def giving_way() -> Iterator[None]:
    """Computes with one thread, inside `steady`, while others need the cores; the last bits may then be others."""
    if not _watch.crowded:
        yield
        return
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _follow(watch: _Watch, over: threading.Event) -> None:
    if over.wait(_PERIOD):  # most drawings are over before anything has to be known
        return
    crowd: Crowd | None = None
    before = _read()
    try:
        while not over.wait(_PERIOD):
            import torch

            now, threads, cores = _read(), torch.get_num_threads(), available_cores()
            full = crowded(now.others_since(before), threads, cores, crowd is not None)
            before = now
            watch.crowded = full
            if full and crowd is None:
                crowd = Crowd(threads, cores)
            elif crowd is not None and not full:
                crowd.close()
                crowd = None
    finally:
        watch.crowded = False
        if crowd is not None:
            crowd.close()


def _read() -> Reading:
    import psutil  # not before: it takes some milliseconds

    times = psutil.cpu_times()
    idle = times.idle + getattr(times, "iowait", 0.0)
    guest = getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0)  # counted among user and nice already
    return Reading(sum(times) - idle - guest, time.process_time(), time.monotonic())


def available_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
