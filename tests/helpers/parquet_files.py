"""Parquet files as others may write them, and reading one as the job does."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.config import InputSettings, RuntimeSettings
from pipeline.contract import schema
from pipeline.contract.unit import Unit
from pipeline.corpus.input_schema import InputColumns, gate, input_columns
from pipeline.corpus.survey import cut, survey_corpus
from pipeline.stages.read import Reader, read_unit

UNIT_BYTES = 1 << 20
MAX_BYTES = 16 << 20


class Foreign(pa.ExtensionType):
    """An extension type that this process never registers: a file with it names it only."""

    def __init__(self, storage: pa.DataType, name: str, metadata: bytes = b"") -> None:
        self._metadata = metadata
        super().__init__(storage, name)

    def __arrow_ext_serialize__(self) -> bytes:
        return self._metadata

    @classmethod
    def __arrow_ext_deserialize__(cls, storage: pa.DataType, serialized: bytes) -> "Foreign":
        return cls(storage, "", serialized)


def foreign(storage: pa.Array, name: str, metadata: bytes = b"") -> pa.ExtensionArray:
    """``storage`` as values of the extension type ``name``."""
    return pa.ExtensionArray.from_storage(Foreign(storage.type, name, metadata), storage)


def raw_strings(values: Sequence[bytes | None]) -> pa.Array:
    """A string column of any bytes, UTF-8 or not."""
    binary = pa.array(values, pa.binary())
    return pa.Array.from_buffers(pa.string(), len(binary), binary.buffers())


def write(path: Path, columns: dict[str, object] | pa.Table, **options: object) -> Path:
    """A Parquet file with ``columns``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    table = columns if isinstance(columns, pa.Table) else pa.table(columns)
    pq.write_table(table, path, **options)
    return path


def columns_of(path: Path, settings: InputSettings) -> InputColumns:
    """What the job reads of the file at ``path``."""
    planned = gate(pq.ParquetFile(path).schema_arrow, settings, str(path))
    return input_columns(planned, settings, schema.RESERVED)


def units_of(
    path: Path, settings: InputSettings | None = None, unit_rows: int = 4096
) -> list[Unit]:
    """The units of the corpus at ``path``."""
    survey = survey_corpus(settings or InputSettings(uri=str(path)), allow_bad_files=False)
    return list(cut(survey, RuntimeSettings(unit_rows=unit_rows), "f", None))


def read_file(path: Path, unit_bytes: int = UNIT_BYTES, **settings: object) -> pa.Table:
    """The block of the first unit of the file at ``path``."""
    found = InputSettings.model_validate({"uri": str(path), **settings})
    unit = units_of(path, found)[0]
    reader = Reader(columns_of(path, found), found, unit_bytes)
    return read_unit(unit, reader.columns, found, reader.max_bytes)
