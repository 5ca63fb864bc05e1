"""A plan as a command and as Python: both make the plan again."""

from __future__ import annotations

import shlex

from hypothesis import given
from hypothesis import strategies as st

from noisette.cli.common import understood as as_settings
from noisette.cli.drawing import _start, generate
from noisette.config.sampling import SamplingSettings
from noisette.inference.loading import planner_of
from noisette.inference.plan import Start
from noisette.inference.snippets import command, python
from noisette.store.locate import locate

CALLBACK = generate.callback
PUNKS = planner_of(locate("punks"), locate("punks").weights())
SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "sampler": st.sampled_from(["ddim", "euler", "unipc"]),
        "steps": st.integers(1, 40),
        "guidance": st.floats(0, 5),
        "weights": st.just({"Earring": 2.5}),
        "negative": st.just({"beard=Goat": 0.4}),
        "impute": st.booleans(),
        "palette": st.booleans(),
    },
)
STARTS = st.builds(Start, around=st.integers(0, 99), strength=st.floats(0, 1)) | st.just(Start())


class Recorder:
    """Takes the arguments of `generate` in the place of a generator."""

    def generate(self, request=None, *, seeds, variation=None, **settings):
        start = Start() if variation is None else Start.of(variation)
        self.plan = PUNKS.plan(request, seeds=list(seeds), settings=SamplingSettings.of(**settings), start=start)


@given(SETTINGS, STARTS, st.integers(0, 99), st.integers(1, 3))
def test_the_python_of_a_plan_makes_it_again(settings, start, seed, count):
    seeds = range(seed, seed + count)
    plan = PUNKS.plan("Female, Earring", seeds=seeds, settings=SamplingSettings.of(**settings), start=start)
    usual = PUNKS.resolve(SamplingSettings.of(sampler=plan.sampling.sampler))
    said, recorder = python("Female, Earring", plan, usual), Recorder()
    assert said.startswith("import noisette\n\ngenerator = noisette.load('punks')\n")
    exec(said.split("\n")[-1], {"generator": recorder})
    assert recorder.plan == plan


@given(SETTINGS, STARTS)
def test_the_command_of_a_plan_makes_it_again(settings, start):
    plan = PUNKS.plan("Female, Earring", seeds=[4, 5], settings=SamplingSettings.of(**settings), start=start)
    usual = PUNKS.resolve(SamplingSettings.of(sampler=plan.sampling.sampler))
    program, verb, *words = shlex.split(command("Female, Earring", plan, usual))
    assert (program, verb) == ("noisette", "generate")
    understood = {}
    with generate.make_context("generate", words) as context:
        context.command.callback = lambda **params: understood.update(params)
        try:
            context.command.invoke(context)
        finally:
            context.command.callback = CALLBACK
    seed, count = understood["seed"], understood["count"]
    assert (
        PUNKS.plan(
            understood["asked"],
            seeds=range(seed, seed + count),
            settings=SamplingSettings.of(**as_settings(understood["given"], PUNKS.schema)),
            start=_start(understood["vary"]),
        )
        == plan
    )
