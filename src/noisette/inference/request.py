"""Everything that decides a picture, as it travels inside its PNG."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from noisette.attributes.schema import Value
from noisette.errors import RequestError
from noisette.files.images import good_scale
from noisette.sampling.settings import Sampling, Variation


class Request(BaseModel):
    """Everything that decides a picture; travels inside its PNG.

    weights: SHA-256 of the checkpoint that drew it, made at training step `step`. attributes: what is known, by name,
    of all images, or of each. filled: of each image what it shows of all attributes, where something was left open and
    filled in. palette: each pixel went to the nearest colour of the data.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    run: str
    weights: str
    step: int
    seeds: tuple[int, ...] = Field(min_length=1, max_length=4096)
    attributes: dict[str, Value] | tuple[dict[str, Value], ...] | None = None
    filled: tuple[dict[str, Value], ...] | None = None
    sampling: Sampling
    palette: bool = False
    variation: Variation | None = None
    columns: int | None = Field(None, ge=1)
    scale: int | None = Field(None, ge=1, le=64)

    @model_validator(mode="after")
    def _drawn_again_without_a_table(self) -> Request:
        if (self.sampling.spacing == "fitted") != bool(self.sampling.times):
            raise ValueError("fitted levels stand in sampling.times, and no others do")
        return self

    def placed(self, side: int, columns: int | None = None, scale: int | None = None) -> Request:
        """The same with where its images stand on a sheet, as square as possible, and how much larger; side: of an
        image, in pixels.
        """
        across = min(columns or math.ceil(math.sqrt(len(self.seeds))), len(self.seeds))
        return self.model_copy(update={"columns": across, "scale": scale or good_scale(side, across)})

    def alone(self, place: int) -> Request:
        """Of one of its images."""
        asked = self.attributes[place] if isinstance(self.attributes, tuple) else self.attributes
        filled = None if self.filled is None else (self.filled[place],)
        return self.model_copy(
            update={
                "seeds": (self.seeds[place],),
                "attributes": asked,
                "filled": filled,
                "columns": None,
                "scale": None,
            }
        )

    def as_dict(self) -> dict[str, Any]:
        return self.model_dump(mode="json", exclude_none=True)


def request_in(said: Mapping[str, Any], file: str) -> Request:
    """The request that a picture carries. file: what errors call it. Raises RequestError if it is none."""
    try:
        return Request.model_validate(said)
    except ValidationError as error:
        raise RequestError(
            f"{file} does not say how to draw it again; only pictures made by `noisette generate` do"
        ) from error
