"""A model that is loaded, with what the pages need to know of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from noisette.attributes.facts import attribute_facts
from noisette.dashboard.services.recognition import find_classifier
from noisette.evaluation.classifier import AttributeClassifier
from noisette.inference.generator import Generator
from noisette.inference.loading import load


@dataclass(frozen=True)
class OpenModel:
    """A model with its weights, and nothing that changes: all sessions share it.

    Args:
        name: As `load` takes it.
        generator: Draws.
        facts: What can be asked for and how common it is; see `attribute_facts`.
        classifier: Recognises attributes in what is drawn; None if there is none for such images.
    """

    name: str
    generator: Generator
    facts: Mapping[str, Any]
    classifier: AttributeClassifier | None


def open_model(name: str) -> OpenModel:
    """Load a model.

    Raises:
        NoisetteError: It cannot be loaded.
        OSError: Its files cannot be read.
    """
    generator = load(name)
    if not generator.schema.attributes:
        return OpenModel(name, generator, {"choices": {}, "groups": {}, "flags": {}}, None)
    facts = attribute_facts(generator.schema, generator.statistics)
    return OpenModel(name, generator, facts, find_classifier(generator))
