"""The Iceberg catalog that the settings name.

Credentials come from the environment or the provider chain, as pyiceberg and botocore read them,
and from nowhere else. Files are read and written by fsspec, as everywhere in this package.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError
from pyiceberg.catalog import Catalog, load_catalog
from pyiceberg.exceptions import CommitFailedException, RESTError, TableAlreadyExistsError
from requests import RequestException
from sqlalchemy.exc import SQLAlchemyError

from pipeline.config.tables import DestinationSettings, GlueCatalog, RestCatalog, SqliteCatalog
from pipeline.errors import ConfigError, OutputError
from pipeline.storage import canonical


def open_catalog(settings: DestinationSettings) -> Catalog:
    """The catalog; ConfigError where it cannot be had."""
    properties = {"py-io-impl": "pyiceberg.io.fsspec.FsspecFileIO", **_properties(settings.catalog)}
    try:
        return load_catalog(settings.name, **properties)
    except Exception as error:  # whatever a catalog's own client raises at its first request
        raise ConfigError(
            f"The Iceberg catalog of destination.catalog ({settings.catalog.type}) cannot be "
            f"opened: {type(error).__name__}: {error}. Check its address and the credentials."
        ) from error


@contextmanager
def answered(subject: str) -> Iterator[None]:
    """What a catalog or a store raises at a request for ``subject`` leaves as OutputError."""
    try:
        yield
    except (CommitFailedException, TableAlreadyExistsError) as error:
        raise OutputError(
            f"Another run has changed {subject} since this one began. Run the job again: it adds "
            "what is still missing."
        ) from error
    except _FAILURES as error:
        raise OutputError(
            f"A request for {subject} failed: {type(error).__name__}: {error}. Check "
            "destination.catalog, the service and the credentials, and run the job again."
        ) from error


_FAILURES = (RESTError, RequestException, SQLAlchemyError, BotoCoreError, ClientError, OSError)


def _properties(catalog: SqliteCatalog | RestCatalog | GlueCatalog) -> dict[str, str]:
    """What pyiceberg is told of ``catalog``."""
    if catalog.type == "rest":
        warehouse = {"warehouse": catalog.warehouse} if catalog.warehouse else {}
        return {"type": "rest", "uri": catalog.uri, **warehouse}
    warehouse = {"warehouse": canonical(catalog.warehouse)}
    if catalog.type == "glue":
        return {"type": "glue", **warehouse}
    path = Path(catalog.path).absolute()
    path.parent.mkdir(parents=True, exist_ok=True)
    return {"type": "sql", "uri": f"sqlite:///{path}", **warehouse}
