"""What ``jobs/tables.py`` is told: enriched outputs, what of them is kept, and where tables go."""

import datetime
import re
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from pipeline.config.section import Section


class Granularity(StrEnum):
    """What span of dates shares a partition."""

    DAY = "day"
    MONTH = "month"
    YEAR = "year"


_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]


class EnrichedOutput(Section):
    """A folder that ``jobs/annotate.py`` wrote, with dates of a column or one for all records."""

    uri: str
    """The folder; a path, ``s3://`` or ``gs://``."""
    name: str | None = Field(default=None, min_length=1)
    """What the tables call it: what is built again under a name replaces it. Null: the uri."""
    date_column: str | None = None
    """A column of the input that the output kept: dates, timestamps, or strings that begin so."""
    date: datetime.date | None = None
    """The date of all records, such as ``2026-11-27``, where there is no ``date_column``."""
    allow_incomplete: bool = False
    """Take what is committed of an output whose job has not ended well."""

    @field_validator("date", mode="before")
    @classmethod
    def _as_written(cls, value: object) -> object:
        """Seconds since 1970 are dates to pydantic, which takes 86400 for one."""
        if value is None or isinstance(value, datetime.date) or _ISO.fullmatch(str(value)):
            return value
        raise ValueError("expected a date such as 2026-11-27")

    @model_validator(mode="after")
    def _one_source_of_dates(self) -> "EnrichedOutput":
        if (self.date_column is None) == (self.date is None):
            seen = "neither" if self.date is None else "both"
            raise ValueError(
                f"output {self.uri} has {seen} of date_column and date; expected one of them: a "
                "column of its records, or a date for all of them, such as 2026-11-27"
            )
        return self


class DocumentSettings(Section):
    """Which columns of the outputs the table ``documents`` has."""

    keep_columns: Literal["all"] | tuple[str, ...] = "all"
    """Columns that came from the input: all but the text, or a list."""
    text: bool = False
    """Whether the text is among them."""
    task_columns: Literal["scalars", "all"] | tuple[str, ...] = "scalars"
    """Columns of tasks: single values, such as labels and scores; or vectors and lists too."""


class LayoutSettings(Section):
    """How rows are spread over files."""

    dates: Granularity = Granularity.DAY
    """What dates share a partition."""
    min_rows: int = Field(default=1000, ge=1)
    """Records of a language there; languages with fewer share the partition ``other``."""
    target_bytes: int = Field(default=128 << 20, gt=0)
    """Of a file; a partition with more has several."""


class SqliteCatalog(Section):
    """An Iceberg catalog in a file of this machine."""

    type: Literal["sqlite"]
    """Which catalog it is."""
    path: str
    """The file."""
    warehouse: str
    """Where tables go; a path, ``s3://`` or ``gs://``."""


class RestCatalog(Section):
    """An Iceberg REST catalog; credentials come from ``PYICEBERG_CATALOG__<NAME>__…``."""

    type: Literal["rest"]
    """Which catalog it is."""
    uri: str
    """The catalog's address."""
    warehouse: str | None = None
    """What the catalog calls the place where tables go; null: it has but one."""

    @field_validator("uri")
    @classmethod
    def _without_credentials(cls, uri: str) -> str:
        if "@" in uri.partition("://")[2].partition("/")[0]:
            raise ValueError(
                "a catalog's address holds something before '@'; take it out: credentials come "
                "from the environment, PYICEBERG_CATALOG__<NAME>__CREDENTIAL or …__TOKEN"
            )
        return uri


class GlueCatalog(Section):
    """AWS Glue; region and credentials come from the provider chain."""

    type: Literal["glue"]
    """Which catalog it is."""
    warehouse: str
    """Where tables go, on ``s3://``."""


class DestinationSettings(Section):
    """The Apache Iceberg tables that a catalog knows."""

    name: Name = "xmod"
    """Of the catalog, in pyiceberg's environment variables and ``.pyiceberg.yaml``."""
    namespace: Name = "xmod"
    """Of the tables in the catalog."""
    catalog: Annotated[SqliteCatalog | RestCatalog | GlueCatalog, Field(discriminator="type")]
    """What knows the tables."""

    @model_validator(mode="before")
    @classmethod
    def _of_one_format(cls, values: object) -> object:
        if not isinstance(values, dict):
            return values
        gone = [f"type {values['type']}"] if values.get("type", "iceberg") != "iceberg" else []
        gone += [f"key {key}" for key in ("uri", "keep_snapshots") if key in values]
        if gone:
            raise ValueError(
                f"{gone[0]} is of a format that is gone: tables are Apache Iceberg's. Set "
                "destination.catalog as configs/tables.yaml does, and run jobs/tables.py with "
                "--export DIR for plain Parquet files"
            )
        return {key: value for key, value in values.items() if key != "type"}


class TablesSettings(Section):
    """Everything that ``jobs/tables.py`` is told."""

    outputs: tuple[EnrichedOutput, ...] = Field(min_length=1)
    """Folders that ``jobs/annotate.py`` wrote; those not named here keep their rows."""
    documents: DocumentSettings = DocumentSettings()
    """Columns of ``documents``."""
    layout: LayoutSettings = LayoutSettings()
    """Partitions and files."""
    destination: DestinationSettings
    """Where the tables are."""
    start_timeout: float = Field(default=1800, ge=0)
    """Seconds to wait until the cluster has a free CPU; then the job ends with exit code 5."""

    @model_validator(mode="after")
    def _names_are_distinct(self) -> "TablesSettings":
        names = [output.name or output.uri for output in self.outputs]
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            raise ValueError(
                f"two outputs are called {', '.join(doubled)}; expected a name of its own for "
                "each: set outputs.<n>.name"
            )
        return self
