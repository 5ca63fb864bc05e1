"""Which settings are enough: the rule on made-up figures, and the command over a run that hardly learned."""

from __future__ import annotations

import json
import shutil

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import noisette
from noisette.cli import main
from noisette.config.recipe import parse_recipe
from noisette.config.sampling import SamplingSettings
from noisette.data.sources.sprites import sprites
from noisette.diffusion.fitting import cheapest, misses
from noisette.diffusion.spacing import spaced
from noisette.errors import RequestError
from noisette.evaluation.classifiers import fit_and_keep
from noisette.evaluation.reference import silently
from noisette.evaluation.step_schedule import FINE, FIRST_SEED, cost_of_steps, optimise_timesteps
from noisette.evaluation.tuning import (
    DISTANCE,
    PERCENT,
    SHARES,
    Candidate,
    choose,
)
from noisette.files.images import read_png, save_png

from ..conftest import CONDITIONAL, TINY, resolved

EXACT, WHOLE = SHARES


def candidate(steps, exact, frechet):
    return Candidate(
        SamplingSettings.of(sampler="ddim", steps=steps, eta=0.0),
        steps,
        {EXACT: exact, WHOLE: exact, DISTANCE: frechet},
    )


CANDIDATES = [
    candidate(1, 0.90, 30.0),
    candidate(2, 0.985, 22.0),
    candidate(4, 0.995, 20.5),
    candidate(10, 0.999, 20.1),
    candidate(25, 1.0, 20.0),
]


@pytest.mark.parametrize(("points", "steps"), [(0.0, 25), (0.4, 10), (1.0, 4), (2.1, 2), (20.0, 1)])
def test_the_cheapest_is_chosen_that_stays_near_enough_in_every_figure(points, steps):
    assert choose(CANDIDATES, points).nfe == steps


def test_a_figure_that_is_far_behind_rules_a_candidate_out():
    blurred = candidate(1, 1.0, 40.0)
    assert choose([blurred, *CANDIDATES[1:]], 2.1).nfe == 2


def test_accuracy_comes_before_the_distance_to_the_data():
    plain, guided, cheaper = candidate(1, 0.95, 20.0), candidate(8, 1.0, 24.5), candidate(4, 0.998, 24.6)
    assert choose([plain, guided, cheaper], 0.4) == cheaper
    assert choose([plain, guided, cheaper], 6.0) == plain


@given(
    st.lists(
        st.tuples(st.integers(1, 50), st.floats(0, 1), st.floats(0, 1), st.floats(1, 100)), min_size=1, max_size=20
    ),
    st.floats(0, 20),
)
def test_whatever_was_measured_something_is_chosen_and_nothing_cheaper_would_do(rows, points):
    candidates = [
        Candidate(
            SamplingSettings.of(sampler="ddim", steps=steps, eta=0.0), steps, {EXACT: one, WHOLE: other, DISTANCE: far}
        )
        for steps, one, other, far in rows
    ]
    chosen = choose(candidates, points)

    def behind(each):
        return max(100 * (max(other.figures[name] for other in candidates) - each.figures[name]) for name in SHARES)

    accurate = [each for each in candidates if behind(each) <= max(points, min(map(behind, candidates)))]
    least = min(each.figures[DISTANCE] for each in accurate)
    enough = [each for each in accurate if 100 * (each.figures[DISTANCE] / least - 1) / PERCENT <= points]
    assert chosen in enough
    assert chosen.nfe == min(each.nfe for each in enough)


@pytest.fixture(scope="module")
def drawer(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NOISETTE_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setattr("noisette.evaluation.tuning.STEPS", (1, 2))
        fit_and_keep(sprites(1000, 8).split("train"), epochs=2)
        settings = ["dataset.count=1000", "training.steps=6", 'training.checkpoint_every="1s"', "samples.every=100"]
        yield noisette.train(
            parse_recipe(CONDITIONAL, source="t", overrides=settings), out=tmp_path_factory.mktemp("runs") / "drawer"
        ).folder


def run(capsys, *arguments):
    status = main([str(argument) for argument in arguments])
    output = capsys.readouterr()
    return status, output.out, output.err


def test_a_table_is_made_and_used_and_what_is_given_wins(capsys, drawer, tmp_path):
    with pytest.raises(RequestError, match=r"no table of presets for its weights; `noisette tune .*` makes one"):
        resolved(noisette.load(drawer), preset="fast")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "noisette.evaluation.reference.classification",
            lambda *_: pytest.fail("it trained a classifier, and chose nothing by it"),
        )
        status, out, err = run(capsys, "tune", drawer, "--count", 20)
    assert status == 0, err
    assert [
        line.split()[0] for line in out.splitlines() if line and line.split()[0] in ("fast", "balanced", "best")
    ] == ["fast", "balanced", "best"]
    table = json.loads((drawer / "presets.json").read_text())
    generator = noisette.load(drawer)
    sampling = resolved(generator, preset="fast")
    fast = table["fast"]["settings"]
    assert (sampling.sampler, sampling.steps) == (fast["sampler"], fast["steps"])
    assert sampling.guidance.scale == fast["guidance"]["scale"]
    given = resolved(generator, sampler="heun", steps=7, preset="fast", guidance=3.0, spacing="karras")
    assert (given.sampler, given.steps, given.guidance.scale) == ("heun", 7, 3.0)
    file = tmp_path / "a.png"
    status, out, _ = run(capsys, "generate", drawer, "--preset", "best", "--count", 2, "--out", file, "--json")
    assert (status, json.loads(out)["sampling"]["steps"]) == (0, table["best"]["settings"]["steps"])
    assert run(capsys, "generate", drawer, "--quality", "good", "--out", file)[0] == 2
    with pytest.raises(RequestError, match='no preset "fastest"; nearest: fast'):
        resolved(generator, preset="fastest")


def test_levels_are_fitted_and_a_picture_keeps_its_own(capsys, drawer, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(drawer, copy, ignore=shutil.ignore_patterns("presets.json"))
    with pytest.raises(
        RequestError, match=r"no levels fitted to its weights; `noisette tune .*copy` finds them, or say spacing time"
    ):
        resolved(noisette.load(copy), spacing="fitted")
    table = noisette.tune(copy, count=20)
    generator = noisette.load(copy)
    assert {count: len(times) for count, times in generator.presets.fitted.items()} == {1: 1, 2: 2}
    sampling = resolved(generator, sampler="ddim", steps=2, spacing="fitted")
    first, second = sampling.times
    assert (first, sampling.times) == (1.0, tuple(table["fitted"]["2"]))
    assert 0 < second < 1
    with pytest.raises(RequestError, match="fitted levels are there for 1 to 2 steps, not 5; say spacing time"):
        resolved(generator, sampler="ddim", steps=5, spacing="fitted")
    levels = []
    plan = generator.plan(seeds=[3], settings=sampling)
    generator.draw(plan, on_step=lambda xt, x0, level: levels.append(level.time))
    assert tuple(levels) == sampling.times
    file, again = tmp_path / "a.png", tmp_path / "b.png"
    assert run(capsys, "generate", copy, "--spacing", "fitted", "--steps", 2, "--seed", 3, "--out", file)[0] == 0
    (copy / "presets.json").unlink()
    status, _, err = run(capsys, "regenerate", file, "--out", again)
    assert (status, file.read_bytes()) == (0, again.read_bytes()), err
    image, said = read_png(file)
    for changed in ({"times": []}, {"times": [1.0, 0.9999999999]}, {"times": [1.0, 0.5, 0.2]}, {"spacing": "time"}):
        save_png(file, image, {**said, "sampling": {**said["sampling"], **changed}})
        status, _, err = run(capsys, "regenerate", file, "--out", again, "--overwrite")
        assert (status, err.count("\n")) == (2, 1), err


def test_levels_are_fitted_to_the_trajectories_of_all_images_under_their_requests(drawer, monkeypatch):
    monkeypatch.setattr("noisette.evaluation.step_schedule.TRAJECTORIES", 20)  # a whole batch, and a part of one
    generator, rows = noisette.load(drawer), sprites(1000, 8).split("train").attributes
    schedule = generator.model.schedule
    times = tuple(
        sorted({level.time for name in ("time", "log-snr") for level in spaced(schedule, FINE, name)}, reverse=True)
    )
    sampling = resolved(generator, sampler="ddim", steps=len(times), eta=0.0, spacing="fitted", times=times)
    trajectories = []
    for place in range(20):
        plan = generator.plan(rows[place : place + 1], seeds=[FIRST_SEED + place], settings=sampling)
        generator.draw(plan, on_step=lambda xt, x0, level: trajectories.append((xt, x0, level)))
    together = [
        (
            torch.cat([trajectories[place][0] for place in places]),
            torch.cat([trajectories[place][1] for place in places]),
            trajectories[places[0]][2],
        )
        for places in ([step + len(times) * image for image in range(20)] for step in range(len(times)))
    ]
    costs = misses(together).sqrt()
    torch.testing.assert_close(cost_of_steps(generator, times, rows, 20, silently), costs, rtol=1e-4, atol=1e-6)
    expected = {count: tuple(times[place] for place in places) for count, places in cheapest(costs, 4).items()}
    assert optimise_timesteps(generator, rows, 4) == expected


@pytest.mark.parametrize(
    "times", [(1.0, 0.5), (1.0, 0.5, 0.7), (0.9, 0.5, 0.1), (1.0, 0.5, -0.1), (1.0, 0.5, float("nan"))]
)
def test_levels_that_cannot_be_are_refused(drawer, times):
    changed = "the fitted levels are not 3 of .*; the picture or the table that they are from was changed"
    with pytest.raises(
        RequestError, match=f"{changed}|times must be finite numbers|are numbers, one for each step, not nan"
    ):
        resolved(noisette.load(drawer), sampler="ddim", steps=3, spacing="fitted", times=times)


def test_levels_between_those_of_a_discrete_schedule_are_refused(tmp_path):
    settings = [
        "training.steps=1",
        "diffusion.steps=10",
        "dataset.count=100",
        "diffusion.schedule=cosine",
        "samples.steps=5",
    ]
    generator = noisette.load(
        noisette.train(parse_recipe(TINY, source="t", overrides=settings), out=tmp_path / "discrete").folder
    )
    assert resolved(generator, sampler="ddim", steps=2, spacing="fitted", times=(1.0, 0.3)).times == (1.0, 0.3)
    for second in (0.35, 1e-9):
        with pytest.raises(RequestError, match="the fitted levels are not 2 of"):
            resolved(generator, sampler="ddim", steps=2, spacing="fitted", times=(1.0, second))


def test_a_table_of_other_weights_is_none_and_a_damaged_one_is_told(drawer, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(drawer, copy)
    table = json.loads((copy / "presets.json").read_text())
    (copy / "presets.json").write_text(json.dumps({**table, "weights": "of others"}))
    assert noisette.load(copy).presets is None
    (copy / "presets.json").write_text("{}")
    damaged = noisette.load(copy)
    assert damaged.presets is None
    assert "presets.json is damaged, or of another version; `noisette tune " in damaged.notes[0]
    noisette.tune(copy, count=20)
    assert noisette.load(copy).notes == ()


def test_a_table_of_presets_that_is_in_use_is_kept(capsys, drawer, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(drawer, copy)
    before = {path: path.read_bytes() for path in copy.glob("*.json")}
    for options, message in (
        ([], "presets.json exists"),
        (["--out", copy / "schema.json"], "schema.json is what is read"),
        (["--out", copy / "schema.json", "--overwrite"], "schema.json is what is read"),
        (["--out", tmp_path / "presets.txt"], "name a .json file"),
    ):
        status, _, err = run(capsys, "tune", copy, "--count", 20, *options)
        assert (status, err.count("\n"), message in err) == (2, 1, True), err
    assert {path: path.read_bytes() for path in copy.glob("*.json")} == before


def test_where_nothing_can_be_measured_nothing_is_chosen(drawer, tmp_path, monkeypatch):
    with pytest.raises(RequestError, match="no folder"):
        noisette.tune(drawer, count=20, out=tmp_path / "nowhere" / "presets.json")
    plain = noisette.train(
        parse_recipe(TINY, source="t", overrides=["dataset.count=1000", "training.steps=1"]), out=tmp_path / "plain"
    )
    with pytest.raises(RequestError, match="nothing to choose by"):
        noisette.tune(plain.folder, count=20)
    assert not (plain.folder / "presets.json").exists()


def test_the_table_of_a_shipped_model_goes_where_it_is_told():
    with pytest.raises(RequestError, match="say where another shall go with --out"):
        noisette.tune("digits", count=20)
