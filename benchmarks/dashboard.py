"""How fast the dashboard is, in a real browser: first paint, tick to picture, previews, a Watch page of long runs, many
at once, memory.

    python benchmarks/dashboard.py [--generations 500] [--sessions 20]

Needs Debian's chromium. Prints one line for each figure: what is measured, median, range, and how often.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import numpy as np
from playwright.sync_api import Browser, Page, sync_playwright
from torch.utils.tensorboard import SummaryWriter

import noisette
from noisette.children import command, environment
from noisette.config.recipe import load_recipe

_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
_WATCHED, _POINTS = 10, 100_000


@contextmanager
def serving(runs: Path) -> Iterator[tuple[str, int]]:
    """The address of a fresh server, and the number of its process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    app = Path(noisette.__file__).parent / "dashboard" / "app.py"
    serve = command("-m", "noisette.dashboard.server", str(app), "--server.port", str(port), "--", "--runs", str(runs))
    server = subprocess.Popen(
        serve, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=1).close()
                break
            except OSError:
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}", server.pid
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(timeout=30)


@contextmanager
def browsing() -> Iterator[Browser]:
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=_FLAGS)
        yield browser
        browser.close()


def tell(what: str, seconds: list[float]) -> None:
    print(
        f"{what}: {median(seconds):.2f} s ({min(seconds):.2f} to {max(seconds):.2f}, {len(seconds)} times)", flush=True
    )


def megabytes(pid: int) -> float:
    """Resident memory of a process."""
    [line] = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS")]
    return int(line.split()[1]) / 1024


def first_paint(runs: Path) -> None:
    """From the request of the address to the title and the cards, the server just started."""
    seconds = []
    for _ in range(3):
        with serving(runs) as (address, _), browsing() as browser:
            page = browser.new_page()
            started = time.monotonic()
            page.goto(address)
            page.get_by_text("ships with noisette").first.wait_for()
            seconds.append(time.monotonic() - started)
    tell("first paint of Home, cold server", seconds)


def punks(browser: Browser, address: str) -> Page:
    page = browser.new_page(viewport={"width": 1300, "height": 1200})
    page.set_default_timeout(120_000)
    page.goto(f"{address}/generate")
    page.locator("figure img").first.wait_for()
    page.get_by_label("Model", exact=True).first.click()
    page.get_by_role("option", name="punks", exact=True).click()
    page.get_by_text("Female (").wait_for()
    page.get_by_text("generate punks").first.wait_for()
    return page


_UNTIL = """selector => {
    window.sight = new Promise(seen => addEventListener("pointerdown", () => {
        const started = performance.now();
        const there = () => document.querySelector(selector)?.complete;
        const look = () => there() ? seen(performance.now() - started) : requestAnimationFrame(look);
        look();
    }, {once: true, capture: true}));
}"""
"""The page's own clock, looked at for every frame: the driver's waits look twice a second once a third of one went by.
"""


_UNTIL_NOW = """selector => new Promise(seen => {
    const look = () => document.querySelector(selector) ? seen(true) : requestAnimationFrame(look);
    look();
})"""

_DRAWN, _ANY = '^="type={kind}, seed', '^="type={kind}'


def press(page: Page, kind: str, picture: str = _DRAWN) -> None:
    """Tick a type, which must not be ticked yet, and start to look for its picture, or its preview."""
    page.evaluate(_UNTIL, f'figure img[alt{picture.format(kind=kind)}"]')
    page.get_by_role("radio", name=re.compile(f"^{kind} ")).click()


def seen(page: Page) -> float:
    """Seconds from the press until the picture is in the page."""
    return float(page.evaluate("window.sight")) / 1000


def tick(page: Page, kind: str, picture: str = _DRAWN) -> float:
    press(page, kind, picture)
    return seen(page)


def calm(page: Page, kind: str, picture: str) -> float:
    """A tick after the page came to rest."""
    time.sleep(1)
    return tick(page, kind, picture)


def clicks(runs: Path, generations: int) -> None:
    kinds = ["Male", "Female", "Zombie", "Ape", "Alien"]
    with serving(runs) as (address, pid), browsing() as browser:
        page = punks(browser, address)
        tick(page, kinds[0])
        tell("tick to picture, four punks, balanced", [tick(page, kinds[number % 5]) for number in range(1, 21)])
        page.get_by_text("best", exact=True).click()
        page.wait_for_timeout(2000)
        tell("tick to picture, four punks, best", [tick(page, kinds[number % 5]) for number in range(1, 21)])
        _set_steps(page, 10)
        tell("tick to picture, four punks at 10 steps", [tick(page, kinds[number % 5]) for number in range(1, 21)])
        tell("tick to first preview, 10 steps", [calm(page, kinds[number % 5], _ANY) for number in range(1, 21)])
        _set_steps(page, 2)
        before = megabytes(pid)
        memory = [before]
        for number in range(1, generations + 1):
            tick(page, kinds[number % 5])
            if number % 100 == 0:
                memory.append(megabytes(pid))
        print(f"memory over {generations} generations: {', '.join(f'{each:.0f}' for each in memory)} MB", flush=True)


def _set_steps(page: Page, steps: int) -> None:
    field = page.get_by_role("spinbutton", name="Steps", exact=True)
    field.fill(str(steps))
    field.press("Enter")
    page.get_by_text(f"--steps {steps}").first.wait_for()


def chart(page: Page) -> None:
    page.evaluate(_UNTIL_NOW, "[data-testid=stVegaLiteChart] svg, [data-testid=stVegaLiteChart] canvas")


def watch(runs: Path) -> None:
    """Opened from Home, and by its address; what was read once stays read."""
    with serving(runs) as (address, _), browsing() as browser:
        page = browser.new_page()
        page.set_default_timeout(120_000)
        page.goto(address)
        page.get_by_text("ships with noisette").first.wait_for()
        time.sleep(5)  # as long as a person looks at Home
        clicked = []
        for _ in range(6):
            started = time.monotonic()
            page.get_by_role("link", name="Watch").click()
            chart(page)
            clicked.append(time.monotonic() - started)
            page.get_by_role("link", name="Home").click()
            page.get_by_text("ships with noisette").first.wait_for()
            time.sleep(2)
        tell(f"Watch, {_WATCHED} runs of {_POINTS:,} points, from Home, nothing read before", clicked[:1])
        tell("the same, once read", clicked[1:])
        for what, again in (("by its address", page), ("by its address, a browser that was never here", None)):
            opened = []
            for _ in range(5):
                page = again or browser.new_page()
                started = time.monotonic()
                page.goto(f"{address}/watch")
                chart(page)
                opened.append(time.monotonic() - started)
            tell(what, opened)


def many(runs: Path, sessions: int) -> None:
    """All have the page open and tick together, three times."""
    with serving(runs) as (address, pid), browsing() as browser:
        pages = [punks(browser, address) for _ in range(sessions)]
        for number, kind in enumerate(("Male", "Female", "Ape"), 1):
            started = time.monotonic()
            for page in pages:
                press(page, kind)
            seconds = [seen(page) for page in pages]
            tell(
                f"{sessions} sessions, press {number}: all drawn after {time.monotonic() - started:.0f} s; tick to"
                " picture",
                seconds,
            )
        print(f"memory with {sessions} sessions: {megabytes(pid):.0f} MB", flush=True)


def long_runs(folder: Path) -> None:
    """Runs of many points, as a training leaves them."""
    recipe = load_recipe(
        "sprites", ["dataset.count=100", "network.widths=[8, 16]", "training.steps=1", "training.compile=no"]
    )
    first = noisette.train(recipe, out=folder / "run0")
    random = np.random.default_rng(0)
    for number in range(_WATCHED):
        run = folder / f"run{number}"
        if number:
            shutil.copytree(first.folder, run)
    for number in range(_WATCHED):
        shutil.rmtree(folder / f"run{number}" / "metrics")
        with SummaryWriter(folder / f"run{number}" / "metrics") as writer:
            for step in range(1, _POINTS + 1):
                writer.add_scalar("loss", float(np.exp(-step / 3e4) + 0.05 * random.random()), step)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--generations", type=int, default=500)
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--only", choices=["paint", "clicks", "watch", "many"], help="one part of it")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        runs = Path(temporary) / "runs"
        if chosen.only in (None, "paint"):
            first_paint(runs)
        if chosen.only in (None, "clicks"):
            clicks(runs, chosen.generations)
        if chosen.only in (None, "watch"):
            long_runs(runs)
            watch(runs)
        if chosen.only in (None, "many"):
            many(runs, chosen.sessions)


if __name__ == "__main__":
    main()
