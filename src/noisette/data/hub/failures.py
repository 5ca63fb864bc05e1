"""What goes wrong with the hub, each in one line."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from noisette.data.hub.names import HubName
from noisette.errors import NoisetteError, RequestError
from noisette.files.cache import HINT


class UnreachableError(NoisetteError):
    """The hub gives no answer."""


def endpoint() -> str | None:
    """Where the hub is, if the person says so."""
    return os.environ.get("HF_ENDPOINT") or None


def host() -> str:
    """The machine that the hub is on: its whole address may hold a password."""
    return urlsplit(endpoint() or "https://huggingface.co").hostname or "an address without a name"


@contextmanager
def in_one_line(name: HubName) -> Iterator[None]:
    """Say what goes wrong meanwhile in the words of a person who asked for a data set.

    Args:
        name: Of the data set.

    Raises:
        UnreachableError: The hub gives no answer.
        RequestError: It has no such data set, or does not hand it out.
        NoisetteError: The cache cannot be written.
    """
    from huggingface_hub import errors

    where = f"hf:{name.repository}"
    try:
        yield
    except errors.GatedRepoError as error:
        page = f"https://huggingface.co/datasets/{name.repository}"
        raise RequestError(
            f"{where} is gated: ask for it on {page}, log in with `hf auth login`, and try again"
        ) from error
    except errors.RevisionNotFoundError as error:
        raise RequestError(f'{where} has no revision "{name.revision}"') from error
    except errors.RepositoryNotFoundError as error:
        raise RequestError(
            f"there is no data set {where} on the hub, or it is private; check its name, or log in with `hf auth login`"
        ) from error
    except errors.OfflineModeIsEnabled as error:
        raise UnreachableError(
            f"{where} is not in the cache, and HF_HUB_OFFLINE forbids to ask the hub; unset it, or name a folder"
        ) from error
    except errors.HfHubHTTPError as error:
        status = getattr(error.response, "status_code", "an error")
        raise UnreachableError(f"the hub answered {status} when asked for {where}; try again later") from error
    except errors.LocalEntryNotFoundError as error:
        raise UnreachableError(_no_answer(where, error.__cause__ or error)) from error
    except errors.HTTPError as error:
        raise UnreachableError(_no_answer(where, error)) from error
    except OSError as error:
        if error.filename:
            raise NoisetteError(f"cannot write {error.filename}: {error.strerror or error}; {HINT}") from error
        raise UnreachableError(_no_answer(where, error)) from error


def _no_answer(where: str, error: BaseException) -> str:
    """Without the address, which may hold a password."""
    return (
        f"the hub at {host()} gave no answer for {where} ({type(error).__name__}); check the network, or download it"
        " elsewhere and name its folder"
    )
