"""Metadata as strangers write them: text in some encoding, JSON with mistakes in it, traits of any type.

Nothing here stops at a mistake. What cannot be taken is a finding, and the rest is read.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from noisette.data.collections.entries import Raw, Trait
from noisette.data.collections.findings import Findings
from noisette.data.collections.tree import Tree
from noisette.errors import NoisetteError
from noisette.files.reading import MOST_TEXT, AbsentError, bound_json, open_file, read_bytes
from noisette.text import brief

MOST_OF_ONE = MOST_TEXT
"""Bytes of a file that describes one image; some hold the image itself, as text."""

MOST_OF_ALL = 2**29
"""Bytes of a file that describes all images; 100,000 tokens with long descriptions have 200 million."""

LONGEST = 10_000
"""Letters of the name of a trait, or of its value."""

MOST_TRAITS = 1000
"""Of one image."""

ALONE = "attribute"
"""What a trait is called whose value stands alone."""

ATTRIBUTES = ("attributes", "traits", "properties")
"""Under which of its names an object holds the traits of an image; the first that is there counts."""

_MOST_VALUES = 50_000_000  # of a file that describes all images: about 250 traits for each of 100,000
_MOST_DAMAGED = 100  # elements; each may cost a look at the whole file
_TRAIT_NAMES = ("trait_type", "traitType", "trait", "name", "key", "type")
_DISPLAYS = frozenset({"number", "boost_number", "boost_percentage", "date"})
_SPACE = re.compile(r"[ \t\n\r]*")
_SURROGATE = re.compile("[\ud800-\udfff]")
_STRAY = re.compile("[\udc80-\udcff]+")  # bytes that are no UTF-8, as Python carries them


@dataclass(frozen=True)
class Element:
    """One element of a list or an object in JSON.

    Attributes:
        key: Its place in the list, or its key in the object.
        value: What it is.
        twice: Keys inside it that say two different things; the first counts.
    """

    key: int | str
    value: Any
    twice: tuple[str, ...] = ()


def read_text(tree: Tree, name: str, findings: Findings, *, subject: str = "", most: int = MOST_OF_ONE) -> str | None:
    """The text of a file of metadata.

    Args:
        tree: The files.
        name: Of the file in it.
        findings: Told of why it cannot be read, and of an encoding that had to be guessed.
        subject: What such a finding concerns, if not the file itself: its image.
        most: Bytes that it may have.

    Returns:
        The text, ends of lines as they are in the file; None if it cannot be read.
    """
    place = f"{name}: " if subject else ""
    subject = subject or name
    if tree.stamps[name].size > most:
        findings.add("metadata", subject, f"{place}{tree.stamps[name].size:,} bytes; {most:,} at most are read")
        return None
    try:
        data = tree.kept.get(name) if tree.kept else None
        if data is None:
            data = read_bytes(tree.path(name), most=most, inside=tree.root)
            if tree.kept:
                tree.kept.put(name, data)
    except AbsentError:
        findings.add("vanished", name)
        return None
    except NoisetteError as error:
        findings.add("metadata", subject, str(error))
        return None
    text = text_of(data, name, findings)
    if text is None:
        findings.add("metadata", subject, f"{place}it is no text")
    return text


def text_of(data: bytes, name: str, findings: Findings) -> str | None:
    """The text that bytes are; None if they are none.

    Args:
        data: Of a file of metadata.
        name: Of the file, or of the image that it describes.
        findings: Told of an encoding that had to be guessed.
    """
    decoded = _decoded(data)
    if decoded is None:
        return None
    text, guessed = decoded
    if guessed:
        findings.add("encoding", name, guessed)
    return text


def beginning(tree: Tree, name: str, most: int = 2**20) -> str:
    """The first bytes of a file as text, of which the end may be cut off anywhere; empty if it cannot be read."""
    try:
        data = tree.kept.get(name) if tree.kept else None
        if data is None:
            with open_file(tree.path(name), most=2**62, inside=tree.root) as file:
                data = file.read(most)
        data = data[:most]
    except (NoisetteError, OSError):
        return ""
    ways = [_decoded(data[: len(data) - cut]) for cut in range(4)]  # a letter may be cut off, of four bytes at most
    sure = [way for way in ways if way and not way[1]]
    return next((text for text, _ in (*sure, *filter(None, ways))), "")


def _decoded(data: bytes) -> tuple[str, str] | None:
    """A text, and the name of its encoding where nothing but its bytes tells it; None if it is no text."""
    marked = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    guesses = [(marked, "")]
    if b"\0" in data[:2]:  # most texts begin with a letter of one byte
        guesses = [("utf-16-be" if data[0] == 0 else "utf-16-le", "read as UTF-16")]
    for encoding, guessed in guesses:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        return None if guessed and "\0" in text else (text, guessed)
    return None if b"\0" in data else _mixed(data)


def _mixed(data: bytes) -> tuple[str, str]:
    """A text of which some bytes are no UTF-8, as where somebody has added a line: these alone are Windows-1252."""
    text = data.decode("utf-8-sig", errors="surrogateescape")
    mended = _STRAY.sub(
        lambda found: found[0].encode("utf-8", errors="surrogateescape").decode("cp1252", errors="replace"), text
    )
    if _STRAY.sub("", text).isascii():
        return mended, "read as Windows-1252"
    stray = _STRAY.search(text)
    line = text.count("\n", 0, stray.start() if stray else 0) + 1
    return mended, f"line {line:,} read as Windows-1252"


def read_json(text: str) -> Element:
    """What a JSON text says, mistakes that do not matter forgiven.

    Args:
        text: Of the file.

    Returns:
        Its value. Of a key that stands twice in an object the first counts; NaN and Infinity are what they say.

    Raises:
        ValueError: It is no JSON, or larger than `noisette.files.reading` takes.
    """
    bound_json(text)
    twice: list[str] = []
    return Element("", _decoder(twice).decode(text), tuple(twice))


def elements(text: str, tell: Callable[[int, str], object] | None = None) -> Iterator[Element]:
    """The elements of a JSON list or object, one after the other, so that only one is in memory at a time.

    Args:
        text: Of the file, of `MOST_OF_ALL` letters at most.
        tell: Called with the number and the fault of each damaged element behind which another one begins a line, as
            far in as the first does; such elements are left out. Unless given, the first fault is raised.

    Yields:
        Each element; an object with a key that stands twice has two.

    Raises:
        ValueError: It is no list and no object, larger than it may be, or no JSON from here on.
    """
    bound_json(text, most=MOST_OF_ALL, most_values=_MOST_VALUES)
    twice: list[str] = []
    decoder = _decoder(twice)
    at = _skipped(text, 0)
    opening = text[at : at + 1]
    if opening not in ("[", "{"):
        raise ValueError("it is no list and no object")
    closing = "]" if opening == "[" else "}"
    at = _skipped(text, at + 1)
    margin = _margin(text, at) if tell else ""
    place = damaged = 0
    ended = text[at : at + 1] == closing
    while not ended:
        start = at
        try:
            key: int | str = place
            if opening == "{":
                key, at = _key(decoder, text, at)
            value, at = decoder.raw_decode(text, at)
            start = at
            yield Element(key, value, tuple(twice))
            at = _skipped(text, at)
            ended = text[at : at + 1] == closing
            if not ended and text[at : at + 1] != ",":
                raise ValueError(f'there is no "," or "{closing}" at letter {at:,}')
            if not ended:
                at = _skipped(text, at + 1)
        except ValueError as error:
            damaged += 1
            following = text.find(margin, start) if margin and damaged <= _MOST_DAMAGED else -1
            if tell is None or following < 0:
                raise
            tell(place, str(error))
            at = following + len(margin) - 1
        twice.clear()
        place += 1
    if _skipped(text, at + 1) != len(text):
        raise ValueError("it goes on behind its end")


def _margin(text: str, at: int) -> str:
    """What stands before an element from the end of the line before on, with the letter that it begins with."""
    begins = text.rfind("\n", 0, at)
    return text[begins : at + 1] if begins >= 0 and not text[begins:at].strip() else ""


def _key(decoder: json.JSONDecoder, text: str, at: int) -> tuple[str, int]:
    """The key of an element, and where its value begins."""
    key, at = decoder.raw_decode(text, at)
    at = _skipped(text, at)
    if not isinstance(key, str) or text[at : at + 1] != ":":
        raise ValueError(f"there is no key with a value at letter {at:,}")
    return key, _skipped(text, at + 1)


def _skipped(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _decoder(twice: list[str]) -> json.JSONDecoder:
    def first_of_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            found = {}
            for key, value in pairs:
                if repr(found.setdefault(key, value)) != repr(value):
                    twice.append(key)
        return found

    return json.JSONDecoder(object_pairs_hook=first_of_each)


def attributes_key(record: Mapping[str, Any]) -> str | None:
    """Under which of `ATTRIBUTES` an object holds traits; None if under none."""
    there = [key for key in ATTRIBUTES if key in record]
    return next((key for key in there if isinstance(record[key], list | Mapping)), there[0] if there else None)


class TraitReader:
    """Makes traits of what metadata say; the same trait of many images is one object.

    Args:
        findings: Told of what is none.
    """

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._known: dict[tuple[str, type, Raw, str], Trait] = {}

    def attributes(self, written: Any, image: str) -> tuple[Trait, ...] | None:
        """The traits in what metadata call attributes.

        Args:
            written: A list of objects with `trait_type` and `value`, or of plain texts; one such object; an object of
                name -> value, or of name or number -> such objects.
            image: Whose they are.

        Returns:
            Those that are some; None if it is neither, and nothing is known of the image.
        """
        if isinstance(written, Mapping) and _is_trait(written):
            written = [written]
        if isinstance(written, Mapping):
            return self._bounded((self._called(name, value, image) for name, value in written.items()), image)
        if not isinstance(written, list):
            self._findings.add("metadata", image, f"its attributes are {kind_of(written)}, no list and no object")
            return None
        return self._bounded((self._item(item, image) for item in written), image)

    def pairs(self, written: Iterable[tuple[Any, Any]], image: str) -> tuple[Trait, ...]:
        """The traits in pairs of a name and a value. See `attributes`."""
        return self._bounded((self.trait(name, value, image) for name, value in written), image)

    def row(self, cells: Iterable[tuple[Any, Sequence[Any]]], image: str) -> tuple[Trait, ...] | None:
        """The traits in a row of a table.

        Args:
            cells: The name of each column with its values: one, None or an empty text, where the cell is empty; none
                where it is a list with nothing in it, which says that there is nothing.
            image: Whose they are.

        Returns:
            Those that are some; None of a row without any value, which says nothing of its image and is a finding.
        """
        known = list(cells)
        if known and all(list(values) in ([None], [""]) for _, values in known):
            self._findings.add("no metadata", image, "its row is empty")
            return None
        return self.pairs(((name, value) for name, values in known for value in values if value != ""), image)

    def trait(self, name: Any, value: Any, image: str, display: Any = "") -> Trait | None:
        """One trait.

        Args:
            name: A text, empty where the value stands alone; it is then called `ALONE`.
            value: A text, a number, true, false or null.
            image: Whose it is.
            display: ERC-721's `display_type`.

        Returns:
            It; None if it is none, which the findings are told.
        """
        shown = display if isinstance(display, str) and display in _DISPLAYS else ""
        is_plain = isinstance(name, str) and (value is None or isinstance(value, str | int | float))
        key = (name or ALONE, type(value), value, shown)
        if is_plain and (known := self._known.get(key)) is not None:
            return known
        wrong = _wrong(name, value)
        if wrong:
            self._findings.add("trait", image, wrong)
            return None
        return self._known.setdefault(key, Trait(name or ALONE, value, shown))

    def _called(self, name: str, value: Any, image: str) -> Trait | None:
        """The trait under a name; what stands under a number is one of a list."""
        if not isinstance(value, Mapping) or "value" not in value:
            return self.trait(name, value, image)
        return self._item(value if _is_trait(value) or name.isdigit() else {"name": name, **value}, image)

    def _item(self, item: Any, image: str) -> Trait | None:
        if isinstance(item, str):
            return self.trait("", item, image)
        if not isinstance(item, Mapping):
            self._findings.add("trait", image, f"{kind_of(item)} in the place of a trait")
            return None
        name = next((item[key] for key in _TRAIT_NAMES if item.get(key) is not None), "")
        if len(item) == 1 and name == "" and "value" not in item:
            return self.trait(*next(iter(item.items())), image)
        if "value" not in item:
            said = f'"{brief(name)}" has no value' if isinstance(name, str) and name else "an object without a value"
            self._findings.add("trait", image, said)
            return None
        return self.trait(name, item["value"], image, item.get("display_type") or "")

    def _bounded(self, made: Iterator[Trait | None], image: str) -> tuple[Trait, ...]:
        traits: list[Trait] = []
        for trait in made:
            if trait is not None and len(traits) == MOST_TRAITS:
                self._findings.add("trait", image, f"it has more than {MOST_TRAITS:,}, of which the first count")
                break
            if trait is not None:
                traits.append(trait)
        return tuple(traits)


def _is_trait(written: Mapping[str, Any]) -> bool:
    """Whether an object is one trait, with a name and a value, and not many under their names."""
    return "value" in written and any(isinstance(written.get(key), str) for key in _TRAIT_NAMES)


def same_traits(one: Sequence[Trait], other: Sequence[Trait]) -> bool:
    """Whether they say the same, in whatever order."""
    return sorted(map(_said, one)) == sorted(map(_said, other))


def _said(trait: Trait) -> tuple[str, str]:
    return trait.name, repr(trait.value)


def _wrong(name: Any, value: Any) -> str:
    """Why a name with a value is no trait; empty if it is one."""
    if not isinstance(name, str):
        return f"{kind_of(name)} in the place of the name of a trait"
    if not _fit(name):
        return f"the name of a trait {_unfit(name)}"
    called = f'"{brief(name)}"' if name else "a value without a name"
    if isinstance(value, list | Mapping):
        return f"{called} is {kind_of(value)}"
    if isinstance(value, str) and not _fit(value):
        return f"{called} {_unfit(value)}"
    if isinstance(value, int | float) and not _finite(value):
        return f"{called} is no finite number"
    return ""


def _fit(text: str) -> bool:
    return len(text) <= LONGEST and (text.isascii() or not _SURROGATE.search(text))


def _unfit(text: str) -> str:
    return f"has {len(text):,} letters, {LONGEST:,} at most" if len(text) > LONGEST else "has letters that are none"


def _finite(number: float) -> bool:
    try:
        return math.isfinite(number)
    except OverflowError:  # a whole number of hundreds of digits
        return False


def kind_of(value: Any) -> str:
    """What a value of JSON is, in words."""
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    return "nothing" if value is None else "a text"
