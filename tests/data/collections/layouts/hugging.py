"""Hugging Face data sets made for a test, with the features that `datasets` writes into their files."""

import json
from pathlib import Path

import pyarrow as pa
from pyarrow import ipc, parquet

from tests.data.collections.folders import png

IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
AS_IMAGE = {"_type": "Image"}


def as_class(*names: str) -> dict:
    return {"names": list(names), "_type": "ClassLabel"}


def table(columns: dict[str, object], features: dict[str, dict] | None = None) -> pa.Table:
    """A table with the features of its columns in the metadata of its schema."""
    made = pa.table(columns)
    if features is None:
        return made
    return made.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})


def pictures(*shades: int | None) -> pa.Array:
    """A column of small PNGs, null for None."""
    rows = [None if shade is None else {"bytes": png(shade), "path": f"{shade}.png"} for shade in shades]
    return pa.array(rows, IMAGE)


def as_parquet(path: Path, rows: pa.Table, **options: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(rows, path, **options)


def as_saved(folder: Path, rows: pa.Table, **state: object) -> None:
    """As `Dataset.save_to_disk` writes it."""
    folder.mkdir(parents=True, exist_ok=True)
    name = "data-00000-of-00001.arrow"
    with pa.OSFile(str(folder / name), "wb") as file, ipc.new_stream(file, rows.schema) as stream:
        stream.write_table(rows, max_chunksize=2)
    (folder / "state.json").write_text(json.dumps({"_data_files": [{"filename": name}], "_split": "train", **state}))
    said = json.loads((rows.schema.metadata or {}).get(b"huggingface", b'{"info": {}}'))["info"]
    (folder / "dataset_info.json").write_text(json.dumps({"citation": "", **said}))
