"""What the dashboard says: English, or what stands for it in words/LANGUAGE.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources

LANGUAGES = {"en": "English", "fr": "Français"}


@dataclass(frozen=True)
class Message:
    """An English text and its values, for whoever knows the language of the person to say it.

    Args:
        text: English, with `{name}` where a value goes.
        values: What goes there, by name; a Message among them is translated too.
    """

    text: str
    values: Mapping[str, object] = field(default_factory=dict)


def translate(message: str | Message, language: str, /, **values: object) -> str:
    """An English text in another language.

    Args:
        message: The English text, or a Message that brings its values.
        language: One of LANGUAGES.
        values: What goes into the places of the text.

    Returns:
        The text, in English where the language has none for it.
    """
    if isinstance(message, Message):
        return translate(message.text, language, **{**message.values, **values})
    text = translations(language).get(message, message)
    if not values:
        return text
    return text.format(
        **{name: translate(each, language) if isinstance(each, Message) else each for name, each in values.items()}
    )


def as_markdown(text: object) -> str:
    """A text from a file or a person without the pictures, links and formulas that Markdown would make of it."""
    return "".join(f"\\{letter}" if letter in "\\`*_{}[]<>()#+!|:$~" else letter for letter in str(text))


@cache
def translations(language: str) -> dict[str, str]:
    """All texts of a language by their English; none for English itself."""
    if language == "en":
        return {}
    file = resources.files("noisette.dashboard").joinpath("words", f"{language}.toml")
    return tomllib.loads(file.read_text(encoding="utf-8"))
