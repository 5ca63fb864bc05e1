"""What is wrong, or worth knowing, in a collection: kinds of finding with the names of what they concern.

Nothing is left out of a collection without a finding that names it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from noisette.text import plain

Severity = Literal["problem", "note"]
"""A problem left something out, or will hurt; a note is worth knowing."""

_FORMS = re.compile(r"\{([^}]*)\}")
_SEVERAL = {"has": "have", "is": "are", "was": "were", "lies": "lie", "it": "them", "its": "their"}

UNDESCRIBED = "no metadata"
"""The kind of images of which nothing is said: it concerns those alone that are taken."""

MOST_NAMED = 1000
"""Names that a finding keeps; of all others it keeps the number."""


@dataclass(frozen=True)
class Kind:
    """A kind of finding. In its texts `{has}` is "have" of several, and `{one|several}` either.

    Attributes:
        severity: Problem or note.
        title: What it says of its images, such as "cannot be read".
        advice: What a person can do about it; empty where there is nothing to do.
    """

    severity: Severity
    title: str
    advice: str = ""

    def says(self, count: int) -> tuple[str, str]:
        """Title and advice of so many."""
        title, advice = (_FORMS.sub(lambda form: _form(form[1], count), text) for text in (self.title, self.advice))
        return title, advice


HOW_TO_SAY_TILE = 'say how large a tile is, in collection.toml: tile = "16x16"'
"""What a person can do where the size of tiles is not seen."""

KINDS: dict[str, Kind] = {
    "unreadable": Kind("problem", "cannot be read as {an image|images}; left out", "save {it} again, or remove {it}"),
    "animated": Kind("problem", "{has} several frames; left out", "save the frame that is meant as a PNG"),
    "too large": Kind("problem", "{is} larger than any image that is taken; left out", "reduce {it}"),
    "too large to learn": Kind(
        "problem",
        "{is} larger than the 128 pixels that can be learned",
        'set size and resize in collection.toml, or {of a sheet of|of sheets of} many images tile = "16x16"',
    ),
    "16 bits": Kind("problem", "{has} 16 bits a channel, of which 8 would be lost; left out", "save {it} with 8 bits"),
    "CMYK": Kind("problem", "{has} colours for printing (CMYK); left out", "save {it} as RGB"),
    "other size": Kind("problem", "{has} another size than the others; left out", "make all images one size"),
    "off grid": Kind(
        "problem",
        "{is no enlargement|are no enlargements} as the others are; left out",
        "enlarge {it} by the same whole factor",
    ),
    "link": Kind(
        "problem",
        "{is a link that leads|are links that lead} out of the folder; left out",
        "copy what {it leads|they lead} to into the folder",
    ),
    "too deep": Kind("problem", "{is a folder|are folders} too deep inside others; not read", "move {it} up"),
    "archive": Kind(
        "problem",
        "{is a member|are members} of the archive that {is} not read",
        "unpack {it} yourself, and name the folder",
    ),
    "cut off": Kind(
        "problem",
        "{is} damaged, and not read from there on; what comes before is taken",
        "copy {it} again from {its} source",
    ),
    "vanished": Kind("problem", "{was} there and {is} no longer: the folder changes while it is read", "read it again"),
    "metadata": Kind(
        "problem", "{has} metadata that cannot be read; {its} traits are unknown", "mend {the file|the files}"
    ),
    "encoding": Kind("note", "{is no text|are no texts} in UTF-8; {its} letters are a guess", "save {it} as UTF-8"),
    "metadata twice": Kind("problem", "{is} described twice, differently; the first counts", "remove one"),
    "same twice": Kind(
        "note",
        "{is} described twice in one file, in the same words: {its number or name stands|numbers or names stand} twice",
    ),
    "trait": Kind("problem", "{has} a trait that is no name with a value; the trait is left out", "mend the metadata"),
    "other image": Kind(
        "problem",
        "{has} metadata that name another image; the name of their file counts",
        "see which of the two is meant",
    ),
    "no metadata": Kind("problem", "{has} no metadata; {its} traits are unknown", "describe {it}, or remove {it}"),
    "no image": Kind(
        "problem",
        "{is} described, and there is no such image",
        "add {the image, or remove its|the images, or remove their} metadata",
    ),
    "split": Kind(
        "note", "{is a folder|are folders} named as training, validation or test are, and no {class|classes}"
    ),
    "beside splits": Kind(
        "note", "{is a folder|are folders} beside one named as training or test are, and no {class|classes}"
    ),
    "deeper": Kind("note", "{lies} deeper than other images; only the outer folders say what {it shows|they show}"),
    "several images": Kind("note", "{has} several images, of which the first is taken"),
    "column": Kind("note", "{is a column that is|are columns that are} not used"),
    "not understood": Kind("note", "{is} no image and no metadata; not read"),
    "placeholder": Kind(
        "problem",
        "{is} the picture of most images, whose traits differ: they may not be revealed yet",
        "wait until the images themselves are there",
    ),
    "duplicate": Kind("note", "{has} the same pixels as another", "remove one: twins are learned twice"),
    "contradiction": Kind("note", "{has} the same pixels as another with other traits", "see which of them is right"),
    "empty tile": Kind("note", "{is a tile|are tiles} of one colour; left out"),
    "no grid": Kind("problem", "{is a sheet|are sheets} on which no grid is seen; left out", HOW_TO_SAY_TILE),
    "rest of a sheet": Kind(
        "problem", "{is a sheet that its tiles do|are sheets that their tiles do} not fill", HOW_TO_SAY_TILE
    ),
    "rare": Kind(
        "note",
        "{is a value of fewer than five images; it is|are values of fewer than five images; they are} hardly learned",
        "add images that have {it}",
    ),
    "constant": Kind(
        "note", "{is a trait|are traits} with one value for all images; {it is no attribute|they are no attributes}"
    ),
    "unique": Kind(
        "note",
        "{is a trait|are traits} with another value for nearly every image; {it is|they are} no {attribute|attributes}",
    ),
    "too many": Kind(
        "problem",
        "{is a trait|are traits} with more values than can be asked for; {it is no attribute|they are no attributes}",
    ),
    "merged": Kind("note", "{is} written in several ways that are taken for one"),
    "hidden colours": Kind("note", "{has} colours under transparent pixels, which nobody sees; they are not learned"),
    "enlarged": Kind("note", "{is} pixel art enlarged by a whole factor; reduced exactly"),
    "resized": Kind("note", "{was} brought to the size that was asked for"),
}
"""By the name under which `Findings.add` takes them and JSON says them."""


def _form(written: str, count: int) -> str:
    one, _, several = written.partition("|")
    return one if count == 1 else several or _SEVERAL[one]


@dataclass
class Finding:
    """All of one kind.

    Attributes:
        kind: One of `KINDS`.
        count: How many things it concerns.
        names: Of the first of them, with details in brackets where there are any.
    """

    kind: str
    count: int = 0
    names: list[str] = field(default_factory=list)


class Findings:
    """Collects what is found while a collection is read."""

    def __init__(self) -> None:
        self._found: dict[str, Finding] = {}
        self._undescribed: dict[str, str] = {}

    def add(self, kind: str, name: str, detail: str = "") -> None:
        """Say that something was found.

        Args:
            kind: One of `KINDS`.
            name: Of the image, the file, the trait or the value that it concerns.
            detail: What exactly, in a few words.

        Raises:
            KeyError: There is no such kind.
        """
        KINDS[kind]
        if kind == UNDESCRIBED:
            self._undescribed.setdefault(name, detail)
        else:
            _add(self._found.setdefault(kind, Finding(kind)), name, detail)

    def left_out(self, names: Iterable[str]) -> None:
        """Images are left out, for reasons that are told: that they are not described concerns nobody."""
        for name in names:
            self._undescribed.pop(name, None)

    def of(self, kind: str) -> Finding:
        """What was found of a kind, which may be nothing."""
        return next((each for each in self.all() if each.kind == kind), Finding(kind))

    def all(self) -> list[Finding]:
        """Everything, problems first, in the order of `KINDS`."""
        order = list(KINDS)
        undescribed = Finding(UNDESCRIBED)
        for name, detail in self._undescribed.items():
            _add(undescribed, name, detail)
        return sorted(
            [*self._found.values(), *([undescribed] if undescribed.count else [])],
            key=lambda each: (KINDS[each.kind].severity != "problem", order.index(each.kind)),
        )


def _add(finding: Finding, name: str, detail: str) -> None:
    finding.count += 1
    if len(finding.names) < MOST_NAMED:
        finding.names.append(plain(f"{name} ({detail})" if detail else name, 400))
