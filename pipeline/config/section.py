"""The base of every section of a configuration."""

from collections.abc import Mapping
from typing import ClassVar

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A part of a configuration: frozen, without unknown keys.

    The string below a key is its description in docs/reference.md and in the JSON schema.
    """

    RENAMED: ClassVar[Mapping[str, str]] = {}
    """Old names of keys → new names, for the error message."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True
    )
