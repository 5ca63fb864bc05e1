"""A process that was started with the library of `faults.c`, imports the project once, and forks a child for each try.

    LD_PRELOAD=.../faults.so python -m tests.faults.harness failing  FOLDER SCENARIO ...
    LD_PRELOAD=.../faults.so python -m tests.faults.harness power    FOLDER SCENARIO ...

It prints a line of JSON for each try that found something, and one for each scenario. Nothing computes before a fork, so
that no thread is lost by it.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import gc
import importlib
import json
import os
import random
import re
import shutil
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from noisette.cli import main

from .disk import Disk, write
from .scenarios import SCENARIOS, Scenario, lost, of_small_archive, telling_of_checkpoints
from .shim import FAULTS, Fault, Operation, Shim, read_trace

HEAVY = "accelerate matplotlib.pyplot onnx onnxruntime torch._dynamo torch.onnx torch.utils.tensorboard noisette.training.start"
"""What takes long to import, and is imported before the forks."""

torch.set_num_threads(1)
_LONGEST = 120  # seconds of a child
SHIM = Shim()


@dataclass(frozen=True)
class Ended:
    """How a child ended.

    Attributes:
        status: Its exit status; negative of a signal.
        err: What it wrote to standard error.
    """

    status: int
    err: str


def child(folder: Path, work: Callable[[], int]) -> Ended:
    """Fork a child that does some work in a folder, with the cache there."""
    said = folder.with_name(folder.name + ".err")
    if (number := os.fork()) == 0:
        status = 99
        try:
            signal.alarm(_LONGEST)
            os.chdir(folder)
            os.environ["NOISETTE_CACHE"] = str(folder / "cache")
            for stream, path in ((1, Path(os.devnull)), (2, said)):
                os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644), stream)
            status = work()
            gc.collect()
        except BaseException:
            traceback.print_exc()
        finally:
            with contextlib.suppress(Exception):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(status)
    _, how = os.waitpid(number, 0)
    return Ended(os.waitstatus_to_exitcode(how), said.read_text(errors="replace"))


def _patched(name: str) -> None:
    if name == "fetch":
        of_small_archive()


def prepared(name: str, scenario: Scenario, home: Path) -> tuple[Path, Path]:
    """What is there before, and what an unharmed command makes of it: two folders."""
    before, reference = home / "before", home / "reference"
    before.mkdir()

    def prepare() -> int:
        _patched(name)
        scenario.before()
        return 0

    ended = child(before, prepare)
    if ended.status:
        raise SystemExit(f"{name} cannot be prepared: {ended.err}")
    shutil.copytree(before, reference)

    def unharmed() -> int:
        _patched(name)
        status = main(scenario.command)
        problems = scenario.finished(reference) if status == 0 else []
        (home / "modules").write_text("\n".join(sys.modules))
        print("\n".join(problems), file=sys.stderr)
        return status or len(problems)

    ended = child(reference, unharmed)
    if ended.status:
        raise SystemExit(f"{name} fails unharmed: {ended.err}")
    _import_here((home / "modules").read_text().splitlines())
    return before, reference


def _import_here(names: list[str]) -> None:
    """Whatever a child imported, so that those to come need not."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in names:
            with contextlib.suppress(Exception):
                importlib.import_module(name)
    gc.collect()
    gc.freeze()  # so that a child looks for garbage among what is its own


def judged(ended: Ended) -> list[str]:
    """What is wrong with how a command ended."""
    found = []
    if ended.status not in (0, 1, 2):
        found.append(f"status {ended.status}")
    if "Traceback" in ended.err or "Exception ignored" in ended.err:
        found.append("a traceback")
    lines = ended.err.splitlines()
    if ended.status and sum(line.startswith("error: ") for line in lines) != 1:
        found.append(f"{sum(line.startswith('error: ') for line in lines)} lines that tell the error")
    return found


_TEMPORARY = re.compile(r"\..*tmp$|\.new-|\.tiny\.|\.student\.")


def afterwards(
    name: str,
    scenario: Scenario,
    folder: Path,
    reference: Path,
    *,
    again: bool,
    promised: Callable[[], list[str]] = list,
) -> list[str]:
    """What is wrong with what a fault has left, and with going on from there.

    again: whether to go on even where all is done.
    promised: says what is lost of what was said to be saved.
    """

    def look() -> int:
        _patched(name)
        problems = [f"left: {each}" for each in (*scenario.whole(), *promised())]
        for each in _litter(folder):
            os.utime(each, (0, 0))  # as if some hours had gone by
        if again or not scenario.done():
            command = scenario.onward()
            if status := main(command):
                problems.append(f"then: `noisette {' '.join(command)}` ends with {status}")
        if not problems:
            problems += [f"in the end: {each}" for each in scenario.finished(reference)]
        problems += [f"litter: {each.relative_to(folder)}" for each in _litter(folder)]
        Path(f"{folder}.found").write_text(json.dumps(problems))
        return 0

    found = Path(f"{folder}.found")
    found.unlink(missing_ok=True)
    ended = child(folder, look)
    if not found.exists():
        return [f"looking ended with {ended.status}: {ended.err[-3000:]}"]
    problems: list[str] = json.loads(found.read_text())
    if any(problem.startswith("then: ") for problem in problems):
        problems.append(ended.err[-1000:])
    return problems


def _litter(folder: Path) -> list[Path]:
    return [path for path in folder.rglob(".*") if _TEMPORARY.match(path.name)]


# ---- the n-th operation fails ----


def _tried(
    name: str, scenario: Scenario, before: Path, reference: Path, home: Path, nth: int, fault: Fault
) -> tuple[Ended, list[str], Path]:
    """Let the n-th operation fail. How it ended, all operations, and the folder as it was left."""
    folder, log = home / "try", home / "operations"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(before, folder)
    descriptor = os.open(log, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o644)

    def work() -> int:
        _patched(name)
        SHIM.arm(folder, nth, fault, descriptor)
        try:
            return main(scenario.command)
        finally:
            SHIM.rest()

    ended = child(folder, work)
    os.close(descriptor)
    return ended, log.read_text().splitlines(), folder


def shape(operation: str) -> str:
    """An operation without what differs from try to try."""
    kind, _, path = operation[1:].partition(" ")
    path = re.sub(r"\.[a-z0-9_]{8}(?=\.tmp|/|$)", ".*", path)
    path = re.sub(r"\.new-[a-z0-9_]{8}", ".new-*", path)
    path = re.sub(r"tfevents.*", "tfevents.*", path)
    return f"{kind} {re.sub(r'[0-9a-f]{12,}|[0-9]+', '#', path)}"


def sample(operations: list[str], each: int) -> list[int]:
    """The first and the last `each` of every kind of operation on every kind of file, counted from 1."""
    places: dict[str, list[int]] = {}
    for place, operation in enumerate(operations, 1):
        places.setdefault(shape(operation), []).append(place)
    return sorted({place for found in places.values() for place in (*found[:each], *found[-each:])})


def failing(name: str, home: Path, faults: Iterable[Fault], each: int, part: tuple[int, int]) -> None:
    """Let operations fail, one after the other, and print what is wrong then.

    each: how many of every kind of operation; 0 for all.
    part: (k, of): only every of-th try, from the k-th on.
    """
    scenario = SCENARIOS[name]
    before, reference = prepared(name, scenario, home)
    tries = wrong = 0
    began = time.monotonic()
    for fault in faults:
        _, operations, _ = _tried(name, scenario, before, reference, home, 0, fault)
        places = sample(operations, each) if each else range(1, len(operations) + 1)
        for nth in places:
            if nth % part[1] != part[0]:
                continue
            ended, done, folder = _tried(name, scenario, before, reference, home, nth, fault)
            failed = next((shape(line) for line in done if line.startswith("!")), None)
            if failed is None:
                continue  # threads took other turns this time
            tries += 1
            print(f"{name}: {fault.name}, {nth} of {len(operations)}", file=sys.stderr, flush=True)
            problems = judged(ended)
            if ended.status == 0 and not scenario_done(name, scenario, folder):
                problems.append("success is told, and it is not done")
            problems += afterwards(name, scenario, folder, reference, again=ended.status != 0)
            problems = [problem for problem in problems if not _is_owned_up(problem, failed, ended)]
            if problems:
                wrong += 1
                tell(
                    scenario=name,
                    fault=fault.name,
                    nth=nth,
                    failed=failed.replace(str(folder), ""),
                    status=ended.status,
                    problems=problems,
                    err=ended.err[-1500:],
                )
    tell(
        scenario=name, operations=len(operations), tries=tries, wrong=wrong, seconds=round(time.monotonic() - began, 1)
    )


def _is_owned_up(problem: str, failed: str, ended: Ended) -> bool:
    """Whether nothing better can be: what the disk refuses to remove stays; and where it refuses the newest checkpoint,
    the one before it draws, which is said.
    """
    if problem.startswith("litter: "):
        return failed.startswith("unlink ")
    return problem.endswith("is another picture") and "using an older one" in ended.err


def scenario_done(name: str, scenario: Scenario, folder: Path) -> bool:
    return child(folder, lambda: 0 if scenario.done() else 1).status == 0


# ---- power is lost ----


def power(name: str, home: Path, tries: int, seed: int) -> None:
    """Let the power fail after any operation, and print what is wrong when it is back."""
    scenario = SCENARIOS[name]
    before, reference = prepared(name, scenario, home)
    folder, trace = home / "try", home / "trace"
    shutil.copytree(before, folder)
    start = Disk(folder)
    descriptor = os.open(trace, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o644)

    def work() -> int:
        _patched(name)
        telling_of_checkpoints(SHIM.mark)
        SHIM.record(folder, descriptor)
        status = main(scenario.command)
        SHIM.rest()
        return status

    if (ended := child(folder, work)).status:
        raise SystemExit(f"{name} fails when it is recorded: {ended.err}")
    os.close(descriptor)
    operations = list(read_trace(trace))
    if (mine := _replayed(start, operations).content()) != (real := _content(folder)):
        unlike = sorted(path for path in {*mine, *real} if mine.get(path, 0) != real.get(path, 0))
        raise SystemExit(f"the trace of {name} is not whole: {unlike}")

    chance, wrong, seen = random.Random(seed), 0, set()
    began = time.monotonic()
    for number in range(tries):
        cut = len(operations) if number % 5 == 0 else chance.randint(0, len(operations))
        left = _replayed(start, operations[:cut]).after_power_loss(chance, in_order=chance.random() < 0.5)
        key = hash(tuple(sorted(left.items(), key=lambda each: each[0])))
        if key in seen:
            continue
        seen.add(key)
        print(f"{name}: {number} of {tries}", file=sys.stderr, flush=True)
        shutil.rmtree(folder)
        folder.mkdir()
        write(left, folder)
        problems = []
        if cut == len(operations) and not scenario_done(name, scenario, folder):
            problems.append("it was done before the power went, and is not any more")
        saved = [int(operation.path) for operation in operations[:cut] if operation.kind == "mark"]
        promised = partial(lost, scenario.run, saved[-1]) if scenario.run and saved else list
        problems += afterwards(name, scenario, folder, reference, again=False, promised=promised)
        if problems:
            wrong += 1
            last = operations[cut - 1] if cut else None
            tell(
                scenario=name,
                number=number,
                cut=cut,
                of=len(operations),
                last=f"{last.kind} {last.path}" if last else "",
                problems=problems,
            )
    tell(
        scenario=name,
        operations=len(operations),
        tries=tries,
        different=len(seen),
        wrong=wrong,
        seconds=round(time.monotonic() - began, 1),
    )


def _replayed(start: Disk, operations: list[Operation]) -> Disk:
    disk = copy.deepcopy(start)
    for operation in operations:
        disk.apply(operation)
    return disk


def _content(folder: Path) -> dict[str, bytes | None]:
    return {
        str(path.relative_to(folder)): None if path.is_dir() else path.read_bytes()
        for path in sorted(folder.rglob("*"))
    }


def tell(**facts: Any) -> None:
    print(json.dumps(facts), flush=True)


def _main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=["failing", "power"])
    parser.add_argument("home", type=Path)
    parser.add_argument("scenarios", nargs="*", help=f"{', '.join(SCENARIOS)}; all unless given")
    parser.add_argument("--each", type=int, default=0, help="of every kind of operation; all unless given")
    parser.add_argument("--fault", action="append", choices=[fault.name for fault in FAULTS])
    parser.add_argument("--part", default="0/1", help="K/N: every N-th try, from the K-th on")
    parser.add_argument("--tries", type=int, default=200, help="losses of power")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_intermixed_args()
    _import_here(HEAVY.split())
    faults = [fault for fault in FAULTS if options.fault is None or fault.name in options.fault]
    first, of = map(int, options.part.split("/"))
    for name in options.scenarios or SCENARIOS:
        home = (options.home / f"{options.kind}-{name}").resolve()
        home.mkdir(parents=True)
        if options.kind == "failing":
            failing(name, home, faults, options.each, (first, of))
        else:
            power(name, home, options.tries, options.seed)
        shutil.rmtree(home)


if __name__ == "__main__":
    _main()
