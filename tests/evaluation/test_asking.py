"""How much an evaluation asks for, and whether what is left open holds together."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

import noisette
from noisette.attributes.schema import UNKNOWN
from noisette.cli import main
from noisette.config.recipe import load_recipe, parse_recipe
from noisette.data.pixels import on_background
from noisette.data.sources.sprites import sprites
from noisette.errors import RequestError
from noisette.evaluation.attribute_accuracy import matches
from noisette.evaluation.classifiers import fit_and_keep
from noisette.evaluation.evaluate import evaluate
from noisette.evaluation.renderers import EXACT, find_renderer
from noisette.evaluation.setup import prepare, some_values
from noisette.evaluation.tables import describe

from ..conftest import CONDITIONAL, TINY

MANY = ["dataset.count=2800", "training.steps=2", "samples.every=100"]
DATA = sprites(2800, 8)


@pytest.fixture(scope="module", autouse=True)
def kept(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NOISETTE_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def classifier(kept):
    return fit_and_keep(DATA.split("train"), epochs=2)[0]


@pytest.fixture(scope="module")
def drawer(classifier, tmp_path_factory):
    recipe = parse_recipe(CONDITIONAL, source="t", overrides=MANY)
    return noisette.train(recipe, out=tmp_path_factory.mktemp("runs") / "drawer").folder


@pytest.fixture(scope="module")
def by_lot(classifier, tmp_path_factory):
    recipe = parse_recipe(TINY, source="t", overrides=MANY)
    return noisette.train(recipe, out=tmp_path_factory.mktemp("runs") / "by-lot").folder


@given(rows=st.integers(1, 20), ask=st.integers(1, 12), first=st.integers(0, 2000))
def test_some_of_the_values_that_an_image_shows_are_kept_and_nothing_else(rows, ask, first):
    codes = DATA.attributes[first : first + rows].copy()
    codes[::3, 0] = UNKNOWN
    kept = some_values(codes, DATA.schema, ask)
    asked = kept != UNKNOWN
    flags = np.array([attribute.kind == "flag" for attribute in DATA.schema.attributes])
    there = (codes != UNKNOWN) & ~((codes == 0) & flags)
    assert (kept[asked] == codes[asked]).all()
    assert not (asked & ~there).any()
    assert_array_equal(asked.sum(axis=1), np.minimum(there.sum(axis=1), ask))


def test_real_images_are_valid_where_they_are_read_right(classifier, drawer):
    """Different sprites have different attributes, so an image is that of what is read in it if that is right."""
    found = evaluate(drawer, count=120, draws=1, steps=1, ask=1, impute=False)
    real = DATA.split("validation").take(np.arange(120))
    right = matches(real.attributes, classifier.read(real.images)).mean()
    assert found["real"]["validity"]["valid"] == pytest.approx(right)
    assert 0 < right <= 1
    assert found["real"]["validity"]["different"] == len(np.unique(real.images, axis=0)) / 120
    assert found["drawn"]["validity"]["valid"] == 0  # after two steps
    assert found["renderer"] == EXACT
    assert found["left_out"]["pixel_accuracy"] == "its requests leave attributes open"
    assert found["drawn"]["memorisation"]["novel_combinations"] is None
    assert "1 of the values of each asked for; held against the source of the data" in describe(found)


def test_less_is_asked_for_and_drawn_than_of_whole_requests(drawer):
    one, nothing = (prepare(drawer, count=100, ask=ask).reference for ask in (1, 0))
    assert ((one.requests != UNKNOWN).sum(axis=1) == 1).all()
    assert not nothing.conditional
    drawn = [evaluate(drawer, count=100, draws=1, steps=1, ask=ask, impute=False) for ask in (0, 1, None)]
    distances = {found["drawn"]["fidelity"]["frechet"] for found in drawn}
    assert len(distances) == 3
    assert [found["ask"] for found in drawn] == [0, 1, None]
    assert drawn[2]["left_out"]["validity"] == "everything is asked for, so pixel accuracy says it"
    assert drawn[2]["renderer"] is None


def test_what_is_left_open_may_be_imputed_and_is_then_kept_apart(drawer):
    imputed, left = (
        evaluate(drawer, count=100, draws=1, steps=1, ask=1, impute=impute)["drawn"]["fidelity"]["frechet"]
        for impute in (True, False)
    )
    assert imputed != left


def test_beside_brief_requests_only_what_can_answer_them(drawer):
    pytest.importorskip("sklearn")
    found = evaluate(drawer, count=100, draws=1, steps=1, ask=1, floor=True)
    assert list(found["floor"]) == ["nearest"]
    assert found["no_floor"]["trees"] == "its requests are whole, and these leave attributes open"
    assert (
        found["floor"]["nearest"]["attribute_accuracy"]["exact"] >= found["real"]["attribute_accuracy"]["exact"] - 0.1
    )
    assert found["floor"]["nearest"]["memorisation"]["copies"] == 1
    nothing = evaluate(drawer, count=100, draws=1, steps=1, ask=0, floor=True)
    assert list(nothing["floor"]) == ["resampled", "marginal", "chain"]
    assert nothing["floor"]["marginal"]["validity"]["valid"] < nothing["floor"]["resampled"]["validity"]["valid"]


def test_a_run_that_takes_no_requests_is_held_against_the_source_too(by_lot):
    found = evaluate(by_lot, count=100, draws=1, steps=1)
    assert found["drawn"]["validity"]["images"] == 100
    assert found["renderer"] == EXACT
    assert evaluate(by_lot, count=100, draws=1, steps=1, ask=0) == found
    with pytest.raises(RequestError, match="takes no requests, so nothing can be asked for; leave --ask out"):
        evaluate(by_lot, count=100, ask=1)
    with pytest.raises(RequestError, match="at least nothing is asked for"):
        evaluate(by_lot, count=100, ask=-1)


def test_what_draws_whole_attributes(drawer, by_lot, punks):
    train = DATA.split("train")
    recipe = noisette.load(drawer).model.recipe
    exact = find_renderer(train, recipe)
    assert_array_equal(exact.draw(train.attributes[:20]), train.images[:20])
    black = train.with_images(lambda images: on_background(images, "#000000"))
    assert find_renderer(black, recipe) is None
    named = find_renderer(train, recipe, drawer)
    assert named.draw(train.attributes[:3]).shape == (3, 4, 8, 8)
    assert named.digest != exact.digest
    with pytest.raises(RequestError, match="takes no requests for the attributes of sprites"):
        find_renderer(train, recipe, by_lot)
    with pytest.raises(RequestError, match="punks takes no requests for the attributes of sprites"):
        find_renderer(train, recipe, "punks")
    with pytest.raises(RequestError, match="draws images of 8x8 pixels and 4 channels"):
        find_renderer(sprites(2800, 16).split("train"), recipe, drawer)


def test_the_model_that_ships_draws_for_runs_on_its_data(punks):
    recipe = load_recipe("punks")
    train = punks.with_images(lambda images: on_background(images, recipe.dataset.background)).split("train")
    found = find_renderer(train, recipe)
    assert found.name == "punks"
    assert (found.draw(train.attributes[:4]) == train.images[:4]).mean() > 0.99


def test_what_cannot_be_asked_is_told(capsys, drawer):
    for options, message in (
        (["--leave-open"], "--impute and --leave-open go with --ask"),
        (["--ask", "-1"], "-1 is not in the range"),
        (["--ask", "1", "--renderer", "nowhere"], "nowhere"),
        (["--renderer", str(drawer)], "a renderer is for requests that leave something open"),
    ):
        assert main(["evaluate", str(drawer), "--draws", "1", *options]) == 2
        assert message in capsys.readouterr().err


def test_a_sweep_and_a_report_ask_for_as_little(capsys, drawer, tmp_path):
    same = ["--count", "100", "--ask", "1"]
    assert main(["sweep", str(drawer), "--over", "impute=true,false"]) == 2
    assert "say how much is asked for with --ask" in capsys.readouterr().err
    assert main(["sweep", str(drawer), "--over", "impute=yes", *same]) == 2
    assert "impute takes true and false" in capsys.readouterr().err
    assert main(["sweep", str(drawer), "--over", "impute=true,false", *same, "--json"]) == 0
    swept = json.loads(capsys.readouterr().out)
    assert swept["ask"] == 1
    assert len({point["drawn"]["fidelity"]["frechet"] for point in swept["points"]}) == 2
    page = tmp_path / "page.html"
    assert main(["report", str(drawer), "--draws", "1", *same, "--out", str(page)]) == 0
    text = page.read_text(encoding="utf-8")
    assert "valid to the pixel" in text
    assert re.search(r"noisette evaluate \S+ --count 100 --split validation --seed 0 --draws 1 --ask 1", text)
