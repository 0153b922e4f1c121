"""Names of classes in Parquet that Hugging Face's `datasets` wrote: numbers there, names here.

The library keeps them in the schema's metadata, as the features of type `ClassLabel`.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

_NAMED = ("label", "tags", "language", "split")
"""Columns whose values are names to us; a multiple choice's label is a place among its choices."""


def with_class_names(table: pa.Table, metadata: Mapping[bytes, bytes] | None) -> pa.Table:
    """The table with names for the numbers of classes, as `metadata` of its file has them.

    A number that has no name, such as -1 where there is no label, becomes null.
    """
    for column, names in _class_names(metadata or {}):
        if (
            column in _NAMED
            and column in table.column_names
            and "choices" not in table.schema.names
        ):
            values = [_named(value, names) for value in table[column].to_pylist()]
            table = table.set_column(
                table.column_names.index(column), column, pa.chunked_array([pa.array(values)])
            )
    return table


def _class_names(metadata: Mapping[bytes, bytes]) -> Iterator[tuple[str, list[str]]]:
    """Columns of classes, with the names of their numbers."""
    try:
        features = json.loads(metadata.get(b"huggingface", b"{}"))["info"]["features"].items()
    except (ValueError, KeyError, TypeError, AttributeError):
        return
    for column, feature in features:
        names = _names(feature)
        if names and all(isinstance(name, str) for name in names):
            yield column, list(names)


def _names(feature: Any) -> Sequence[Any] | None:  # noqa: ANN401 - what a file holds
    """The names of a feature of type ClassLabel, or of one in a list of such."""
    if isinstance(feature, list) and len(feature) == 1:
        return _names(feature[0])
    if not isinstance(feature, dict):
        return None
    if feature.get("_type") == "ClassLabel":
        names = feature.get("names")
        return names if isinstance(names, list) else None
    return _names(feature.get("feature"))


def _named(value: Any, names: Sequence[str]) -> Any:  # noqa: ANN401 - a number or a list of such
    if isinstance(value, list):
        return [_named(one, names) for one in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return names[value] if 0 <= value < len(names) else None
    return value
