"""Candidates that a detector never answers with: it gives their records to another language."""

from collections.abc import Collection
from dataclasses import dataclass

from pipeline.language.library import meaning_of
from pipeline.language.tags import bcp47


@dataclass(frozen=True)
class Coverage:
    """Candidates that a detector never answers with.

    ``taken`` are pairs of one and the candidate that it answers instead, as hr_HR for bs_BA; it
    knows the languages of ``unknown`` in no form.
    """

    unknown: tuple[str, ...] = ()
    taken: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        """For a plan; empty where the detector knows all candidates."""
        taken = [
            f"It cannot tell {code} from {other} and answers {other}." for code, other in self.taken
        ]
        unknown = [f"It does not know {', '.join(self.unknown)}."] if self.unknown else []
        return " ".join([*unknown, *taken])

    @property
    def advice(self) -> str:
        """The same with what to do where no column names the language."""
        found = str(self)
        return found and (
            f"{found} Records in these languages get another adapter or go to quarantine, unless a "
            "column names their language. Set input.language_column."
        )


def coverage_of(known: Collection[str], candidates: tuple[str, ...]) -> Coverage:
    """The coverage of ``candidates`` by a detector that answers with ``known``."""
    served = tuple(code for code in candidates if code in known)
    lacking = [code for code in candidates if code not in known]
    instead = [meaning_of(bcp47(code, candidates), served).xmod_language for code in lacking]
    pairs = list(zip(lacking, instead, strict=True))
    return Coverage(
        unknown=tuple(code for code, other in pairs if other is None),
        taken=tuple((code, other) for code, other in pairs if other is not None),
    )
