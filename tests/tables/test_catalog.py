"""Catalogs that can and cannot be opened."""

import subprocess
import sys
from pathlib import Path

import pytest
from pyiceberg.exceptions import ForbiddenError

from pipeline.config.tables import DestinationSettings
from pipeline.errors import ConfigError, OutputError
from pipeline.tables.catalog import answered, open_catalog

ROOT = Path(__file__).parents[2]


def settings(**catalog: str) -> DestinationSettings:
    return DestinationSettings.model_validate({"catalog": catalog})


def test_open_catalog_sqlite_makes_the_folder_of_its_file(tmp_path: Path):
    path = tmp_path / "new" / "catalog.db"
    catalog = open_catalog(settings(type="sqlite", path=str(path), warehouse=str(tmp_path)))
    assert catalog.list_namespaces() == []
    assert path.is_file()


def test_open_catalog_sqlite_that_is_no_database_says_so(tmp_path: Path):
    path = tmp_path / "catalog.db"
    path.write_bytes(b"no database" * 100)
    with pytest.raises(ConfigError, match=r"destination\.catalog \(sqlite\) cannot be opened"):
        open_catalog(settings(type="sqlite", path=str(path), warehouse=str(tmp_path)))


def test_open_catalog_rest_that_does_not_answer_says_so():
    with pytest.raises(ConfigError, match=r"\(rest\) cannot be opened: ConnectionError"):
        open_catalog(settings(type="rest", uri="http://127.0.0.1:9/catalog"))


def test_open_catalog_glue_takes_region_and_credentials_from_the_chain(
    monkeypatch: pytest.MonkeyPatch,
):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    catalog = open_catalog(settings(type="glue", warehouse="s3://bucket/warehouse"))
    assert type(catalog).__name__ == "GlueCatalog"
    assert catalog.properties["warehouse"] == "s3://bucket/warehouse"
    assert "test" not in catalog.properties.values()


def test_answered_says_which_table_and_what_to_check():
    with pytest.raises(
        OutputError, match=r"request for table xmod\.labels failed: ForbiddenError: no entry"
    ):
        with answered("table xmod.labels"):
            raise ForbiddenError("no entry")


def test_tables_without_pyiceberg_say_what_to_install():
    code = (
        "import sys; sys.modules['pyiceberg'] = None\n"
        "sys.argv = ['tables', '--config', 'configs/tables.yaml']\n"
        "import runpy; runpy.run_path('jobs/tables.py', run_name='__main__')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert "pip install 'xmod-pipeline[tables]'" in done.stderr
