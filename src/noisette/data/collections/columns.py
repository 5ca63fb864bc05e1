"""What the columns of a table are: which one holds the images, which say something of them, and which are not used.

Types say it, and the features that Hugging Face's `datasets` writes into its files, which have the names of classes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from noisette.data.collections.entries import Raw, Trait
from noisette.data.collections.findings import Findings
from noisette.data.collections.metadata import TraitReader, read_json
from noisette.text import brief

if TYPE_CHECKING:
    import pyarrow as pa

_USUAL = ("image", "img", "images", "picture", "sprite", "pixels")
"""What the column of the images is called, of several the likeliest first."""
_NO_IMAGES = frozenset({"Audio", "Video", "Pdf", "Nifti", "Mesh"})
"""Features that are stored as an image is."""
_LISTS = ("List", "LargeList", "Sequence")
_UNLABELLED = -1
_WRONG = object()


@dataclass(frozen=True)
class Label:
    """A column that says something of images.

    Attributes:
        name: Of the column.
        several: Whether each row has a list of values.
        names: Of the classes that its numbers mean; empty where a value is what it says.
        date: Whether it holds days, or moments, of which the day counts.
    """

    name: str
    several: bool = False
    names: tuple[str, ...] = ()
    date: bool = False


@dataclass(frozen=True)
class Columns:
    """What the columns of a table are.

    Attributes:
        image: The one with the images; empty if there is none.
        labels: Those that say something of them.
        unused: Why each of the others is not used, by its name.
    """

    image: str
    labels: tuple[Label, ...] = ()
    unused: Mapping[str, str] = field(default_factory=dict)


def features_in(text: str) -> Mapping[str, Any]:
    """The features that a JSON text of `datasets` says, by column; none where it says none.

    Args:
        text: Of `dataset_info.json`, or of the `huggingface` metadata of a schema.
    """
    try:
        said = read_json(text).value
    except ValueError:
        return {}
    info = said.get("info", said) if isinstance(said, Mapping) else {}
    features = info.get("features") if isinstance(info, Mapping) else None
    return features if isinstance(features, Mapping) else {}


def columns_of(schema: pa.Schema, features: Mapping[str, Any], wanted: str = "") -> Columns:
    """Find out what columns are.

    Args:
        schema: Of the table.
        features: As `features_in` gives them.
        wanted: Name of the column that holds the images; found out if empty.
    """
    counted = {name: schema.names.count(name) for name in schema.names}
    fields = {name: schema.field(name).type for name, count in counted.items() if count == 1}
    image = _image_column(fields, features, wanted)
    labels: list[Label] = []
    unused = {name: "several columns are called so" for name, count in counted.items() if count > 1}
    for name, kind in fields.items():
        if name == image:
            continue
        found = _label(name, kind, features.get(name))
        if isinstance(found, Label):
            labels.append(found)
        elif image and _holds_images(kind, features.get(name)):
            unused[name] = f'images too, and "{brief(image)}" is taken; image in collection.toml says which'
        else:
            unused[name] = found
    return Columns(image, tuple(labels), unused)


def traits_of(
    labels: Sequence[Label], batch: pa.RecordBatch, images: Sequence[str], reader: TraitReader, findings: Findings
) -> Iterator[tuple[Trait, ...] | None]:
    """What each row says of its image.

    Args:
        labels: The columns that say something.
        batch: Some rows of the table, with these columns.
        images: Names of their images.
        reader: Makes the traits.
        findings: Told of what is none.

    Yields:
        The traits of each row; None of one that says nothing at all.
    """
    columns = [_python(batch.column(label.name), label) for label in labels]
    for number, image in enumerate(images):
        said = [
            (label.name, list(_values(label, column[number], image, findings)))
            for label, column in zip(labels, columns, strict=True)
        ]
        yield reader.row(said, image)


def _image_column(fields: Mapping[str, pa.DataType], features: Mapping[str, Any], wanted: str) -> str:
    there = [name for name, kind in fields.items() if _holds_images(kind, features.get(name))]
    if wanted:
        return wanted if wanted in there else ""

    def place(name: str) -> tuple[bool, bool, int]:
        usual = name.lower()
        return (
            _type_of(features.get(name)) != "Image",
            _is_binary(fields[name]),  # bytes alone may be anything
            _USUAL.index(usual) if usual in _USUAL else len(_USUAL),
        )

    return min(there, key=place, default="")


def _holds_images(kind: pa.DataType, feature: Any) -> bool:
    """Whether a column may hold images: the bytes of a file, alone or beside its path."""
    from pyarrow import types

    if _type_of(feature) in _NO_IMAGES:
        return False
    if types.is_struct(kind):
        names = [each.name for each in kind]
        return names.count("bytes") == 1 and _is_binary(kind.field("bytes").type)
    return _is_binary(kind)


def _label(name: str, kind: pa.DataType, feature: Any) -> Label | str:
    """A column as a label, or why it is none."""
    from pyarrow import types

    if types.is_dictionary(kind):
        kind = kind.value_type
    if types.is_null(kind):
        return "empty"
    if types.is_date(kind) or types.is_timestamp(kind):
        return Label(name, date=True)
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        names = _class_names(_inner(feature)) if types.is_integer(kind.value_type) else ()
        if names or _is_text(kind.value_type):
            return Label(name, several=True, names=names)
        return f"lists of {brief(str(kind.value_type), 60)}"
    if types.is_integer(kind):
        return Label(name, names=_class_names(feature))
    if types.is_boolean(kind) or types.is_floating(kind) or types.is_decimal(kind) or _is_text(kind):
        return Label(name)
    return brief(str(kind), 60)


def _is_text(kind: pa.DataType) -> bool:
    from pyarrow import types

    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))


def _is_binary(kind: pa.DataType) -> bool:
    from pyarrow import types

    return bool(types.is_binary(kind) or types.is_large_binary(kind) or types.is_binary_view(kind))


def _type_of(feature: Any) -> str:
    said = feature.get("_type") if isinstance(feature, Mapping) else None
    return said if isinstance(said, str) else ""


def _inner(feature: Any) -> Any:
    """Of what a feature is a list."""
    if isinstance(feature, list):
        return feature[0] if len(feature) == 1 else None
    return feature.get("feature") if _type_of(feature) in _LISTS else None


def _class_names(feature: Any) -> tuple[str, ...]:
    names = feature.get("names") if _type_of(feature) == "ClassLabel" else None
    return tuple(names) if isinstance(names, list) and all(isinstance(name, str) for name in names) else ()


def _python(column: pa.Array, label: Label) -> list[Any]:
    """The values of a column; `_WRONG` where one cannot be had."""
    if label.date:
        import pyarrow as pa

        try:
            column = column.cast(pa.date32(), safe=False)
        except pa.ArrowException:
            return [_WRONG] * len(column)
    values: list[Any] = []
    for value in column:
        try:
            values.append(value.as_py())
        except (ValueError, OverflowError):  # no UTF-8, or a day before there were years
            values.append(_WRONG)
    return values


def _values(label: Label, value: Any, image: str, findings: Findings) -> Iterator[Raw]:
    """What a row says in one column; None where it says nothing."""
    for each in value if label.several and isinstance(value, list) else [value]:
        if each is _WRONG:
            findings.add("trait", image, f'"{brief(label.name)}" cannot be read')
        elif each is None or (label.names and each == _UNLABELLED):
            yield None
        elif label.date:
            yield each.isoformat()
        elif label.names:
            if 0 <= each < len(label.names):
                yield label.names[each]
            else:
                findings.add("trait", image, f'"{brief(label.name)}" is {each}, of {len(label.names)} classes')
        else:
            yield each if isinstance(each, str | int | float | bool) else float(each)
