"""TOML files that a person writes, read into a typed model."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from noisette.errors import NoisetteError, RequestError
from noisette.files.invalid import explain
from noisette.files.reading import read_text
from noisette.text import brief, plain

Model = TypeVar("Model", bound=BaseModel)

_MOST_TEXT = 2**20


def read_toml(model: type[Model], path: Path) -> Model:
    """The settings in a TOML file.

    Args:
        model: What it can say.
        path: Of the file.

    Returns:
        What it says.

    Raises:
        RequestError: It cannot be read, or says what cannot be; in one line, which names the file and the key.
    """
    shown = plain(str(path), 200)
    try:
        said = tomllib.loads(read_text(path, most=_MOST_TEXT))
    except NoisetteError as error:
        raise RequestError(str(error)) from error
    except (ValueError, RecursionError) as error:
        raise RequestError(f"{shown} is not TOML: {brief(str(error), 200)}") from error
    try:
        return model.model_validate(said)
    except ValidationError as error:
        raise RequestError(f"{shown}: {explain(error, model, said)}") from error
