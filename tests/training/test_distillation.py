"""A student learns where its teacher arrives, at the few levels that its sampler visits."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from torch.testing import assert_close

import noisette
from noisette.cli import main
from noisette.config import DistillationConfig
from noisette.diffusion.denoiser import clipped
from noisette.diffusion.noise import ImageNoise
from noisette.diffusion.samplers import ddim
from noisette.engine import in_pytorch
from noisette.errors import NoisetteError, RequestError
from noisette.training.lessons import FromTeacher
from noisette.training.run import open_run

from .test_training import Interrupting


def run(capsys, *arguments):
    status = main([str(argument) for argument in arguments])
    output = capsys.readouterr()
    return status, output.out, output.err


def test_what_is_wanted_is_the_end_of_the_teachers_way_and_the_noise_that_fits_it(asked):
    teacher = noisette.load(asked.folder)
    model, engine = teacher.model, in_pytorch(teacher.network, teacher.model.objective)
    lesson = FromTeacher(model, engine, DistillationConfig(teacher="t", evaluations=2, steps=5, guidance=2.0))
    levels = model.schedule.levels(2)
    codes = torch.from_numpy(model.schema.encode([teacher.random_request(seed) for seed in range(3)])).long()
    for step in range(4):
        times = lesson.times(3, step, torch.Generator())
        assert times.tolist() == [levels[step % 2].time] * 3
        xt = torch.randn(3, model.space.channels, model.side, model.side, generator=torch.Generator().manual_seed(step))
        x0, eps = lesson.wanted(xt, xt, xt, step, codes)
        level = levels[step % 2]
        assert_close(level.alpha * x0 + level.sigma * eps, xt)
        path = [model.schedule.at(level.time * (5 - index) / 5) for index in range(5)]
        guidance = teacher.sampling(guidance=2.0).guidance
        with torch.no_grad():
            denoise = clipped(model.denoiser(engine.denoiser(), codes, torch.full_like(codes, -1), guidance))
            assert_close(x0, ddim(denoise, xt, path, noise=ImageNoise([])))


def test_a_student_comes_near_its_teacher_in_one_evaluation(asked, tmp_path):
    teacher = noisette.load(asked.folder)
    requests = [teacher.random_request(seed) for seed in range(40)]
    slow = teacher.generate(requests, seeds=range(40), sampler="ddim", steps=8, guidance=2.0).astype(float)
    before = teacher.generate(requests, seeds=range(40), sampler="ddim", steps=1, guidance=2.0)
    settings = ["training.learning_rate=3e-3", "training.batch_size=20", "samples.every=1000"]
    student = noisette.load(noisette.distil(asked.folder, evaluations=1, guidance=2.0, steps=150, out=tmp_path / "student", settings=settings).folder)
    assert (student.sampling().steps, student.sampling().guidance.scale) == (1, 1.0)
    after = student.generate(requests, seeds=range(40))
    assert np.square(after - slow).mean() < 0.6 * np.square(before - slow).mean()


def test_it_is_a_run_like_any_other_and_goes_on_after_a_kill(capsys, asked, tmp_path):
    status, out, err = run(
        capsys, "distil", asked.folder, "--evaluations", 2, "--steps", 12, "--out", tmp_path / "whole", "--set", "training.batch_size=6", "--json"
    )
    assert status == 0, err
    assert json.loads(out)["run"] == str(tmp_path / "whole")
    with pytest.raises(ZeroDivisionError):
        noisette.distil(asked.folder, out=tmp_path / "cut", watcher=Interrupting(9), evaluations=2, steps=12, settings=["training.batch_size=6"])
    noisette.resume(tmp_path / "cut")
    whole, cut = (open_run(tmp_path / name).checkpoint()[0].tensors("network") for name in ("whole", "cut"))
    assert all(torch.equal(tensor, cut[name]) for name, tensor in whole.items())
    assert run(capsys, "generate", tmp_path / "whole", "--count", 1, "--out", tmp_path / "a.png")[0] == 0


def test_what_cannot_be_distilled_is_told(asked, tmp_path):
    student = noisette.distil(asked.folder, steps=1, out=tmp_path / "student")
    with pytest.raises(RequestError, match="is a student itself; distil its teacher"):
        noisette.distil(student.folder, steps=1, out=tmp_path / "other")
    with pytest.raises(RequestError, match="a student draws in 1 to 16 evaluations, not 0"):
        noisette.distil(asked.folder, evaluations=0, steps=1, out=tmp_path / "other")
    with pytest.raises(RequestError, match="exists; choose another place"):
        noisette.distil(asked.folder, steps=1, out=student.folder)
    (student.folder / "teacher.safetensors").write_bytes(b"not much")
    with pytest.raises(NoisetteError, match=r"cannot read .*teacher\.safetensors"):
        noisette.resume(student.folder)
