"""Iceberg by a real REST catalog, with its files on a real S3."""

import datetime as dt

import boto3
import pyarrow as pa
import pytest
from pyiceberg.utils.config import Config

from pipeline.config.tables import Granularity, IcebergSettings
from pipeline.tables.columns import LABELS, SCHEMAS
from pipeline.tables.destination import Commit
from pipeline.tables.iceberg_tables import IcebergTables
from pipeline.tables.table_files import Partition, TableFile
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
    settings = IcebergSettings.model_validate({"type": "iceberg", "catalog": catalog})
    return IcebergTables.open(settings, Granularity.MONTH)


def commit(tables: IcebergTables, label: str, gone: tuple[TableFile, ...] = ()) -> TableFile:
    row = {"source": "demo", "date": dt.date(2026, 1, 2), "language_group": "de", "label": label}
    tables.standing(LABELS)
    target = tables.target(LABELS, LABEL, label)
    file = target.write(pa.Table.from_pylist([row], LABEL), Partition("2026-01", "de"))
    tables.commit({LABELS: Commit({"demo": label}, LABEL, gone, (file,))})
    return file


@pytest.mark.s3
def test_rest_catalog_holds_what_was_committed_last(tables: IcebergTables):
    first = commit(tables, "first")
    assert first.uri.startswith("s3://tables/")
    second = commit(tables, "second", gone=(first,))
    standing = tables.standing(LABELS)
    assert standing.files == (second,)
    assert standing.states == {"demo": "second"}
    table = tables.catalog.load_table((tables.namespace, LABELS))
    assert table.scan().to_arrow()["label"].to_pylist() == ["second"]
    assert not {ACCESS_KEY, SECRET_KEY} & set(table.metadata.properties.values())
