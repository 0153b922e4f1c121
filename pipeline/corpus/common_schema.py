"""The schemas of a corpus's files → the one that the job is planned with, by the most records."""

from collections import Counter
from collections.abc import Mapping

import pyarrow as pa

from pipeline.corpus.view_types import without_views


def schema_of_most(rows: Mapping[pa.Schema, int]) -> pa.Schema | None:
    """Of schemas and the records that have each: the one that most have, the first of equals.

    Of those that read alike it is the first: files that come later do not turn the order of the
    output's columns, which its fingerprint has. None where there is no schema.
    """
    votes = Counter[frozenset[tuple[str, pa.DataType]]]()
    for schema, count in rows.items():
        votes[columns_of(schema)] += count
    most = max(votes, key=lambda shape: votes[shape], default=None)
    return next((schema for schema in rows if columns_of(schema) == most), None)


def columns_of(schema: pa.Schema) -> frozenset[tuple[str, pa.DataType]]:
    """Names and types of columns, as far as they have to agree between files."""
    return frozenset((field.name, without_views(field.type)) for field in schema)
