"""Benchmarks and release tools: they start, and the documents name those that there are."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted([*(ROOT / "benchmarks").glob("*.py"), *(ROOT / "tools").glob("*.py")])
COMMANDS = [path for path in FILES if '__name__ == "__main__"' in path.read_text(encoding="utf-8")]
START_ALL = """
import runpy, sys
from pathlib import Path
for path in sys.argv[1:]:
    sys.path.insert(0, str(Path(path).parent))
    sys.argv = [path, "--help"]
    try:
        runpy.run_path(path, run_name="__main__")
    except SystemExit as end:
        assert end.code == 0, path
    sys.path.pop(0)
"""


def module(name):
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.pop(0)


@pytest.mark.slow
def test_every_benchmark_and_tool_starts():
    pytest.importorskip("playwright")
    done = subprocess.run(
        [sys.executable, "-c", START_ALL, *map(str, COMMANDS)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("usage:") == len(COMMANDS) > 10


def test_the_readme_names_every_file():
    for folder in ("benchmarks", "tools"):
        text = (ROOT / folder / "README.md").read_text(encoding="utf-8")
        assert [path.name for path in FILES if path.parent.name == folder and path.name not in text] == []


def test_docstrings_give_the_command():
    for path in COMMANDS:
        assert f"    python {path.relative_to(ROOT)}" in path.read_text(encoding="utf-8"), path


def test_documents_name_files_that_there_are():
    texts = [ROOT / "Makefile", *ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("src/**/*.md")]
    texts += ROOT.glob("*/README.md")
    named = {
        name for path in texts for name in re.findall(r"python ((?:benchmarks|tools)/\w+\.py)", path.read_text("utf-8"))
    }
    assert named
    assert [name for name in sorted(named) if not (ROOT / name).is_file()] == []


def test_pages_have_the_marks_of_benchmarks_that_there_are():
    found = 0
    for page in ROOT.glob("docs/results/*.md"):
        text = page.read_text("utf-8")
        names = re.findall(r"<!-- measured: benchmarks/(\w+)\.py writes from here -->", text)
        assert names == re.findall(r"<!-- to here: (\w+) -->", text)
        for name in names:
            assert f'"{name}"' in "".join(path.read_text("utf-8") for path in FILES if path.stem.startswith(name))
            module("pages").check_marks(page, name)
            found += 1
    assert found > 5


def test_a_benchmark_writes_between_its_marks_alone(tmp_path):
    page = tmp_path / "page.md"
    head, tail = (
        "By hand.\n<!-- measured: benchmarks/latency.py writes from here -->",
        "<!-- to here: latency -->\nToo.\n",
    )
    page.write_text(f"{head}\nold\n{tail}", encoding="utf-8")
    module("pages").write_between(page, "latency", ["new"])
    assert page.read_text(encoding="utf-8") == f"{head}\n\nnew\n{tail}"
    with pytest.raises(SystemExit, match="has no marks"):
        module("pages").check_marks(page, "engines")


class TestBeforeAndAfter:
    """Two versions, side by side."""

    def test_versions_take_turns_and_change_places(self):
        these = module("before_and_after")
        order = []

        def figures(python):
            order.append(python)
            return [float(len(order))]

        measurement = these.Measurement("help", ("title",), figures)
        before, after = these.in_turns(measurement, ("old", "new"), 2, lambda text: None)
        assert order == ["new", "old", "old", "new", "new", "old"]  # the first two do not count
        assert (before, after) == ([[3.0], [6.0]], [[4.0], [5.0]])

    def test_a_machine_that_drifts_moves_no_ratio(self):
        row = module("before_and_after").row("title", [10.0, 20.0, 40.0], [5.0, 10.0, 20.0])
        assert row == "| title | 20.0 | 10.0 | 0.50 | 0.50 to 0.50 |"

    def test_a_version_is_that_of_its_interpreter(self, monkeypatch, tmp_path):
        (tmp_path / "colorsys.py").write_text("raise SystemExit(7)")
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        assert subprocess.run([sys.executable, "-c", "import colorsys"], check=False).returncode == 7
        assert module("before_and_after").run(sys.executable, ["-c", "import colorsys"], str(ROOT)) == ""

    def test_what_fails_is_not_timed(self, tmp_path):
        these = module("before_and_after")
        with pytest.raises(these.Failed, match="ended with 3, not 2"):
            these.run(sys.executable, ["-c", "raise SystemExit(3)"], str(tmp_path), status=2)
