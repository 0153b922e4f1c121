"""The base of everything that is written as JSON beside the results."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

Count = Annotated[int, Field(ge=0)]


class Record(BaseModel):
    """What is written as JSON beside the results: frozen, and closed to fields it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Sums(Record):
    """Numbers that are added field by field."""

    def __add__(self, other: Self) -> Self:
        fields = type(self).model_fields
        return type(self)(**{name: getattr(self, name) + getattr(other, name) for name in fields})


def wrong_places(error: ValidationError) -> str:
    """The first fields in which JSON is not what a model expects, for a message."""
    fields = [".".join(map(str, problem["loc"])) for problem in error.errors()[:5]]
    return f"wrong at: {', '.join(fields) or 'the whole'}"
