"""Iceberg by a real REST catalog, with its files on a real S3."""

import datetime as dt

import boto3
import pyarrow as pa
import pytest
from pyiceberg.table import Table
from pyiceberg.utils.config import Config

from pipeline.config.tables import DestinationSettings, Granularity
from pipeline.errors import OutputError
from pipeline.tables.columns import LABELS, SCHEMAS
from pipeline.tables.data_files import DataFiles, files_of
from pipeline.tables.iceberg import IcebergTables, commit, states_of
from tests.helpers.stores import ACCESS_KEY, SECRET_KEY, S3Server

LABEL = SCHEMAS[LABELS]


@pytest.fixture
def tables(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> IcebergTables:
    """Tables of SeaweedFS's catalog, by credentials that the environment has."""
    boto3.client("s3tables", endpoint_url=s3_server.endpoint).create_table_bucket(name="tables")
    monkeypatch.setenv("PYICEBERG_CATALOG__XMOD__REST__SIGV4_ENABLED", "true")
    monkeypatch.setenv("PYICEBERG_CATALOG__XMOD__REST__SIGNING_NAME", "s3tables")
    monkeypatch.setenv("PYICEBERG_CATALOG__XMOD__REST__SIGNING_REGION", "us-east-1")
    monkeypatch.setattr("pyiceberg.catalog._ENV_CONFIG", Config())  # it is read once a process
    catalog = {"type": "rest", "uri": s3_server.catalog, "warehouse": "s3://tables"}
    settings = DestinationSettings.model_validate({"catalog": catalog})
    return IcebergTables.open(settings, Granularity.MONTH)


def committed(tables: IcebergTables, label: str, seen: Table | None) -> Table:
    row = {"source": "demo", "date": dt.date(2026, 1, 2), "language_group": "de", "label": label}
    change = tables.begin(LABELS, seen, LABEL)
    files = DataFiles(change.table_metadata, change._table.io)
    added = files.write(pa.Table.from_pylist([row], LABEL))
    commit(change, {"demo": label}, files_of(seen) if seen else (), added)
    table = tables.load(LABELS)
    assert table
    return table


@pytest.mark.s3
def test_rest_catalog_holds_what_was_committed_last(tables: IcebergTables):
    first = committed(tables, "first", None)
    assert files_of(first)[0].scan.file.file_path.startswith("s3://tables/")
    table = committed(tables, "second", tables.load(LABELS))
    assert states_of(table) == {"demo": "second"}
    assert table.scan().to_arrow()["label"].to_pylist() == ["second"]
    assert not {ACCESS_KEY, SECRET_KEY} & set(table.metadata.properties.values())
    with pytest.raises(OutputError, match=r"Another run has changed table xmod\.labels"):
        committed(tables, "slow", first)
