"""Drawing for many at once."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from noisette.dashboard.easel import Busy, Cancelled, Easel
from noisette.errors import NoisetteError


def finished(drawing):
    for _ in drawing.moments():
        pass
    return drawing.result()


def test_one_at_a_time_in_the_order_in_which_they_were_asked_for():
    easel, order, inside = Easel(), [], threading.Semaphore(1)

    def work(number):
        def draw(report):
            assert inside.acquire(blocking=False)
            order.append(number)
            inside.release()
            return number

        return draw

    drawings = [easel.ask(work(number)) for number in range(20)]
    assert [finished(drawing) for drawing in drawings] == list(range(20))
    assert order == list(range(20))


def test_who_waits_sees_how_many_come_before_and_who_watches_sees_previews():
    easel, go = Easel(), threading.Event()

    def slow(report):
        report(np.zeros((1, 3, 2, 2), np.uint8), 0.5)
        go.wait()

    first, second, third = (easel.ask(slow) for _ in range(3))
    assert next(third.moments()).before == 2
    assert next(second.moments()).before == 1
    shown = next(moment for moment in first.moments() if moment.preview is not None)
    assert (shown.before, shown.share, shown.preview.shape) == (0, 0.5, (1, 3, 2, 2))
    go.set()
    finished(third)


def test_what_is_cancelled_ends_at_its_next_step_or_never_begins():
    easel, begun, taken = Easel(), threading.Event(), []

    def endless(report):
        begun.set()
        while True:
            taken.append(1)
            report(None, 0.0)

    first = easel.ask(endless)
    never = easel.ask(lambda report: pytest.fail("it began"))
    last = easel.ask(lambda report: "drawn")
    never.cancel()
    begun.wait()
    first.cancel()
    assert finished(last) == "drawn"
    with pytest.raises(Cancelled):
        finished(first)


def test_the_queue_is_bounded():
    easel, go = Easel(room=3), threading.Event()
    drawings = [easel.ask(lambda report: go.wait()) for _ in range(3)]
    with pytest.raises(Busy, match="3 drawings"):
        easel.ask(lambda report: None)
    drawings[1].cancel()  # makes room at once
    easel.ask(lambda report: None)
    go.set()
    finished(drawings[0])


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 99 bytes")]
)
def test_where_memory_ends_it_says_so_and_draws_on(error):
    easel = Easel()

    def work(report):
        raise error

    drawing = easel.ask(work)
    with pytest.raises(NoisetteError, match="not enough memory for this"):
        finished(drawing)
    assert finished(easel.ask(lambda report: "drawn")) == "drawn"
