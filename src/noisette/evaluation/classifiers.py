"""Where attribute classifiers are kept: those that ship with the package, and those that were trained here."""

from __future__ import annotations

import io
import shlex
from hashlib import sha256
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from noisette.attributes.schema import AttributeSchema
from noisette.data.dataset import Dataset
from noisette.errors import NoisetteError
from noisette.evaluation.classifier import FEATURES, AttributeClassifier, load_classifier, trained_on
from noisette.evaluation.classifier_training import FEWEST_IMAGES, fit_classifier
from noisette.files.atomic import make_folder, write_atomically
from noisette.files.cache import HINT, cache_folder
from noisette.files.hashes import REINSTALL, file_sha256, read_hashes, verify
from noisette.files.reading import read_bytes
from noisette.files.tensors import MOST_BYTES
from noisette.progress import Progress

_MOST_BYTES = 2**31  # of the features of a data set
_SEAL = 32  # bytes of a SHA-256

_EPOCHS, _LEAST_STEPS = 24, 2_000
"""Passes over the train split, and steps of which there are more passes where the images are few."""


def usual_epochs(images: int) -> int:
    """Passes over so many images in which a classifier learns what it can."""
    return max(_EPOCHS, -(-_LEAST_STEPS * FEWEST_IMAGES // max(images, FEWEST_IMAGES)))


_FOLDER = "classifiers"
_FOLDER_BEFORE = "judges"
"""Of version 0.1, in the cache folder: read for one version where the new folder has none."""


def find_classifier(train: Dataset, wanted_by: str) -> AttributeClassifier | None:
    """Find the classifier that was trained on a train split: on this machine, or else a shipped one.

    Args:
        train: The train split of whole data.
        wanted_by: The run, or the data, for the message of an error.

    Returns:
        The classifier; None where there is none.

    Raises:
        NoisetteError: The one that was trained here is damaged.
    """
    how = f"noisette evaluate --fit-classifier {shlex.quote(wanted_by)}"
    kept = [path for path in (_kept(train), _kept(train, _FOLDER_BEFORE)) if path.is_file()][:1]
    if kept and trained_on(kept[0]) is None:
        raise NoisetteError(f"the classifier {kept[0]} is damaged; remove it, or train it again: {how}")
    for path in (*kept, *sorted(_shipped().glob("*.safetensors"))):
        if trained_on(path) == train.fingerprint:
            return _loaded(path)
    return None


def find_compatible(schema: AttributeSchema, shape: tuple[int, int, int]) -> AttributeClassifier | None:
    """Find a classifier that can read some images, to tell what they show.

    To measure, take `find_classifier`, which also knows what the classifier learned from.

    Args:
        schema: The attributes to read.
        shape: (C, H, W) of the images.

    Returns:
        A classifier of these attributes in images of this shape; None if there is none.
    """
    kept = [cache_folder() / folder for folder in (_FOLDER, _FOLDER_BEFORE)]
    for path in (path for folder in (*kept, _shipped()) for path in sorted(folder.glob("*.safetensors"))):
        try:
            classifier = _loaded(path)
        except NoisetteError:
            continue
        if classifier.schema.attributes == schema.attributes and classifier.shape == shape:
            return classifier
    return None


def fit_and_keep(
    train: Dataset, *, epochs: int | None = None, progress: Progress | None = None
) -> tuple[AttributeClassifier, Path]:
    """Train a classifier and keep it in the cache folder, in the place of one that is there.

    Args:
        train: The train split of whole data.
        epochs: Passes over it, 1 and up; as many as it takes unless given.
        progress: Called with the steps taken and the steps there are.

    Returns:
        The classifier and its file.

    Raises:
        RequestError: There are no attributes, or too few images.
        NoisetteError: The cache cannot be written.
    """
    epochs = epochs or usual_epochs(len(train))
    path = _kept(train)
    try:
        make_folder(path.parent)  # before minutes are spent
    except OSError as error:
        raise NoisetteError(f"cannot write {path.parent}: {error.strerror or error}; {HINT}") from error
    classifier = fit_classifier(train, epochs=epochs, progress=progress)
    classifier.save(path)
    return classifier, path


def kept_here(train: Dataset) -> Path | None:
    """Find the file of the classifier that was trained here.

    Args:
        train: The train split of whole data.

    Returns:
        The file; None if there is none, or if it is damaged.
    """
    path = _kept(train)
    return path if path.is_file() and trained_on(path) is not None else None


def features_of(classifier: AttributeClassifier, dataset: Dataset) -> NDArray[np.float32]:
    """Take the features of all images of a data set, and keep them in the cache folder: they are needed often.

    Args:
        classifier: Takes the features.
        dataset: N images.

    Returns:
        (N, D).
    """
    path = cache_folder() / "features" / f"{dataset.name}-{dataset.fingerprint[:16]}-{classifier.digest}-{FEATURES}.npy"
    if (kept := _read_features(path, len(dataset))) is not None:
        return kept
    features = classifier.features(dataset.images)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, lambda temporary: _save(temporary, features))
    return features


def _save(path: Path, features: NDArray[np.float32]) -> None:
    content = io.BytesIO()
    np.save(content, features)
    path.write_bytes(content.getvalue() + sha256(content.getvalue()).digest())  # NumPy reads no further than its array


def _read_features(path: Path, images: int) -> NDArray[np.float32] | None:
    """What was kept; None if nothing was, or it is not what was written."""
    try:
        content = read_bytes(path, most=_MOST_BYTES, inside=path.parent)
        array, seal = content[:-_SEAL], content[-_SEAL:]
        if sha256(array).digest() != seal:
            return None
        kept: NDArray[np.float32] = np.load(io.BytesIO(array), allow_pickle=False)
    except (NoisetteError, ValueError, EOFError):
        return None
    return kept if kept.ndim == 2 and len(kept) == images and kept.dtype == np.float32 else None


def _loaded(path: Path) -> AttributeClassifier:
    """A classifier that was found here; one that ships is what was shipped."""
    if path.parent == _shipped():
        verify(
            path,
            file_sha256(path, inside=path.parent, most=MOST_BYTES),
            read_hashes(path.parent).get(path.name),
            mend=REINSTALL,
        )
    return load_classifier(path)


def _kept(train: Dataset, folder: str = _FOLDER) -> Path:
    return cache_folder() / folder / f"{train.name}-{train.fingerprint[:16]}.safetensors"


def _shipped() -> Path:
    return Path(str(resources.files("noisette"))) / _FOLDER
