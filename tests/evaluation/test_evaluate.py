"""The evaluation of a run, from the command line."""

from __future__ import annotations

import json
import math
import re
import shutil
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import noisette
from noisette.cli import main
from noisette.config.recipe import parse_recipe
from noisette.config.sampling import SamplingSettings
from noisette.data.palette import palette_of
from noisette.data.sources.sprites import sprites
from noisette.evaluation.classifier_training import fit_classifier
from noisette.evaluation.classifiers import find_classifier, find_compatible, fit_and_keep
from noisette.evaluation.evaluate import evaluate, evaluate_prepared
from noisette.evaluation.figures import find, mean_and_spread
from noisette.evaluation.reference import ReferenceSet
from noisette.evaluation.setup import prepare
from noisette.evaluation.tables import describe
from noisette.files.hashes import SEAL, write_hashes

from ..conftest import CONDITIONAL, TINY, resolved
from .test_fidelity import by_eigenvalues

MANY = ["dataset.count=2800", "training.steps=2", "samples.every=100"]
DATA = sprites(2800, 8)


@pytest.fixture(scope="module", autouse=True)
def kept(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NOISETTE_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def drawer(tmp_path_factory):
    return noisette.train(
        parse_recipe(CONDITIONAL, source="t", overrides=MANY), out=tmp_path_factory.mktemp("runs") / "drawer"
    ).folder


@pytest.fixture(scope="module")
def classifier(kept):
    fit_and_keep(DATA.split("train"), epochs=4)
    return find_classifier(DATA.split("train"), "sprites")


@pytest.fixture(scope="module")
def reference(classifier):
    real = DATA.split("validation")
    return ReferenceSet(
        classifier, DATA.split("train"), real, np.zeros_like(real.attributes, dtype=bool), True, palette_of(DATA.images)
    )


def run(capsys, *arguments):
    status = main([str(argument) for argument in arguments])
    output = capsys.readouterr()
    return status, output.out, output.err


def test_without_a_classifier_one_is_trained_first_and_kept(capsys, drawer, monkeypatch, tmp_path):
    monkeypatch.setenv("NOISETTE_CACHE", str(tmp_path))
    monkeypatch.setattr("noisette.evaluation.classifiers.usual_epochs", lambda images: 1)
    assert run(capsys, "evaluate", drawer, "--draws", 1, "--steps", 1)[0] == 0
    assert find_classifier(DATA.split("train"), "sprites").epochs == 1


def test_a_classifier_that_is_trained_by_itself_tells_what_it_reads(capsys, drawer, monkeypatch, tmp_path):
    monkeypatch.setenv("NOISETTE_CACHE", str(tmp_path))
    status, out, err = run(capsys, "evaluate", "--fit-classifier", drawer, "--classifier-epochs", 1, "--json")
    assert status == 0, err
    told = json.loads(out)
    assert (told["split"], told["images"], told["epochs"]) == ("validation", 140, 1)
    assert "Hat=Top Hat" in told["visible"]["by_value"]
    assert told["occluded"] == {}  # sprites are made so
    assert run(capsys, "evaluate", drawer, "--draws", 1, "--steps", 1)[0] == 0


def test_the_options_and_the_folder_of_version_0_1_are_still_good(capsys, drawer, monkeypatch, tmp_path):
    monkeypatch.setenv("NOISETTE_CACHE", str(tmp_path))
    status, out, err = run(capsys, "evaluate", "--fit-judge", drawer, "--judge-epochs", 1, "--json")
    assert status == 0
    assert "called --fit-classifier and --classifier-epochs now" in err
    told = json.loads(out)
    assert told["visible"]["by_value"]["Earring"]["requested"] == told["visible"]["by_value"]["Earring"]["asked"]
    assert told["hidden"] == told["occluded"] == {}
    assert run(capsys, "evaluate", drawer, "--judge-epochs", 1)[0] == 2
    assert "judge" not in run(capsys, "evaluate", "--help")[1]
    (tmp_path / "classifiers").rename(tmp_path / "judges")
    found = find_classifier(DATA.split("train"), "sprites")
    assert found.digest == told["weights"]
    assert find_compatible(found.schema, found.shape).digest == found.digest
    [path] = (tmp_path / "judges").iterdir()
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(noisette.NoisetteError, match="judges/.* is damaged"):
        find_classifier(DATA.split("train"), "sprites")
    mine, _ = fit_and_keep(DATA.split("train").take(np.arange(400)), epochs=1)
    assert find_compatible(found.schema, found.shape).digest == mine.digest


def test_a_classifier_that_is_trained_tells_how_well_it_reads(capsys, drawer, monkeypatch, tmp_path):
    monkeypatch.setenv("NOISETTE_CACHE", str(tmp_path))
    status, out, _ = run(capsys, "evaluate", "--fit-classifier", drawer, "--classifier-epochs", 2, "--split", "test")
    assert status == 0
    assert "classifier of sprites, 2 passes, on 140 real images of the test split" in out
    assert "precision" in out


def test_a_hardly_trained_run_is_inaccurate(capsys, drawer, classifier):
    status, out, _ = run(capsys, "evaluate", drawer, "--json", "--draws", 2)
    assert status == 0
    found = json.loads(out)
    drawn, real = found["drawn"], found["real"]
    assert drawn["attribute_accuracy"]["exact"] < 0.05 < real["attribute_accuracy"]["exact"]
    assert drawn["fidelity"]["frechet"] > 2 * real["fidelity"]["frechet"]
    assert drawn["classification"]["score"] < real["classification"]["score"]
    assert (real["pixel_art"]["in_palette"], real["memorisation"]["copies"] > 0) == (
        1,
        True,
    )  # sprites as small as these repeat
    assert drawn["by_pixels"]["exact"] < 0.05
    assert drawn["memorisation"]["copies"] == 0
    assert found["left_out"].keys() == {"validity", "novel_pairs", "new_pairs"}  # the last as in version 0.1
    assert real["by_pixels"]["exact"] == 1
    assert (
        real["by_pixels"]["classifier_agrees"] == real["attribute_accuracy"]["exact"]
    )  # where the classifier is wrong, the pixels are right
    assert drawn["pixel_accuracy"]["snapped_whole"] == 0
    assert found["spread"]["fidelity"]["frechet"] > 0
    assert (found["images"], found["split"], found["sampling"]["steps"], found["averaged"]) == (
        140,
        "validation",
        3,
        True,
    )
    assert found["first_seeds"] == [0, 140]
    told = run(capsys, "evaluate", drawer, "--draws", 2)[1]
    for title in (
        "all attributes correct",
        "Fréchet distance",
        "exact copies of training images",
        "most often missed",
    ):
        assert title in told


def test_real_images_get_the_best_figures(perfect):
    assert perfect["attribute_accuracy.recall"] > 0.5  # its classifier trained for four passes
    assert perfect["by_pixels.exact"] == 1
    assert perfect["pixel_art.in_palette"] == 1


def leaves(tree, path=""):
    """Each number with its path."""
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{path}{name}.")
        elif value is not None:
            yield f"{path}{name}", value


def noisy(images):
    return np.clip(images + np.random.default_rng(0).integers(-150, 151, images.shape), 0, 255).astype(np.uint8)


def blurred(images):
    padded = np.pad(images.astype(float), ((0, 0), (0, 0), (1, 1), (1, 1)), mode="edge")
    shifts = [padded[:, :, down : down + 8, right : right + 8] for down in range(3) for right in range(3)]
    return np.mean(shifts, axis=0).astype(np.uint8)


def of_others(images):
    return np.roll(images, 1, axis=0)


def repeated(images):
    return np.repeat(images[:1], len(images), axis=0)


def copied(images):
    return DATA.split("train").images[: len(images)]


@pytest.fixture(scope="module")
def perfect(reference):
    """As if a perfect model had drawn them."""
    return dict(leaves(reference.measure(reference.real.images)))


ACCURATE = [
    "attribute_accuracy.exact",
    "attribute_accuracy.recall",
    "attribute_accuracy.precision",
    "by_pixels.exact",
    "classification.score",
]
NEAR = ["fidelity.frechet", "fidelity.coverage", "fidelity.density"]
LOOKS = ["pixel_art.in_palette", "pixel_art.isolated", "pixel_art.colours"]
LOWER_IS_BETTER = (
    "fidelity.frechet",
    "fidelity.kernel",
    "pixel_art.isolated",
    "pixel_art.colours",
    "memorisation.copies",
)
WORSE = {  # the figures that each damage must make worse, and those that it must leave alone
    noisy: ([*ACCURATE, *NEAR, "fidelity.kernel", *LOOKS], []),
    blurred: ([*ACCURATE, *NEAR, "fidelity.kernel", *LOOKS], []),
    of_others: (ACCURATE, [*NEAR, *LOOKS, "memorisation.copies"]),
    repeated: (
        [
            "attribute_accuracy.exact",
            "attribute_accuracy.recall",
            "by_pixels.exact",
            "classification.score",
            "fidelity.frechet",
            "fidelity.coverage",
        ],
        LOOKS[:1],
    ),
    copied: ([*ACCURATE, "memorisation.copies"], LOOKS[:1]),
}


@pytest.mark.parametrize("damage", WORSE, ids=lambda damage: damage.__name__)
def test_figures_move_the_right_way_on_known_damage(reference, perfect, damage):
    damaged = dict(leaves(reference.measure(damage(reference.real.images))))
    worse, alike = WORSE[damage]
    for name in worse:
        assert (damaged[name] > perfect[name]) if name in LOWER_IS_BETTER else (damaged[name] < perfect[name]), name
    for name in alike:
        assert damaged[name] == pytest.approx(perfect[name], abs=1e-3), name
    assert (damaged["memorisation.copies"] == 1) == (damage is copied)
    assert (damaged["memorisation.feature_distance"] < 1e-3) == (damage is copied)


def test_the_frechet_distance_is_that_of_another_computation_on_the_same_features(reference, perfect):
    features = reference.classifier.features(reference.real.images)
    assert perfect["fidelity.frechet"] == pytest.approx(by_eigenvalues(reference._other_features, features), abs=1e-3)


def test_what_was_measured_is_not_measured_again(drawer, classifier, monkeypatch):
    first = evaluate(drawer, count=120, draws=2, steps=2)
    with monkeypatch.context() as patch:
        patch.setattr("noisette.inference.generator.Generator.draw", lambda *_, **__: pytest.fail("it drew again"))
        patch.setattr(ReferenceSet, "measure", lambda *_: pytest.fail("it measured again"))
        assert evaluate(drawer, count=120, draws=2, steps=2) == first
    records = list((drawer / "evaluations").glob("validation-120-seed-*-ddim-2-guidance-2-*"))
    assert len(records) == 2
    with Image.open(records[0] / "drawn.png") as picture:
        assert picture.size == (25 * 8, 5 * 8)


@pytest.mark.parametrize("file", ["drawn.png", "figures-*.json"])
def test_a_record_that_was_cut_short_is_made_again(drawer, classifier, file):
    first = evaluate(drawer, count=121, draws=1, steps=2)
    [path] = (drawer / "evaluations").glob(f"validation-121-*/{file}")
    path.write_bytes(path.read_bytes()[:60])
    for figures in path.parent.glob("figures-*.json"):
        figures.write_text(figures.read_text()[:60])
    assert evaluate(drawer, count=121, draws=1, steps=2) == first
    with Image.open(path.parent / "drawn.png") as picture:
        picture.load()  # whole


def test_a_kept_drawing_is_what_was_drawn(drawer, classifier):
    setup = prepare(drawer, count=28)
    sampling = resolved(setup.generator, steps=2)
    first = setup.draw(sampling, 5)
    assert np.array_equal(prepare(drawer, count=28).draw(sampling, 5), first)
    alone = setup.generator.plan(setup.reference.real.attributes[3:4], seeds=[8], settings=sampling)
    assert np.array_equal(first[3], setup.generator.draw(alone)[0])


def test_figures_of_another_shape_are_taken_again(drawer, classifier):
    first = evaluate(drawer, count=123, draws=1, steps=1)
    [path] = (drawer / "evaluations").glob("validation-123-*/figures-*.json")
    path.write_text("{}")
    assert evaluate(drawer, count=123, draws=1, steps=1) == first


def test_what_a_person_should_know_is_told(capsys, drawer, classifier, tmp_path):
    """An older checkpoint in the place of a damaged one; a classifier that can hardly read."""
    folder = noisette.train(
        parse_recipe(CONDITIONAL, source="t", overrides=[*MANY, "training.steps=430", "samples.every=1"]),
        out=tmp_path / "r",
    ).folder
    newest = max((folder / "checkpoints").glob("step-*.safetensors"))
    newest.write_bytes(newest.read_bytes()[:1000])
    out = run(capsys, "evaluate", folder, "--draws", 1, "--count", 5, "--steps", 1)[1]
    assert "is damaged" in out
    assert "using an older one" in out
    setup = prepare(drawer, count=20)
    blind = replace(
        setup,
        reference=replace(
            setup.reference, classifier=fit_classifier(DATA.split("train").take(np.arange(64)), epochs=1)
        ),
    )
    [note] = evaluate_prepared(blind, resolved(setup.generator, steps=1), draws=1)["notes"]
    assert "so figures by it say little" in note


def test_a_damaged_classifier_is_not_called_missing(capsys, drawer, monkeypatch, tmp_path):
    monkeypatch.setenv("NOISETTE_CACHE", str(tmp_path))
    _, path = fit_and_keep(DATA.split("train").take(np.arange(64)), epochs=1)
    path.rename(path.with_name(f"sprites-{DATA.split('train').fingerprint[:16]}.safetensors"))
    [path] = (tmp_path / "classifiers").iterdir()
    path.write_bytes(path.read_bytes()[:200])
    status, _, err = run(capsys, "evaluate", drawer)
    assert (status, err.count("\n")) == (1, 1)
    assert "is damaged; remove it, or train it again" in err


def test_who_interrupts_is_told_that_nothing_is_lost(capsys, drawer, classifier, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("noisette.inference.generator.Generator.draw", interrupted)
    status, _, err = run(capsys, "evaluate", drawer, "--count", 7)
    assert (status, err) == (130, "interrupted; what was drawn and measured is kept, and the same command goes on\n")


def test_parts_that_were_measured_are_not_measured_again(drawer, classifier, monkeypatch):
    setup = prepare(drawer, count=124)
    sampling = resolved(setup.generator, steps=2)
    taken: list[str] = []
    measure = ReferenceSet.measure

    def told(reference, images, progress, parts):
        taken.extend(parts)
        return measure(reference, images, progress, parts)

    monkeypatch.setattr(ReferenceSet, "measure", told)
    few = setup.figures(sampling, 0, parts=("attribute_accuracy", "pixel_accuracy"))
    assert taken == list(few) == ["attribute_accuracy", "pixel_accuracy"]
    taken.clear()
    more = setup.figures(sampling, 0, parts=("pixel_accuracy", "fidelity"))
    assert taken == ["fidelity"]
    assert more["pixel_accuracy"] == few["pixel_accuracy"]


def test_another_classifier_measures_what_was_drawn_before(drawer, classifier, monkeypatch, tmp_path):
    evaluate(drawer, count=126, draws=1, steps=2)
    monkeypatch.setenv("NOISETTE_CACHE", str(tmp_path))
    other, _ = fit_and_keep(DATA.split("train"), epochs=1)
    monkeypatch.setattr("noisette.inference.generator.Generator.draw", lambda *_, **__: pytest.fail("it drew again"))
    assert evaluate(drawer, count=126, draws=1, steps=2)["classifier"]["weights"] == other.digest != classifier.digest


def test_a_run_without_attributes_is_measured_by_what_is_left(capsys, classifier, tmp_path):
    folder = noisette.train(parse_recipe(TINY, source="t", overrides=MANY), out=tmp_path / "r").folder
    found = json.loads(run(capsys, "evaluate", folder, "--draws", 1, "--json")[1])
    assert found["drawn"]["attribute_accuracy"] is None
    assert found["spread"] is None
    assert found["left_out"]["attribute_accuracy"] == "nothing is asked for"
    assert math.isfinite(found["drawn"]["fidelity"]["frechet"])


def test_pairs_that_were_kept_out_of_the_training_can_be_requested(classifier, tmp_path):
    first, second = DATA.schema.names[1], DATA.schema.names[2]
    pair = [[DATA.schema.attributes[1].values[1], DATA.schema.attributes[2].values[1]]]
    pair = [
        [
            f"{name}={value}" if isinstance(value, str) else name
            for name, value in zip((first, second), pair[0], strict=True)
        ]
    ]
    folder = noisette.train(
        parse_recipe(CONDITIONAL, source="t", overrides=[*MANY, f"dataset.hold_out={json.dumps(pair)}"]),
        out=tmp_path / "r",
    ).folder
    setup = prepare(folder, split="held-out")
    assert 0 < setup.count < 500
    assert (setup.reference.real.attributes[:, [1, 2]] == 1).all()
    assert not (setup.reference.train.attributes[:, [1, 2]] == 1).all(axis=1).any()
    found = evaluate(folder, split="held-out", draws=1)
    assert found["drawn"]["novel_pairs"]["images"] == setup.count
    assert "novel_pairs" not in found["left_out"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--split", "tset"], 'no split "tset"; nearest: test'),
        (["--split", "held-out"], "so it has no held-out images"),
        (["--classifier-epochs", 3], "--classifier-epochs goes with --fit-classifier"),
        (["--fit-classifier", "sprites"], "name the run to evaluate, or the data set"),
        (["--draws", 0], "0 is not in the range"),
        (["--steps", 0], "steps must be"),
        (["--checkpoint", 1], "no checkpoint of step 1 is kept"),
    ],
)
def test_what_cannot_be_evaluated(capsys, drawer, classifier, options, message):
    status, out, err = run(capsys, "evaluate", drawer, *options)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert message in err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--split", "held-out"], 'no split "held-out"'),
        (["--steps", 3], "--steps is of an evaluation"),
        (["--count", 3], "--count is of an evaluation"),
    ],
)
def test_a_classifier_is_not_trained_in_vain(capsys, monkeypatch, options, message):
    monkeypatch.setattr("noisette.evaluation.classifiers.fit_classifier", lambda *_, **__: pytest.fail("it trained"))
    status, _, err = run(capsys, "evaluate", "--fit-classifier", "sprites", *options)
    assert (status, err.count("\n")) == (2, 1)
    assert message in err


def test_a_classifier_that_was_trained_here_goes_before_the_one_that_ships(monkeypatch, tmp_path, classifier):
    monkeypatch.setenv("NOISETTE_CACHE", str(tmp_path))
    monkeypatch.setattr("noisette.evaluation.classifiers._shipped", lambda: tmp_path)
    few = DATA.split("train").take(np.arange(400))
    shipped = fit_classifier(few, epochs=2)
    shipped.save(tmp_path / "a.safetensors")
    write_hashes(tmp_path, ["a.safetensors"])
    assert find_classifier(few, "x").digest == shipped.digest
    mine, _ = fit_and_keep(few, epochs=1)
    assert find_classifier(few, "x").digest == mine.digest != shipped.digest


def test_what_the_pixels_hide_counts_against_nobody(reference):
    """As if nobody could see what the classifier misses in the real images."""
    real, seen = reference.real, reference.classifier.read(reference.real.images)
    seeing = replace(reference, occluded=seen != real.attributes)
    found = seeing.measure(real.images)["attribute_accuracy"]
    assert (found["visible"], found["recall"], found["precision"]) == (1, 1, 1)
    assert found["exact"] == (seen == real.attributes).all(axis=1).mean() < 1
    assert seeing.read_and_compare(real.images)[1].all()


def test_the_real_figures_of_one_run_are_not_those_of_another(drawer, classifier, tmp_path):
    """A run from before palettes and hashes were kept is measured like the rest."""
    old = shutil.copytree(drawer, tmp_path / "old", ignore=lambda *_: ["palette.json", "evaluations"])
    environment = json.loads((old / "environment.json").read_text())
    for name in ("files", SEAL):
        environment.pop(name, None)
    (old / "environment.json").write_text(json.dumps(environment))
    assert (
        evaluate(tmp_path / "old", count=122, draws=1, steps=1)["real"]
        == evaluate(drawer, count=122, draws=1, steps=1)["real"]
    )


def test_one_image_is_described_too(drawer, classifier):
    setup = prepare(drawer, count=1)
    told = describe(evaluate_prepared(setup, resolved(setup.generator, steps=1), draws=2))
    assert "1 images of the validation split" in told


def test_on_the_train_split_the_classifier_is_no_ceiling_and_distances_are_to_others(drawer, classifier):
    setup = prepare(drawer, split="train", count=200)
    assert "no ceiling" in setup.notes[0]
    own = {image.tobytes() for image in setup.reference.real.images}
    assert not own & {image.tobytes() for image in setup.reference.train.images[setup.reference._others_of_train]}


def test_a_classifier_of_what_there_is_not(capsys):
    status, _, err = run(capsys, "evaluate", "--fit-classifier", "cryptopunk")
    assert (status, err.count("\n")) == (2, 1)
    assert "cryptopunks" in err


def test_a_run_without_a_checkpoint(capsys, drawer, classifier, tmp_path):
    (tmp_path / "bare").mkdir()
    for file in drawer.iterdir():
        if file.is_file():
            (tmp_path / "bare" / file.name).write_bytes(file.read_bytes())
    status, _, err = run(capsys, "evaluate", tmp_path / "bare")
    assert (status, err.count("\n")) == (2, 1)
    assert "has no checkpoint yet" in err


def test_data_that_changed_since_the_training(capsys, classifier, tmp_path):
    folder = noisette.train(parse_recipe(CONDITIONAL, source="t", overrides=MANY), out=tmp_path / "r").folder
    recipe = folder / "recipe.toml"
    recipe.write_text(recipe.read_text().replace("count = 2800", "count = 2801"))
    status, _, err = run(capsys, "evaluate", folder)
    assert (status, err.count("\n")) == (2, 1)
    assert "is not the one that" in err
    assert "SHA-256" in err


def test_a_classifier_of_other_images_is_refused(drawer, kept):
    other, _ = fit_and_keep(sprites(400, 8).split("train"), epochs=1)
    with pytest.raises(noisette.RequestError, match="the classifier was trained on other images"):
        evaluate(drawer, classifier=other)


def test_few_images_leave_figures_out(capsys, drawer, classifier):
    found = json.loads(run(capsys, "evaluate", drawer, "--count", 20, "--draws", 1, "--json")[1])
    assert found["left_out"]["fidelity"] == "distances need at least 100 images, not 20"
    assert found["left_out"]["classification"] == "the accuracy score needs at least 128 images, not 20"
    assert found["drawn"]["attribute_accuracy"]["images"] == 20


def test_mean_and_spread_by_hand():
    mean, spread = mean_and_spread([{"a": {"b": 1.0, "c": 2}, "d": None}, {"a": {"b": 3.0, "c": None}, "d": None}])
    assert mean == {"a": {"b": 2.0, "c": 2}, "d": None}
    assert spread == {"a": {"b": pytest.approx(math.sqrt(2)), "c": None}, "d": None}
    assert (find(mean, "a.b"), find(mean, "a.x.y"), find(None, "a")) == (2.0, None, None)
    assert mean_and_spread([{"a": 1.0}])[1] is None


def test_what_decides_a_drawing_decides_under_which_name_it_is_kept(drawer, classifier):
    """Imputation leaves negative attributes out of the guidance, so such drawings are not those without it."""
    setup = prepare(drawer, count=10, split="train", classifier=classifier)
    planner, named = setup.generator.planner, SamplingSettings.of(steps=2, negative={"Earring": 0.3})

    def facts(settings):
        return setup.record(planner.resolve(settings), 0).facts

    assert facts(named) != facts(named.changed(impute=True)) == facts(SamplingSettings.of(steps=2))


def test_a_split_with_fewer_images_than_wanted_is_taken_whole_and_says_so(capsys, drawer, classifier, tmp_path):
    """By whichever verb: `report` measured nothing once, where `evaluate` refused."""
    note = "the validation split gives 140 images, so a draw has these, not 999"
    status, out, err = run(capsys, "evaluate", drawer, "--count", 999, "--draws", 1, "--steps", 1)
    assert (status, err) == (0, "")
    assert f"note: {note}" in out
    assert "140 images of the validation split" in out
    status, out, err = run(capsys, "report", drawer, "--count", 999, "--draws", 1, "--out", tmp_path / "r.html")
    assert (status, err) == (0, "")
    assert f"Note: {note}." in (tmp_path / "r.html").read_text()
    assert not [each for each in prepare(drawer, count=140).notes if "so a draw has" in each]
    with pytest.raises(noisette.RequestError, match="a draw has at least one image, not 0"):
        prepare(drawer, count=0)


def test_the_note_on_a_classifier_that_hardly_reads_is_printed_with_its_figure(capsys, drawer, classifier, monkeypatch):
    monkeypatch.setattr("noisette.evaluation.evaluate._FAIR", 1.01)
    status, out, _ = run(capsys, "evaluate", drawer, "--draws", 1, "--steps", 1)
    assert status == 0
    [note] = [line for line in out.splitlines() if line.startswith("note: the classifier reads")]
    assert re.fullmatch(
        r"note: the classifier reads all attributes right in only \d\.\d\d of the real images, so figures by it say little;"
        " train it longer",
        note,
    )
