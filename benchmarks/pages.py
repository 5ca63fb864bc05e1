"""What the benchmarks share: parts of a page that a command writes, what machine it ran on, and a stopwatch."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from noisette.files.atomic import write_text
from noisette.training.speed import has_bfloat16


def write_between(page: Path, name: str, lines: Sequence[str]) -> None:
    """Put lines between the marks that a page has for benchmarks/NAME.py; all else stays as it is."""
    head, tail = check_marks(page, name)
    write_text(page, head + "\n\n" + "\n".join(lines) + "\n" + tail)


def check_marks(page: Path, name: str) -> tuple[str, str]:
    """What stands up to the first mark and from the second.

    To be called before hours are spent on what goes between.
    """
    begin, end = f"<!-- measured: benchmarks/{name}.py writes from here -->", f"<!-- to here: {name} -->"
    head, found_begin, rest = (page.read_text(encoding="utf-8") if page.is_file() else "").partition(begin)
    _, found_end, tail = rest.partition(end)
    if not (found_begin and found_end):
        raise SystemExit(f"{page} has no marks {begin} and {end} to write between")
    return head + begin, end + tail


def milliseconds(work: Callable[[], object]) -> float:
    """That it takes, once."""
    started = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - started)


def machine() -> str:
    """Cores, processor, precision and PyTorch, in a few words."""
    facts: dict[str, str] = {}
    cpuinfo = Path("/proc/cpuinfo")
    for line in cpuinfo.read_text().splitlines() if cpuinfo.is_file() else []:
        key, _, value = line.partition(":")
        facts.setdefault(key.strip(), value.strip())
    processor = (
        f"{facts.get('model name', 'unknown processor')}, family {facts.get('cpu family', '?')} model"
        f" {facts.get('model', '?')}"
    )
    precision = "bfloat16" if has_bfloat16(torch.device("cpu")) else "no bfloat16"
    return (
        f"{os.cpu_count()} cores ({processor}, {precision}), PyTorch {torch.__version__}, {time.strftime('%Y-%m-%d')}"
    )
