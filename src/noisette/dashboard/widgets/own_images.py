"""A person's own images: a folder of this machine or a zip that is handed over, and what is wrong with them."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import streamlit as st

from noisette.dashboard.services.translation import as_markdown
from noisette.dashboard.widgets.language import say
from noisette.data.collections.collection import Collection, open_collection
from noisette.data.collections.findings import KINDS
from noisette.data.collections.telling import listed
from noisette.data.inspection import contact_sheet
from noisette.errors import NoisetteError, RequestError
from noisette.files.atomic import make_folder, write_atomically
from noisette.files.cache import cache_folder
from noisette.files.room import make_room, used


def own_images() -> Collection | None:
    """Draw where a person names their images.

    Returns:
        The images; None where a recipe is meant, or where they cannot be read, which is said then.
    """
    with st.expander(say("Your own images"), icon=":material/folder_open:", key="own/open"):
        written = st.text_input(
            say("A folder, or a file of many images"), key="own/path", placeholder="~/sprites", persist_state="session"
        ).strip()
        handed = st.file_uploader(say("or a zip"), type="zip", key="own/zip")
        try:
            path = _kept(handed.name, handed.getvalue()) if handed is not None else Path(written).expanduser()
            if handed is None and not written:
                return None
            with st.spinner(say("Reading the images")):
                collection = open_collection(path)
        except (NoisetteError, RuntimeError) as error:  # the latter of a ~ that is nobody's
            st.warning(as_markdown(error), icon=":material/block:")
            return None
        _show(collection)
        return collection


def _kept(name: str, content: bytes) -> Path:
    """A zip that was handed over, in the cache: under its content, and with the name that it came with. Those that were
    not used for the longest time make room for it.
    """
    stem = "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in Path(name).stem)[:60] or "images"
    uploads = cache_folder() / "uploads"
    path = uploads / sha256(content).hexdigest()[:16] / f"{stem}.zip"
    if not path.is_file():
        make_room(uploads, uploads.glob("[0-9a-f]*"), needed=len(content))
        try:
            make_folder(path.parent)
            write_atomically(path, lambda temporary: temporary.write_bytes(content))
        except OSError as error:
            raise RequestError(f"cannot keep what was handed over: {error.strerror or error}") from error
    used(path.parent)
    return path


def _show(collection: Collection) -> None:
    """What the images are, problems first."""
    dataset, shape = collection.dataset, collection.shape
    st.text(
        say(
            "{images:,} of {found:,} images, {width}x{height}",
            images=len(dataset),
            found=collection.found,
            width=shape.width,
            height=shape.height,
        )
    )
    for finding in collection.findings:
        kind = KINDS[finding.kind]
        title = f"{finding.count:,} " + "; ".join(filter(None, kind.says(finding.count)))
        (st.warning if kind.severity == "problem" else st.info)(as_markdown(title))
        st.text(listed(finding.names, finding.count))
    if len(dataset):
        st.image(contact_sheet(dataset), output_format="PNG")
