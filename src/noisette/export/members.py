"""What the members of a collection have: decided for all of them before the first is drawn, so that shares are met."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import combinations, islice, product

import numpy as np
from numpy.typing import NDArray

from noisette.attributes.imputation import Imputer
from noisette.attributes.schema import AttributeSchema
from noisette.attributes.statistics import Statistics, fingerprints
from noisette.errors import RequestError
from noisette.export.quotas import OPEN, Kind, Quotas
from noisette.export.rules import Rules
from noisette.seeds import MEMBER, PLANNED, random_of

Row = NDArray[np.int16]

_TRIES = 200
"""Draws of attributes for one member; then what is left is looked for one by one."""
_NAMED = 0.5
"""Of the images: where so many have attributes of their own these name the image, and no member has another's."""
_MOVES, _MOVES_OF_A_MEMBER = 10_000, 2
"""Exchanges that are tried where quotas are not met."""
_ASIDE = 0.5
"""How likely any other unit changes with the one that is wrong."""
_MOST_NEAR = 4096
"""Kinds that are tried where one is used up, of each one or two units in which they differ."""


class Members:
    """Chooses attributes: new, plausible, by the rules, and as often as is asked.

    Each value of which a share is asked has a quota of members. Quotas of several attributes are dealt out
    independently of each other; where what comes together cannot be, or is used up, members exchange values, so that
    the quotas are still met. Only where that does not help either has a member something else.

    Args:
        schema: The attributes.
        statistics: What the data show.
        rules: Of a person.
        seed: Of the collection.

    Raises:
        RequestError: The rules contradict each other.
    """

    def __init__(self, schema: AttributeSchema, statistics: Statistics, rules: Rules, seed: int) -> None:
        self._rules, self._seed = rules, seed
        self._quotas = Quotas(schema, statistics, rules)
        self._imputer = Imputer(schema, statistics)
        self._taken = {int(each) for each in statistics.seen_fingerprints}
        self._named = len(self._taken) >= _NAMED * statistics.images
        self._kinds: list[Kind] = []
        self._left: list[NDArray[np.int64]] = []  # of the quotas; below 0 where there are more
        self.attempts: Counter[int] = Counter()
        """Of each member, the attributes that were drawn for it."""
        self._pools: dict[Kind, dict[int, Row]] = {}  # of kinds that are nearly used up, all that are left
        self._used_up: set[Kind] = set()
        self._released: dict[Kind, list[Row]] = {}  # that a member had before it had something else

    def plan(self, count: int) -> list[Row]:
        """The attributes of all members, a function of the seed and the count.

        Args:
            count: Members.

        Raises:
            RequestError: There are not so many.
        """
        random = random_of(self._seed, PLANNED)
        self._left = self._quotas.counts(count)
        dealt = [random.permutation(np.repeat(np.arange(len(each)), each)).tolist() for each in self._left]
        self._kinds = self._untangled([*zip(*dealt, strict=True)] if dealt else [()] * count, random)
        for kind in self._kinds:
            self._count(kind, 1)
        found = [self._draw(kind, number) for number, kind in enumerate(self._kinds)]
        there = sum(row is not None for row in found)
        rows = [self._nearest(number, there) if row is None else row for number, row in enumerate(found)]
        self._improve(rows, random)
        return rows

    def another(self, number: int) -> Row:
        """Other attributes for a member whose picture cannot be told from another's: of the same kind, if there are
        any.

        Args:
            number: Of the member.

        Raises:
            RequestError: There are none.
        """
        row = self._draw(self._kinds[number], number)
        return self._nearest(number, number) if row is None else row

    def missed(self, rows: Sequence[Row]) -> list[str]:
        """Where the quotas are not met in the end, with the reason; see `Quotas.missed`."""
        return self._quotas.missed(rows)

    def take(self, row: Row) -> None:
        """Have no further member with these attributes."""
        self._taken.add(_fingerprint(row))

    def _untangled(self, kinds: list[Kind], random: np.random.Generator) -> list[Kind]:
        """The kinds of all members, with values exchanged until as few as can be found are of kinds that cannot be."""
        numbers: dict[Kind, list[int]] = {}
        for number, kind in enumerate(kinds):
            numbers.setdefault(kind, []).append(number)
        wrong = [kind for kind in numbers if not self._quotas.can_be(kind)]
        while wrong:
            kind = wrong.pop()
            others = [each for each in numbers if numbers[each] and each != kind]
            for place in random.permutation(len(others)):
                other = others[place]
                if not numbers[kind]:
                    break
                for one, two in _exchanged(kind, other):
                    if self._wrongs(one) + self._wrongs(two) < self._wrongs(kind) + self._wrongs(other):
                        many = min(len(numbers[kind]), len(numbers[other]))
                        for before, after in ((kind, one), (other, two)):
                            moved = [numbers[before].pop() for _ in range(many)]
                            numbers.setdefault(after, []).extend(moved)
                        wrong += [each for each in (one, two) if self._wrongs(each) and each not in wrong]
                        break
        for kind, its in numbers.items():
            for number in its:
                kinds[number] = kind
        return kinds

    def _wrongs(self, kind: Kind) -> int:
        """How far a kind is from one that can be: 0 if it is one."""
        if self._quotas.can_be(kind):
            return 0
        pairs = (_only(kind, {one, two}) for one, two in combinations(range(len(kind)), 2))
        return 1 + sum(not self._quotas.can_be(pair) for pair in pairs)

    def _draw(self, kind: Kind, number: int) -> Row | None:
        """New attributes of a kind, which are then taken; None where there are no more."""
        if kind in self._used_up or not self._quotas.can_be(kind):
            return None
        while self._released.get(kind):
            if self._is_good(row := self._released[kind].pop()):
                self.take(row)
                return row
        if kind not in self._pools:
            given, without = self._quotas.given(kind)
            for _ in range(_TRIES):
                random = random_of(self._seed, MEMBER, number, self.attempts[number])
                self.attempts[number] += 1
                row = self._imputer.impute(given, random, without=without)
                if self._is_good(row):
                    self.take(row)
                    return row
            every = [row for row in self._imputer.every(given, without) if row is not None and self._is_good(row)]
            order = random_of(self._seed, PLANNED, len(self._pools) + 1).permutation(len(every))
            self._pools[kind] = {_fingerprint(every[place]): every[place] for place in order}
        self.attempts[number] += 1
        for fingerprint, row in self._pools[kind].items():
            if not (self._named and fingerprint in self._taken):
                self._taken.add(fingerprint)
                return row
        self._used_up.add(kind)
        return None

    def _is_good(self, row: Row) -> bool:
        return self._rules.allow(row) and not (self._named and _fingerprint(row) in self._taken)

    def _release(self, row: Row) -> None:
        kind = self._quotas.kind_of(row)
        self._taken.discard(_fingerprint(row))
        self._used_up.discard(kind)
        self._released.setdefault(kind, []).append(row)

    def _improve(self, rows: list[Row], random: np.random.Generator) -> None:
        """Have members exchange what there is too much of for what there is too little of, until all quotas are met.

        A change may leave another unit as wrong as it makes this one right; so what is wrong moves on until it can be
        mended (a search by plateau moves, as Selman et al. 1994 have it for satisfiability).
        """
        have: dict[tuple[int, int], list[int]] = {}  # of each unit and value, the members
        for number, kind in enumerate(self._kinds):
            for each in enumerate(kind):
                have.setdefault(each, []).append(number)
        for _ in range(_MOVES + _MOVES_OF_A_MEMBER * len(rows)):
            wrong = [unit for unit, left in enumerate(self._left) if left.any()]
            if not wrong:
                return
            unit = wrong[int(random.integers(len(wrong)))]
            over, under = (np.flatnonzero(each) for each in (self._left[unit] < 0, self._left[unit] > 0))
            value, better = int(random.choice(over)), int(random.choice(under))
            number = have[unit, value][int(random.integers(len(have[unit, value])))]
            before = self._kinds[number]
            changed = [*before]
            changed[unit] = better
            for other in range(len(changed)):
                if other != unit and random.random() < _ASIDE:
                    changed[other] = int(random.integers(len(self._left[other])))
            after = tuple(changed)
            if self._wrong_by(before, after) > 0 or (row := self._draw(after, number)) is None:
                continue
            self._release(rows[number])
            rows[number], self._kinds[number] = row, after
            self._count(before, -1)
            self._count(after, 1)
            for place, (its, now) in enumerate(zip(before, after, strict=True)):
                if its != now:
                    have[place, its].remove(number)
                    have.setdefault((place, now), []).append(number)

    def _wrong_by(self, before: Kind, after: Kind) -> int:
        """How much further from the quotas all members are if one changes its kind."""
        return sum(
            (1 if left[its] <= 0 else -1) + (1 if left[mine] >= 0 else -1)
            for left, mine, its in zip(self._left, before, after, strict=True)
            if mine != its
        )

    def _nearest(self, number: int, there: int) -> Row:
        """Attributes of another kind than was asked for, which differs as little as can be found.

        there: members that are found already, if none is found any more.
        """
        before = self._kinds[number]
        self._count(before, -1)
        for kind in self._near(before):
            if (row := self._draw(kind, number)) is not None:
                self._kinds[number] = self._quotas.kind_of(row)
                self._count(self._kinds[number], 1)
                return row
        raise RequestError(
            f"only {there:,} members were found that are new and keep the rules; use a smaller --count, or fewer rules"
        )

    def _near(self, kind: Kind) -> Iterator[Kind]:
        """Kinds that differ in one or two units, those first that bring the quotas nearest; at last any kind."""
        found: list[tuple[int, int, Kind]] = []
        for many in (1, 2):
            for units in combinations(range(len(kind)), many):
                others = ([each for each in range(len(self._left[unit])) if each != kind[unit]] for unit in units)
                for numbers in islice(product(*others), _MOST_NEAR):
                    other = list(kind)
                    for unit, each in zip(units, numbers, strict=True):
                        other[unit] = each
                    over = sum(int(self._left[unit][each]) <= 0 for unit, each in enumerate(other))
                    found.append((over, many, tuple(other)))
        yield from (each for _, _, each in sorted(found))
        yield (OPEN,) * len(kind)

    def _count(self, kind: Kind, more: int) -> None:
        for left, each in zip(self._left, kind, strict=True):
            left[each] -= more


def _exchanged(one: Kind, two: Kind) -> Iterator[tuple[Kind, Kind]]:
    """Two kinds with the value of one unit exchanged, for each in which they differ."""
    for unit, (mine, its) in enumerate(zip(one, two, strict=True)):
        if mine != its:
            yield (*one[:unit], its, *one[unit + 1 :]), (*two[:unit], mine, *two[unit + 1 :])


def _only(kind: Kind, units: set[int]) -> Kind:
    return tuple(each if unit in units else OPEN for unit, each in enumerate(kind))


def _fingerprint(row: Row) -> int:
    return int(fingerprints(row[None])[0])
