"""What each setting of a drawing must leave as it is, and what it must change, in the images of every sampler.

The network's place is taken by a formula that depends on all that it is given, so that the whole takes seconds.
"""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
import torch

import noisette
from noisette.attributes.statistics import count
from noisette.config.recipe import parse_recipe
from noisette.config.sampling import SETTINGS, SamplingSettings
from noisette.data.palette import palette_of
from noisette.diffusion.registry import SAMPLERS, samplers_for
from noisette.inference.engine import Engine
from noisette.inference.generator import in_memory
from noisette.inference.plan import Start
from noisette.model import assemble
from noisette.sampling.presets import Preset, Presets

from ..conftest import CONDITIONAL

SEED, OTHER = 5, 20
GAUSSIAN = samplers_for("cosine")
RECIPE = CONDITIONAL.replace("scale = 2.0", "scale = 1.0")
TIMES = (1.0, 0.75, 0.5, 0.25)
"""Those of four steps evenly in time."""


def closed_form(shape, attributes):
    """A denoiser that answers every request otherwise, and each image of a batch as if it were alone."""
    patterns = torch.randn(16, attributes, *shape, generator=torch.Generator().manual_seed(0))

    def denoise(xt, level, condition):
        asked = patterns[condition.codes + 1, torch.arange(attributes)].sum(1)  # (B, C, H, W)
        return torch.tanh(level.alpha * xt + 0.4 * asked)

    return Engine(lambda: denoise, batch_invariant=True, name="closed form")


@pytest.fixture(scope="module")
def generator():
    dataset = noisette.open_dataset("sprites", size=8, count=200)
    model = assemble(parse_recipe(RECIPE, source="t"), dataset.schema, palette_of(dataset.images))
    found = in_memory(model, model.network().eval(), statistics=count(dataset.schema, dataset.attributes))
    fast = Preset(settings=SamplingSettings.of(sampler="euler", steps=3, churn=2.0, guidance=2.0), nfe=6, figures={})
    presets = Presets(weights="", requests="", fast=fast, balanced=fast, best=fast, fitted={4: TIMES})
    engine = closed_form(model.shape, len(dataset.schema.attributes))
    return replace(found, planner=replace(found.planner, presets=presets), given_engine=engine)


def drawn(generator, sampler, *, seeds=(SEED,), around=None, request="Zombie, -Earring", **settings):
    """The images of some settings; those that are a sampler's own are left out of others."""
    own = {
        name: value
        for name, value in settings.items()
        if name not in ("eta", "churn") or name in SAMPLERS[sampler].takes
    }
    own = {"steps": 4, **own} if "preset" not in own else own
    start, preset = None if around is None else Start.of(around), own.pop("preset", None)
    given = SamplingSettings.of(**{} if preset else {"sampler": sampler}, **own)
    plan = generator.plan(request, seeds=seeds, settings=given, preset=preset, start=start, allow_unseen=True)
    return generator.draw(plan)


WHOLE = {
    "Shirt": "Red",
    "Body": "Tan",
    "Hair": "None",
    "Beard": "None",
    "Eyewear": "None",
    "Mouth": "Smile",
    "Hat": "Cap",
}

SAME = {
    "guidance of scale 1 is none": ({"guidance": 1.0}, {}),
    "guidance at every level is guidance": ({"guidance": 3.0, "interval": (0.0, 1.0)}, {"guidance": 3.0}),
    "guidance at no level is none": ({"guidance": 3.0, "interval": (0.0, 0.0)}, {}),
    "nothing is rescaled": ({"guidance": 3.0, "rescale": 0.0}, {"guidance": 3.0}),
    "of what is not guided nothing is rescaled": ({"rescale": 0.7, "interval": (0.2, 0.4)}, {}),
    "a weight as the whole has it": ({"guidance": 3.0, "weights": {"Body": 3.0}}, {"guidance": 3.0}),
    "a weight of 1 without guidance": ({"weights": {"Body": 1.0}}, {}),
    "away from something by nothing": ({"negative": {"Hat=Crown": 0.0}}, {}),
    "no eta": ({"eta": 0.0}, {}),
    "no churn": ({"churn": 0.0}, {}),
    "churn has a limit": ({"churn": 2.0}, {"churn": 200.0}),
    "as it is without a palette": ({"palette": False}, {}),
    "fitted levels that are those of the rule": ({"spacing": "fitted"}, {"spacing": "time"}),
    "one step is one estimate": ({"steps": 1, "spacing": "karras", "eta": 0.5, "churn": 3.0}, {"steps": 1}),
    "a preset is what it says": ({"preset": "fast"}, {"sampler": "euler", "steps": 3, "churn": 2.0, "guidance": 2.0}),
    "nothing is left to impute": ({"request": "whole", "impute": True}, {"request": "whole"}),
    "what is imputed is not led away from": ({"impute": True, "negative": {"Blush": 2.0}, "request": "no Blush"}, {"impute": True, "request": "no Blush"}),
    "a variation by nothing is the other image": ({"around": (SEED, 0.0), "seeds": [OTHER]}, {}),
    "a variation by all is the own image": ({"around": (OTHER, 1.0)}, {}),
    "and so with eta and churn": ({"around": (SEED, 0.0), "seeds": [OTHER], "eta": 0.7, "churn": 1.0}, {"eta": 0.7, "churn": 1.0}),
    "and so where something is imputed": ({"around": (SEED, 0.0), "seeds": [OTHER], "impute": True}, {"impute": True}),
    "guidance without a request": ({"guidance": 3.0, "request": None}, {"request": None}),
}  # fmt: skip
"""Two ways to say the same."""

OTHERS = {
    "seed": ({"seeds": [OTHER]}, {}),
    "a long seed": ({"seeds": [SEED + 2**32]}, {}),
    "steps": ({"steps": 5}, {}),
    "spacing": ({"spacing": "log-snr"}, {}),
    "karras": ({"spacing": "karras"}, {"spacing": "log-snr"}),
    "guidance": ({"guidance": 3.0}, {}),
    "no request at all": ({"guidance": 0.0}, {}),
    "interval": ({"guidance": 3.0, "interval": (0.0, 0.7)}, {"guidance": 3.0}),
    "rescale": ({"guidance": 3.0, "rescale": 0.9}, {"guidance": 3.0}),
    "weights": ({"weights": {"Body": 4.0}}, {}),
    "negative": ({"negative": {"Hat=Crown": 2.0}}, {}),
    "absent, and away from it": ({"negative": {"Earring": 2.0}}, {}),
    "palette": ({"palette": True}, {}),
    "impute": ({"impute": True, "request": None}, {"request": None}),
    "a variation": ({"around": (OTHER, 0.3)}, {}),
    "towards a seed": ({"around": (OTHER, 0.3), "seeds": [1]}, {"around": (OTHER, 0.3), "seeds": [2]}),
    "a minus": ({"request": "Zombie, -Earring"}, {"request": "Zombie, Earring"}),
}
"""Two ways to say something else."""


def both(generator, sampler, pair):
    whole = {**WHOLE, **{name: False for name in generator.schema.names if name not in WHOLE}}
    for settings in pair:
        chosen = {**settings, **({"request": whole} if settings.get("request") == "whole" else {})}
        yield drawn(generator, chosen.pop("sampler", sampler), **chosen)


@pytest.mark.parametrize("said", SAME)
def test_the_same_said_otherwise_draws_the_same_by_every_sampler(generator, said):
    differing = [name for name in GAUSSIAN if not np.array_equal(*both(generator, name, SAME[said]))]
    assert differing == []


@pytest.mark.parametrize("said", OTHERS)
def test_what_is_said_changes_the_image_of_every_sampler(generator, said):
    equal = [name for name in GAUSSIAN if np.array_equal(*both(generator, name, OTHERS[said]))]
    assert equal == []


def test_samplers_that_are_one_draw_the_same_and_all_others_something_else(generator):
    images = {name: drawn(generator, name).tobytes() for name in GAUSSIAN}
    assert images["euler"] == images["ddim"]
    assert len(set(images.values())) == len(GAUSSIAN) - 1
    one, other = drawn(generator, "ddim", eta=1.0).astype(int), drawn(generator, "ddpm").astype(int)
    assert np.abs(one - other).max() <= 1
    single = {drawn(generator, name, steps=1).tobytes() for name in GAUSSIAN}
    assert len(single) == 1
    for name, setting in (("ddim", "eta"), ("euler", "churn"), ("heun", "churn")):
        assert len({drawn(generator, name, **{setting: value}).tobytes() for value in (0.0, 0.3, 1.0)}) == 3


@pytest.mark.parametrize("sampler", GAUSSIAN)
def test_an_image_depends_on_nothing_beside_it(generator, sampler):
    how = {"guidance": 2.0, "eta": 0.5, "churn": 1.0, "negative": {"Hat=Crown": 0.5}}
    requests, seeds = ["Zombie", "no earring", {}, "Blush"] * 5, [3, 2**40, 5, 7] * 5
    together = drawn(generator, sampler, request=requests, seeds=seeds, **how)
    alone = drawn(generator, sampler, request=requests[17:18], seeds=seeds[17:18], **how)
    assert np.array_equal(alone[0], together[17])
    assert np.array_equal(together[:4], together[4:8])
    varied = drawn(generator, sampler, request=requests, seeds=seeds, around=(9, 0.4), **how)
    one = drawn(generator, sampler, request=requests[17:18], seeds=seeds[17:18], around=(9, 0.4), **how)
    assert np.array_equal(one[0], varied[17])


def test_only_colours_of_the_data_are_on_the_palette(generator):
    for name in GAUSSIAN:
        assert generator.palette.holds(drawn(generator, name, palette=True, steps=3)).all()


def test_every_setting_stands_in_both_tables():
    for table in (SAME, OTHERS):
        named = {name for pair in table.values() for settings in pair for name in settings}
        own = {"eta", "churn"} if table is OTHERS else set()  # of some samplers alone: tested beside them
        assert named | own >= set(SETTINGS) - {"sampler", "times"}


@pytest.mark.parametrize(
    ("settings", "note"),
    [
        (
            {"steps": 1, "sampler": "unipc", "spacing": "karras"},
            "one step is .*, so sampler and spacing change nothing",
        ),
        ({"steps": 2, "sampler": "heun", "churn": 1.0}, "so churn changes nothing"),
        ({"steps": 4, "sampler": "heun", "churn": 50.0}, "in 4 steps churn is at most 1.7, so more changes nothing"),
        ({"rescale": 0.5}, "guidance of scale 1 is the plain request, so rescale changes nothing"),
        ({"guidance": 3.0}, "nothing is asked for that guidance could follow, so guidance changes nothing"),
    ],
)
def test_a_setting_without_effect_is_noted(generator, settings, note):
    noted = generator.plan(seeds=[0], settings=SamplingSettings.of(**settings)).notes
    assert any(re.search(note, each) for each in noted), noted


def test_a_random_request_is_varied_as_its_image_is(generator):
    planner = generator.planner
    other, own = planner.random_request(SEED), planner.random_request(OTHER)
    assert planner.random_request(OTHER, start=Start.of((SEED, 0))) == other
    assert planner.random_request(OTHER, start=Start.of((SEED, 1))) == own
    halfway = planner.random_request(OTHER, start=Start.of((SEED, 0.5)))
    assert 0 < sum(halfway[name] == value for name, value in other.items()) < len(other)
