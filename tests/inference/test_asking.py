"""Conditional runs from end to end: asked for, guided, refused."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import noisette
from noisette.attributes.statistics import count, value_names
from noisette.cli import main
from noisette.config.data import open_data
from noisette.config.recipe import load_recipe, parse_recipe, recipe_names
from noisette.config.sampling import SamplingSettings
from noisette.data.palette import palette_of
from noisette.data.sources.sprites import draw, random_table
from noisette.diffusion.condition import Condition
from noisette.errors import NoisetteError, RequestError
from noisette.files.hashes import SEAL
from noisette.files.images import read_png, save_png
from noisette.inference.engine import in_pytorch
from noisette.inference.generator import in_memory
from noisette.model import assemble
from noisette.store.run import open_run

from ..conftest import CONDITIONAL


@pytest.fixture(scope="module")
def generator(asked):
    return noisette.load(asked.folder)


def run(capsys, *arguments):
    status = main([str(argument) for argument in arguments])
    output = capsys.readouterr()
    return status, output.out, output.err


REQUESTS = ["Zombie, Top Hat", "no earring", "Hair=Mohawk", {}, "blush, bow tie", {"Hat": "None", "Earring": True}]
GUIDED = {"guidance": 2.0, "weights": {"hat": 3.0}, "allow_unseen": True}


@pytest.fixture(scope="module")
def each(generator):
    return generator.generate(REQUESTS * 4, seeds=range(24), **GUIDED)


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(places=st.lists(st.integers(0, 23), min_size=1, max_size=20))
def test_an_image_depends_on_its_own_seed_and_request_alone(generator, each, places):
    drawn = generator.generate([(REQUESTS * 4)[place] for place in places], seeds=places, **GUIDED)
    assert np.array_equal(drawn, each[places])


@pytest.mark.slow
@pytest.mark.parametrize(
    "changed",
    [
        {"request": "Zombie"},
        {"guidance": 4.0},
        {"only": True},
        {"interval": (0.0, 0.4)},
        {"rescale": 0.7},
        {"weights": {"hat": 6}},
        {"negative": {"Blush": 2}},
    ],
    ids=str,
)
def test_everything_that_can_be_said_changes_the_image(generator, changed):
    usual = {"request": "Zombie, Top Hat", "guidance": 2.0, "allow_unseen": True}
    assert not np.array_equal(
        generator.generate(seeds=[5], **usual), generator.generate(seeds=[5], **{**usual, **changed})
    )


def test_a_text_and_a_mapping_draw_the_same(generator):
    text = generator.generate("zombie, no earring", seeds=[1])
    assert np.array_equal(text, generator.generate({"Body": "Zombie", "Earring": False}, seeds=[1]))


def test_nothing_asked_for_is_drawn_too(generator):
    assert np.array_equal(generator.generate(seeds=[1], guidance=1.0), generator.generate({}, seeds=[1], guidance=1.0))


def test_an_empty_request_draws_the_same_alone_and_beside_others(generator):
    together = generator.generate(["Zombie", {}, "Earring", {}], seeds=range(4), guidance=2.0)
    assert np.array_equal(generator.generate({}, seeds=[1, 3], guidance=2.0), together[[1, 3]])


def test_only_makes_the_empty_request_one_for_nothing_worn(generator):
    bare = generator.generate({}, seeds=[0], only=True)
    assert np.array_equal(bare, generator.generate({"Blush": False, "Earring": False, "Bow Tie": False}, seeds=[0]))
    with pytest.raises(RequestError, match="only goes with a request"):
        generator.generate(seeds=[0], only=True)


def evaluations(generator, monkeypatch, request="Zombie", **settings):
    """How many images the network sees at each step, in PyTorch, which fills batches up to 16."""
    seen = []
    engine = in_pytorch(generator.network, generator.model.objective)

    def denoiser():
        denoise = engine.denoiser()

        def counted(xt, level, condition):
            seen.append(len(xt))
            return denoise(xt, level, condition)

        return counted

    monkeypatch.setitem(generator.__dict__, "engine", replace(engine, denoiser=denoiser))
    generator.generate(request, seeds=[0, 1], steps=6, **settings)
    return seen


def test_scale_1_costs_half_of_any_other(generator, monkeypatch):
    assert evaluations(generator, monkeypatch, guidance=1.0) == [16] * 6
    assert evaluations(generator, monkeypatch, guidance=3.0) == [32] * 6
    assert evaluations(generator, monkeypatch, request=None, guidance=3.0) == [16] * 6  # there is nothing to follow


def test_outside_its_interval_guidance_costs_nothing(generator, monkeypatch):
    seen = evaluations(generator, monkeypatch, guidance=3.0, interval=(0.3, 0.8))
    assert set(seen) == {16, 32}


def test_the_image_is_clipped_after_guidance():
    """Under a strong scale the estimate leaves the range of bytes; what a sampler sees never does."""
    recipe = parse_recipe(CONDITIONAL, source="t")
    dataset = noisette.open_dataset("sprites", size=8, count=20)
    model = assemble(recipe, dataset.schema)
    torch.manual_seed(0)
    network = model.network()
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    estimates = []
    drawer = in_memory(model, network.eval())
    settings = SamplingSettings.of(sampler="ddim", steps=4, guidance=30.0)
    plan = drawer.plan(dataset.attributes[:1], seeds=[0], settings=settings)
    drawer.draw(plan, on_step=lambda xt, x0, level: estimates.append(x0))
    assert max(float(x0.abs().max()) for x0 in estimates) == 1.0


@pytest.mark.slow
def test_a_network_learns_to_obey(tmp_path):
    """Shirts of the colour asked for, after a few hundred steps on the smallest sprites."""
    overrides = [
        "dataset.count=1000",
        'dataset.background="#000000"',
        "diffusion.target=image",
        "training.steps=600",
        "training.batch_size=16",
    ]
    recipe = parse_recipe(
        CONDITIONAL,
        source="t",
        overrides=[*overrides, "training.learning_rate=5e-3", "samples.every=100", "network.widths=[16,32]"],
    )
    generator = noisette.load(noisette.train(recipe, out=tmp_path / "r").folder)
    shirts = ["Red", "Blue", "Green", "Yellow"]
    images = generator.generate(
        [{"Shirt": shirts[place % 4]} for place in range(32)], seeds=range(32), steps=8, guidance=1.0
    ).astype(float)
    colours = np.array([[0xC8, 0x40, 0x3C], [0x3A, 0x62, 0xC4], [0x3C, 0x8C, 0x4A], [0xE0, 0xB0, 0x30]])
    chest = images[:, :, -1, 1:3].mean(axis=2)  # (N, 3), where only a shirt is
    nearest = ((chest[:, None] - colours) ** 2).sum(axis=2).argmin(axis=1)
    assert (nearest == np.arange(32) % 4).mean() > 0.9


def test_the_grids_of_epochs_say_what_was_asked_for(asked):
    with Image.open(asked.samples / "epoch-0002.png") as grid:
        said = json.loads(grid.info["noisette"])
        assert said["requests"] == ["Zombie, Top Hat", "no Earring", "Blush, Hair=None", "Zombie, Top Hat"]
        assert grid.mode == "RGB"
        ink = np.asarray(grid).min(axis=2) < 120
        assert ink[-12:].any()  # the last line is text


def test_grids_ask_for_the_validation_split_unless_told(tmp_path):
    recipe = parse_recipe(CONDITIONAL, source="t", overrides=["samples.requests=[]", "training.steps=9"])
    asked = noisette.train(recipe, out=tmp_path / "r")
    with Image.open(asked.samples / "epoch-0001.png") as grid:
        texts = json.loads(grid.info["noisette"])["requests"]
    first = noisette.open_dataset("sprites", size=8, count=60).split("validation")
    assert texts[0].split(", ")[0] == first.schema.decode(first.attributes[0])["Shirt"]


def test_the_schema_and_the_statistics_travel_with_the_run(asked):
    dataset = noisette.open_dataset("sprites", size=8, count=60)
    assert asked.schema == dataset.schema
    assert asked.statistics == count(dataset.schema, dataset.split("train").attributes)


def test_a_picture_with_a_request_is_drawn_again(capsys, asked, tmp_path):
    file = tmp_path / "a.png"
    options = [
        "--attributes",
        "zombie, top hat, no earring",
        "--only",
        "--guidance",
        3,
        "--weight",
        "Hat=2",
        "--exclude",
        "Crown",
        "--exclude",
        "blush=2",
    ]
    status, out, _ = run(
        capsys,
        "generate",
        asked.folder,
        *options,
        "--guidance-interval",
        0.1,
        0.9,
        "--allow-unseen",
        "--out",
        file,
        "--json",
    )
    facts = json.loads(out)
    assert status == 0
    assert facts["attributes"] == {
        "Body": "Zombie",
        "Blush": False,
        "Hat": "Top Hat",
        "Earring": False,
        "Bow Tie": False,
    }
    assert facts["sampling"]["guidance"]["excluded"] == {"Hat=Crown": 0.3, "Blush": 2.0}
    status, out, _ = run(capsys, "regenerate", file, "--run", asked.folder, "--json")
    assert (status, json.loads(out)["identical"]) == (0, True)


@pytest.mark.slow
def test_random_draws_a_plausible_request_by_its_seed(capsys, asked, tmp_path):
    answers = [
        json.loads(
            run(
                capsys,
                "generate",
                asked.folder,
                "--random",
                "--seed",
                seed,
                "--count",
                3,
                "--out",
                tmp_path / "a.png",
                "--overwrite",
                "--json",
            )[1]
        )["attributes"]
        for seed in (1, 1, 2)
    ]
    assert answers[0] == answers[1]
    assert answers[0][1:] == answers[2][:2]  # each image has its own, by its seed
    assert answers[0][0] != answers[0][1]
    assert set(answers[0][0]) >= {"Blush", "Earring", "Bow Tie"}
    assert run(capsys, "generate", asked.folder, "--random", "--count", 2, "--out", tmp_path / "b.png")[1].startswith(
        "seed 0: "
    )
    assert run(capsys, "regenerate", tmp_path / "b.png", "--run", asked.folder)[0] == 0
    run(capsys, "generate", asked.folder, "--random", "--count", 2, "--out", tmp_path / "each")
    assert run(capsys, "regenerate", tmp_path / "each/seed-0001.png", "--run", asked.folder)[0] == 0


def test_attributes_lists_what_can_be_asked_for(capsys, asked):
    status, out, _ = run(capsys, "attributes", asked.folder)
    assert status == 0
    for said in ("counted in the 54 images", "Body (exactly one of)", "any of", "Bow Tie", "never seen with"):
        assert said in out
    facts = json.loads(run(capsys, "attributes", asked.folder, "--json")[1])
    assert sum(facts["choices"]["Hat"].values()) == 54
    assert facts["flags"].keys() == {"Blush", "Earring", "Bow Tie"}


WRONG = [
    (["--attributes", "Top Hatt"], 'no attribute "Top Hatt"; nearest: Top Hat'),
    (
        ["--attributes", "Top Hatt, Zombi"],
        'no attribute "Top Hatt"; nearest: Top Hat, Hat; no attribute "Zombi"; nearest: Zombie (see `noisette attributes`)',
    ),
    (["--attributes", ""], "the request is empty"),
    (["--attributes", "Hat=Sombrero"], "Hat cannot be"),
    (["--attributes", "Zombie, Robot"], "the request contradicts itself: Body is both Zombie and Robot"),
    (["--attributes", "earring=maybe"], "Earring is there or not"),
    (["--attributes", "Zombie", "--random"], "leave --attributes out, or --random"),
    (["--only"], "--only goes with --attributes"),
    (["--allow-unseen"], "--allow-unseen goes with --attributes"),
    (["--weight", "Hat=2"], "Hat has a weight, but nothing is asked of it"),
    (["--attributes", "Top Hat", "--weight", "Hat=2", "--weight", "Hat=3"], "--weight names Hat twice"),
    (["--attributes", "Top Hat", "--weight", "Top Hat=101"], "Hat = 101: a scale lies between 0 and 100"),
    (["--exclude", "None"], '"None" can mean several things; write Beard=None or'),
    (["--guidance", "-1"], "guidance must lie between 0 and 100, not -1"),
    (["--guidance", "nan"], "guidance must lie between 0 and 100, not nan"),
    (["--weight", "Hat"], '--weight "Hat" is not NAME=NUMBER'),
    (["--weight", "7"], '--weight "7" is not NAME=NUMBER'),
    (["--exclude", "7"], 'no attribute "7"'),
    (["--weight", "Hatt=3"], 'no attribute "Hatt"; nearest: Hat'),
    (["--exclude", "Earing"], 'no attribute "Earing"; nearest: Earring'),
    (["--exclude", "Hat"], "which Hat? Name one, such as Hat=None"),
    (["--guidance-interval", "0.9", "0.1"], "guidance works between two noise levels"),
    (["--guidance-rescale", "2"], "rescale must lie between 0 and 1"),
]


@pytest.mark.parametrize(("options", "message"), WRONG, ids=[" ".join(options)[:40] for options, _ in WRONG])
def test_a_wrong_request_gets_one_line_and_status_2(capsys, asked, tmp_path, options, message):
    status, out, err = run(capsys, "generate", asked.folder, *options, "--out", tmp_path / "a.png")
    assert (status, out) == (2, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert message in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--attributes", "Zombie"], "was trained without attributes, so it cannot be asked for Zombie"),
        (["--guidance", "2"], "was trained without attributes, so there is nothing to guide by"),
        (["--random"], "was trained without attributes, so no request can be drawn"),
        (["--exclude", "Blush"], "trained without"),
        (["--guidance-rescale", "0.5"], "was trained without attributes, so there is nothing to guide by"),
        (["--guidance-interval", "0.1", "0.5"], "was trained without attributes, so there is nothing to guide by"),
    ],
)
def test_an_unconditional_run_says_that_it_is_one(capsys, trained, tmp_path, options, message):
    status, _, err = run(capsys, "generate", trained.folder, *options, "--out", tmp_path / "a.png")
    assert (status, err.count("\n"), message in err) == (2, 1, True), err
    status, _, err = run(capsys, "attributes", trained.folder)
    assert (status, "was trained without attributes" in err) == (2, True)


def test_a_wrong_request_is_refused_before_pytorch_is_loaded(asked):
    program = "import sys\nfrom noisette.cli import main\nstatus = main(sys.argv[1:])\nsys.exit(status if 'torch' not in sys.modules else 99)"
    command = [sys.executable, "-c", program, "generate", str(asked.folder), "--attributes", "Top Hatt"]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 2


@pytest.mark.slow
def test_who_asks_for_everything_is_told_that_the_images_hardly_differ(capsys, asked, tmp_path):
    """Where a whole request has one image: data whose recipe fills in what is left open."""
    copy, file = tmp_path / "run", tmp_path / "a.png"
    shutil.copytree(asked.folder, copy)
    environment = json.loads((copy / "environment.json").read_text())
    for hashes in ("files", SEAL):  # a run of the version before had none
        del environment[hashes]
    (copy / "environment.json").write_text(json.dumps(environment))
    recipe = asked.recipe
    open_run(copy).write_recipe(recipe.model_copy(update={"sampling": recipe.sampling.changed(impute=True)}))
    generator = noisette.load(copy)
    whole = ", ".join(f"{name}={value}" for name, value in generator.random_request(3).items())
    options = ["generate", copy, "--overwrite", "--out", file]
    assert "specifies every attribute" in run(capsys, *options, "--count", 2, "--attributes", whole)[2]
    assert run(capsys, *options, "--count", 1, "--attributes", whole)[2] == ""
    assert run(capsys, *options, "--count", 2, "--attributes", "Zombie")[2] == ""
    assert (
        run(capsys, "generate", asked.folder, "--complete", *options[2:], "--count", 2, "--attributes", whole)[2] == ""
    )


def _without_the_last(attributes):
    return attributes[:-1]


def _two_names_exchanged(attributes):
    names = [attribute["name"] for attribute in attributes]
    earring, tie = names.index("Earring"), names.index("Bow Tie")
    attributes[earring]["name"], attributes[tie]["name"] = "Bow Tie", "Earring"
    return attributes


@pytest.mark.parametrize("change", [_without_the_last, _two_names_exchanged])
def test_a_schema_that_does_not_match_the_weights_is_refused(capsys, asked, tmp_path, change):
    shutil.copytree(asked.folder, tmp_path / "r")
    schema = json.loads((tmp_path / "r/schema.json").read_text())
    schema["attributes"] = change(schema["attributes"])
    (tmp_path / "r/schema.json").write_text(json.dumps(schema))
    with pytest.raises(NoisetteError, match=r"schema\.json is damaged: its SHA-256 is not the one"):
        noisette.load(tmp_path / "r")
    status, _, err = run(capsys, "attributes", tmp_path / "r")
    assert (status, err.count("\n"), "noisette resume" in err) == (1, 1, True)  # which makes it anew from the data


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"request": 7}, "a request is a text or a mapping of names to values, not int"),
        ({"request": [7]}, "a request is a text or a mapping of names to values, not int"),
        ({"request": "Zombie", "guidance": "3"}, "guidance must be a number, not '3'"),
        ({"request": "Zombie", "guidance": 10**400}, "guidance is too large"),
        ({"request": "Zombie", "weights": {"Body": "3"}}, "Body must be a number, not '3'"),
        ({"request": "Zombie", "weights": ["Body"]}, "weights map names to numbers"),
        ({"request": "Zombie", "negative": "Crown"}, "negative map names to numbers"),
        ({"request": "Zombie", "weights": {7: 3.0}}, "the names in weights are text, not 7"),
        ({"weights": {"Body": 3}}, "Body has a weight, but nothing is asked of it"),
        ({"interval": 0.5}, "interval is two noise levels"),
        ({"interval": ()}, "interval is two noise levels"),
        ({"steps": "5"}, "steps must be a whole number, not '5'"),
        ({"steps": 2.5}, "steps must be a whole number, not 2.5"),
        ({"eta": "x"}, "eta must be a number, not 'x'"),
        ({"sampler": 5}, "a sampler is a name, not 5"),
        ({"seeds": 5}, "seeds are a sequence of whole numbers, one for each image, such as range(4), not 5"),
        ({"seeds": None}, "seeds are a sequence of whole numbers"),
        ({"request": "Zombie", "weights": {"Body": 3, "Zombie": 5}}, "Body and Zombie stand for the same"),
        ({"request": "Zombie", "weights": {"Hat": 3}}, "Hat has a weight, but nothing is asked of it"),
        (
            {"request": "Zombie", "negative": {"Zombie": 2}},
            "Body=Zombie is excluded, and is asked for or follows from what is",
        ),
        ({"request": "Zombie", "negative": {"Crown": -1}}, "the strength of an exclusion lies between 0 and 100"),
        ({"request": "Zombie", "seeds": [2**63]}, "a seed must be a whole number, 0 or more, and below"),
        ({"request": "Zombie", "seeds": []}, "at least one seed"),
    ],
    ids=str,
)
def test_python_gets_the_same_clear_errors(generator, options, message):
    with pytest.raises(RequestError) as error:
        generator.generate(**{"seeds": [0], **options})
    assert message in str(error.value)


def test_numbers_of_numpy_are_numbers(generator):
    usual = generator.generate({"Body": "Zombie", "Earring": False}, seeds=[1], guidance=2.0)
    again = generator.generate(
        {"Body": "Zombie", "Earring": np.False_}, seeds=np.array([1]), guidance=np.float32(2), steps=np.int64(3)
    )
    assert np.array_equal(usual, again)
    assert len(repr(generator)) < 200
    with pytest.raises(RequestError, match="a run is named by its folder"):
        noisette.load(None)


def test_with_a_palette_there_are_only_colours_of_the_data(capsys, asked, generator, tmp_path):
    """The sprites were put on no background: transparent pixels stay so."""
    free, snapped = (generator.generate("Zombie", seeds=range(4), palette=palette) for palette in (False, True))
    assert generator.palette.holds(snapped).all()
    assert not generator.palette.holds(free).all()
    assert set(np.unique(snapped[:, 3])) <= {0, 255}
    file = tmp_path / "a.png"
    status, out, _ = run(
        capsys, "generate", asked.folder, "--attributes", "Zombie", "--palette", "--count", 4, "--out", file, "--json"
    )
    assert (status, json.loads(out)["palette"]) == (0, True)
    assert run(capsys, "regenerate", file, "--run", asked.folder)[0] == 0
    with pytest.raises(RequestError, match="digits knows no palette: its data are grey"):
        noisette.load("digits").generate("7", seeds=[0], palette=True)


def test_a_damaged_palette_is_one_line(asked, tmp_path):
    shutil.copytree(asked.folder, tmp_path / "r")
    for text in ("[]", '{"colours": 3}', '{"colours": ["ff"]}', '{"colours": []}', "x"):
        (tmp_path / "r/palette.json").write_text(text)
        with pytest.raises(NoisetteError, match="palette.json is damaged"):
            noisette.load(tmp_path / "r")


def test_an_option_that_others_share_can_be_excluded(capsys, asked, tmp_path):
    options = [
        "--exclude",
        "Hat=None",
        "--exclude",
        "Beard=None=0.5",
        "--count",
        1,
        "--out",
        tmp_path / "a.png",
        "--json",
    ]
    status, out, _ = run(capsys, "generate", asked.folder, *options)
    assert status == 0
    assert json.loads(out)["sampling"]["guidance"]["excluded"] == {"Hat=None": 0.3, "Beard=None": 0.5}


def test_a_picture_that_nobody_named_is_not_written_over(capsys, asked, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for _ in range(3):
        assert run(capsys, "generate", asked.folder, "--count", 1)[0] == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "asked-seed-0.png",
        "asked-seed-0~2.png",
        "asked-seed-0~3.png",
    ]
    shutil.copytree(asked.folder, tmp_path / "a~b")
    for name in ("a~b-seed-0.png", "a~b-seed-0~2.png"):
        assert run(capsys, "generate", "a~b", "--count", 1)[1] == f"{name}\n"


def test_a_picture_that_asks_for_a_huge_one_is_refused(capsys, asked, tmp_path):
    file = tmp_path / "a.png"
    run(capsys, "generate", asked.folder, "--count", 1, "--out", file)
    image, said = read_png(file)
    save_png(file, image, {**said, "seeds": list(range(2048)), "scale": 64, "columns": 1})
    status, _, err = run(capsys, "regenerate", file, "--run", asked.folder)
    assert (status, err.count("\n"), "too large" in err) == (2, 1, True)
    status, _, err = run(
        capsys,
        "generate",
        asked.folder,
        "--count",
        16,
        "--scale",
        64,
        "--steps",
        60,
        "--gif",
        "--out",
        tmp_path / "b.png",
    )
    assert (status, "a GIF of 16 images enlarged 64 times is too large" in err) == (2, True)


def test_a_seed_too_large_is_one_line(capsys, asked, tmp_path):
    for seed in (2**63, 10**20):
        status, _, err = run(
            capsys, "generate", asked.folder, "--seed", seed, "--count", 1, "--out", tmp_path / "a.png"
        )
        assert (status, err.count("\n"), "a seed must be" in err) == (2, 1, True)
    assert not (tmp_path / "a.png").exists()


def test_a_run_that_never_saw_part_of_a_request_says_so(tmp_path):
    recipe = parse_recipe(
        CONDITIONAL, source="t", overrides=["condition.null=single", "condition.drop_each=0.0", "training.steps=2"]
    )
    generator = noisette.load(noisette.train(recipe, out=tmp_path / "r").folder)
    [note] = generator.parse("Zombie").notes
    assert "what is not mentioned may come out as absent" in note
    assert generator.parse(generator.random_request(0)).notes == ()


@pytest.mark.parametrize("name", ["schema.json", "statistics.json"])
def test_a_damaged_table_is_one_line(asked, tmp_path, name):
    shutil.copytree(asked.folder, tmp_path / "r")
    (tmp_path / "r" / name).write_text('{"attributes": 3}')
    with pytest.raises(NoisetteError, match=f"{name} is damaged"):
        noisette.load(tmp_path / "r")


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["network.condition=[]"], "sampling.guidance: without network.condition there is nothing to ask for"),
        (
            ["condition.drop_all=0.0"],
            "condition.drop_all: guidance needs a network that also learned to draw without a request",
        ),
        (
            ["condition.null=single"],
            "condition.drop_each: with null = single one unknown attribute looks like an absent one",
        ),
        (['network.condition=["add","add"]'], "network.condition: add, add names a conditioning mechanism twice"),
        (['network.condition=["glue"]'], "network.condition"),
        (
            ["network.condition=[]", "samples.guidance=1.0", "samples.guidance_rescale=0.5"],
            "sampling.guidance: without network.condition",
        ),
        (
            ["diffusion.target=noise", "diffusion.weighting=clamped-snr"],
            "diffusion.weighting: clamped-snr counts errors of the image",
        ),
        (
            ['dataset.groups={ears=["Earring"]}'],
            'dataset.groups.ears = ["Earring"]: has 1 names; a group has two or more',
        ),
        (['dataset.hold_out=[["Earring"]]'], 'dataset.hold_out.0 = ["Earring"]: has 1 names; a pair has two'),
        (
            ["samples.guidance_interval=[0.8,0.2]"],
            "sampling.guidance: guidance works between two noise levels from 0 to 1, the lower first, not 0.8 and 0.2",
        ),
        (['samples.requests=["Zombi"]'], 'no attribute "Zombi"; nearest: Zombie'),
        (['dataset.groups={ears=["Earring","Blushh"]}'], 'the member "Blushh", which is no flag; nearest: Blush'),
        (['dataset.groups={ears=["Earring","Blush"]}'], "has both Blush and Earring, so ears cannot be a group"),
        (['dataset.hold_out=[["Earring","Blushh"]]'], 'no attribute "Blushh"; nearest: Blush'),
    ],
)
def test_a_recipe_that_cannot_be_trained_by_attributes_says_why(tmp_path, overrides, message):
    with pytest.raises(RequestError) as error:
        noisette.train(parse_recipe(CONDITIONAL, source="t", overrides=overrides), out=tmp_path / "r")
    assert message in str(error.value)
    assert not (tmp_path / "r").exists()


def test_a_missing_label_is_learned_as_unknown_and_never_as_the_first_class(monkeypatch, tmp_path):
    dataset = noisette.open_dataset("sprites", size=8, count=60)
    table = dataset.attributes.copy()
    table[7, 0] = -1

    def opened(table):
        return lambda *args, **kwargs: replace(dataset, attributes=table)

    monkeypatch.setattr("noisette.config.data.open_dataset", opened(table))
    run = noisette.train(parse_recipe(CONDITIONAL, source="t", overrides=["training.steps=2"]), out=tmp_path / "r")
    shirts = [
        count
        for (name, _), count in zip(value_names(run.schema), run.statistics.counts, strict=True)
        if name == "Shirt"
    ]
    train = dataset.places("train")
    assert shirts == np.bincount(table[train, 0][table[train, 0] >= 0], minlength=len(shirts)).tolist()
    assert sum(shirts) == len(train) - 1
    table[:, 0] = -1
    monkeypatch.setattr("noisette.config.data.open_dataset", opened(table))
    with pytest.raises(RequestError, match="no image has a label for Shirt"):
        noisette.train(parse_recipe(CONDITIONAL, source="t"), out=tmp_path / "other")


def test_pairs_that_are_held_out_are_never_trained_on(tmp_path):
    recipe = parse_recipe(
        CONDITIONAL,
        source="t",
        overrides=['dataset.hold_out=[["Earring","Blush"],["Zombie","Cap"]]', "dataset.count=400", "training.steps=2"],
    )
    run = noisette.train(recipe, out=tmp_path / "r")
    names = value_names(run.schema)

    def together(first, second):
        return run.statistics.together[names.index(first)][names.index(second)]

    assert together(("Earring", True), ("Blush", True)) == 0
    assert together(("Body", "Zombie"), ("Hat", "Cap")) == 0
    assert together(("Earring", True), ("Bow Tie", True)) > 0


@pytest.mark.slow
def test_a_conditional_training_resumes_to_the_bit(tmp_path):
    from noisette.training.callback import NullCallback

    class Dying(NullCallback):
        def on_step(self, info):
            if info.step == 13:
                raise ZeroDivisionError

    recipe = parse_recipe(CONDITIONAL, source="t")
    whole = noisette.train(recipe, out=tmp_path / "whole")
    with pytest.raises(ZeroDivisionError):
        noisette.train(recipe, out=tmp_path / "killed", callback=Dying())
    killed = noisette.resume(tmp_path / "killed")
    one, other = (run.checkpoint()[0].tensors("average") for run in (whole, killed))
    assert all(torch.equal(tensor, other[name]) for name, tensor in one.items())


@pytest.mark.slow
@pytest.mark.parametrize("name", recipe_names())
def test_every_recipe_makes_a_network_for_its_data(name):
    recipe = load_recipe(name)
    dataset = open_data(load_recipe(name, ["dataset.count=20"]) if recipe.dataset.name == "sprites" else recipe)
    palette = palette_of(dataset.images)
    model = assemble(recipe, dataset.schema, palette)
    outputs = len(palette.colours) if recipe.diffusion.target == "palette" else model.space.channels
    condition = Condition(torch.full((2, len(dataset.schema.attributes)), -1)) if recipe.conditional else None
    network = model.network().eval()
    with torch.inference_mode():
        answer = network(torch.zeros(2, *model.noisy_shape), torch.tensor([0.1, 0.9]), condition)
    assert answer.shape == (2, outputs, *model.size)


@pytest.mark.slow
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_a_punk_of_named_colours_does_not_depend_on_its_batch(threads, scale):
    recipe = load_recipe("punks-attributes")
    dataset = open_data(recipe)
    model = assemble(recipe, dataset.schema, palette_of(dataset.images))
    torch.manual_seed(0)
    network = model.network()
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    drawer, rows = in_memory(model, network.eval()), dataset.attributes[:19]
    settings = SamplingSettings.of(sampler="ddim", steps=2, guidance=scale, impute=False)
    torch.set_num_threads(threads)
    try:
        together = drawer.draw(drawer.plan(rows, seeds=range(19), settings=settings))
        for places in ([0], [7, 2], range(3, 19)):
            plan = drawer.plan(rows[list(places)], seeds=list(places), settings=settings)
            assert np.array_equal(drawer.draw(plan), together[list(places)])
    finally:
        torch.set_num_threads(1)


@pytest.mark.slow
def test_what_is_left_open_is_filled_in_by_the_seed_of_each_image(capsys, asked, tmp_path):
    generator = noisette.load(asked.folder)
    together = generator.generate("Zombie", seeds=range(20), impute=True)
    assert np.array_equal(generator.generate("Zombie", seeds=[17, 4], impute=True), together[[17, 4]])
    assert not np.array_equal(generator.generate("Zombie", seeds=range(20)), together)
    whole = generator.random_request(3)  # leaves nothing open, so there is nothing to fill in
    assert np.array_equal(
        generator.generate(whole, seeds=range(3), impute=True), generator.generate(whole, seeds=range(3))
    )
    file = tmp_path / "a.png"
    status, out, _ = run(
        capsys, "generate", asked.folder, "--complete", "--exclude", "Earring", "--count", 3, "--out", file, "--json"
    )
    assert (status, json.loads(out)["sampling"]["complete"]) == (0, True)
    told = json.loads(out)["filled"]
    assert len(told) == 3
    assert not any("Earring" in each for each in told)
    status, out, _ = run(capsys, "regenerate", file, "--run", asked.folder, "--json")
    assert (status, json.loads(out)["identical"]) == (0, True)


def test_a_picture_says_what_was_filled_in_and_is_drawn_again_by_that(capsys, asked, tmp_path):
    """Other statistics would fill in something else."""
    copy, file = tmp_path / "run", tmp_path / "a.png"
    shutil.copytree(asked.folder, copy)
    environment = json.loads((copy / "environment.json").read_text())
    for hashes in ("files", SEAL):  # a run of the version before had none
        del environment[hashes]
    (copy / "environment.json").write_text(json.dumps(environment))
    assert run(capsys, "generate", copy, "--complete", "--attributes", "Zombie", "--count", 4, "--out", file)[0] == 0
    statistics = json.loads((copy / "statistics.json").read_text())
    everyone = [[statistics["images"]] * len(statistics["together"]) for _ in statistics["together"]]
    (copy / "statistics.json").write_text(json.dumps({**statistics, "together": everyone, "seen": ""}))
    assert noisette.load(copy).random_request(0) != noisette.load(asked.folder).random_request(0)
    assert run(capsys, "regenerate", file)[0] == 0


def test_a_plan_whose_imputed_attributes_were_changed_is_refused(asked):
    generator = noisette.load(asked.folder)
    whole = generator.plan("Zombie", seeds=[1, 2], settings=SamplingSettings.of(impute=True))
    assert whole.imputed is not None
    drawn = generator.generate("Zombie", seeds=[1, 2], impute=True)
    assert np.array_equal(generator.draw(generator.planner.replan(whole)), drawn)
    assert np.array_equal(generator.draw(whole.alone(1)), drawn[1:])
    other = {**whole.imputed[0], "Body": "Robot"}
    for wrong in (whole.imputed[:1], ({}, {}), (other, other), ({"Nobody": True}, {})):
        with pytest.raises(RequestError):
            generator.planner.replan(whole.model_copy(update={"imputed": wrong}))


def test_random_requests_keep_away_from_what_is_excluded(capsys, asked, tmp_path):
    arguments = [
        "generate",
        asked.folder,
        "--random",
        "--exclude",
        "Earring",
        "--count",
        30,
        "--out",
        tmp_path / "a.png",
        "--json",
    ]
    status, out, _ = run(capsys, *arguments)
    assert status == 0
    assert not any(each["Earring"] for each in json.loads(out)["attributes"])


def test_what_is_imputed_is_not_pushed_away_from_what_it_has_not(generator):
    """Away from a thing that no request has, guidance would only leave its ghost."""
    settings = SamplingSettings.of(impute=True, negative={"Earring": 1.0})
    plan = generator.plan(seeds=[5], settings=settings)
    row = generator.draw(plan)
    request = generator.schema.decode(generator.planner.codes(plan)[0])
    assert request["Earring"] is False
    assert np.array_equal(generator.generate(request, seeds=[5]), row)


def test_impute_is_a_yes_or_a_no(asked):
    with pytest.raises(RequestError, match="impute is True or False, not 'no'"):
        noisette.load(asked.folder).generate(seeds=[0], impute="no")


def test_a_variation_keeps_a_part_of_what_was_filled_in(asked):
    generator = noisette.load(asked.folder)
    same = generator.generate("Zombie", seeds=range(20, 23), impute=True, variation=(7, 0.0))
    assert np.array_equal(same, generator.generate("Zombie", seeds=[7] * 3, impute=True))
    other = generator.generate("Zombie", seeds=range(20, 23), impute=True, variation=(7, 1.0))
    assert np.array_equal(other, generator.generate("Zombie", seeds=range(20, 23), impute=True))


def test_nothing_is_filled_in_of_a_run_without_attributes(trained):
    with pytest.raises(RequestError, match="trained without attributes, so none can be imputed"):
        noisette.load(trained.folder).generate(seeds=[0], impute=True)


def test_sprites_of_requests_can_be_checked_by_their_pixels():
    """What the data say of themselves: the table and the pictures agree, so that obedience can be measured."""
    from noisette.data.sources.sprites import SCHEMA, read
    from noisette.evaluation.attribute_accuracy import attribute_accuracy

    table = random_table(100, 3)
    assert attribute_accuracy(table, read(draw(table, 16)), SCHEMA).exact == 1
