from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import noisette
from noisette.attributes.schema import AttributeSchema, Choice, Flag
from noisette.data.pixels import on_background
from noisette.data.sources.sprites import draw
from noisette.errors import NoisetteError, RequestError
from noisette.evaluation.judge import fit_judge, kept_judge, load_judge
from noisette.evaluation.obedience import OfValues, by_rarity, obedience, verdict, with_new_pairs


@pytest.fixture(scope="module")
def sprites():
    return noisette.open_dataset("sprites", count=1200, size=12, background="#203040")


@pytest.fixture(scope="module")
def judge(sprites):
    return fit_judge(sprites.split("train"), epochs=12)


def test_it_reads_images_that_it_never_saw(judge, sprites):
    test = sprites.split("test")
    found = obedience(test.attributes, judge.read(test.images), sprites.schema)
    assert found.recall > 0.93
    assert found.precision > 0.93


def test_it_sees_what_is_wrong(judge, sprites):
    """Images of other requests are found out."""
    test = sprites.split("test")
    found = obedience(np.roll(test.attributes, 1, axis=0), judge.read(test.images), sprites.schema)
    assert found.exact < 0.1
    assert found.recall < 0.6


def test_saved_it_reads_the_same(judge, sprites, tmp_path):
    judge.save(tmp_path / "judge.safetensors")
    again = load_judge(tmp_path / "judge.safetensors")
    assert again.dataset == sprites.split("train").fingerprint
    assert np.array_equal(again.read(sprites.images[:50]), judge.read(sprites.images[:50]))


def test_a_kept_judge_is_used_again_and_never_another(sprites, tmp_path):
    few, path = sprites.take(np.arange(200)), tmp_path / "kept.safetensors"
    first = kept_judge(path, few, epochs=1)
    again = kept_judge(path, few, epochs=1, progress=lambda done, total: pytest.fail("it trained again"))
    assert np.array_equal(first.read(few.images), again.read(few.images))
    with pytest.raises(RequestError, match="was trained on 1 passes, not 2"):
        kept_judge(path, few, epochs=2)
    with pytest.raises(RequestError, match="was trained on other images"):
        kept_judge(path, sprites.take(np.arange(100)), epochs=1)


def test_images_without_a_label_teach_nothing_and_break_nothing(sprites):
    table = sprites.attributes[:128].copy()
    table[:, 0] = -1
    judge = fit_judge(replace(sprites.take(np.arange(128)), attributes=table), epochs=1)
    assert all(tensor.isfinite().all() for tensor in judge.network.state_dict().values())


def test_the_same_seed_makes_the_same_judge(sprites):
    few = sprites.take(np.arange(200))
    one, two, other = (fit_judge(few, epochs=1, seed=seed).network.state_dict() for seed in (3, 3, 4))
    assert all(tensor.equal(two[name]) for name, tensor in one.items())
    assert not all(tensor.equal(other[name]) for name, tensor in one.items())


def test_it_notices_what_is_painted_out(judge, sprites):
    """The layers say which pixels a flag has: without them the judge no longer reads it, and reads the rest as before."""
    test = sprites.split("test")
    for column, attribute in enumerate(sprites.schema.attributes):
        if attribute.kind != "flag":
            continue
        worn = test.take(np.flatnonzero((test.attributes[:, column] == 1) & (judge.read(test.images)[:, column] == 1)))
        without = worn.attributes.copy()
        without[:, column] = 0
        seen = judge.read(on_background(draw(without, 12), "#203040"))
        assert (seen[:, column] == 0).mean() > 0.9, attribute.name
        others = np.arange(len(sprites.schema.attributes)) != column
        assert (seen[:, others] == judge.read(worn.images)[:, others]).mean() > 0.95


def test_its_features_are_usual_for_real_images(judge, sprites):
    features = judge.features(sprites.split("train").images)
    assert np.allclose(features.mean(axis=0), 0, atol=1e-3)
    assert np.median(features.std(axis=0)) == pytest.approx(1, abs=1e-3)


def test_what_cannot_be_judged(judge, sprites, tmp_path):
    with pytest.raises(RequestError, match=r"the judge reads images of \(3, 12, 12\)"):
        judge.read(np.zeros((2, 3, 24, 24), dtype=np.uint8))
    with pytest.raises(RequestError, match="at least 64 images, not 10"):
        fit_judge(sprites.take(np.arange(10)), epochs=1)
    with pytest.raises(RequestError, match="no judge"):
        load_judge(tmp_path / "nowhere")
    (tmp_path / "half").write_bytes(b"\x00" * 100)
    with pytest.raises(NoisetteError, match="is damaged"):
        load_judge(tmp_path / "half")


SCHEMA = AttributeSchema(
    attributes=(Choice(name="type", options=("Male", "Female")), Flag(name="Hat"), Flag(name="Pipe"))
)


def measured(asked, seen):
    return obedience(np.array(asked, dtype=np.int16), np.array(seen, dtype=np.int16), SCHEMA)


def test_obedience_by_hand():
    found = measured([[0, 1, 0], [1, 1, 1]], [[0, 1, 1], [1, 0, 1]])
    assert found.recall == 4 / 5  # Male, Hat, Female and Pipe of five
    assert found.precision == 4 / 5  # and a Pipe that nobody asked for
    assert found.exact == 0
    assert found.by_value == {
        "type=Male": OfValues(asked=1, seen=1, recall=1, precision=1),
        "type=Female": OfValues(asked=1, seen=1, recall=1, precision=1),
        "Hat": OfValues(asked=2, seen=1, recall=0.5, precision=1),
        "Pipe": OfValues(asked=1, seen=2, recall=1, precision=0.5),
    }


def test_values_by_how_common_they_are():
    """Pipe in one of 200 rows that were trained on, Hat in 20, Male in 150, Female in 50."""
    trained = np.zeros((200, 3), dtype=np.int16)
    trained[150:, 0], trained[:20, 1], trained[:1, 2] = 1, 1, 1
    asked, seen = np.array([[0, 1, 1], [1, 0, 0]], dtype=np.int16), np.array([[0, 1, 0], [1, 0, 0]], dtype=np.int16)
    assert by_rarity(asked, seen, SCHEMA, trained) == {
        "worn by under 1 %": OfValues(asked=1, seen=0, recall=0, precision=None),
        "by 1 to 5 %": OfValues(asked=0, seen=0, recall=None, precision=None),
        "by 5 to 20 %": OfValues(asked=1, seen=1, recall=1, precision=1),
        "by over 20 %": OfValues(asked=2, seen=2, recall=1, precision=1),
    }


def test_requests_for_pairs_that_were_never_met():
    trained = np.array([[0, 1, 0], [0, 0, 1], [1, 0, 0]], dtype=np.int16)
    asked = np.array([[0, 1, 1], [0, 1, 0], [1, 1, 0], [0, -1, 1]], dtype=np.int16)
    assert with_new_pairs(asked, SCHEMA, trained).tolist() == [True, False, True, False]
    assert not with_new_pairs(trained, SCHEMA, trained).any()


def test_how_one_image_differs_is_told_in_words():
    row = np.array([0, 1, 0], dtype=np.int16)
    assert verdict(row, row, SCHEMA) == []
    assert verdict(row, np.array([1, 0, 1], dtype=np.int16), SCHEMA) == ["type: Female", "lacks Hat", "has Pipe"]
    assert verdict(np.array([0, -1, -1], dtype=np.int16), np.array([0, 1, 1], dtype=np.int16), SCHEMA) == []


def test_what_a_request_leaves_open_does_not_count():
    found = measured([[0, -1, -1]], [[0, 1, 1]])
    assert (found.recall, found.precision, found.exact) == (1, 1, 1)


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1), st.integers(0, 1)), min_size=1, max_size=20))
def test_real_images_obey_their_own_attributes(rows):
    found = measured(rows, rows)
    assert (found.recall, found.precision, found.exact) == (1, 1, 1)
