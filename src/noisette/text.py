"""Text that others wrote, made fit to be shown: names from files, folders, recipes and requests."""

from __future__ import annotations

import re
import unicodedata
from typing import TypeVar

Tree = TypeVar("Tree")

LONGEST_NAME = 100
"""Letters of a name in a table."""
LONGEST_VALUE = 60
"""Letters of a value in an error."""

_LONGEST_WORD = 200  # letters; of a path in a message
_LONGEST_MESSAGE = 1000
_BYTES = range(0xDC80, 0xDD00)  # what Python makes of the bytes of a file name that are no UTF-8


def plain(text: str, limit: int | None = None) -> str:
    """Text that does nothing to a terminal or a page but stand there.

    Control characters (escape sequences, ends of lines, marks that turn the direction of writing) are written out, as
    are bytes of a file name that mean nothing.

    Args:
        text: Any.
        limit: Letters to show; of longer text the middle is left out.

    Returns:
        Text in one line.
    """
    shown = text if text.isprintable() else "".join(map(_shown, text))
    return shown if limit is None else shortened(shown, limit)


def brief(text: str, limit: int = LONGEST_VALUE) -> str:
    """A value as an error quotes it: plain, its spaces and ends of lines one space each, the middle left out.

    Args:
        text: Any.
        limit: Letters to show.

    Returns:
        Text in one line.
    """
    return plain(" ".join(text.split()), limit)


def message(text: str) -> str:
    """A message of one line that may hold text of others: plain, without its ends of lines, and of a bounded length.

    Args:
        text: Any.

    Returns:
        Text in one line.
    """
    words = plain(re.sub(r"[ \n]+", " ", text).strip()).split(" ")
    return shortened(" ".join(shortened(word, _LONGEST_WORD) for word in words), _LONGEST_MESSAGE)


def lines(text: str) -> str:
    """Text of several lines, each of them plain.

    Args:
        text: Any.

    Returns:
        As many lines.
    """
    return "\n".join(map(plain, text.split("\n")))


def plain_tree(tree: Tree, limit: int | None = None) -> Tree:
    """What JSON can hold, with all text in it plain, that of keys too.

    Args:
        tree: Dicts, lists, text and numbers.
        limit: Letters to show of each text.

    Returns:
        The same shape.
    """
    made: object = tree
    if isinstance(tree, str):
        made = plain(tree, limit)
    elif isinstance(tree, dict):
        made = {plain_tree(key, limit): plain_tree(value, limit) for key, value in tree.items()}
    elif isinstance(tree, list | tuple):
        made = [plain_tree(each, limit) for each in tree]
    return made  # type: ignore[return-value]


def shortened(text: str, limit: int) -> str:
    """The beginning and the end of text that is longer than `limit` letters.

    Args:
        text: Any.
        limit: 5 and up.

    Returns:
        At most `limit` letters.
    """
    if len(text) <= limit:
        return text
    end = (limit - 3) // 2
    return f"{text[: limit - 3 - end]}...{text[-end:]}"


def _shown(letter: str) -> str:
    """A letter, or how it is written out."""
    if letter.isprintable() or unicodedata.category(letter) == "Zs":  # spaces of all widths harm nobody
        return letter
    code = ord(letter)
    if code in _BYTES:
        return f"\\x{code - 0xDC00:02x}"
    if letter in "\n\r\t":
        return repr(letter)[1:-1]
    return f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
