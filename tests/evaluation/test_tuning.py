"""Which settings are enough: the rule on made-up figures, and the command over a run that hardly learned."""

from __future__ import annotations

import json
import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st

import noisette
from noisette.cli import main
from noisette.config import parse_recipe
from noisette.data.sprites import sprites
from noisette.errors import RequestError
from noisette.evaluation.judges import fit_and_keep
from noisette.evaluation.tuning import DISTANCE, PERCENT, SHARES, Candidate, choose
from noisette.sampling import Sampling

from ..conftest import CONDITIONAL, TINY

EXACT, WHOLE = SHARES


def candidate(steps, exact, frechet):
    return Candidate(Sampling("ddim", steps, 0.0), steps, {EXACT: exact, WHOLE: exact, DISTANCE: frechet})


CANDIDATES = [candidate(1, 0.90, 30.0), candidate(2, 0.985, 22.0), candidate(4, 0.995, 20.5), candidate(10, 0.999, 20.1), candidate(25, 1.0, 20.0)]


@pytest.mark.parametrize(("points", "steps"), [(0.0, 25), (0.4, 10), (1.0, 4), (2.1, 2), (20.0, 1)])
def test_the_cheapest_is_chosen_that_stays_near_enough_in_every_figure(points, steps):
    assert choose(CANDIDATES, points).evaluations == steps


def test_a_figure_that_is_far_behind_rules_a_candidate_out():
    blurred = candidate(1, 1.0, 40.0)
    assert choose([blurred, *CANDIDATES[1:]], 2.1).evaluations == 2


@given(st.lists(st.tuples(st.integers(1, 50), st.floats(0, 1), st.floats(1, 100)), min_size=1, max_size=20), st.floats(0, 20))
def test_whatever_was_measured_something_is_chosen_and_nothing_cheaper_would_do(rows, points):
    candidates = [candidate(*row) for row in rows]
    chosen = choose(candidates, points)
    best = max(each.figures[EXACT] for each in candidates), min(each.figures[DISTANCE] for each in candidates)

    def near(each):
        return 100 * (best[0] - each.figures[EXACT]) <= points and 100 * (each.figures[DISTANCE] / best[1] - 1) / PERCENT <= points

    def behind(each):
        return max(100 * (best[0] - each.figures[EXACT]), 100 * (each.figures[DISTANCE] / best[1] - 1) / PERCENT)

    if any(map(near, candidates)):
        assert near(chosen)
        assert chosen.evaluations == min(each.evaluations for each in candidates if near(each))
    else:
        assert behind(chosen) == pytest.approx(min(map(behind, candidates)))


@pytest.fixture(scope="module")
def drawer(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NOISETTE_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setattr("noisette.evaluation.tuning.STEPS", (1, 2))
        fit_and_keep(sprites(1000, 8).split("train"), epochs=2)
        settings = ["dataset.count=1000", "training.steps=6", 'training.checkpoint_every="1s"', "samples.every=100"]
        yield noisette.train(parse_recipe(CONDITIONAL, source="t", overrides=settings), out=tmp_path_factory.mktemp("runs") / "drawer").folder


def run(capsys, *arguments):
    status = main([str(argument) for argument in arguments])
    output = capsys.readouterr()
    return status, output.out, output.err


def test_a_table_is_made_and_used_and_what_is_given_wins(capsys, drawer, tmp_path):
    with pytest.raises(RequestError, match=r"no table of qualities for its weights; `noisette tune .*` makes one"):
        noisette.load(drawer).choices.sampling(quality="fast")
    status, out, err = run(capsys, "tune", drawer, "--count", 20)
    assert status == 0, err
    assert [line.split()[0] for line in out.splitlines() if line and line.split()[0] in ("fast", "balanced", "best")] == ["fast", "balanced", "best"]
    table = json.loads((drawer / "quality.json").read_text())
    generator = noisette.load(drawer)
    sampling = generator.choices.sampling(quality="fast")
    assert (sampling.sampler, sampling.steps, sampling.guidance.scale) == tuple(table["fast"][name] for name in ("sampler", "steps", "guidance"))
    given = generator.choices.sampling("heun", 7, quality="fast", guidance=3.0)
    assert (given.sampler, given.steps, given.guidance.scale) == ("heun", 7, 3.0)
    file = tmp_path / "a.png"
    status, out, _ = run(capsys, "generate", drawer, "--quality", "best", "--count", 2, "--out", file, "--json")
    assert (status, json.loads(out)["sampling"]["steps"]) == (0, table["best"]["steps"])
    assert run(capsys, "generate", drawer, "--quality", "good", "--out", file)[0] == 2
    with pytest.raises(RequestError, match='no quality "fastest"; nearest: fast'):
        generator.choices.sampling(quality="fastest")


def test_a_table_of_other_weights_is_none_and_a_damaged_one_is_told(drawer, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(drawer, copy)
    table = json.loads((copy / "quality.json").read_text())
    (copy / "quality.json").write_text(json.dumps({**table, "weights": "of others"}))
    assert noisette.load(copy).qualities is None
    (copy / "quality.json").write_text("{}")
    damaged = noisette.load(copy)
    assert damaged.qualities is None
    assert "quality.json is damaged, or of another version; `noisette tune` makes it anew" in damaged.notes[0]
    noisette.tune(copy, count=20)
    assert noisette.load(copy).notes == ()


def test_where_nothing_can_be_measured_nothing_is_chosen(drawer, tmp_path, monkeypatch):
    with pytest.raises(RequestError, match="no folder"):
        noisette.tune(drawer, count=20, out=tmp_path / "nowhere" / "quality.json")
    plain = noisette.train(parse_recipe(TINY, source="t", overrides=["dataset.count=1000", "training.steps=1"]), out=tmp_path / "plain")
    with pytest.raises(RequestError, match="nothing to choose by"):
        noisette.tune(plain.folder, count=20)
    assert not (plain.folder / "quality.json").exists()


def test_the_table_of_a_shipped_model_goes_where_it_is_told():
    with pytest.raises(RequestError, match="say where another shall go with --out"):
        noisette.tune("digits", count=20)
