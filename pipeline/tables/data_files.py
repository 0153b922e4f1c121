"""What Iceberg's manifests say of a file.

Enters: a file that was written with the table's field ids, and the table's metadata. Leaves: an
entry for a manifest, with counts, bounds and the partition. What holds: all of it is computed from
the file's footer, so that an entry can say nothing that the file does not hold.
"""

import pyarrow.parquet as pq
from pyiceberg.io.pyarrow import (
    compute_statistics_plan,
    data_file_statistics_from_parquet_metadata,
    parquet_path_to_id_mapping,
)
from pyiceberg.manifest import DataFile, DataFileContent, FileFormat
from pyiceberg.table.metadata import TableMetadata

from pipeline.tables.reading import opened
from pipeline.tables.table_files import TableFile


def data_file(file: TableFile, metadata: TableMetadata) -> DataFile:
    """The manifest entry of ``file``."""
    schema = metadata.schema()
    statistics = data_file_statistics_from_parquet_metadata(
        _footer(file),
        compute_statistics_plan(schema, metadata.properties),
        parquet_path_to_id_mapping(schema),
    )
    return DataFile.from_args(
        content=DataFileContent.DATA,
        file_path=file.uri,
        file_format=FileFormat.PARQUET,
        partition=statistics.partition(metadata.spec(), schema),
        file_size_in_bytes=file.bytes,
        sort_order_id=None,
        spec_id=metadata.default_spec_id,
        equality_ids=None,
        key_metadata=None,
        **statistics.to_serialized_dict(),
    )


def _footer(file: TableFile) -> pq.FileMetaData:
    with opened(file.uri, file.bytes) as parquet:
        return parquet.metadata
