"""The base of every section of a configuration."""

from collections.abc import Mapping
from typing import ClassVar

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A part of a configuration: frozen, and closed to keys it does not know.

    A string below a key says what it is for, to readers of the code, of the reference and of a
    schema.
    """

    RENAMED: ClassVar[Mapping[str, str]] = {}
    """Keys of earlier versions and what they are called now, for the error that names them."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True
    )
