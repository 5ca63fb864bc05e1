from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import noisette
from noisette.data.pixels import on_background
from noisette.data.sources.sprites import draw
from noisette.errors import NoisetteError, RequestError
from noisette.evaluation.attribute_accuracy import attribute_accuracy
from noisette.evaluation.classifier import load_classifier
from noisette.evaluation.classifier_training import fit_classifier, kept_classifier


@pytest.fixture(scope="module")
def sprites():
    return noisette.open_dataset("sprites", count=1200, size=12, background="#203040")


@pytest.fixture(scope="module")
def classifier(sprites):
    return fit_classifier(sprites.split("train"), epochs=12)


def test_it_reads_images_that_it_never_saw(classifier, sprites):
    test = sprites.split("test")
    found = attribute_accuracy(test.attributes, classifier.read(test.images), sprites.schema)
    assert found.recall > 0.93
    assert found.precision > 0.93


def test_it_sees_what_is_wrong(classifier, sprites):
    """Images of other requests are found out."""
    test = sprites.split("test")
    found = attribute_accuracy(np.roll(test.attributes, 1, axis=0), classifier.read(test.images), sprites.schema)
    assert found.exact < 0.1
    assert found.recall < 0.6


def test_saved_it_reads_the_same(classifier, sprites, tmp_path):
    classifier.save(tmp_path / "classifier.safetensors")
    again = load_classifier(tmp_path / "classifier.safetensors")
    assert again.dataset == sprites.split("train").fingerprint
    assert np.array_equal(again.read(sprites.images[:50]), classifier.read(sprites.images[:50]))


def test_a_kept_classifier_is_used_again_and_never_another(sprites, tmp_path):
    few, path = sprites.take(np.arange(200)), tmp_path / "kept.safetensors"
    first = kept_classifier(path, few, epochs=1)
    again = kept_classifier(path, few, epochs=1, progress=lambda done, total: pytest.fail("it trained again"))
    assert np.array_equal(first.read(few.images), again.read(few.images))
    with pytest.raises(RequestError, match="was trained on 1 passes, not 2"):
        kept_classifier(path, few, epochs=2)
    with pytest.raises(RequestError, match="was trained on other images"):
        kept_classifier(path, sprites.take(np.arange(100)), epochs=1)


def test_images_without_a_label_teach_nothing_and_break_nothing(sprites):
    table = sprites.attributes[:128].copy()
    table[:, 0] = -1
    classifier = fit_classifier(replace(sprites.take(np.arange(128)), attributes=table), epochs=1)
    assert all(tensor.isfinite().all() for tensor in classifier.network.state_dict().values())


def test_the_same_seed_makes_the_same_classifier(sprites):
    few = sprites.take(np.arange(200))
    one, two, other = (fit_classifier(few, epochs=1, seed=seed).network.state_dict() for seed in (3, 3, 4))
    assert all(tensor.equal(two[name]) for name, tensor in one.items())
    assert not all(tensor.equal(other[name]) for name, tensor in one.items())


def test_it_notices_what_is_painted_out(classifier, sprites):
    """The layers say which pixels a flag has: without them the classifier no longer reads it, and reads the rest as before."""
    test = sprites.split("test")
    for column, attribute in enumerate(sprites.schema.attributes):
        if attribute.kind != "flag":
            continue
        present = test.take(
            np.flatnonzero((test.attributes[:, column] == 1) & (classifier.read(test.images)[:, column] == 1))
        )
        without = present.attributes.copy()
        without[:, column] = 0
        seen = classifier.read(on_background(draw(without, 12), "#203040"))
        assert (seen[:, column] == 0).mean() > 0.9, attribute.name
        others = np.arange(len(sprites.schema.attributes)) != column
        assert (seen[:, others] == classifier.read(present.images)[:, others]).mean() > 0.95


def test_its_features_are_usual_for_real_images(classifier, sprites):
    features = classifier.features(sprites.split("train").images)
    assert np.allclose(features.mean(axis=0), 0, atol=1e-3)
    assert np.median(features.std(axis=0)) == pytest.approx(1, abs=1e-3)


def test_what_cannot_be_classified(classifier, sprites, tmp_path):
    with pytest.raises(RequestError, match=r"the classifier reads images of \(3, 12, 12\)"):
        classifier.read(np.zeros((2, 3, 24, 24), dtype=np.uint8))
    with pytest.raises(RequestError, match="at least 64 images, not 10"):
        fit_classifier(sprites.take(np.arange(10)), epochs=1)
    with pytest.raises(RequestError, match="no classifier"):
        load_classifier(tmp_path / "nowhere")
    (tmp_path / "half").write_bytes(b"\x00" * 100)
    with pytest.raises(NoisetteError, match="is damaged"):
        load_classifier(tmp_path / "half")
