"""What `noisette.files.atomic` does, each way of it with each of its operations failing, and the power going after any.

    LD_PRELOAD=.../faults.so python -m tests.faults.files FOLDER TRIES

A process that loads no PyTorch, so thousands of tries take seconds. It prints what is wrong, a line each, then how many
tries there were.
"""

from __future__ import annotations

import copy
import os
import random
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from noisette.files import atomic

from .disk import Disk
from .shim import FAULTS, Fault, Shim, read_trace

OLD, NEW = b"old " * 3000, b"new " * 5000
SHIM = Shim()


def _fill(folder: Path) -> None:
    (folder / "sub").mkdir()
    (folder / "sub" / "part").write_bytes(NEW)
    atomic.write_text(folder / "text", NEW.decode())


def _folder(root: Path) -> None:
    atomic.make_folder(root / "a" / "b")


def _over(root: Path) -> None:
    atomic.write_atomically(root / "file", lambda temporary: temporary.write_bytes(NEW))


def _fresh(root: Path) -> None:
    atomic.write_atomically(root / "fresh", lambda temporary: temporary.write_bytes(NEW), replace=False)


def _whole_folder(root: Path) -> None:
    atomic.write_folder_atomically(root / "run", _fill)


Content = dict[str, bytes | None]
WAYS: dict[str, tuple[Callable[[Path], None], Content]] = {
    "a folder with those above it": (_folder, {"a": None, "a/b": None}),
    "a file over another": (_over, {"file": NEW}),
    "a file where none is": (_fresh, {"fresh": NEW}),
    "a folder with all that is in it": (
        _whole_folder,
        {"run": None, "run/sub": None, "run/sub/part": NEW, "run/text": NEW},
    ),
}
"""Each with what it makes."""


def _before(root: Path) -> Content:
    root.mkdir()
    (root / "file").write_bytes(OLD)
    return {"file": OLD}


def _seen(content: Content) -> Content:
    """Without what is hidden and of no account."""
    return {name: data for name, data in content.items() if not any(part.startswith(".") for part in name.split("/"))}


def _read(root: Path) -> Content:
    return {str(path.relative_to(root)): None if path.is_dir() else path.read_bytes() for path in root.rglob("*")}


def _child(work: Callable[[], None]) -> int:
    """0, 1 of an OSError, 2 of anything else, 3 of a name that is taken."""
    if (number := os.fork()) == 0:
        status = 2
        try:
            work()
            status = 0
        except FileExistsError:
            status = 3
        except OSError:
            status = 1
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])


def failing(home: Path) -> Iterator[str | None]:
    """None for each try, or what is wrong."""
    for way, (do, makes) in WAYS.items():
        for fault in FAULTS:
            for nth in range(1, 1000):
                root, log = home / "try", os.open(home / "log", os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o644)
                shutil.rmtree(root, ignore_errors=True)
                before = _before(root)
                status = _child(lambda: _armed(do, root, nth, fault, log))  # noqa: B023
                os.close(log)
                failed = [line for line in (home / "log").read_text().splitlines() if line.startswith("!")]
                if not failed:
                    break
                yield _wrong(way, do, root, fault, status, before, {**before, **makes}, failed[0])


def _armed(do: Callable[[Path], None], root: Path, nth: int, fault: Fault, log: int) -> None:
    SHIM.arm(root, nth, fault, log)
    try:
        do(root)
    finally:
        SHIM.rest()


def _wrong(
    way: str,
    do: Callable[[Path], None],
    root: Path,
    fault: Fault,
    status: int,
    before: Content,
    after: Content,
    failed: str,
) -> str | None:
    broken = fault.error in (5,) and fault.again  # of such a disk nothing can be removed
    now, told = _read(root), f"{way}, {fault.name}, {failed[1:].replace(str(root), '')}: "
    if status not in (0, 1):
        return f"{told}ends with {status}"
    if status == 0 and _seen(now) != after:
        return f"{told}success, and not done"
    made = {name: data for name, data in after.items() if name in now}  # of folders one above the other, the first few
    if _seen(now) not in (before, after, {**before, **made} if way.startswith("a folder with those") else before):
        return f"{told}half done: {sorted(_seen(now))}"
    if now != _seen(now) and not broken and not failed.startswith("!unlink"):  # it goes when it is old
        return f"{told}left: {sorted(now.keys() - _seen(now).keys())}"
    for path in root.rglob(".*"):
        os.utime(path, (0, 0))
    again = _child(lambda: do(root))
    if (again and _seen(now) != after) or (
        again and status and not broken
    ):  # of what is there already nothing new is made
        return f"{told}the second time it ends with {again}"
    if _read(root) != after:
        return f"{told}in the end: {sorted(_read(root).keys() ^ after.keys())}"
    return None


def power(home: Path, tries: int) -> Iterator[str | None]:
    """None for each try, or what is wrong."""
    root, trace = home / "power", home / "trace"
    now = _before(root)
    start = Disk(root)
    descriptor = os.open(trace, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o644)

    def work() -> None:
        SHIM.record(root, descriptor)
        for way, (do, _) in WAYS.items():
            do(root)
            SHIM.mark(way)
        SHIM.rest()

    status = _child(work)
    operations = list(read_trace(trace))
    disk = copy.deepcopy(start)
    for operation in operations:
        disk.apply(operation)
    if status or disk.content() != _read(root):
        yield f"the trace is not whole; status {status}"
        return
    chance = random.Random(0)
    for number in range(tries):
        cut = len(operations) if number % 5 == 0 else chance.randint(0, len(operations))
        disk, done = copy.deepcopy(start), dict(now)
        for operation in operations[:cut]:
            disk.apply(operation)
            if operation.kind == "mark":
                done |= WAYS[operation.path][1]
        found = _seen(disk.after_power_loss(chance, in_order=number % 2 == 0))
        yield _lost(found, done, now)


def _lost(found: Content, done: Content, before: Content) -> str | None:
    for name, data in done.items():
        if name not in found:
            return f"{name} was done, and is gone"
        if found[name] != data and data == NEW:
            return f"{name} was done, and is damaged"
    for name, data in found.items():
        if data not in (None, NEW, before.get(name, NEW)):
            return f"{name} is damaged"
    if "run" in found and not WAYS["a folder with all that is in it"][1].keys() <= found.keys():
        return "run is half there"
    return None


def main() -> None:
    home, tries = Path(sys.argv[1]).resolve(), int(sys.argv[2])
    found = [*failing(home), *power(home, tries)]
    for wrong in sorted({each for each in found if each}):
        print(wrong)
    print(len(found))


if __name__ == "__main__":
    main()
