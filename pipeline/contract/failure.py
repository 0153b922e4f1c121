"""Why a record, or a whole unit, was not annotated."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass

import pyarrow as pa

from pipeline.contract import schema


@dataclass(frozen=True)
class Failure:
    """The stage that failed, the type of the error and its message, which holds no record's text.

    In a block it is a value of ``schema.FAILURE``.
    """

    stage: str
    error_type: str
    message: str

    def __str__(self) -> str:
        return f"{self.error_type} in {self.stage}: {self.message}"

    def as_row(self) -> dict[str, str]:
        """As pyarrow takes and gives a ``schema.FAILURE``."""
        return asdict(self)


def failure_column(failures: Iterable[Failure | None]) -> pa.Array:
    """A column of ``schema.FAILURE``, null where there is none."""
    return pa.array([one and one.as_row() for one in failures], schema.FAILURE)
