"""What a picture shows, as an attribute classifier sees it, beside what was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from noisette.attributes.schema import AttributeSchema
from noisette.evaluation.judge import Judge
from noisette.evaluation.judges import find_reader
from noisette.evaluation.obedience import verdict
from noisette.inference.generator import Generator

AttributeClassifier: TypeAlias = Judge


def find_classifier(generator: Generator) -> AttributeClassifier | None:
    """A classifier of the attributes and for the images of a model; None if there is none."""
    model = generator.model
    return find_reader(generator.schema, (model.space.channels, model.side, model.side))


def mistakes(values: Mapping[str, Any], recognised: NDArray[np.int16], schema: AttributeSchema) -> list[list[str]]:
    """How images differ from what was asked for.

    Args:
        values: The attributes that were asked for.
        recognised: (N, A), codes.
        schema: Of the attributes.

    Returns:
        For each image its mistakes in a few words, such as `lacks Earring`; none if it is as asked.
    """
    asked = schema.encode([values])[0]
    return [verdict(asked, codes, schema) for codes in recognised]
