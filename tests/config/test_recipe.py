from __future__ import annotations

import re
from importlib import resources

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from noisette.config.recipe import Recipe, dump_recipe, lengthened, load_recipe, parse_recipe, recipe_names
from noisette.config.sections import DatasetSection, seconds
from noisette.errors import RequestError
from noisette.networks.registry import check_size

DATASET = TypeAdapter(DatasetSection)
PUNKS = resources.files("noisette.recipes").joinpath("punks.toml").read_text(encoding="utf-8")
NOISED = ("diffusion.schedule=cosine", "diffusion.target=velocity", "sampling.sampler=ddim", "network.colour_width=0")
"""What makes a recipe that hides pixels one that noises them."""
SIMPLE = """
dataset = {name = "mnist", size = 16}
network = {kind = "simple_unet"}
diffusion = {}
training = {steps = 3}
"""


def refused(*overrides: str, text: str = PUNKS) -> str:
    with pytest.raises(RequestError) as caught:
        parse_recipe(text, source="x", overrides=overrides)
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize("name", recipe_names())
def test_every_shipped_recipe_loads_and_says_what_it_is(name):
    recipe = load_recipe(name)
    assert recipe.summary
    assert parse_recipe(dump_recipe(recipe), source=name) == recipe


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (['network={kind="report_unet"}'], "diffusion.target: palette needs network.kind = unet"),
        (
            ['diffusion.weighting="min-snr"'],
            "weighting: min-snr weighs squared errors, and a palette target has none; use plain",
        ),
        (['dataset={name="mnist", size=16}'], "diffusion.target: palette needs colours, and mnist is grey"),
    ],
)
def test_a_palette_target_says_what_it_needs(overrides, message):
    assert message in refused('diffusion={target="palette"}', *overrides)


def test_the_recipes_of_the_report_are_shipped():
    assert {"mnist", "punks", "sprites"} <= set(recipe_names())


def test_a_recipe_loads_from_a_file(tmp_path):
    (tmp_path / "mine.toml").write_text(PUNKS)
    assert load_recipe(str(tmp_path / "mine.toml")) == load_recipe("punks")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mnist-reprt", 'no recipe "mnist-reprt"; nearest: mnist-report'),
        ("zzz", 'no recipe "zzz" (see `noisette recipes`)'),
        ("punks.tom", 'no recipe "punks.tom"; nearest: punks'),
        ("none.toml", "the recipe: cannot read none.toml: No such file or directory"),
    ],
)
def test_a_recipe_that_is_not_there_says_what_is(name, message):
    with pytest.raises(RequestError) as caught:
        load_recipe(name)
    assert str(caught.value).startswith(message)


def test_a_file_that_is_no_recipe_is_one_line(tmp_path):
    for content, why in [(b"\xff\xfe", "UTF-8"), (b"[dataset", "is not TOML: "), (b"a = 1\na = 2", "is not TOML: ")]:
        (tmp_path / "bad.toml").write_bytes(content)
        with pytest.raises(RequestError, match=rf"bad\.toml.*{why}") as caught:
            load_recipe(str(tmp_path / "bad.toml"))
        assert "\n" not in str(caught.value)


@st.composite
def recipes(draw: st.DrawFn) -> Recipe:
    levels = draw(st.integers(1, 3))
    attention = draw(st.lists(st.booleans(), min_size=levels, max_size=levels))
    widths = [32 * draw(st.integers(1, 8)) for _ in range(levels)]
    network = draw(
        st.sampled_from(
            [
                {"kind": "simple_unet"},
                {"kind": "unet", "patch": 2, "widths": widths, "attention": attention, "blocks": 1},
            ]
        )
    )
    name = draw(st.sampled_from(["mnist", "cryptopunks", "sprites"]))
    background = draw(st.sampled_from([None, "#638596"])) if name != "mnist" else None
    steps = draw(st.just("continuous") | st.integers(1, 2000))
    length = draw(st.sampled_from([{"budget": "1h30m"}, {"epochs": 3}, {"steps": 10**12}]))
    rates = {"learning_rate": draw(st.floats(0, 10, exclude_min=True)), "ema": draw(st.floats(0, 1, exclude_max=True))}
    return Recipe.model_validate(
        {
            "summary": draw(st.text(st.characters(exclude_categories=["Cs"]))),
            "dataset": {"name": name, "size": {"cryptopunks": 24}.get(name, 16), "background": background},
            "network": network,
            "diffusion": {"steps": steps, "target": draw(st.sampled_from(["noise", "image", "velocity"]))},
            "training": {**length, **rates},
            "sampling": {"steps": 1, "eta": draw(st.floats(0, 1))},
        }
    )


@given(recipes())
@settings(max_examples=60, deadline=None)
def test_what_is_dumped_is_parsed_again(recipe):
    dumped = dump_recipe(recipe)
    assert parse_recipe(dumped, source="dumped") == recipe
    assert dump_recipe(parse_recipe(dumped, source="dumped")) == dumped


def test_a_dump_writes_every_setting_out():
    lines = dump_recipe(load_recipe("punks")).splitlines()
    assert {"ema = 0.999", "head_width = 32", 'pixels = "auto"', "eta = 0.0", 'checkpoint_every = "2m"'} <= set(lines)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("training.stpes=3", "no setting training.stpes; nearest: steps"),
        ("trainig.steps=3", "no setting trainig; nearest: training, sampling"),
        ("network.width=[1]", "no setting network.width; nearest: widths, head_width, pixel_width"),
        (
            "network.unet=1",
            "no setting network.unet; unet takes kind, patch, widths, blocks, attention, head_width, condition, map_channels, pixel_width, pixel_map_channels, colour_width",
        ),
        (
            "dataset.zzz=1",
            "no setting dataset.zzz; dataset takes name, background, pixels, groups, hold_out, size",
        ),
        (
            "zzz=1",
            "no setting zzz; a recipe takes summary, dataset, network, diffusion, condition, training, sampling, samples, distillation, reasons",
        ),
        (
            "a.b.c=1",
            "no setting a; a recipe takes summary, dataset, network, diffusion, condition, training, sampling, samples, distillation, reasons",
        ),
    ],
)
def test_an_unknown_setting_is_named_with_the_nearest(override, message):
    assert refused(override) == message


def test_a_misspelt_section_is_not_called_missing():
    assert refused(text=PUNKS.replace("[training]", "[trainng]")) == "no setting trainng; nearest: training, sampling"
    assert refused(text=PUNKS.replace('name = "crypto', 'nmae = "crypto')) == "no setting dataset.nmae; nearest: name"


def test_the_options_of_a_source_are_settings_of_its_section_and_no_other():
    sprites = 'dataset={name="sprites", cuont=50}'
    assert refused(sprites) == "no setting dataset.cuont; nearest: count"
    assert refused('dataset={name="mnist", cuont=50}') == (
        "no setting dataset.cuont; dataset takes name, background, pixels, groups, hold_out, size"
    )
    assert load_recipe("sprites", ["dataset.count=50", "dataset.seed=3"]).dataset.options.model_dump() == {
        "size": 24,
        "count": 50,
        "seed": 3,
    }
    assert load_recipe("mnist").dataset.options.model_dump() == {"size": 16}


def test_without_a_name_or_with_a_wrong_one_the_options_of_sources_are_not_to_blame():
    assert (
        refused("dataset={size=16, count=30}")
        == "dataset.name is missing; give mnist or cryptopunks or sprites or folder"
    )
    assert refused('dataset={name="sprits", count=30}').startswith(
        'dataset.name: no data set "sprits"; nearest: sprites'
    )
    assert refused('dataset={name="sprits", zzz=30}') == (
        "no setting dataset.zzz; dataset takes name, background, pixels, groups, hold_out"
    )


def test_a_network_is_not_offered_the_settings_of_another():
    assert refused("network.kind=simple_unet") == "no setting network.patch; simple_unet takes kind, condition"


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("diffusion.steps=many", "diffusion.steps = \"many\": must be a whole number or 'continuous'"),
        ("diffusion.steps=1.5", "diffusion.steps = 1.5: must be a whole number or 'continuous'"),
        ("diffusion.steps=true", "diffusion.steps = true: must be a whole number or 'continuous'"),
        ("diffusion.steps=0", "diffusion.steps: there must be 1 to 100000, not 0; or continuous"),
        (
            "diffusion.schedule=cosin",
            "diffusion.schedule = \"cosin\": must be 'linear', 'linear-scaled', 'cosine', 'sigmoid' or 'masked'",
        ),
        ("network.kind=unett", 'network.kind = "unett": must be simple_unet or report_unet or unet'),
        ("network.kind=3", "network.kind = 3: must be simple_unet or report_unet or unet"),
        ("network.kind=none", "network.kind is missing; give simple_unet or report_unet or unet"),
        ("network=none", "network is missing; add a section [network]"),
        ("network=unet", 'network = "unet": must be a section [network]'),
        ("dataset=mnist", 'dataset = "mnist": must be a section [dataset]'),
        ("dataset=none", "dataset is missing; add a section [dataset]"),
        ("dataset.name=none", "dataset.name is missing; give mnist or cryptopunks or sprites or folder"),
        ("dataset.name=[1]", "dataset.name = [1]: must be a text"),
        ("summary=3", "summary = 3: must be a text"),
        ("network.widths=64", "network.widths = 64: must be a list"),
        ('network.widths=[64, "a"]', 'network.widths.1 = "a": must be a whole number'),
        ("network.widths=[2, 64]", "network.widths.0 = 2: must be greater than or equal to 4"),
        ("network.attention=[1, 0]", "network.attention.0 = 1: must be true or false"),
        ('training.batch_size="32"', 'training.batch_size = "32": must be a whole number'),
        ("training.batch_size=32.0", "training.batch_size = 32.0: must be a whole number"),
        ("training.batch_size=true", "training.batch_size = true: must be a whole number"),
        ("training.batch_size=0", "training.batch_size = 0: must be greater than or equal to 1"),
        ("training.learning_rate=nan", "training.learning_rate = NaN: must be a finite number"),
        ("training.learning_rate=fast", 'training.learning_rate = "fast": must be a number'),
        ("training.ema=1", "training.ema = 1: must be less than 1"),
        ("training.budget=5", "training.budget = 5: must be a text"),
        ("training.seed=-1", "training.seed = -1: must be greater than or equal to 0"),
        ("samples.eta=2", "sampling.eta = 2: must be less than or equal to 1"),
    ],
)
def test_a_wrong_value_says_what_would_be_right(override, message):
    assert refused(override) == message


def test_a_long_value_is_not_repeated_in_full():
    assert len(refused(f'training.batch_size="{"long " * 1000}"')) < 200


def test_a_whole_number_will_do_for_a_fraction():
    assert load_recipe("punks", ["training.learning_rate=1"]).training.learning_rate == 1.0


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            ["network.widths=[8, 8, 8, 8, 8]", "network.attention=[false, false, false, false, true]"],
            "network.widths: has 5 levels, but 24 pixels in patches of 2 leave 12, which halves twice; use at most 3",
        ),
        (
            ["dataset.name=sprites", "dataset.size=9", "network.patch=3"],
            "network.widths: has 2 levels, but 9 pixels in patches of 3 leave 3, which cannot be halved; use at most 1",
        ),
        (
            ["dataset.name=sprites", "dataset.size=9", "network.patch=7"],
            "network.patch: 7 does not divide 9 pixels; use 1 or 3",
        ),
        (["network.widths=[64]"], "network.attention: has 2 levels, but widths has 1; give one true or false for each"),
        (["network.widths=[]"], "network.widths: there must be at least one level"),
        (
            ["network.widths=[63, 128]"],
            "network.widths: the first must be even: half of it are sines of the time, half cosines",
        ),
        (
            ["network.head_width=64"],
            "network.head_width: 64 does not divide the 96 channels of a level with attention",
        ),
        (
            [*NOISED, "diffusion.steps=10", "sampling.steps=25"],
            "sampling.steps: 25 are more than the 10 levels of diffusion.steps; use at most those",
        ),
        (
            ["diffusion.steps=10"],
            "diffusion.schedule: masked hides pixels, whose colours are then named; set diffusion.target to palette,"
            " and leave diffusion.steps out",
        ),
        (
            ["sampling.sampler=ddim"],
            "sampling.sampler: ddim does not draw with a schedule that is masked; use unmask",
        ),
        (
            ["sampling.spacing=karras"],
            "sampling: a masked schedule has no noise levels; leave spacing and interval out",
        ),
        (["dataset.size=25"], "dataset.size: cryptopunks can be 24 or 32 pixels wide, not 25"),
        (["dataset.name=sprites", "dataset.size=65"], "dataset.size: sprites can be 8 to 64 pixels wide, not 65"),
        (
            ["dataset.name=mnits"],
            'dataset.name: no data set "mnits"; nearest: mnist, sprites; there are mnist, cryptopunks, sprites, and any folder of images',
        ),
        (["dataset.size=16x24"], 'dataset.size = "16x24": must be a whole number'),
        *(
            (
                [f"sampling.guidance.interval={wrong}"],
                "sampling.guidance.interval: give two noise levels from 0 to 1, such as [0.2, 0.8]",
            )
            for wrong in ("[0.1]", "[0.1, 0.2, 0.3]", "0.1")
        ),
        (["dataset.count=100"], "no setting dataset.count; nearest: background"),
        (
            ["sampling.guidance.weights={type=2}"],
            "sampling.guidance.weights: belong to a request; say them when you draw",
        ),
        (
            [*NOISED, "dataset.name=mnist", "dataset.background=none", "sampling.palette=true"],
            "sampling.palette: mnist is grey, and has no palette; leave it out",
        ),
        (
            ["dataset.name=sprites", "dataset.size=16x65"],
            "dataset.size: sprites can be 8 to 64 pixels wide and high, not 16x65",
        ),
        (
            ["dataset.name=sprites", "dataset.size=16x25", "network.patch=8"],
            "network.patch: 8 does not divide 25 pixels; use 1 or 5",
        ),
        (["dataset.name=sprites", "dataset.count=0"], "dataset.count: cannot make 0 sprites; count must be at least 1"),
        (
            ["dataset.name=sprites", "dataset.count=19"],
            "dataset.name: sprites has 19 images; training needs at least 20",
        ),
        (["dataset.name=sprites", "dataset.count=2.5"], "dataset.count = 2.5: must be a whole number"),
        (["dataset.name=sprites", "dataset.seed=-1"], "dataset.seed: a seed cannot be -1; it must be 0 or more"),
        (["dataset.background=red"], 'dataset.background: "red" is not a colour; write it as #rrggbb'),
        (["dataset.background=#12345g"], 'dataset.background: "#12345g" is not a colour; write it as #rrggbb'),
        (["dataset.name=mnist"], "dataset.background: mnist has no alpha to put on one; leave it out"),
        (
            ["dataset.pixels=premultiplied"],
            "dataset.pixels: premultiplied needs alpha; leave the background out, or use colours",
        ),
        (
            ["dataset.background=none", "dataset.pixels=colours"],
            "dataset.pixels: colours would learn colours that nobody sees under alpha 0; use premultiplied, or choose a background",
        ),
        (["training.budget=none"], "training.budget: give exactly one of budget, epochs and steps, not none"),
        (["training.budget=often"], 'training.budget: "often" is not a duration; write 90s, 30m, 1h or 1h30m'),
        (["training.budget="], 'training.budget: "" is not a duration; write 90s, 30m, 1h or 1h30m'),
        (["training.budget=0s"], 'training.budget: "0s" leaves no time; write 90s, 30m, 1h or 1h30m'),
        (["training.checkpoint_every=5"], "training.checkpoint_every = 5: must be a text"),
        (
            ["training.checkpoint_every=5 m"],
            'training.checkpoint_every: "5 m" is not a duration; write 90s, 30m, 1h or 1h30m',
        ),
    ],
)
def test_what_cannot_be_says_where_and_what_could(overrides, message):
    assert refused(*overrides) == message


def test_two_lengths_in_a_file_are_refused():
    twice = PUNKS.replace('budget = "30m"', 'budget = "30m"\nepochs = 3')
    assert refused(text=twice) == "training.budget: give exactly one of budget, epochs and steps, not budget and epochs"


def test_the_reports_network_halves_twice():
    assert (
        refused("dataset.size=18", text=SIMPLE)
        == "dataset.size: simple_unet halves its image twice, so 4 must divide the size, not 18"
    )
    assert parse_recipe(SIMPLE, source="x").dataset.shape == (1, 16, 16)


def test_a_line_break_in_a_recipe_does_not_break_the_message():
    assert (
        refused(text=SIMPLE + '"a\\nb" = 1')
        == "no setting a b; a recipe takes summary, dataset, network, diffusion, condition, training, sampling, samples, distillation, reasons"
    )
    assert "is not TOML" in refused(text=SIMPLE + "x")


@settings(deadline=None)
@given(side=st.integers(1, 70), levels=st.integers(1, 7), patch=st.integers(1, 8))
def test_the_advice_on_sizes_is_right_and_can_be_followed(side, levels, patch):
    problem = check_size(side, levels=levels, patch=patch)
    if problem and problem.startswith("patch"):
        for advised in map(int, problem.partition("use ")[2].split(" or ")):
            assert check_size(side, levels=1, patch=advised) is None
    elif problem:
        most = int(problem.rpartition(" ")[2])
        assert check_size(side, levels=most, patch=patch) is None
        assert check_size(side, levels=most + 1, patch=patch) is not None


@pytest.mark.parametrize(
    ("override", "section", "field", "value"),
    [
        ("training.batch_size=32", "training", "batch_size", 32),
        (" training.batch_size = 32 ", "training", "batch_size", 32),
        ("training.learning_rate=1e-3", "training", "learning_rate", 1e-3),
        ("training.budget=10m", "training", "budget", "10m"),
        ("training.budget= 10m", "training", "budget", "10m"),
        ('training.budget="10m"', "training", "budget", "10m"),
        ("dataset.background=#000000", "dataset", "background", "#000000"),
        ("dataset.background=none", "dataset", "background", None),
        ("network.attention=[true, true]", "network", "attention", [True, True]),
        ("diffusion.steps=50", "diffusion", "steps", 50),
        ("diffusion.allow_residual_signal=true", "diffusion", "allow_residual_signal", True),
        ("samples.sampler=ddpm", "sampling", "sampler", "ddpm"),
    ],
)
def test_a_setting_is_written_as_in_toml_or_as_a_bare_word(override, section, field, value):
    assert getattr(getattr(load_recipe("sprites", [override]), section), field) == value


def test_settings_may_hold_an_equals_sign_and_the_last_one_counts():
    assert load_recipe("punks", ["summary=a=b"]).summary == "a=b"
    assert load_recipe("punks", ["training.seed=1", "training.seed=2"]).training.seed == 2
    assert load_recipe("punks", ["summary=none"]).summary == ""


@pytest.mark.parametrize("override", ["", "=", "=3", "training.steps", "training..steps=3", ".steps=3", "training.=3"])
def test_what_is_not_a_setting_and_a_value_says_how_to_write_one(override):
    assert refused(override) == f'"{override}" is not KEY=VALUE, such as training.batch_size=32'


def test_a_setting_inside_a_setting_is_refused():
    assert refused("training.budget.minutes=3") == "training.budget.minutes: budget is a setting, not a section"


@pytest.mark.parametrize(
    ("override", "length"),
    [
        ("training.epochs=3", (None, 3, None)),
        ("training.steps=4", (None, None, 4)),
        ("training.budget=5s", ("5s", None, None)),
    ],
)
@pytest.mark.parametrize("name", ["punks", "mnist-report"])
def test_one_length_replaces_another(name, override, length):
    training = load_recipe(name, [override]).training
    assert (training.budget, training.epochs, training.steps) == length


def test_leaving_a_length_out_that_is_not_there_changes_nothing():
    assert load_recipe("punks", ["training.steps=none", "training.epochs=none"]) == load_recipe("punks")
    assert load_recipe("punks", ["training.epochs=3", "training.budget=none"]).training.epochs == 3


def test_lengths_given_apart_become_one_setting():
    assert lengthened(None, None, None) == []
    assert load_recipe("punks", lengthened("90s", None, None)).training.budget == "90s"
    assert load_recipe("punks", lengthened(None, 3, None)).training.epochs == 3
    assert load_recipe("punks", lengthened(None, None, 3)).training.steps == 3
    with pytest.raises(RequestError, match="^give at most one of budget, epochs and steps$"):
        lengthened("90s", None, 3)


@pytest.mark.parametrize("name", ["none", "5", '1"m', "m", ""])
def test_a_budget_given_apart_that_is_no_duration_is_refused(name):
    with pytest.raises(RequestError, match="is not a duration; write 90s, 30m, 1h or 1h30m$"):
        load_recipe("punks", lengthened(name, None, None))


@pytest.mark.parametrize(
    ("written", "meant"),
    [("90s", 90), ("30m", 1800), ("1h", 3600), ("1.5h", 5400), ("1h30m", 5400), ("1h2m3s", 3723), ("0.5s", 0.5)],
)
def test_durations_are_read(written, meant):
    assert seconds(written) == meant


@settings(deadline=None)
@given(st.integers(0, 99), st.integers(0, 99), st.integers(1, 99))
def test_mixed_durations_add_up(hours, minutes, rest):
    assert seconds(f"{hours}h{minutes}m{rest}s") == 3600 * hours + 60 * minutes + rest


@pytest.mark.parametrize(
    "written",
    [
        "",
        "5",
        "m",
        "-5m",
        "5 m",
        "5M",
        "1d",
        "1e3s",
        "infs",
        "nans",
        "1h ",
        "1h\n",
        ".5h",
        "5.h",
        "1,5h",
        "٣m",
        "0s",
        "0h0m",
        "9" * 400 + "h",
    ],
)
def test_what_is_not_a_duration_is_refused(written):
    with pytest.raises(ValueError, match="write 90s, 30m, 1h or 1h30m"):
        seconds(written)


def test_the_pixel_space_follows_from_alpha():
    assert load_recipe("punks").dataset.space == "colours"
    assert load_recipe("punks").dataset.image_channels == 3
    with_alpha = load_recipe("punks", ["dataset.background=none"]).dataset
    assert (with_alpha.space, with_alpha.shape) == ("premultiplied", (4, 24, 24))
    assert load_recipe("mnist").dataset.image_channels == 1


def test_the_shape_is_that_of_the_images_as_trained_on():
    assert load_recipe("punks").dataset.shape == (3, 24, 24)
    assert load_recipe("punks", ["dataset.background=none", "dataset.size=32"]).dataset.shape == (4, 32, 32)
    assert load_recipe("mnist", ["dataset.size=16"]).dataset.shape == (1, 16, 16)
    oblong = DATASET.validate_python({"name": "sprites", "size": "16x24", "background": "#000000"})
    assert oblong.shape == (3, 24, 16)


def test_a_recipe_does_not_change():
    with pytest.raises(ValueError, match="frozen"):
        load_recipe("punks").training.seed = 3


def test_every_message_names_its_field_once():
    for override in [
        "training.batch_size=0",
        "network.patch=9",
        "diffusion.steps=x",
        "samples.zzz=1",
        "dataset.size=1",
    ]:
        field = override.partition("=")[0]
        assert len(re.findall(rf"(?<!\w){re.escape(field)}(?!\w)", refused(override))) == 1
