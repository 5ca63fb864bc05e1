"""A collection out of a collection: new members, each unlike all others and unlike what the model learned from."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from noisette.attributes.schema import ABSENT, Attribute, Range, Value
from noisette.attributes.statistics import shown, value_names
from noisette.config.data import open_data
from noisette.errors import NoisetteError, RequestError, Stopped
from noisette.evaluation.classifier import AttributeClassifier
from noisette.evaluation.classifiers import find_compatible
from noisette.export.members import Members
from noisette.export.quotas import label, places
from noisette.export.rules import NO_RULES, Rules
from noisette.files.atomic import make_folder, write_atomically, write_text
from noisette.files.images import as_png, sheet
from noisette.files.indexed import expanded
from noisette.files.output import new_folder
from noisette.files.reading import read_bytes, read_object
from noisette.inference.generator import BATCH, Generator
from noisette.inference.loading import load
from noisette.progress import Progress, silent
from noisette.seeds import MEMBER, random_of
from noisette.signals import Terminated
from noisette.store.naming import name_of
from noisette.text import plain

MOST = 100_000
_TRIES = 1000
"""Of attributes for one member, until its picture is unlike all others."""
_PICTURES = 3
"""Of the same attributes, until what the classifier does not see is taken as it is."""
_FAR, _CHANCE = 0.05, 4.0
"""Apart from the data's: of a share, and in standard deviations of what chance would have."""
_NAMED = 3
_STATE = ".noisette-collection.json"
_SHEET, _RARITY, _ALL = "noisette-contact-sheet.png", "noisette-rarity.csv", "_metadata.json"
_ON_SHEET = 100
_SECONDS_OF_A_DAY = 24 * 60 * 60


@dataclass(frozen=True)
class Made:
    """A collection that was made.

    Attributes:
        folder: Where it is.
        count: Its members.
        redrawn: Pictures that were drawn anew: like another, or not what was asked for.
        notes: What a person should know of it.
        frequencies: For each value its share in the collection and in the data, by `attribute: value`.
        asked: For each value of which a share was asked that share, by the same names.
    """

    folder: Path
    count: int
    redrawn: int
    notes: tuple[str, ...]
    frequencies: dict[str, tuple[float, float]]
    asked: dict[str, float]


def make_collection(
    run: str | Path | Generator,
    *,
    count: int,
    out: str | Path,
    seed: int = 0,
    rules: Rules = NO_RULES,
    scale: int = 1,
    name: str = "",
    progress: Progress = silent,
) -> Made:
    """Make new members of the collection that a model learned.

    Each has attributes that no other member has and no image that was learned from, where attributes name the image
    there, as those of avatars do and a class does not; nothing in them was never seen together where chance would have
    shown it; no picture is another's, nor one of the images learned from; and where there is an attribute classifier,
    it reads in each what was asked for. Where rules ask for shares, so many members have a value as whole numbers
    allow, and a note says where there are too few combinations. The same seed makes the same files. A folder that is
    half there goes on.

    Args:
        run: A run folder or a shipped model that can be asked for attributes, or either, loaded.
        count: Members, 1 to `MOST`.
        out: The folder.
        seed: Of the collection.
        rules: Of a person; see `noisette.export.rules.read_rules`.
        scale: Whole factor by which pictures are enlarged; 1 keeps true pixels.
        name: What the tokens are called, before their number; as the folder of the run unless given.
        progress: Called with the members made and those there are.

    Returns:
        What was made.

    Raises:
        RequestError: The model has no attributes, the folder holds something else, the rules contradict each other, or
            there are not so many members.
        NoisetteError: The disk refuses.
        Stopped: Interrupted; the same call goes on.

    Examples:
        >>> make_collection("punks", count=100, out="new-punks")  # doctest: +SKIP
    """
    folder = new_folder(out)
    _check(folder)  # before anything is loaded
    generator = run if isinstance(run, Generator) else load(run)
    if not generator.model.recipe.conditional:
        raise RequestError(f"{generator.name} was trained without attributes, and members are told apart by them")
    if not 1 <= count <= MOST:
        raise RequestError(f"a collection has 1 to {MOST:,} members, not {count:,}")
    members = Members(generator.schema, generator.planner.statistics, rules, seed)
    planned = members.plan(count)
    _begin(folder, generator, count, seed, rules, scale, name)
    maker = _Maker(generator, seed, members, planned, scale, name or name_of(generator.name))
    rows = maker.make(folder, progress)
    _finish(folder, generator, rows, maker, rules)
    there = shown(generator.schema, np.stack(rows)).mean(axis=0)
    usual = generator.planner.statistics.shares(generator.schema)
    labels = [label(value) for value in value_names(generator.schema)]
    frequencies = {
        each: (round(float(mine), 4), round(float(its), 4))
        for each, mine, its in zip(labels, there, usual, strict=True)
    }
    asked = {
        each: rules.shares[value]
        for each, value in zip(labels, places(generator.schema), strict=True)
        if value in rules.shares
    }
    notes = (*maker.notes, *members.missed(rows), *(crowded_out(frequencies, count) if rules == NO_RULES else ()))
    return Made(folder, count, maker.redrawn, notes, frequencies, asked)


def crowded_out(frequencies: Mapping[str, tuple[float, float]], members: int) -> list[str]:
    """Where members have values more or less often than the data, by more than chance: no more combinations were new.

    Args:
        frequencies: For each value its share in the collection and in the data.
        members: Of the collection.

    Returns:
        A line that names the worst few; none where shares are as in the data.
    """
    apart = {
        value: abs(mine - its)
        for value, (mine, its) in frequencies.items()
        if abs(mine - its) > max(_FAR, _CHANCE * sqrt(its * (1 - its) / members))
    }
    worst = sorted(apart, key=lambda value: -apart[value])[:_NAMED]
    if not worst:
        return []
    told = ", ".join(f"{each} {frequencies[each][0]:.0%} instead of {frequencies[each][1]:.0%}" for each in worst)
    return [
        f"shares are not as in the data ({told}): frequent combinations are there already, and those that are new are"
        " others; ask for shares with --rarity, or for fewer members"
    ]


def _check(folder: Path) -> None:
    """Raises RequestError if a folder holds something else than a collection."""
    if (folder / _STATE).is_file():
        return
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise RequestError(f"{plain(str(folder), 200)} is there and is no collection; name another folder with --out")


def _begin(folder: Path, generator: Generator, count: int, seed: int, rules: Rules, scale: int, name: str) -> None:
    """Claim the folder, or go on with it. Raises RequestError if it holds something else."""
    said = {
        "weights": generator.weights,
        "count": count,
        "seed": seed,
        "rules": rules.text,
        "scale": scale,
        "name": name,
    }
    state = folder / _STATE
    if state.is_file():
        if read_object(state, inside=folder) != said:
            raise RequestError(
                f"{plain(str(folder), 200)} holds a collection that was made otherwise; name another folder with --out"
            )
        return
    try:
        for each in (folder / "images", folder / "metadata"):
            make_folder(each)
        write_text(state, json.dumps(said))
    except OSError as error:
        raise NoisetteError(f"cannot write {plain(str(folder), 200)}: {error.strerror or error}") from error


class _Maker:
    """Draws members until each is good.

    Args:
        generator: The model.
        seed: Of the collection.
        members: Where attributes come from.
        planned: What each member is to have.
        scale: Of the pictures.
        name: Of the tokens.
    """

    def __init__(
        self,
        generator: Generator,
        seed: int,
        members: Members,
        planned: Sequence[NDArray[np.int16]],
        scale: int,
        name: str,
    ) -> None:
        self._generator, self._seed, self._members, self._planned = generator, seed, members, planned
        self._scale, self._name = scale, name
        self.notes: list[str] = []
        self.redrawn = 0
        shape = (generator.model.recipe.dataset.image_channels, *generator.model.size)
        self._classifier: AttributeClassifier | None = find_compatible(generator.schema, shape)
        if self._classifier is None:
            self.notes.append("there is no attribute classifier, so nobody looked whether requests were obeyed")
        self._pictures = self._learned()

    def _learned(self) -> set[bytes]:
        """The images that were learned from, where they are at hand."""
        try:
            dataset = open_data(self._generator.model.recipe)
        except NoisetteError:
            self.notes.append("the images learned from are not here: copies are told by their attributes alone")
            return set()
        return {_digest(image) for image in dataset.images}

    def make(self, folder: Path, progress: Progress) -> list[NDArray[np.int16]]:
        """Make the files of all members; returns their attributes."""
        count = len(self._planned)
        rows: dict[int, NDArray[np.int16]] = {}
        try:
            for start in range(0, count, BATCH):
                progress(start, count)
                numbers = range(start, min(start + BATCH, count))
                for number in numbers:
                    if (row := self._there(folder, number)) is not None:
                        rows[number] = row
                self._draw(folder, [number for number in numbers if number not in rows], rows)
        except KeyboardInterrupt as error:
            made = sum(1 for _ in (folder / "images").glob("*.png"))
            raise Stopped(
                f"interrupted; {made} of {count} members are in {folder}, and the same command goes on",
                interrupted=not isinstance(error, Terminated),
            ) from error
        progress(count, count)
        return [rows[number] for number in range(count)]

    def _there(self, folder: Path, number: int) -> NDArray[np.int16] | None:
        """The attributes of a member that is there already, whose picture is then taken."""
        path, described = folder / "images" / f"{number}.png", folder / "metadata" / f"{number}.json"
        if not path.is_file() or not described.is_file():
            return None
        said = {each["trait_type"]: each["value"] for each in read_object(described, inside=folder)["attributes"]}
        schema = self._generator.schema
        values = {attribute.name: _value_of(attribute, said.get(attribute.name)) for attribute in schema.attributes}
        row: NDArray[np.int16] = schema.encode([values])[0]
        with Image.open(io.BytesIO(read_bytes(path, inside=folder)), formats=["PNG"]) as picture:
            pixels = expanded(picture, self._generator.model.drawn_shape[0])[:, :: self._scale, :: self._scale]
        self._pictures.add(_digest(self._generator.model.as_learned(pixels[None])[0]))
        self._members.take(row)
        return row

    def _draw(self, folder: Path, numbers: Sequence[int], rows: dict[int, NDArray[np.int16]]) -> None:
        """Draw members, those again that are like another, with other attributes, or not what was asked for."""
        schema, attempts = self._generator.schema, self._members.attempts
        pictures = dict.fromkeys(numbers, 0)  # of the same attributes
        wanted = {number: self._planned[number] for number in numbers}
        left = list(numbers)
        while left:
            for number in left:
                if number not in wanted:
                    wanted[number] = self._members.another(number)
            requests = [schema.decode(wanted[number]) for number in left]
            seeds = [
                int(random_of(self._seed, MEMBER, number, attempts[number], pictures[number]).integers(2**31))
                for number in left
            ]
            plan = self._generator.recorded(self._generator.plan(requests, seeds=seeds, allow_unseen=True))
            images = self._generator.draw(plan)
            learned = self._generator.model.as_learned(images)
            read = None if self._classifier is None else self._classifier.read(learned)
            again = []
            for place, (number, image) in enumerate(zip(left, images, strict=True)):
                digest = _digest(learned[place])
                obeyed = read is None or bool((read[place] == wanted[number]).all())
                if digest in self._pictures:  # what differs is not seen, so other attributes are taken
                    del wanted[number]
                    again.append(number)
                    if attempts[number] > _TRIES:
                        raise RequestError(f"no {number + 1} pictures were found that differ; use a smaller --count")
                elif not obeyed and pictures[number] < _PICTURES - 1:
                    pictures[number] += 1
                    again.append(number)
                else:
                    if not obeyed:
                        self.notes.append(f"{number}.png may not show all that it should, as the classifier reads it")
                    self._pictures.add(digest)
                    rows[number] = wanted[number]
                    alone = plan.alone(place).placed(self._generator.model.size, 1, self._scale)
                    self._write(folder, number, image, requests[place], alone.metadata())
            self.redrawn += len(again)
            left = again

    def _write(
        self, folder: Path, number: int, image: NDArray[np.uint8], request: dict[str, Value], said: dict[str, Any]
    ) -> None:
        picture = as_png(sheet(image[None], scale=self._scale), said)
        described = self.metadata(number, request)
        write_atomically(folder / "images" / f"{number}.png", lambda path: path.write_bytes(picture))
        write_text(folder / "metadata" / f"{number}.json", json.dumps(described, indent=2) + "\n")

    def metadata(self, number: int, request: dict[str, Value]) -> dict[str, Any]:
        """The ERC-721 metadata of a member; what it has not is not mentioned."""
        known = [each for each in self._generator.schema.attributes if each.name in request]
        traits = [_trait(attribute, request[attribute.name]) for attribute in known]
        return {
            "name": f"{self._name} #{number}",
            "image": f"{number}.png",
            "edition": number,
            "attributes": [trait for trait in traits if trait is not None],
        }


def _finish(folder: Path, generator: Generator, rows: Sequence[NDArray[np.int16]], maker: _Maker, rules: Rules) -> None:
    """What is of all members: one array, how rare things are, a contact sheet."""
    schema = generator.schema
    described = [maker.metadata(number, schema.decode(row)) for number, row in enumerate(rows)]
    write_text(folder / _ALL, json.dumps(described, indent=1) + "\n")
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["attribute", "value", "members", "share", "share in the data", "share asked"])
    statistics = generator.planner.statistics
    counted = shown(schema, np.stack(rows)).sum(axis=0)
    values = zip(value_names(schema), places(schema), counted, statistics.shares(schema), strict=True)
    for (name, value), place, count, usual in values:
        said = "yes" if value is True else value
        shares = [f"{part:.4f}" for part in (count / len(rows), usual)]
        asked = f"{rules.shares[place]:.4f}" if place in rules.shares else ""
        writer.writerow([name, said, int(count), *shares, asked])
    write_text(folder / _RARITY, table.getvalue())
    pictures = []
    for number in range(min(_ON_SHEET, len(rows))):
        with Image.open(folder / "images" / f"{number}.png", formats=["PNG"]) as picture:
            pictures.append(expanded(picture, generator.model.drawn_shape[0]))
    content = as_png(sheet(np.stack(pictures), columns=10, scale=max(1, 64 // pictures[0].shape[-1])), {})
    write_atomically(folder / _SHEET, lambda path: path.write_bytes(content))


def _trait(attribute: Attribute, value: Value) -> dict[str, Any] | None:
    """A value as marketplaces read it: of a range a number or a day inside it; None of what is not there."""
    if isinstance(attribute, Range):
        number = attribute.number_of(attribute.values.index(value))
        if number is None:
            return None
        shown = number * _SECONDS_OF_A_DAY if attribute.unit == "date" else number
        whole = int(shown) if shown.is_integer() else shown
        return {"trait_type": attribute.name, "display_type": attribute.unit, "value": whole}
    if value is False or (attribute.kind != "flag" and value == ABSENT):
        return None
    return {"trait_type": attribute.name, "value": "yes" if value is True else value}


def _value_of(attribute: Attribute, written: Any) -> Value:
    """The value of which `_trait` wrote this; None is that it wrote nothing."""
    if attribute.kind == "flag":
        return written is not None
    if isinstance(attribute, Range) and isinstance(written, int | float):
        number = written / _SECONDS_OF_A_DAY if attribute.unit == "date" else written
        return attribute.options[attribute.code_of(number)]
    return ABSENT if written is None else str(written)


def _digest(image: NDArray[np.uint8]) -> bytes:
    return sha256(np.ascontiguousarray(image).tobytes()).digest()
