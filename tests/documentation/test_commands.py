"""Every command of the documentation does what it says, typed as it stands by somebody who has set nothing.

Each page has a fresh folder and a fresh home, and a PATH with nothing but the programs of the installation. What a
command needs from the package index, images to learn from, is handed over: tests download it once.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import click
import pytest

from noisette.cli import app
from noisette.data.opening import open_dataset
from noisette.files.cache import cache_folder
from noisette.sampling.presets import FILE
from noisette.store.run import open_run

from .commands import Command, commands_of, typed

ROOT = Path(__file__).parents[2]
PAGES = ("README.md", "CONTRIBUTING.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")))
SECONDS = 240

ELSEWHERE = {
    r"make ": "CI runs lint, docs and test; the others set up .venv and do what other commands here do",
    r"source \.venv": "make demo has made it",
    r"pip install ": "CI installs with it",
    r"pre-commit ": "needs a checkout of its own",
    r"python tools/": "writes into the checkout what ships",
    r"noisette data inspect cryptopunks --official": "needs the picture that the package may not ship",
    r"streamlit run streamlit_dashboard.py": "needs the checkout; tests/e2e/test_dashboard.py opens the dashboard",
}
"""Commands that are not run here, and why."""

INTERRUPTED = (0, 130)
LAUNCHERS = r"(torchrun|accelerate launch) "
"""Programs of PyTorch and Accelerate that start ours: interrupted they end in ways and with tracebacks of their own."""

STEPS = r"━.*step \d+"
BAR = "━"
MEASURING = "measuring what runs fastest"
LONG = {
    # The first that fits counts. Nobody here draws from these, so it is enough that they are about to learn.
    r"noisette train (punks-attributes-|mnist-fast)|noisette distil (runs/punks-attributes|digits|runs/mine) ": MEASURING,
    LAUNCHERS: MEASURING,
    r"noisette (train|distil|resume) ": STEPS,
    r"noisette (evaluate|tune|sweep|report) ": BAR,
    r"noisette generate runs/mnist-report ": BAR,  # a thousand evaluations for each of 64 digits
    r"noisette dashboard": r"URL: http",
    r"tensorboard ": r"TensorBoard \S+ at http",
}
"""Commands that take minutes or have no end, and what is on the screen once they work; Ctrl-C is pressed then."""
HELP = "help"
_FOLDER = "noisette collection punks --count 90 --out my-sprites"
_RUN = "noisette train digits --out runs/mine --steps 2 --set training.compile=no"
MADE_BEFORE = {HELP: [_FOLDER, _RUN], "README.md": [_FOLDER], "docs/your-own-images.md": [_FOLDER]}
"""What examples begin with, where they speak of a run, or of a folder of images, that a person has."""


def text_of(page: str) -> str:
    """A page, or the examples in the help of all verbs."""
    if page != HELP:
        return (ROOT / page).read_text(encoding="utf-8")
    return "\n".join(help_ for command in (app, *app.commands.values()) if (help_ := command.help))


@pytest.fixture
def bare(tmp_path: Path) -> dict[str, str]:
    """The variables of somebody who has set none, and the images of the data sets in a cache."""
    cache, home = tmp_path / "cache", tmp_path / "home"
    cache.mkdir()
    home.mkdir()
    for name in ("cryptopunks", "mnist"):
        open_dataset(name)
    for file in cache_folder().iterdir():
        if file.is_file() and file.suffix != ".lock":
            shutil.copy(file, cache)
    kept = {"PYTHONPATH": path} if (path := os.environ.get("PYTHONPATH")) else {}  # where the package is
    programs = str(Path(sys.executable).parent)
    return {"PATH": programs, "HOME": str(home), "TERM": "xterm", "NOISETTE_CACHE": str(cache), **kept}


def sign_of(command: Command, folder: Path) -> Callable[[str], bool] | None:
    """How a long command shows that it works; None of one that ends by itself."""
    if command.python:
        return (lambda _: _has_learned(folder / "runs")) if "noisette.train(" in command.text else None
    signs = [sign for pattern, sign in LONG.items() if re.match(pattern, command.text)]
    return (lambda screen: re.search(signs[0], screen) is not None) if signs else None


def _has_learned(runs: Path) -> bool:
    return any(json.loads(status.read_text(encoding="utf-8"))["step"] for status in runs.glob("mine/status.json"))


def presets_of_another(run: Path) -> None:
    """What an interrupted tuning would have written: the presets of the punks that ship."""
    table = json.loads((resources.files("noisette") / "models" / "punks" / FILE).read_text(encoding="utf-8"))
    (run / FILE).write_text(json.dumps({**table, "weights": open_run(run).weights().sha256}), encoding="utf-8")


@pytest.mark.documents
@pytest.mark.timeout(900)
@pytest.mark.parametrize("page", [page for page in (*PAGES, HELP) if commands_of(page, text_of(page))])
def test_each_command_works_as_it_stands(page, bare, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    before = [Command(page, text) for text in MADE_BEFORE.get(page, [])]
    for command in [*before, *commands_of(page, text_of(page))]:
        if any(re.match(pattern, command.text) for pattern in ELSEWHERE):
            continue
        sign = None if command in before else sign_of(command, folder)
        done = typed(command, folder, bare, sign, SECONDS)
        said = f"{command.place}: {command.text}\nstatus {done.status}\n{done.screen[-3000:]}"
        launched = done.stopped and re.match(LAUNCHERS, command.text) is not None
        assert done.status == 0 or (done.stopped and (launched or done.status in INTERRUPTED)), said
        of_ours = r'Traceback[^\0]*File "[^"]*/noisette/' if launched else "Traceback"
        assert not re.search(of_ours, done.screen), said
        if tuning := re.match(r"noisette tune (runs/\S+)", command.text):
            presets_of_another(folder / tuning[1])


def _options(verb: click.Command) -> set[str]:
    parents = verb.commands.values() if isinstance(verb, click.Group) else ()
    parameters = [*verb.get_params(click.Context(verb)), *(each for parent in parents for each in parent.params)]
    return {name for parameter in parameters for name in (*parameter.opts, *parameter.secondary_opts)}


def test_each_verb_and_option_that_is_named_exists():
    """Also where a command is only mentioned, and in the results, whose commands take hours."""
    results = [f"docs/results/{path.name}" for path in (ROOT / "docs" / "results").glob("*.md")]
    named = 0
    for page in (*PAGES, *results, "CHANGELOG.md", HELP):
        for said in re.finditer(r"(?:`|^ *)noisette ([a-z]+)\b([^`\n#]*)", text_of(page), re.MULTILINE):
            assert said[1] in app.commands, f"{page}: {said[0]}"
            unknown = set(re.findall(r"(?<!\S)\[?(--[a-z][a-z-]*)", said[2])) - _options(app.commands[said[1]])
            assert not unknown, f"{page}: {said[0]}"
            named += 1
    assert named > 100
