"""Every text of the dashboard is there in every language, with the same values in it."""

from __future__ import annotations

import ast
import string
from pathlib import Path

import pytest

from noisette import dashboard
from noisette.dashboard.services.translation import LANGUAGES, Message, as_markdown, translate, translations

HOME = Path(dashboard.__file__).parent


def said():
    """All texts that are given to `say` or to a Message as they stand."""
    found = set()
    for file in HOME.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and getattr(node.func, "id", "") in ("say", "Message")
                and isinstance(node.args[0], ast.Constant)
            ):
                found.add(node.args[0].value)
    return found


def values(text):
    return sorted((name, spec) for _, name, spec, _ in string.Formatter().parse(text) if name)


@pytest.mark.parametrize("language", sorted(set(LANGUAGES) - {"en"}))
def test_nothing_is_missing_and_the_values_are_the_same(language):
    assert len(said()) > 140
    assert said() - set(translations(language)) == set()
    for english, other in translations(language).items():
        assert values(english) == values(other), english
        assert english.count("`") == other.count("`")


def test_a_message_is_said_with_all_that_is_in_it():
    message = Message(
        "{what} was {value}, and can be {most} here", {"what": Message("Steps"), "value": "9", "most": "5"}
    )
    assert translate(message, "en") == "Steps was 9, and can be 5 here"
    assert translate(message, "fr") == "Pas était 9, et peut aller jusqu\u2019à 5 ici"
    assert translate("{before} before yours", "fr", before=2) == "2 avant la vôtre"
    assert translate("a {text} that no language has", "fr") == "a {text} that no language has"


def test_markdown_is_taken_for_text():
    assert (
        as_markdown("![x](http://evil/x.png) $a$ :red[b]")
        == "\\!\\[x\\]\\(http\\://evil/x.png\\) \\$a\\$ \\:red\\[b\\]"
    )
