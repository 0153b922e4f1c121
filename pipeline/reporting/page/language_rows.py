"""What the page says of each language.

Enters: the run's report, counted rows and speeds. Leaves: ``LanguageRow``s, the most frequent
language first. What holds: records, tokens, entities, sources and quarantine are exact, from the
report; the score is of the rows that were counted, the rate of the units that were read.
"""

from dataclasses import dataclass

from pipeline.output.commit import LanguageCounts
from pipeline.reporting.page.counted import Counted
from pipeline.reporting.page.figures import Stretch, stretches
from pipeline.reporting.page.speeds import Speeds
from pipeline.reporting.run_report import RunReport

SOURCES = {
    "column": "a column said it",
    "detected": "the detector found it",
    "related": "fallback: a related language's adapter",
    "default": "fallback: the default adapter",
    "none": "fallback: no adapter",
}
"""Values of ``language_source``, and what they mean."""


@dataclass(frozen=True)
class LanguageRow:
    """One language; ``length`` is its records in percent of the most frequent one's."""

    name: str
    records: int
    length: float
    tokens: int
    tokens_per_second: float | None
    entities: int
    quarantined: int
    score: float | None
    sources: tuple[Stretch, ...]


def language_rows(report: RunReport, counted: Counted, speeds: Speeds) -> tuple[LanguageRow, ...]:
    """A row for each language of ``report``."""
    names = report.by_language_name()
    longest = max((counts.records for counts in names.values()), default=0)
    scores = counted.quartiles("language_score")
    return tuple(
        LanguageRow(
            name=name,
            records=counts.records,
            length=round(100 * counts.records / max(1, longest), 2),
            tokens=counts.tokens,
            tokens_per_second=speeds.tokens_per_second.get(name),
            entities=counts.entities,
            quarantined=counts.quarantined,
            score=scores[name].median if name in scores else None,
            sources=sources(counts),
        )
        for name, counts in names.items()
    )


def sources(counts: LanguageCounts) -> tuple[Stretch, ...]:
    """How the records of ``counts`` came to their adapters."""
    values = {name: float(getattr(counts, name)) for name in SOURCES}
    return stretches(values, counts.records)
