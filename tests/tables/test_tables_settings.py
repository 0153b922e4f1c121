"""What the settings of tables take and refuse."""

from pathlib import Path

import pytest

from pipeline.config import load
from pipeline.config.tables import Granularity, SqliteCatalog, TablesSettings
from pipeline.errors import ConfigError

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "configs" / "tables.yaml"


def test_config_of_the_demo_is_read_as_it_is_written():
    settings = load(CONFIG, [], TablesSettings)
    assert [output.name for output in settings.outputs] == ["demo"]
    assert settings.layout.dates is Granularity.MONTH
    assert isinstance(settings.destination.catalog, SqliteCatalog)


def test_config_of_before_there_was_one_format_is_read():
    assert load(CONFIG, ["destination.type=iceberg"], TablesSettings) == load(
        CONFIG, [], TablesSettings
    )


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("destination.catalog.type=hive", "'sqlite', 'rest', 'glue'"),
        ("destination.type=parquet", "type parquet is of a format that is gone.* --export DIR"),
        ("destination={type: parquet, uri: out}", "type parquet is of a format that is gone"),
        ("destination={uri: out/tables}", "key uri is of a format that is gone.* --export DIR"),
        ("destination.keep_snapshots=3", "keep_snapshots is of a format .* --export DIR"),
        ("outputs.0.date=2026-01-02", "has both of date_column and date"),
        ("outputs.0.date=86400", "expected a date such as 2026-11-27 .seen: 86400"),
        ("outputs.0.date=20261127", "expected a date such as 2026-11-27"),
        ("outputs.0.date=2026-13-45", "outputs.0.date: Input should be a valid date"),
        ("outputs.0.date=0000-01-01", "outputs.0.date: Input should be a valid date"),
        ("outputs.0.date_column=null", "has neither of date_column and date"),
        ("outputs=[]", "at least 1 item"),
        ("outputs=[{uri: a, date: 2026-01-02}, {uri: a, date: 2026-01-03}]", "are called a"),
        ("layout.min_rows=0", "greater than or equal to 1"),
        ("layout.dates=week", "'day', 'month' or 'year'"),
        ("layout.min_row=3", "did you mean 'min_rows'"),
        ("destination.catalog={type: rest, uri: 'http://me:pw@host/api'}", "before '@'"),
        ("destination.name='xmod; drop'", "pattern"),
    ],
)
def test_config_that_cannot_be_used_says_where(override: str, message: str):
    with pytest.raises(ConfigError, match=message):
        load(CONFIG, [override], TablesSettings)
