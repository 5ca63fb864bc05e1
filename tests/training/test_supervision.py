"""Training targets from the data and from a teacher."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch.testing import assert_close

import noisette
from noisette.config.recipe import parse_recipe
from noisette.config.sections import DistillationConfig
from noisette.diffusion.condition import Condition
from noisette.diffusion.denoiser import clipped
from noisette.diffusion.noise import ImageNoise
from noisette.diffusion.samplers import ddim
from noisette.inference.engine import in_pytorch
from noisette.model import assemble
from noisette.training.distillation import recipe_of
from noisette.training.supervision import DataSupervision, TeacherSupervision, initial_weights

from ..conftest import TINY, resolved


def test_the_data_are_their_own_target_and_every_time_is_trained():
    model = assemble(parse_recipe(TINY, source="t"))
    supervision = DataSupervision(model.schedule, 1.0)
    times = supervision.times(1000, 0, torch.Generator().manual_seed(0))
    assert times.dtype == torch.float64
    assert (times > 0).all()
    assert times.max() <= 1
    assert torch.histc(times.float(), 10, 0, 1).tolist() == pytest.approx([100] * 10, abs=1)
    xt, x0, eps, codes = torch.ones(1), torch.zeros(1), torch.ones(1), torch.ones(1, 3)
    assert supervision.target(xt, x0, eps, 0, codes) == (x0, eps)
    assert supervision.model_condition(codes, 0) is codes


@pytest.mark.slow
@pytest.mark.parametrize("scales", [[1.0, 1.0], [1.0, 5.0]])
def test_the_target_is_where_the_teachers_ddim_arrives_and_the_noise_that_fits_it(asked, scales):
    teacher = noisette.load(asked.folder)
    model, engine = teacher.model, in_pytorch(teacher.network, teacher.model.objective)
    supervision = TeacherSupervision(model, engine, DistillationConfig(teacher="t", nfe=2, steps=5, guidance=scales))
    used = set()
    levels = model.schedule.levels(2)
    codes = torch.from_numpy(model.schema.encode([teacher.random_request(seed) for seed in range(3)])).long()
    asked_for = Condition(codes)
    for step in range(4):
        times = supervision.times(3, step, torch.Generator())
        assert times.tolist() == [levels[step % 2].time] * 3
        xt = torch.randn(3, *model.shape, generator=torch.Generator().manual_seed(step))
        x0, eps = supervision.target(xt, xt, xt, step, asked_for)
        level = levels[step % 2]
        assert_close(level.alpha * x0 + level.sigma * eps, xt)
        path = [model.schedule.at(level.time * (5 - index) / 5) for index in range(5)]
        condition = supervision.model_condition(asked_for, step)
        assert torch.equal(condition.codes, codes)
        assert (condition.guidance_scale is not None) == (scales[0] < scales[1])
        scale = condition.guidance_scale[0].item() if scales[0] < scales[1] else 1.0
        assert scales[0] <= scale <= scales[1]
        used.add(scale)
        guidance = resolved(teacher, guidance=scale).guidance
        with torch.no_grad():
            denoise = clipped(
                model.denoiser(engine.denoiser(), asked_for, Condition(torch.full_like(codes, -1)), guidance)
            )
            assert_close(x0, ddim(denoise, xt, path, noise=ImageNoise([])))
    assert len(used) == (4 if scales[0] < scales[1] else 1)


def test_on_a_short_schedule_the_teachers_ddim_visits_its_levels_once_each():
    model = assemble(parse_recipe(TINY, source="t", overrides=["diffusion.steps=20"]))
    supervision = TeacherSupervision(model, None, DistillationConfig(teacher="t", nfe=16, steps=8))
    for step in range(16):
        path = supervision._path(step)
        assert all(now.half_log_snr < then.half_log_snr for now, then in pairwise(path))
        assert all(level.time * 20 == pytest.approx(round(level.time * 20)) for level in path)


def test_a_distilled_model_begins_as_its_teacher_whatever_the_scale(asked):
    teacher = noisette.load(asked.folder)
    student = assemble(recipe_of(asked.recipe, "t", 1), teacher.schema)
    network = student.network().eval()
    network.load_state_dict(initial_weights(teacher.network.state_dict(), network))
    codes = torch.from_numpy(teacher.schema.encode([teacher.random_request(seed) for seed in range(4)])).long()
    xt, times = torch.randn(4, teacher.model.space.channels, 8, 8), torch.full((4,), 0.7)
    with torch.no_grad():
        for scale in (1.0, 2.5):
            assert_close(
                network(xt, times, Condition(codes).with_scale(scale)), teacher.network(xt, times, Condition(codes))
            )
