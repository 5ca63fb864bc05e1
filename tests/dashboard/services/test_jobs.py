"""Commands as processes, and names of runs."""

from __future__ import annotations

import pytest

from noisette.dashboard.services.jobs import Jobs, free_name, new_run, stop, tail
from noisette.errors import RequestError

pytestmark = pytest.mark.usefixtures("own_cache")


@pytest.mark.parametrize("name", ["../elsewhere", "a/b", "", ".hidden", "x" * 200, "mine\n"])
def test_a_name_of_a_run_never_leaves_the_folder(tmp_path, name):
    with pytest.raises(RequestError):
        new_run(tmp_path, name)


def test_a_name_that_is_taken_is_not_taken_again(tmp_path):
    (tmp_path / "mine").mkdir()
    with pytest.raises(RequestError, match="already"):
        new_run(tmp_path, "mine")
    assert free_name(tmp_path, "mine") == "mine-2"
    assert not stop(tmp_path / "mine")


@pytest.mark.slow
def test_a_job_that_fails_leaves_its_reason(tmp_path):
    jobs = Jobs()
    job = jobs.start("bad", ["train", "nonsense"], tmp_path / "logs" / "bad.log")
    job.process.wait(timeout=60)
    assert job.state == "failed"
    assert tail(job.log, 1).startswith('error: no recipe "nonsense"')
