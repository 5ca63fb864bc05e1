"""A student learns where its teacher arrives, at the few levels that its sampler visits."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

import noisette
from noisette.cli import main
from noisette.config.recipe import parse_recipe
from noisette.config.sections import DistillationConfig
from noisette.errors import NoisetteError, RequestError
from noisette.inference.engine import Engine, in_pytorch
from noisette.sampling.resolve import nfe
from noisette.store.run import open_run
from noisette.training.distillation import recipe_of

from ..conftest import CONDITIONAL, TINY, resolved
from .helpers import Interrupting


def run(capsys, *arguments):
    status = main([str(argument) for argument in arguments])
    output = capsys.readouterr()
    return status, output.out, output.err


@pytest.mark.slow
def test_a_student_comes_near_its_teacher_in_one_evaluation(asked, tmp_path):
    teacher = noisette.load(asked.folder)
    requests = [teacher.random_request(seed) for seed in range(40)]
    slow = teacher.generate(requests, seeds=range(40), sampler="ddim", steps=4, guidance=2.0).astype(float)
    before = teacher.generate(requests, seeds=range(40), sampler="ddim", steps=1, guidance=2.0)
    settings = ["training.learning_rate=3e-3", "training.batch_size=20", "samples.every=1000", "distillation.steps=4"]
    student = noisette.load(
        noisette.distil(
            asked.folder, nfe=1, guidance=2.0, steps=100, out=tmp_path / "student", settings=settings
        ).folder
    )
    assert (resolved(student).steps, resolved(student).guidance.scale) == (1, 2.0)
    after = student.generate(requests, seeds=range(40))
    assert np.square(after - slow).mean() < 0.6 * np.square(before - slow).mean()


@pytest.mark.slow
def test_it_is_a_run_like_any_other_and_goes_on_after_a_kill(capsys, asked, tmp_path):
    settings = [
        "training.batch_size=6",
        "training.layout=contiguous",
        "training.precision=float32",
    ]  # what is measured may come out differently
    given = [part for setting in settings for part in ("--set", setting)]
    status, out, err = run(
        capsys, "distil", asked.folder, "--nfe", 2, "--steps", 12, "--out", tmp_path / "whole", *given, "--json"
    )
    assert status == 0, err
    assert json.loads(out)["run"] == str(tmp_path / "whole")
    with pytest.raises(ZeroDivisionError):
        noisette.distil(
            asked.folder, out=tmp_path / "cut", callback=Interrupting(9), nfe=2, steps=12, settings=settings
        )
    noisette.resume(tmp_path / "cut")
    whole, cut = (open_run(tmp_path / name).checkpoint()[0].tensors("network") for name in ("whole", "cut"))
    assert all(torch.equal(tensor, cut[name]) for name, tensor in whole.items())
    assert run(capsys, "generate", tmp_path / "whole", "--count", 1, "--out", tmp_path / "a.png")[0] == 0


@pytest.mark.slow
def test_what_cannot_be_distilled_is_told(asked, tmp_path):
    student = noisette.distil(asked.folder, steps=1, out=tmp_path / "student")
    for guidance in (None, 5.0):
        with pytest.raises(RequestError, match="is distilled itself; distil its teacher"):
            noisette.distil(student.folder, steps=1, out=tmp_path / "other", guidance=guidance)
    with pytest.raises(RequestError, match="a distilled model draws in 1 to 16 network evaluations, not 0"):
        noisette.distil(asked.folder, nfe=0, steps=1, out=tmp_path / "other")
    with pytest.raises(RequestError, match="exists; choose another place"):
        noisette.distil(asked.folder, steps=1, out=student.folder)
    with pytest.raises(ZeroDivisionError):
        noisette.distil(asked.folder, steps=9, out=tmp_path / "cut", callback=Interrupting(5))
    weights = tmp_path / "cut/teacher.safetensors"
    whole = weights.read_bytes()
    for damaged in (b"not much", whole[:-1] + bytes([whole[-1] ^ 1])):
        weights.write_bytes(damaged)
        with pytest.raises(NoisetteError, match=r"teacher\.safetensors is damaged: its SHA-256"):
            noisette.resume(tmp_path / "cut")
    weights.unlink()
    with pytest.raises(NoisetteError, match=r"cannot read .*teacher\.safetensors"):
        noisette.resume(tmp_path / "cut")


@pytest.mark.slow
def test_a_teacher_that_hardly_counted_the_noisiest_level_is_learned_from_all_the_same(tmp_path):
    """By min-snr that level weighs a millionth, so that in one step the teacher itself draws next to nothing."""
    settings = [
        "diffusion.target=image",
        "diffusion.weighting=min-snr",
        "training.steps=150",
        "training.batch_size=20",
        "training.learning_rate=3e-3",
    ]
    teacher = noisette.load(
        noisette.train(parse_recipe(CONDITIONAL, source="t", overrides=settings), out=tmp_path / "teacher").folder
    )
    requests = [teacher.random_request(seed) for seed in range(40)]
    slow = teacher.generate(requests, seeds=range(40), sampler="ddim", steps=4).astype(float)
    before = teacher.generate(requests, seeds=range(40), sampler="ddim", steps=1)
    settings = ["training.learning_rate=3e-3", "training.batch_size=20", "samples.every=1000", "distillation.steps=4"]
    student = noisette.load(
        noisette.distil(teacher.name, steps=100, out=tmp_path / "student", settings=settings).folder
    )
    after = student.generate(requests, seeds=range(40))
    assert np.square(after - slow).mean() < 0.7 * np.square(before - slow).mean()


@pytest.mark.slow
def test_a_student_is_drawn_as_it_learned(asked, tmp_path):
    student = noisette.load(noisette.distil(asked.folder, nfe=4, steps=1, out=tmp_path / "student").folder)
    for steps in (1, 2, 4):
        assert student.generate("Zombie", seeds=[0], steps=steps).shape[0] == 1
    for settings in ({"steps": 3}, {"steps": 8}, {"sampler": "unipc"}, {"spacing": "karras"}):
        with pytest.raises(
            RequestError,
            match="is distilled to 4 levels evenly in time; draw in as many steps, or a part of them, by ddim or lcm",
        ):
            student.generate("Zombie", seeds=[0], **settings)


@pytest.mark.slow
def test_what_must_stay_as_the_teacher_has_it_cannot_be_set(asked, tmp_path):
    for setting in ("network.widths=[8, 8]", "dataset.count=30", "distillation.nfe=3"):
        with pytest.raises(
            RequestError,
            match="is the teacher's; of a distilled model, training, sampling, samples, condition.drop_... and distillation.steps can be set",
        ):
            noisette.distil(asked.folder, steps=1, out=tmp_path / "student", settings=[setting])
    with pytest.raises(
        RequestError, match="sampling: a distilled model draws as it learned, by ddim in 1 steps evenly in time"
    ):
        noisette.distil(asked.folder, steps=1, out=tmp_path / "student", settings=["samples.steps=4"])
    assert not (tmp_path / "student").exists()
    run = noisette.distil(asked.folder, steps=1, out=tmp_path / "student")
    with pytest.raises(
        RequestError, match="is the recipe of a distilled model; make another one with `noisette distil"
    ):
        noisette.train(str(run.folder / "recipe.toml"), out=tmp_path / "again")
    assert not (tmp_path / "again").exists()
    (run.folder / "teacher.safetensors").unlink()
    noisette.resume(run.folder)  # it is finished, and needs it no more


def test_a_teacher_that_answers_with_the_noise_is_refused(tmp_path):
    recipe = parse_recipe(TINY, source="t", overrides=["diffusion.target=noise", "training.steps=1"])
    teacher = noisette.train(recipe, out=tmp_path / "teacher")
    with pytest.raises(RequestError, match="answers with the noise, from which one step cannot tell an image"):
        noisette.distil(teacher.folder, steps=1, out=tmp_path / "student")


def test_a_guided_interval_and_rescale_are_learned_too(asked, tmp_path):
    guided = asked.recipe.sampling.changed(interval=(0.2, 0.8), rescale=0.5)
    recipe = asked.recipe.model_copy(update={"sampling": guided})
    found = recipe_of(recipe, "t", 2).distillation
    assert (found.guidance, found.guidance_interval, found.guidance_rescale) == ([1.0, 4.0], [0.2, 0.8], 0.5)


@pytest.mark.slow
def test_the_scale_of_guidance_is_told_to_the_student_and_costs_nothing(asked, tmp_path):
    teacher = noisette.load(asked.folder)
    settings = ["training.learning_rate=3e-3", "training.batch_size=20", "samples.every=1000", "distillation.steps=2"]
    student = noisette.load(
        noisette.distil(asked.folder, guidance=6.0, steps=900, out=tmp_path / "student", settings=settings).folder
    )
    requests = [teacher.random_request(seed) for seed in range(60)]

    def drawn(generator, steps):
        return [
            generator.generate(requests, seeds=range(60), sampler="ddim", steps=steps, guidance=scale).astype(float)
            for scale in (1.0, 6.0)
        ]

    wanted, learned = drawn(teacher, 2), drawn(student, 1)
    far = [[np.square(image - other).mean() for other in wanted] for image in learned]
    assert far[0][0] < 0.97 * far[1][0]
    change, right = (strong - weak for weak, strong in (learned, wanted))
    assert (change * right).sum() > 0.2 * np.linalg.norm(change) * np.linalg.norm(right)
    sampling = resolved(student, guidance=3.0)
    assert nfe(sampling, student.model.recipe) == 1
    assert nfe(resolved(teacher, steps=1, guidance=3.0), teacher.model.recipe) == 2
    shown: list[tuple[float, ...]] = []
    denoiser = in_pytorch(student.network, student.model.objective).denoiser()

    def counted(xt, level, condition):
        shown.append(tuple(condition.guidance_scale.tolist()))
        return denoiser(xt, level, condition)

    counting = replace(student, given_engine=Engine(lambda: counted, True, "counted"))
    codes = np.zeros((2, len(student.schema.attributes)), dtype=np.int16)
    counting.draw(counting.plan(codes, seeds=[0, 1], settings=sampling))
    assert shown == [(3.0, 3.0)]


@pytest.mark.slow
def test_a_student_takes_the_scales_that_it_learned_and_no_other_guidance(asked, tmp_path):
    student = noisette.load(noisette.distil(asked.folder, guidance=3.0, steps=1, out=tmp_path / "student").folder)
    assert student.generate("Zombie", seeds=[0], guidance=1.0, negative={"Blush": 0.3}).shape[0] == 1
    with pytest.raises(RequestError, match="draws as it learned; leave the preset out"):
        student.generate("Zombie", seeds=[0], preset="fast")
    for scale in (0.5, 3.5):
        with pytest.raises(RequestError, match="is distilled at scales from 1 to 3, not"):
            student.generate("Zombie", seeds=[0], guidance=scale)
    for settings in ({"weights": {"Body": 2}}, {"interval": (0.2, 0.8)}, {"rescale": 0.5}):
        with pytest.raises(RequestError, match="learned guidance by its scale alone"):
            student.generate("Zombie", seeds=[0], **settings)
    with pytest.raises(RequestError, match="this model learned scales from 1 to 3"):
        noisette.distil(asked.folder, guidance=3.0, steps=1, out=tmp_path / "other", settings=["samples.guidance=5"])
    with pytest.raises(RequestError, match="learned guidance by its scale alone"):
        noisette.distil(asked.folder, steps=1, out=tmp_path / "other", settings=["samples.guidance_rescale=0.5"])
    assert nfe(resolved(student, negative={"Blush": 0.3}), student.model.recipe) == 2


@pytest.mark.parametrize(
    ("usual", "learned"), [(1.0, [1.0, 1.0]), (2.0, [1.0, 4.0]), (60.0, [1.0, 100.0]), (0.5, [0.5, 1.0])]
)
def test_the_scales_that_are_learned_hold_that_of_the_recipe(asked, usual, learned):
    recipe = asked.recipe.model_copy(update={"sampling": asked.recipe.sampling.changed(guidance=usual)})
    found = recipe_of(recipe, "t", 1)
    assert (found.distillation.guidance, found.sampling.guidance.scale) == (learned, usual)


@pytest.mark.slow
def test_where_requests_are_filled_in_a_student_learns_whole_ones_alone(asked, tmp_path):
    recipe = asked.recipe.model_copy(update={"sampling": asked.recipe.sampling.changed(impute=True)})
    shutil.copytree(asked.folder, tmp_path / "filling")
    open_run(tmp_path / "filling").write_recipe(recipe)
    student = noisette.load(
        noisette.distil(tmp_path / "filling", guidance=3.0, steps=1, out=tmp_path / "student").folder
    )
    condition = student.model.recipe.condition
    assert (condition.drop_all, condition.drop_each) == (0.0, 0.0)
    assert student.generate("Zombie", seeds=[0], guidance=2.0).shape[0] == 1  # filled in, and the scale is an input
    [note] = student.parse("Zombie").notes
    assert "only trained on whole requests" in note
    kept = noisette.distil(tmp_path / "filling", steps=1, out=tmp_path / "kept", settings=["condition.drop_each=0.1"])
    assert kept.recipe.condition.drop_each == 0.1


def test_scales_that_are_no_range_are_refused():
    for scales in ([4.0, 1.0], [2.0, 2.0]):
        with pytest.raises(ValueError, match="the least scale first, and two different ones"):
            DistillationConfig(teacher="t", nfe=1, guidance=scales)


@pytest.mark.slow
def test_a_finished_student_whose_checkpoints_are_gone_learns_from_its_teacher_again(asked, tmp_path):
    run_ = noisette.distil(
        asked.folder, guidance=3.0, steps=3, out=tmp_path / "student", settings=["training.layout=contiguous"]
    )
    before = run_.checkpoint()[0].tensors("network")
    for file in run_.checkpoints.iterdir():
        file.unlink()
    after = noisette.resume(run_.folder).checkpoint()[0].tensors("network")
    assert all(torch.equal(tensor, after[name]) for name, tensor in before.items())
