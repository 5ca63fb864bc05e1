"""Every text of the dashboard is there in every language, with the same values in it."""

from __future__ import annotations

import ast
import string
import subprocess
import sys
from pathlib import Path

import pytest

from noisette import dashboard
from noisette.dashboard.words import LANGUAGES, plain, words

HOME = Path(dashboard.__file__).parent


def said():
    """All texts that are given to `say` as they stand."""
    found = set()
    for file in HOME.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and getattr(node.func, "id", "") == "say"
                and isinstance(node.args[0], ast.Constant)
            ):
                found.add(node.args[0].value)
    return found


def values(text):
    return sorted((name, spec) for _, name, spec, _ in string.Formatter().parse(text) if name)


@pytest.mark.parametrize("language", sorted(set(LANGUAGES) - {"en"}))
def test_nothing_is_missing_and_the_values_are_the_same(language):
    assert len(said()) > 100
    assert said() - set(words(language)) == set()
    for english, other in words(language).items():
        assert values(english) == values(other), english
        assert english.count("`") == other.count("`")


def test_markdown_is_taken_for_text():
    assert plain("![x](http://evil/x.png) $a$ :red[b]") == "\\!\\[x\\]\\(http\\://evil/x.png\\) \\$a\\$ \\:red\\[b\\]"


def test_the_two_copies_of_the_servers_settings_are_alike():
    ours, checkout = HOME / ".streamlit" / "config.toml", Path(__file__).parents[2] / ".streamlit" / "config.toml"
    assert ours.read_bytes() == checkout.read_bytes()


def test_the_first_page_does_not_wait_for_pytorch():
    code = "import sys, noisette.dashboard.app, noisette.dashboard.home; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
