"""What a run says of itself in status.json and environment.json, as types: nothing that they hold is believed else."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from noisette.files.hashes import Sha256

MOST_STEPS = 2**53
"""Of a training, and of what counts as it does; as many as JSON's numbers tell apart everywhere."""
MOST_SECONDS = 1e10
"""Of a training: three centuries."""

Count = Annotated[int, Field(ge=0, le=MOST_STEPS)]
Seconds = Annotated[float, Field(ge=0, le=MOST_SECONDS)]
Words = Annotated[str, Field(max_length=1000)]


class _Facts(BaseModel):
    """What a file says of a run; more than is known here is taken, as a later version wrote it."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True, allow_inf_nan=False)


class Status(_Facts):
    """Where a training stands.

    Attributes:
        state: new, running, finished, stopped or failed.
        step: Steps taken.
        epoch: Of the last step.
        progress: Share of the budget that is spent.
        seconds: Of training.
        loss: The running average; None before the first.
        validation_loss: Of images that are not trained on, at the last grid of samples; None before the first.
        images_per_second: The running average.
        skipped: Steps without a finite loss.
        pid: Of the process that wrote it.
        updated: When that was, in seconds since the epoch.
    """

    state: Annotated[str, Field(max_length=20)]
    step: Count
    epoch: Count = 0
    progress: Annotated[float, Field(ge=0, le=1)]
    seconds: Seconds
    loss: float | None = None
    validation_loss: float | None = None
    images_per_second: Annotated[float, Field(ge=0)]
    skipped: Count = 0
    pid: Count = 0
    updated: Seconds = 0.0


class Data(_Facts):
    """What a run was trained on.

    Attributes:
        name: Of the data set.
        sha256: Its fingerprint.
        train_images: How many it learned from.
    """

    name: Words = ""
    sha256: Sha256
    train_images: Count = 0


class Expected(_Facts):
    """What a training was expected to take when it began.

    Attributes:
        images_per_second: As it was expected.
        by: What told so: a measurement, or an earlier training.
        steps: Of the optimiser.
        seconds: Of wall clock.
    """

    images_per_second: Annotated[float, Field(gt=0)]
    by: Literal["measurement", "training"]
    steps: Count
    seconds: Seconds


class Environment(_Facts):
    """What a run was made with; what an older version did not write is left out.

    Attributes:
        started: When.
        command: Its words.
        python: Version.
        system: Name and version.
        processor: Kind.
        cores: How many.
        packages: Versions by name.
        device: On which it was trained.
        processes: How many trained it.
        threads: Of each.
        measured_images_per_second: By what was measured.
        dataset: What it was trained on.
        speed_key: Under what its speed is kept; see `noisette.training.expectation`.
        expected: What it was expected to take, where anything told.
        teacher_sha256: Of the weights that it learns from.
        files: The SHA-256 of what was written beside: one, or, while a file is replaced, that before too.
        recipe_settings: How many settings recipe.toml has.
    """

    started: Words = ""
    command: Annotated[list[Annotated[str, Field(max_length=100_000)]], Field(max_length=10_000)] = []
    python: Words = ""
    system: Words = ""
    processor: Words = ""
    cores: Count | None = None
    packages: Annotated[dict[Words, Words], Field(max_length=100)] = {}
    device: Words = ""
    processes: Count = 1
    threads: Count = 1
    measured_images_per_second: Annotated[dict[Words, float], Field(max_length=100)] = {}
    dataset: Data | None = None
    speed_key: Words = ""
    expected: Expected | None = None
    teacher_sha256: Sha256 | None = None
    files: Annotated[dict[Words, Annotated[list[Sha256], Field(min_length=1, max_length=2)]], Field(max_length=20)] = {}
    recipe_settings: Count = 0
