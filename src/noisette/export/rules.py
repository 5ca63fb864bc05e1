"""What a person wants of a collection besides what the data show: how often things are, and what goes with what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from noisette.attributes.parsing import attribute_behind, values_behind
from noisette.attributes.schema import AttributeSchema, Value
from noisette.attributes.statistics import Statistics
from noisette.errors import RequestError
from noisette.files.toml import read_toml
from noisette.text import plain

_CLOSE = 1e-6
"""To 1, of a sum of shares."""
_Share = Annotated[float, Field(ge=0, le=1)]
_Pair = Annotated[list[str], Field(min_length=2, max_length=2)]


class _Written(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    frequencies: dict[str, _Share | dict[str, _Share]] = {}
    never: list[_Pair] = []
    together: list[_Pair] = []


@dataclass(frozen=True)
class Rules:
    """The wishes of a person.

    Attributes:
        shares: For (column, code) the share of members that have it; of what is not there none is asked.
        never: Pairs of (column, code) that no image has.
        together: Pairs of (column, code): whoever has the first has the second.
        text: All of them, for what must stay the same when a collection goes on.
        source: What they are called where something is wrong with them: their file.
    """

    shares: Mapping[tuple[int, int], float]
    never: Sequence[tuple[tuple[int, int], tuple[int, int]]] = ()
    together: Sequence[tuple[tuple[int, int], tuple[int, int]]] = ()
    text: str = ""
    source: str = "the rules"

    def allow(self, row: NDArray[np.int16]) -> bool:
        """Whether an image may have such attributes.

        Args:
            row: (A,) codes.
        """

        def has(value: tuple[int, int]) -> bool:
            return bool(row[value[0]] == value[1])

        return not any(has(one) and has(two) for one, two in self.never) and all(
            has(two) for one, two in self.together if has(one)
        )


NO_RULES = Rules({})


def read_rules(path: Path, schema: AttributeSchema, statistics: Statistics) -> Rules:
    """Read a TOML file of rules.

    ```toml
    never = [["Crown", "Robot"]]          # no image has both
    together = [["Crown", "Gold Chain"]]  # whoever has the first has the second

    [frequencies]
    Earring = 0.1                         # a flag: the share that has it

    [frequencies.Hat]                     # a choice: shares of some options; the rest keep their proportions
    Crown = 0.01
    ```

    Args:
        path: Of the file.
        schema: The attributes of the model.
        statistics: How often things are in the data.

    Returns:
        The rules.

    Raises:
        RequestError: It cannot be read, names what is not there, or its shares cannot be.
    """
    shown = plain(str(path), 200)
    written = read_toml(_Written, path)
    try:
        shares: dict[tuple[int, int], float] = {}
        for name, said in written.frequencies.items():
            column = schema.names.index(attribute_behind(name, schema))
            shares |= _shares(schema, statistics, column, said)
        never = [_places(pair, schema) for pair in written.never]
        together = [_places(pair, schema) for pair in written.together]
    except RequestError as error:
        raise RequestError(f"{shown}: {error}") from error
    return Rules(shares, never, together, written.model_dump_json(), shown)


def _places(pair: Sequence[str], schema: AttributeSchema) -> tuple[tuple[int, int], tuple[int, int]]:
    one, two = (_place(value, schema) for value in values_behind(pair, schema))
    return one, two


def _place(value: tuple[str, Value], schema: AttributeSchema) -> tuple[int, int]:
    column = schema.names.index(value[0])
    return column, schema.attributes[column].values.index(value[1])


def _shares(
    schema: AttributeSchema, statistics: Statistics, column: int, said: float | Mapping[str, float]
) -> dict[tuple[int, int], float]:
    attribute = schema.attributes[column]
    if isinstance(said, float):
        if attribute.kind != "flag":
            raise RequestError(f"frequencies.{attribute.name}: give a share for some of its options")
        return {(column, 1): said}
    if attribute.kind == "flag":
        raise RequestError(f"frequencies.{attribute.name}: it is there or not; give one share")
    given: dict[int, float] = {}
    for option, share in said.items():
        [(_, value)] = values_behind([f"{attribute.name}={option}"], schema)
        given[attribute.values.index(value)] = share
    total = sum(given.values())
    if total > 1 + _CLOSE or (len(given) == len(attribute.values) and total < 1 - _CLOSE):
        raise RequestError(f"frequencies.{attribute.name}: the shares come to {total:g}, not to 1")
    first = sum(len(codes) for codes in schema.valued[:column])
    rest = sum(statistics.counts[first + code] for code in range(len(attribute.values)) if code not in given)
    if total < 1 - _CLOSE and rest == 0:
        raise RequestError(f"frequencies.{attribute.name}: no image has any other option; give shares of 1")
    return {(column, code): share for code, share in given.items()}
