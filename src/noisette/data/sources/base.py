"""What a data source says of itself, so that nothing else has to know it by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from noisette.data.description import Description
from noisette.errors import RequestError, nearest, written
from noisette.files.invalid import wanted

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from noisette.data.dataset import Dataset
    from noisette.progress import Progress


@dataclass(frozen=True)
class Archive:
    """One file of one release on the package index.

    Attributes:
        project: Its name on the index.
        filename: The file's name there, and in the cache folder.
        sha256: What the file must be.
        size: Bytes.
    """

    project: str
    filename: str
    sha256: str
    size: int


class Options(BaseModel):
    """The options that are a source's own; every source has the settings of `DatasetConfig` besides.

    Each field has a default, and a description for help texts. A validator raises ValueError with a whole sentence.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


OptionsT = TypeVar("OptionsT", bound=Options)


@dataclass(frozen=True)
class Source(Generic[OptionsT]):
    """A place that images with attributes come from.

    Attributes:
        name: The name by which it is opened; that of its data set too.
        summary: One line that says what its images are.
        options: The type of its own options.
        describe: What is known of the data set with these options; quick, nothing is loaded.
        open: The data set with these options. It tells a download's progress to its second argument.
        archive: What is downloaded; None where the images are made here.
        compare: Says whether a data set is that of an official file, byte for byte; None where there is no such file.
        read: Reads the attributes off the pixels of images as they are opened: (N, C, H, W) uint8 to a table, (N, A)
            int16, with UNKNOWN for what they do not show; None where pixels do not tell.
        draw: Draws images as they are opened from their attributes: such a table without UNKNOWN, and `size`, which is
            (height, width); None where no rule draws them.
        background: `#rrggbb`, the usual one, for examples.
    """

    name: str
    summary: str
    options: type[OptionsT]
    describe: Callable[[OptionsT], Description]
    open: Callable[[OptionsT, Progress], Dataset]
    archive: Archive | None = None
    compare: Callable[[Dataset, Path], str] | None = None
    read: Callable[[NDArray[np.uint8]], NDArray[np.int16]] | None = None
    draw: Callable[..., NDArray[np.uint8]] | None = None
    background: str = "#ffffff"

    def read_options(self, given: Mapping[str, object]) -> OptionsT:
        """The options of this source with what is given; the rest are its defaults.

        Args:
            given: Values by option.

        Raises:
            RequestError: An option that the source has not, or a value that cannot be.
        """
        try:
            return self.options.model_validate(dict(given))
        except ValidationError as error:
            raise RequestError(self._explain(error)) from error

    def _explain(self, failed: ValidationError) -> str:
        """A failed validation in one line."""
        errors = failed.errors()
        error = min(errors, key=lambda each: each["type"] != "extra_forbidden")
        option = str(error["loc"][0])
        if error["type"] == "extra_forbidden":
            taken = self.options.model_fields
            return f"{self.name} has no option {option}{nearest(option, taken)}; it has {', '.join(taken) or 'none'}"
        if error["type"] == "value_error":
            return error["msg"].removeprefix("Value error, ")
        must = wanted(each for each in errors if each["loc"][0] == option)
        return f"{self.name}: {option} = {written(error['input'])}: must be {must}"


def check_pixels(name: str, pixels: int, possible: range) -> int:
    """The pixels along a side, if a source can have so many.

    Args:
        name: Of the source.
        pixels: As they were asked for.
        possible: Those there are.

    Raises:
        ValueError: It cannot, with those that it can.
    """
    if pixels not in possible:
        there_are = " or ".join(map(str, possible)) if possible.step > 1 else f"{possible.start} to {possible.stop - 1}"
        raise ValueError(f"{name} can be {there_are} pixels wide, not {pixels}")
    return pixels
