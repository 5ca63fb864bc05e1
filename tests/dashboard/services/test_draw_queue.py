"""Drawing for many at once."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from noisette.dashboard.services.draw_queue import Busy, Cancelled, DrawQueue
from noisette.errors import NoisetteError


def finished(entry):
    for _ in entry.states():
        pass
    return entry.result()


def test_one_at_a_time_in_the_order_in_which_they_were_asked_for():
    queue, order, inside = DrawQueue(), [], threading.Semaphore(1)

    def work(number):
        def draw(report):
            assert inside.acquire(blocking=False)
            order.append(number)
            inside.release()
            return number

        return draw

    entries = [queue.add(work(number)) for number in range(20)]
    assert [finished(entry) for entry in entries] == list(range(20))
    assert order == list(range(20))


def test_who_waits_sees_how_many_come_before_and_who_watches_sees_previews():
    queue, go = DrawQueue(), threading.Event()

    def slow(report):
        report(np.zeros((1, 3, 2, 2), np.uint8), 0.5)
        go.wait()

    first, second, third = (queue.add(slow) for _ in range(3))
    assert next(third.states()).before == 2
    assert next(second.states()).before == 1
    shown = next(state for state in first.states() if state.preview is not None)
    assert (shown.before, shown.share, shown.preview.shape) == (0, 0.5, (1, 3, 2, 2))
    go.set()
    finished(third)


def test_what_is_cancelled_ends_at_its_next_step_or_never_starts():
    queue, started, taken = DrawQueue(), threading.Event(), []

    def endless(report):
        started.set()
        while True:
            taken.append(1)
            report(None, 0.0)

    first = queue.add(endless)
    never = queue.add(lambda report: pytest.fail("it started"))
    last = queue.add(lambda report: "drawn")
    never.cancel()
    started.wait()
    first.cancel()
    assert finished(last) == "drawn"
    with pytest.raises(Cancelled):
        finished(first)


def test_the_queue_is_bounded():
    queue, go = DrawQueue(slots=3), threading.Event()
    entries = [queue.add(lambda report: go.wait()) for _ in range(3)]
    with pytest.raises(Busy, match="3 drawings"):
        queue.add(lambda report: None)
    entries[1].cancel()  # makes room at once
    queue.add(lambda report: None)
    go.set()
    finished(entries[0])


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 99 bytes")]
)
def test_where_memory_ends_it_says_so_and_draws_on(error):
    queue = DrawQueue()

    def work(report):
        raise error

    entry = queue.add(work)
    with pytest.raises(NoisetteError, match="not enough memory for this"):
        finished(entry)
    assert finished(queue.add(lambda report: "drawn")) == "drawn"
