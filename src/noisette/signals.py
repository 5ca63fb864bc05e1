"""Signals that ask a program to leave: Ctrl-C, SIGTERM and a closed terminal (SIGHUP)."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from types import FrameType

Handler = Callable[[int, FrameType | None], object]


class Terminated(KeyboardInterrupt):
    """What Ctrl-C is, of SIGTERM or SIGHUP: everything on the way out is put away as after Ctrl-C.

    Attributes:
        exit_status: That of all that stops on request.
    """

    exit_status = 75


@contextmanager
def handled(handler: Handler, names: Sequence[str]) -> Iterator[None]:
    """Have signals handled, and afterwards as they were before.

    Outside the main thread, where Python allows no handlers, nothing is done; neither with a signal that is ignored,
    which `nohup` means, or that is handled outside Python.

    Args:
        handler: Called with the number of the signal, and where the program is.
        names: Such as SIGTERM; those that the system has not are passed over (Windows has no SIGHUP).
    """
    before: dict[int, object] = {}
    if threading.current_thread() is threading.main_thread():
        numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
        heard = [number for number in numbers if signal.getsignal(number) not in (signal.SIG_IGN, None)]
        before = {number: signal.signal(number, handler) for number in heard}
    try:
        yield
    finally:
        for number, its in before.items():
            signal.signal(number, its)  # type: ignore[arg-type]


def terminable() -> AbstractContextManager[None]:
    """Inside, SIGTERM and SIGHUP raise `Terminated`, as Ctrl-C raises KeyboardInterrupt: half-written files go, and
    locks are given back.
    """

    def leave(number: int, frame: FrameType | None) -> None:
        raise Terminated(number)

    return handled(leave, ("SIGTERM", "SIGHUP"))
