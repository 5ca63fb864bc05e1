"""What a picture shows, as an attribute classifier sees it, beside what was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from noisette.attributes.schema import AttributeSchema
from noisette.evaluation.attribute_accuracy import differences
from noisette.evaluation.classifier import AttributeClassifier
from noisette.evaluation.classifiers import find_compatible
from noisette.inference.generator import Generator


def find_classifier(generator: Generator) -> AttributeClassifier | None:
    """A classifier of the attributes and for the images of a model; None if there is none."""
    return find_compatible(generator.schema, generator.model.recipe.dataset.shape)


def mistakes(attributes: Mapping[str, Any], recognised: NDArray[np.int16], schema: AttributeSchema) -> list[list[str]]:
    """How images differ from what was asked for.

    Args:
        attributes: That were asked for.
        recognised: (N, A), codes.
        schema: Of the attributes.

    Returns:
        For each image its mistakes in a few words, such as `lacks Earring`; none if it is as asked.
    """
    requested = schema.encode([attributes])[0]
    return [differences(requested, codes, schema) for codes in recognised]
