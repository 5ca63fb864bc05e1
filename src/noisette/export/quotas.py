"""How often values are wished for, in whole members, and which of them can be together."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from noisette.attributes.evidence import surprising
from noisette.attributes.schema import UNKNOWN, AttributeSchema, Value
from noisette.attributes.statistics import Statistics, value_names
from noisette.errors import RequestError
from noisette.export.rules import Rules

Kind = tuple[int, ...]
"""What a member has of each unit of which a share is asked: the place of a value in the unit's list; the number after
the last for any other, or none; `OPEN` where it does not matter.
"""
OPEN = -1
_LEAST = 1e-9  # of a share
_CLOSE = 1e-6  # to 1, of a sum of shares
_KINDS = 2**16  # of which it is remembered whether they can be
_NAMED = 4  # values in a message


class Quotas:
    """The shares that a person asks for, held against the rules and what the data show together.

    Attributes:
        units: For each attribute, or group of flags, of which a share is asked: the places of these values in the order
            of `value_names`.
        shares: For each unit the shares of its values, and the rest at last.

    Args:
        schema: The attributes.
        statistics: What the data show.
        rules: Of the person.

    Raises:
        RequestError: The shares cannot be: they come to more than 1, or contradict each other or the rules.
    """

    def __init__(self, schema: AttributeSchema, statistics: Statistics, rules: Rules) -> None:
        self._schema, self._names = schema, value_names(schema)
        listed = places(schema)
        self._columns, self._codes = (np.array(each, dtype=np.int16) for each in zip(*listed, strict=True))
        place_of = {value: place for place, value in enumerate(listed)}
        self._units_of = np.array(schema.units, dtype=np.intp)[self._columns]
        asked = {place_of[value]: share for value, share in rules.shares.items()}
        self.units = [
            [place for place in sorted(asked) if self._units_of[place] == unit]
            for unit in dict.fromkeys(self._units_of[sorted(asked)].tolist())
        ]
        self.shares = [np.array([asked[place] for place in unit]) for unit in self.units]
        for number, (unit, shares) in enumerate(zip(self.units, self.shares, strict=True)):
            if (rest := 1 - shares.sum()) < -_CLOSE:
                raise _contradiction(rules, f"{self._told(unit)} exclude each other, and come to {shares.sum():g}")
            self.shares[number] = np.append(shares, rest if rest > _CLOSE else 0.0)
            self.shares[number] /= self.shares[number].sum()
        self._implied = np.eye(len(listed), dtype=np.bool_)
        self._conflicts = np.zeros_like(self._implied)
        if asked:  # else nothing has to be known of what can be together
            self._implied, self._conflicts = self._relations(statistics, rules, place_of)
            nothing = [place for place, share in asked.items() if share == 0]
            self._conflicts[nothing, nothing] = True
        self.can_be = lru_cache(_KINDS)(self._can_be)
        self._check(rules)

    def _relations(
        self, statistics: Statistics, rules: Rules, place_of: dict[tuple[int, int], int]
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """(V, V) each: which value comes with which, by the rules; and which cannot be with which, with what comes with
        them.
        """
        implied = np.eye(len(self._names), dtype=np.float32)
        for one, two in rules.together:
            implied[place_of[one], place_of[two]] = 1
        while ((further := implied @ implied > 0) != (implied > 0)).any():
            implied = further.astype(np.float32)
        apart = (self._units_of[:, None] == self._units_of) & ~np.eye(len(self._names), dtype=np.bool_)
        apart |= surprising(self._schema, statistics) & ~((implied + implied.T) > 0)
        for one, two in rules.never:
            apart[place_of[one], place_of[two]] = apart[place_of[two], place_of[one]] = True
        return implied > 0, implied @ apart.astype(np.float32) @ implied.T > 0

    def counts(self, members: int) -> list[NDArray[np.int64]]:
        """The whole numbers that come nearest to the shares.

        Args:
            members: Of the collection.

        Returns:
            For each unit the members that have each value, and the rest at last.
        """
        return [_whole(shares * members, members) for shares in self.shares]

    def missed(self, rows: Sequence[NDArray[np.int16]]) -> list[str]:
        """Where members have a value more or less often than was asked, a line each.

        Args:
            rows: (A,) codes of each member.
        """
        kinds, lines = [self.kind_of(row) for row in rows], []
        for unit, wanted in enumerate(self.counts(len(rows))):
            there = np.bincount([kind[unit] for kind in kinds], minlength=len(wanted))
            for number, place in enumerate(self.units[unit]):
                if there[number] != wanted[number]:
                    few = "with" if there[number] < wanted[number] else "without"
                    lines.append(
                        f"{label(self._names[place])}: {there[number]:,} of {len(rows):,} members have it, and"
                        f" {wanted[number]:,} were asked for: no more combinations {few} it were found that are new,"
                        " keep the rules and have a picture of their own"
                    )
        return lines

    def kind_of(self, row: NDArray[np.int16]) -> Kind:
        """The kind of a member.

        Args:
            row: (A,) codes.
        """
        has = row[self._columns] == self._codes
        return tuple(
            next((number for number, place in enumerate(unit) if has[place]), len(unit)) for unit in self.units
        )

    def given(self, kind: Kind) -> tuple[NDArray[np.int16], frozenset[tuple[str, Value]]]:
        """What a kind says of the attributes.

        Args:
            kind: That can be.

        Returns:
            (A,) codes, UNKNOWN where they are open; and values that are not there.
        """
        row = np.full(len(self._schema.attributes), UNKNOWN, dtype=np.int16)
        has, lacks = self._has(kind)
        there = np.flatnonzero(self._implied[has].any(axis=0)) if has else np.zeros(0, np.intp)
        row[self._columns[there]] = self._codes[there]
        out = self._excluded(has, lacks) & ~np.isin(self._units_of, self._units_of[there])
        return row, frozenset(self._names[place] for place in np.flatnonzero(out))

    def _has(self, kind: Kind) -> tuple[list[int], list[int]]:
        """The places of the values that a kind has, and of those that it has not."""
        has, lacks = [], []
        for unit, number in zip(self.units, kind, strict=True):
            if 0 <= number < len(unit):
                has.append(unit[number])
            elif number == len(unit):
                lacks += unit
        return has, lacks

    def _excluded(self, has: Sequence[int], lacks: Sequence[int]) -> NDArray[np.bool_]:
        """(V,), which values cannot be where some are there and others are not."""
        excluded: NDArray[np.bool_] = self._conflicts[:, has].any(axis=1) | self._conflicts.diagonal()
        return np.logical_or(excluded, self._implied[:, lacks].any(axis=1))

    def _can_be(self, kind: Kind) -> bool:
        has, lacks = self._has(kind)
        excluded = self._excluded(has, lacks)
        if excluded[has].any() or self._conflicts[np.ix_(has, has)].any():
            return False
        decided = set(self._units_of[self._implied[has].any(axis=0)].tolist()) if has else set()
        return all(
            attribute.kind == "flag" or column in decided or not excluded[self._columns == column].all()
            for column, attribute in enumerate(self._schema.attributes)
        )

    def _check(self, rules: Rules) -> None:
        """Raises RequestError where a share, or two units, cannot be as they are asked."""
        nothing: Kind = (OPEN,) * len(self.units)

        def with_(*chosen: tuple[int, int]) -> Kind:
            kind = list(nothing)
            for unit, number in chosen:
                kind[unit] = number
            return tuple(kind)

        for one, shares in enumerate(self.shares):
            for number, share in enumerate(shares):
                if share > _LEAST and not self.can_be(with_((one, number))):
                    told = f"{self._called(one, [number])} comes to {share:g}, and nothing may have it"
                    raise _contradiction(rules, told)
        for one in range(len(self.units)):
            for two in range(one + 1, len(self.units)):
                allowed = np.array(
                    [
                        [self.can_be(with_((one, number), (two, other))) for other in range(len(self.shares[two]))]
                        for number in range(len(self.shares[one]))
                    ]
                )
                if (cut := _shortfall(self.shares[one], self.shares[two], allowed)) is None:
                    continue
                mine, its = cut
                wanted, room = self.shares[one][mine].sum(), self.shares[two][its].sum()
                goes = f"goes only with {self._called(two, its)}" if its else "goes with nothing that is asked for"
                told = f"{self._called(one, mine)} comes to {wanted:g}, but {goes}, which comes to {room:g}"
                raise _contradiction(rules, told)

    def _called(self, unit: int, numbers: Sequence[int]) -> str:
        """Values of a unit, and its rest, as a person reads them."""
        places, shares = self.units[unit], self.shares[unit]
        named = [number for number in numbers if number < len(places) and shares[number] > 0]
        rest = f"none of {self._told(places)}" if len(places) > 1 else f"not {self._told(places)}"
        parts = [self._told([places[number] for number in named])] if named else []
        return " or ".join([*parts, *([rest] if len(places) in numbers else [])])

    def _told(self, places: Sequence[int]) -> str:
        names = [label(self._names[place]) for place in places]
        return ", ".join(names[:_NAMED]) + (", ..." if len(names) > _NAMED else "")


def label(value: tuple[str, Value]) -> str:
    """A value of an attribute as a person reads it."""
    return value[0] if value[1] is True else f"{value[0]}: {value[1]}"


def _contradiction(rules: Rules, why: str) -> RequestError:
    return RequestError(f"{rules.source}: the rules contradict each other: {why}")


def places(schema: AttributeSchema) -> list[tuple[int, int]]:
    """The column and the code of each value, in the order of `value_names`."""
    return [(column, code) for column, codes in enumerate(schema.valued) for code in codes]


def _whole(exact: NDArray[np.float64], members: int) -> NDArray[np.int64]:
    """Each of these numbers but the last as near as can be, and the last what is left; where that is nothing, those
    with the largest remainders are rounded up.
    """
    nearest = np.floor(exact + 0.5 + _LEAST).astype(np.int64)
    nearest[-1] = members - nearest[:-1].sum()
    if nearest[-1] >= 0 and (exact[-1] > 0 or nearest[-1] == 0):
        return nearest
    whole = np.floor(exact + _LEAST).astype(np.int64)
    whole[np.argsort(whole - exact, kind="stable")[: members - whole.sum()]] += 1
    return whole


def _shortfall(
    mine: NDArray[np.float64], its: NDArray[np.float64], allowed: NDArray[np.bool_]
) -> tuple[list[int], list[int]] | None:
    """Values of one unit that come to more than all values of another which they may be with (Hall 1935), if any.

    By the greatest flow from one to the other (Edmonds and Karp 1972).
    """
    flow = np.zeros(allowed.shape)
    while True:
        left, room = mine - flow.sum(axis=1), its - flow.sum(axis=0)
        before: dict[tuple[int, int], tuple[int, int] | None] = {
            (0, int(number)): None for number in np.flatnonzero(left > _LEAST)
        }
        if not before:
            return None
        queue, end = deque(before), None
        while queue and end is None:
            side, number = node = queue.popleft()
            there = allowed[number] if side == 0 else flow[:, number] > _LEAST
            for other in np.flatnonzero(there):
                after = (1 - side, int(other))
                if after in before:
                    continue
                before[after] = node
                queue.append(after)
                if side == 0 and room[other] > _LEAST:
                    end = after
                    break
        if end is None:
            return sorted(number for side, number in before if side == 0), sorted(n for side, n in before if side == 1)
        path = [end]
        while (node_before := before[path[-1]]) is not None:
            path.append(node_before)
        path.reverse()
        steps = list(pairwise(path))
        back = [flow[two[1], one[1]] for one, two in steps if one[0] == 1]
        amount = min([left[path[0][1]], room[end[1]], *back])
        for one, two in steps:
            if one[0] == 0:
                flow[one[1], two[1]] += amount
            else:
                flow[two[1], one[1]] -= amount
