"""Names of classes in Parquet that Hugging Face's `datasets` wrote: numbers there, names here.

The library keeps them in the schema's metadata, as the features of type `ClassLabel`.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

_NAMED = ("label", "tags", "language", "split")
"""Columns whose values are names to us; a multiple choice's label is a place among its choices."""


def with_class_names(
    table: pa.Table, metadata: Mapping[bytes, bytes] | None, own: Mapping[str, str]
) -> pa.Table:
    """The table with names for the numbers of classes, as `metadata` of its file has them.

    `own` are the names that the file has for the table's columns. A number that has no name, such
    as -1 where there is no label, becomes null.
    """
    features = _features(metadata or {})
    for place, column in enumerate(table.column_names):
        names = _names(features.get(own[column])) if column in _NAMED else None
        if names and "choices" not in table.column_names:
            values = pa.array([_named(value, names) for value in table[column].to_pylist()])
            table = table.set_column(place, column, pa.chunked_array([values]))
    return table


def _features(metadata: Mapping[bytes, bytes]) -> Mapping[str, Any]:
    """What `datasets` knows of each column."""
    try:
        features = json.loads(metadata.get(b"huggingface", b"{}"))["info"]["features"]
    except (ValueError, KeyError, TypeError):
        return {}
    return features if isinstance(features, dict) else {}


def _names(feature: Any) -> Sequence[str] | None:  # noqa: ANN401 - what a file holds
    """The names of a feature of type ClassLabel, or of one in a list of such."""
    if isinstance(feature, list) and len(feature) == 1:
        return _names(feature[0])
    if not isinstance(feature, dict):
        return None
    if feature.get("_type") == "ClassLabel":
        names = feature.get("names")
        named = isinstance(names, list) and all(isinstance(name, str) for name in names)
        return names if named else None
    return _names(feature.get("feature"))


def _named(value: Any, names: Sequence[str]) -> Any:  # noqa: ANN401 - a number or a list of such
    if isinstance(value, list):
        return [_named(one, names) for one in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return names[value] if 0 <= value < len(names) else None
    return value
