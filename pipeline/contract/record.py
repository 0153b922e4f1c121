"""The base of everything that is written as JSON beside the results."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Count = Annotated[int, Field(ge=0)]


class Record(BaseModel):
    """What is written as JSON beside the results: frozen, and closed to fields it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")
