"""Text of others, made fit to be shown."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noisette.errors import told, written
from noisette.text import brief, lines, message, plain, plain_tree


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Top Hat, 24x24 Größe 7 ñ 帽子 🎩", "Top Hat, 24x24 Größe 7 ñ 帽子 🎩"),
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("one\ntwo\rthree\tfour\0", r"one\ntwo\rthree\tfour\x00"),
        ("\x9b2J\x85 \x7f", r"\u009b2J\u0085 \x7f"),
        ("a\u202eb\u2066c\u200bd\ufeff", r"a\u202eb\u2066c\u200bd\ufeff"),
        ("a\u2028b\u2029c", r"a\u2028b\u2029c"),
        ("a\xa0b\u3000c", "a\xa0b\u3000c"),
        (os.fsdecode(b"caf\xe9"), r"caf\xe9"),
        ("\ud800", r"\ud800"),
        ("\U000e0041", r"\U000e0041"),
    ],
)
def test_what_would_move_a_cursor_is_written_out(text, shown):
    assert plain(text) == shown


@given(st.text(st.characters()), st.integers(5, 80))
def test_any_text_is_one_line_of_bounded_length_that_can_be_encoded(text, limit):
    shown = plain(text, limit)
    shown.encode("utf-8")
    assert len(shown) <= limit
    assert len((shown + "x").splitlines()) == 1
    assert plain(shown) == shown


def test_long_text_keeps_its_beginning_and_its_end():
    assert plain("abcdefghijklmnopqrstuvwxyz", 11) == "abcd...wxyz"
    assert plain("abcdefghijk", 11) == "abcdefghijk"


def test_a_message_is_one_line_whose_end_can_be_read():
    told = message(f'no attribute "{"x" * 5000}"\nin the model\x1b[2J; see `noisette attributes punks`')
    assert told.startswith('no attribute "xxx')
    assert told.endswith(r"in the model\x1b[2J; see `noisette attributes punks`")
    assert len(told) < 400
    assert len(message("a word " * 5000)) <= 1000


def test_lines_stay_lines():
    assert lines("one\n  two\x1b\n") == "one\n  two\\x1b\n"


def test_a_tree_keeps_its_shape():
    tree = {"a\n": [1, None, True, 2.5, "b\x1b", {"c": ("d\r",)}], "e": "f" * 20}
    assert plain_tree(tree, 9) == {r"a\n": [1, None, True, 2.5, r"b\x1b", {"c": [r"d\r"]}], "e": "fff...fff"}


def test_a_value_in_an_error_is_one_plain_line_and_short():
    assert brief("one\n  two\t\x1b[2J") == r"one two \x1b[2J"
    assert told("\x1b" * 100).isprintable()
    assert written({"a": "\x7f\u202e"}) == r'{"a": "\x7f\u202e"}'
    assert len(brief("x" * 1000)) == len(brief("\x1b" * 1000)) == 60
