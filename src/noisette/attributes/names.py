"""Names as people write them: which are the same, how those with commas in them are quoted, what says no.

A text lists parts with commas between. In double quotes a comma, a colon, an equal sign or a minus is a part of the
name; a quotation mark inside is doubled. A quotation begins only where a name or a value does, so that one inside a
name is a mark as any other.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

MOST_LETTERS = 200_000
"""Of a request: more than any schema has names for."""

_DASHES = "-\u2010\u2011\u2012\u2013\u2014\u2015\u2212"
_NO = rf"(?:[{_DASHES}!\u00ac]|(?:no|not|without)(?:\s+|[{_DASHES}_]|(?=\")))"
_QUOTED = r'"[^"]*(?:""[^"]*)*"'
_INVISIBLE = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
_PART = re.compile(rf"\s*(?:(?:{_NO}|\+)?\s*{_QUOTED})?[^,=:]*(?:[=:](?:\s*{_QUOTED})?[^,=:]*)*", re.IGNORECASE)
_SIGNED = re.compile(rf"(?:(?P<no>{_NO})|\+)\s*(?P<rest>.+)", re.IGNORECASE | re.DOTALL)
_DENIED = re.compile(
    rf"(?:{_NO}|[^\w\"]|(?:non|never|nor|minus|except|sans|ohne|keine?)(?:\s+|[{_DASHES}_]))+\s*(?P<rest>.+)",
    re.IGNORECASE | re.DOTALL,
)
_WHOLE = re.compile(_QUOTED)
_PLAIN = re.compile(r'[^,"=:]+')
_MARK = re.compile("[=:]")
_SHORT = 100
"""Letters of a text that is memoised: a folder says the same few hundred of them a million times."""
_MOST_MARKS = 16
"""Equal signs and colons that are looked at in a part, where its name is not quoted."""


class Said(NamedTuple):
    """A part of a request without its sign: `Earring` of `-Earring`, and False."""

    rest: str
    present: bool


def cleaned(text: str) -> str:
    """A text with its letters in one form (NFKC), without what nobody sees, its spaces as one."""
    return _cleaned_before(text) if len(text) <= _SHORT else _cleaned(text)


def _cleaned(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", _INVISIBLE.sub("", text)).split())


_cleaned_before = lru_cache(maxsize=2**13)(_cleaned)


def folded(name: str) -> str:
    """What names have in common that are the same: case, spaces, underscores and hyphens inside do not count.

    A hyphen before a name counts, since it says no, and so does one behind it.
    """
    return _folded_before(name) if len(name) <= _SHORT else _folded(name)


def _folded(name: str) -> str:
    letters = re.sub(rf"[{_DASHES}]", "-", re.sub(r"[\s_]+", "", cleaned(cleaned(name).casefold())))
    inside = letters.strip("-")
    before, _, after = letters.partition(inside) if inside else (letters, "", "")
    return before + inside.replace("-", "") + after


_folded_before = lru_cache(maxsize=2**13)(_folded)


def quoted(name: str) -> str:
    """A name as it stands in a text, in quotation marks where it would be taken for something else."""
    seen = cleaned(name)
    plain = _PLAIN.fullmatch(seen) and not _SIGNED.match(seen) and not unicodedata.category(seen[0]).startswith("M")
    return name if plain else in_quotes(name)


def in_quotes(name: str) -> str:
    """A name in quotation marks, which is never taken for anything else."""
    return '"' + name.replace('"', '""') + '"'


def unquoted(text: str) -> str | None:
    """What stands between the quotation marks of a text that is one quotation; None of any other."""
    return text[1:-1].replace('""', '"') if _WHOLE.fullmatch(text) else None


def parts_of(text: str) -> list[str]:
    """The parts of a text between its commas, without the empty ones; what is quoted is quoted still."""
    found, place = [], 0
    while place < len(text):
        end = _PART.match(text, place).end()  # type: ignore[union-attr]  # it matches nothing, too
        found.append(text[place:end].strip())
        place = end + 1
    return [part for part in found if part]


def signed(part: str) -> Said | None:
    """What is said of which name, of a part that begins with a sign or with no, not, without; None of any other."""
    match = _SIGNED.fullmatch(part)
    return Said(match["rest"].strip(), match["no"] is None) if match else None


def denied(part: str) -> str | None:
    """The name in a part that seems to say no, also in ways that a request does not know; None of any other."""
    match = _DENIED.fullmatch(part)
    return match["rest"].strip() if match else None


def halves(part: str) -> Iterable[tuple[str, str]]:
    """Where an equal sign or a colon can divide a part into a name and a value: the one, and the other.

    One that begins with a quotation can be divided only behind it, and what is quoted at the end only before it.
    """
    quotation = _WHOLE.match(part)
    for mark in islice(_MARK.finditer(part, quotation.end() if quotation else 0), _MOST_MARKS):
        name, value = part[: mark.start()].strip(), part[mark.end() :].strip()
        if name and value:
            yield name, value
        if quotation or unquoted(value) is not None:
            return
