"""What a request leaves open, imputed as the data would have it.

Attributes and groups of flags hang together in the tree in which each is joined to the one that tells the most of it
(Chow and Liu 1968). In a tree what is given passes from one to the next exactly (Pearl 1988), so the rest is drawn as
often as the tree has it with what was asked for, and no draw is thrown away for not fitting that.

Two things are preferred to what is likeliest. What was never seen together is passed over: the tree knows neighbours
alone. And so is what an image has already, in its flags: choices stay as they were drawn, or a rare combination would
turn a man into a woman.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from noisette.attributes.evidence import surprising
from noisette.attributes.schema import UNKNOWN, AttributeSchema, Value
from noisette.attributes.statistics import Statistics, fingerprints, value_names
from noisette.attributes.tree import joint_of, tree_of
from noisette.errors import RequestError
from noisette.seeds import AGAIN, IMPUTED, random_of

_TRIES = 1000
_TRIES_FOR_BEST = 300
_TRIES_FOR_NEW = 30
_TRIES_FOR_UNIQUE = 20
_MOST_VISITED = 1_000_000  # values, while looking for a request that no draw found
_MOST_CASES = 1000  # of 4 kB each
_HARDLY = 1e-6  # images; what was never seen can be asked for, and must not make the rest impossible


@dataclass(frozen=True)
class _Case:
    """What is asked for in one row, and what follows for the rest.

    Attributes:
        asked: (V,), the values that a row asks for.
        allowed: Of each unit what may be drawn, by what is given below it in the tree.
        strangeness: How many pairs that were never seen together a draw has at least, as far as was found.
    """

    asked: NDArray[np.bool_]
    allowed: dict[int, NDArray[np.float64]]
    strangeness: int


class Imputer:
    """Draws the attributes that a row of codes leaves open.

    Args:
        schema: The attributes.
        statistics: What the data show.

    Raises:
        RequestError: There is nothing to draw from.
    """

    def __init__(self, schema: AttributeSchema, statistics: Statistics) -> None:
        statistics.check(schema)
        self._names = names = value_names(schema)
        if statistics.images == 0 or not names:
            raise RequestError("there are no statistics to draw a request from")
        self._schema = schema
        self._together = statistics.completed(schema)
        self._never = surprising(schema, statistics)
        columns = {name: column for column, name in enumerate(schema.names)}
        self._columns = np.array([columns[name] for name, _ in names])  # of each value
        self._codes = np.array([code for codes in schema.valued for code in codes])
        unit_of = [schema.units[column] for column in self._columns]
        self._units = [[place for place, its in enumerate(unit_of) if its == unit] for unit in dict.fromkeys(unit_of)]
        self._order = tree_of(self._units, self._together, statistics.images)
        self._flags = np.array([attribute.kind == "flag" for attribute in schema.attributes])
        self._seen = statistics.seen_fingerprints
        self._cases: dict[tuple[bytes, frozenset[tuple[str, Value]]], _Case] = {}
        self._given: dict[
            int, NDArray[np.float64]
        ] = {}  # (K + 1, L + 1): each value of a unit, given one of its parent
        for unit, parent in self._order:
            joint = (
                joint_of(
                    self._units[unit], [] if parent is None else self._units[parent], self._together, statistics.images
                )
                + _HARDLY
            )
            self._given[unit] = joint / joint.sum(axis=0)

    def impute(
        self, row: NDArray[np.int16], random: np.random.Generator, *, without: Collection[tuple[str, Value]] = ()
    ) -> NDArray[np.int16]:
        """Draw a plausible image, that need not be any image's.

        What was never seen together is not drawn together, nor with what the row says, where anything else can be
        found; and not what an image has already, exactly, unless there is hardly any other with the same choices.

        Args:
            row: (A,) codes, UNKNOWN where they are open.
            random: What is drawn with.
            without: Values that are not drawn, such as ("Earring", True).

        Returns:
            (A,) codes, nothing open.

        Raises:
            RequestError: There is nothing to draw with what the row says, or an empty row has no plausible image.
        """
        if (row != UNKNOWN).all():
            return row.copy()
        found = self._plausible(row, random, without)
        if self._was_seen(found):
            same_choices = np.where(self._flags, row, found)
            for _ in range(_TRIES_FOR_NEW):
                other = self._plausible(same_choices, random, without)
                if not self._was_seen(other):
                    return other
        return found

    def random_request(
        self, seed: int, *, without: Collection[tuple[str, Value]] = (), given: NDArray[np.int16] | None = None
    ) -> dict[str, Value]:
        """A plausible image's attributes, all of them.

        Args:
            seed: 0 or more.
            without: Values that are not drawn, such as ("Earring", True).
            given: (A,) codes that it has, UNKNOWN where they are open; all are unless given.

        Returns:
            Values by name.
        """
        row = np.full(len(self._schema.attributes), UNKNOWN, dtype=np.int16) if given is None else given
        return self._schema.decode(self.impute(row, random_of(seed, IMPUTED), without=without))

    def unique_requests(
        self, seeds: Sequence[int], *, without: Collection[tuple[str, Value]] = ()
    ) -> list[dict[str, Value]]:
        """As `random_request` of each seed, but one that is there already is drawn anew.

        A request is a function of its seed and of the requests before it.

        Args:
            seeds: 0 or more, each.
            without: Values that are not drawn, such as ("Earring", True).

        Returns:
            Values by name, all different.

        Raises:
            RequestError: There are not so many different ones.
        """
        nothing = np.full(len(self._schema.attributes), UNKNOWN, dtype=np.int16)
        rows: dict[bytes, NDArray[np.int16]] = {}
        rest: Iterator[NDArray[np.int16] | None] | None = None
        for seed in seeds:
            row = self.impute(nothing, random_of(seed, IMPUTED), without=without)
            for number in range(_TRIES_FOR_UNIQUE):
                if row.tobytes() not in rows:
                    break
                row = self.impute(nothing, random_of(seed, AGAIN, number), without=without)
            if row.tobytes() in rows:  # nearly all draws are of those that are there: what is left is looked for
                rest = rest or self.every(nothing, without)
                found = next((each for each in rest if each is None or each.tobytes() not in rows), row)
                if found is None or found.tobytes() in rows:
                    there = "no more were found than" if found is None else "there are only"
                    raise RequestError(
                        f"{there} {len(rows)} different requests for {len(seeds)} images; use a smaller --count, or"
                        " leave --unique out"
                    )
                row = found
            rows[row.tobytes()] = row
        return [self._schema.decode(row) for row in rows.values()]

    def every(
        self, row: NDArray[np.int16], without: Collection[tuple[str, Value]]
    ) -> Iterator[NDArray[np.int16] | None]:
        """All plausible images of a row, one after the other: nothing in them was never seen together.

        Args:
            row: (A,) codes, UNKNOWN where they are open.
            without: Values that are not there.

        Yields:
            (A,) codes, nothing open. None at last where so many values were looked at that the rest is left.
        """
        allowed, visited = self._case(row, without).allowed, 0
        units = [(self._units[unit], np.flatnonzero(allowed[unit])) for unit, _ in self._order]
        # of each unit down to the one where the search is: what it can still be, and the values of those before it
        stack: list[tuple[Iterator[int], list[int]]] = [(iter(units[0][1]), [])]
        while stack:
            numbers, present = stack[-1]
            places, _ = units[len(stack) - 1]
            if (number := next(numbers, None)) is None:
                stack.pop()
                continue
            visited += 1
            if visited > _MOST_VISITED:
                yield None
                return
            if number < len(places):
                if self._never[places[number], present].any():
                    continue
                present = [*present, places[number]]
            if len(stack) == len(units):
                yield self._with(row, np.array(present, dtype=np.intp))
            else:
                stack.append((iter(units[len(stack)][1]), present))

    def keep(
        self, row: NDArray[np.int16], imputed: NDArray[np.int16], share: float, random: np.random.Generator
    ) -> NDArray[np.int16]:
        """Keep a share of what was imputed, unit by unit; the rest is open again.

        Args:
            row: (A,) codes, as they were before.
            imputed: (A,), what `impute` made of them.
            share: 0 to 1.
            random: What is drawn with.

        Returns:
            (A,) codes, UNKNOWN where they are open.
        """
        chances = random.random(len(row))[np.array(self._schema.units)]
        return np.where(chances < share, imputed, row)

    def _plausible(
        self, row: NDArray[np.int16], random: np.random.Generator, without: Collection[tuple[str, Value]]
    ) -> NDArray[np.int16]:
        """A draw with as few pairs that were never seen together as can be, but for those that the row asks for: mostly
        none.
        """
        case = self._case(row, without)
        for _ in range(_TRIES):
            present = self._draw(case.allowed, random)
            if self._strange(present, case.asked) <= case.strangeness:
                break
        return self._with(row, present)

    def _case(self, row: NDArray[np.int16], without: Collection[tuple[str, Value]]) -> _Case:
        """What is known of a row before anything is drawn for an image.

        The same for all images, whichever comes first.
        """
        key = (row.tobytes(), frozenset(without))
        if (known := self._cases.get(key)) is not None:
            return known
        asked = row[self._columns] == self._codes  # (V,)
        for column, attribute in enumerate(self._schema.attributes):
            if (
                attribute.kind != "flag"
                and row[column] == UNKNOWN
                and all((attribute.name, option) in without for option in attribute.options)
            ):
                raise RequestError(f"every {attribute.name} there is is excluded; leave one")
        allowed = {unit: self._allowed(unit, row, without) for unit, _ in self._order}
        for unit, parent in reversed(self._order):  # children before parents: each hears what is given below it
            if parent is not None:
                allowed[parent] = allowed[parent] * (allowed[unit] @ self._given[unit])
        random, strangeness = np.random.default_rng(0), len(asked) ** 2
        for _ in range(_TRIES_FOR_BEST):
            strangeness = min(strangeness, self._strange(self._draw(allowed, random), asked))
            if not strangeness:
                break
        if strangeness and not asked.any():
            raise RequestError("the statistics leave no image whose values were all seen together")
        if len(self._cases) >= _MOST_CASES:
            self._cases.clear()
        case = self._cases[key] = _Case(asked, allowed, strangeness)
        return case

    def _strange(self, present: NDArray[np.intp], asked: NDArray[np.bool_]) -> int:
        """How many pairs of these values were never seen together, but for those that were asked for."""
        never = self._never[np.ix_(present, present)]
        return int((never & ~np.logical_and.outer(asked[present], asked[present])).sum())

    def _with(self, row: NDArray[np.int16], present: NDArray[np.intp]) -> NDArray[np.int16]:
        """The row with these values, and no other flag."""
        imputed = row.copy()
        imputed[(row == UNKNOWN) & self._flags] = 0
        imputed[self._columns[present]] = self._codes[present]
        return imputed

    def _was_seen(self, row: NDArray[np.int16]) -> bool:
        [fingerprint] = fingerprints(row[None])
        place = np.searchsorted(self._seen, fingerprint)
        return bool(place < len(self._seen) and self._seen[place] == fingerprint)

    def _allowed(
        self, unit: int, row: NDArray[np.int16], without: Collection[tuple[str, Value]]
    ) -> NDArray[np.float64]:
        """(K + 1,): 1 for each value of a unit that the row does not rule out, and for none of them at last."""
        places = self._units[unit]
        codes = row[self._columns[places]]
        if (here := codes == self._codes[places]).any():
            return np.append(here.astype(np.float64), 0.0)
        open_ = np.array(
            [code == UNKNOWN and self._names[place] not in without for code, place in zip(codes, places, strict=True)]
        )
        choice = self._schema.attributes[self._columns[places[0]]].kind != "flag"
        return np.append(open_.astype(np.float64), 0.0 if choice and open_.any() else 1.0)

    def _draw(self, allowed: dict[int, NDArray[np.float64]], random: np.random.Generator) -> NDArray[np.intp]:
        """The values of one draw."""
        chosen: dict[int, int] = {}
        present: list[int] = []
        for unit, parent in self._order:
            # what random.choice does, without its checks, which are nine tenths of its time
            reached = (allowed[unit] * self._given[unit][:, 0 if parent is None else chosen[parent]]).cumsum()
            if not reached[-1] > 0:
                raise RequestError("the statistics leave nothing to draw with what was asked for; ask for less")
            chosen[unit] = int(np.searchsorted(reached / reached[-1], random.random(), side="right"))
            if chosen[unit] < len(self._units[unit]):
                present.append(self._units[unit][chosen[unit]])
        return np.array(present, dtype=np.intp)
