"""Files of version 0.1 are read, and what `--json` prints has the names of version 0.1 too.

data/version-0.1 holds what that version wrote and printed, cut to a few values, points and step schedules.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import noisette
from noisette.evaluation.axes import chosen_figures
from noisette.evaluation.classifier import load_classifier
from noisette.evaluation.figures import FIGURES, PARTS, find
from noisette.evaluation.records import Record, measured
from noisette.evaluation.report_facts import sweeps
from noisette.evaluation.tables import describe
from noisette.legacy import RENAMED, modernise, old_path, with_old_keys
from noisette.sampling.presets import read_presets
from noisette.store.locate import locate

from .conftest import resolved

OLD = Path(__file__).parent / "data" / "version-0.1"
FILES = [path for path in sorted(OLD.rglob("*.json")) if path.name != "request.json"]


def read(path):
    return json.loads(path.read_text())


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A folder with what was measured of a run, and the cache beside it."""
    shutil.copytree(OLD, tmp_path / "old")
    monkeypatch.setenv("NOISETTE_CACHE", str(tmp_path / "old" / "cache"))
    return tmp_path / "old" / "run"


def missing(old, new, path=""):
    """Where `new` lacks what `old` has, or has it otherwise."""
    if isinstance(old, dict) and isinstance(new, dict):
        return [
            each
            for name, value in old.items()
            for each in ([f"{path}/{name}"] if name not in new else missing(value, new[name], f"{path}/{name}"))
        ]
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return [each for pair in zip(old, new, strict=True) for each in missing(*pair, path)]
    return [] if old == new else [path]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_script_finds_all_that_it_found(path):
    """The names of version 0.1 stand beside the new ones; a list of paths has the new ones, which are there too."""
    old = read(path)
    new = modernise(old)
    assert new != old
    assert set(missing(old, with_old_keys(new))) <= {"/plotted"}
    assert modernise(with_old_keys(new)) == modernise(new) == new


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_old_name_is_left(path):
    text = json.dumps(modernise(read(path)))
    for word in (
        "obedience",
        "exactness",
        "unworn",
        "stray",
        "new_pairs",
        "judge_agrees",
        '"judge"',
        "worn by",
        '"asked',
    ):
        assert word not in text, word


def test_records_are_found_by_their_facts_and_read(run):
    """Two draws under the same settings, with the figures of the real images."""
    [found] = measured(str(run))
    assert found.draws == 2
    drawn = [read(path) for path in sorted((OLD / "run" / "evaluations").glob("*/figures-*.json"))]
    for new, old in (("attribute_accuracy.recall", "obedience.recall"), ("pixel_art.isolated", "pixel_art.stray")):
        assert find(found.mean, new) == pytest.approx(sum(find(tree, old) for tree in drawn) / 2)
    [real] = [read(path) for path in (OLD / "cache" / "real").glob("*/figures-*.json")]
    assert found.real["memorisation"]["novel_combinations"] == real["memorisation"]["unworn"]
    for folder in (run / "evaluations").iterdir():
        facts = read(folder / "request.json")
        record = Record.of(run / "evaluations", folder.name.rpartition("-")[0], facts)
        assert record.folder == folder
        kept = record.figures("dfc2f735d7de5819-3", PARTS, lambda parts: pytest.fail(f"it measured {parts} again"))
        assert set(kept) == set(PARTS)


def test_the_facts_of_a_draw_are_those_of_version_0_1(asked, tmp_path, monkeypatch):
    """Or else nothing that was measured would be found."""
    from noisette.evaluation.classifier_training import fit_classifier
    from noisette.evaluation.setup import prepare
    from noisette.evaluation.whole_data import data_of

    monkeypatch.setenv("NOISETTE_CACHE", str(tmp_path))
    monkeypatch.setattr("noisette.evaluation.classifier_training._BATCH", 8)
    classifier = fit_classifier(data_of(str(asked.folder)).split("train"), epochs=1)
    setup = prepare(str(asked.folder), split="train", count=10, classifier=classifier)
    old = read(sorted((OLD / "run" / "evaluations").glob("*/request.json"))[0])
    sampling = resolved(setup.generator, sampler="ddim", steps=3, eta=0.0, guidance=1.0)
    record = setup.record(sampling, 0)
    facts = json.loads(json.dumps(record.facts))
    assert facts == {**old, "weights": setup.generator.weights, "requests": setup.reference.real.fingerprint}
    assert record.folder.name.startswith("train-10-seed-0-ddim-3-guidance-1-")


@pytest.mark.slow
def test_a_sweep_is_shown(run):
    (run / "sweeps" / "steps-guidance-80420fc1" / "grid.png").write_bytes(b"")
    [found] = sweeps(str(run))
    assert found.title.startswith("steps: 1, guidance: 1.0, 2.0 (step 600, averaged weights; ddim; 100 images")
    assert "<svg" in found.plots


def test_presets_are_read(run):
    old = read(run / "quality.json")
    found, notes = read_presets(run, old["weights"])
    assert notes == ()
    assert found.fast.figures["attribute_accuracy.exact"] == old["fast"]["figures"]["obedience.exact"]
    assert found.fast.settings.steps == old["fast"]["steps"]
    assert found.fast.settings.guidance.scale == old["fast"]["guidance"]
    assert found.fast.nfe == old["fast"]["evaluations"]
    assert found.fitted[2] == tuple(old["fitted"]["2"])


def test_what_was_printed_can_be_described():
    told = describe(modernise(read(OLD / "printed" / "evaluate.json")))
    assert "novel combinations requested" in told
    assert "in over 20 % of the training images" in told


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.path)
def test_figures_are_chosen_by_their_old_names_too(figure):
    for name in (figure.path, old_path(figure.path)):
        assert chosen_figures([name]) == [figure]
    assert chosen_figures(["stray", "unworn", "judge_agrees", "exact", "snapped_whole"]) == chosen_figures(
        ["isolated", "novel_combinations", "classifier_agrees", "attribute_accuracy.exact", "snapped_whole"]
    )


@pytest.mark.parametrize("name", ["digits", "punks"])
def test_the_classifiers_that_ship_are_those_that_figures_were_taken_with(name):
    """The digest hangs on the names of their parts."""
    home = Path(noisette.__file__).parent
    classifier = load_classifier(home / "classifiers" / f"{name}.safetensors")
    assert classifier.digest == read(home / "models" / name / "figures.json")["classifier"]["weights"]
    assert find(locate(name).figures, "attribute_accuracy.exact") > 0.9


def test_names_of_the_data_are_never_renamed():
    values = {name: {"asked": 1, "seen": 2} for name in ("obedience", "hidden", "stray", "Fig. exactness")}
    new = modernise({"obedience": {"by_value": values}, "sampling": {"guidance": {"weights": {"judge": 2.0}}}})
    assert new["attribute_accuracy"]["by_value"].keys() == values.keys()
    assert new["sampling"]["guidance"]["weights"] == {"judge": 2.0}
    assert modernise({"hidden": {"judge": 3}, "hidden_images": 3}) == {"occluded": {"judge": 3}, "occluded_images": 3}
    assert with_old_keys(new)["obedience"]["by_value"]["stray"] == {"requested": 1, "asked": 1, "seen": 2}


NAMES = st.sampled_from(sorted({part for path in (*RENAMED, *RENAMED.values()) for part in path.split(".")} - {"*"}))
TREES = st.recursive(
    st.none() | st.floats(allow_nan=False), lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner), max_leaves=12
)


@given(TREES)
def test_what_is_modern_stays_so_and_the_old_names_can_be_taken_away_again(tree):
    new = modernise(tree)
    assert modernise(new) == new
    assert modernise(with_old_keys(new)) == new
