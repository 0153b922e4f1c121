"""The contents of ``run_report.json``.

Enters: nothing. Leaves: ``RunReport``, which ``report`` makes of a run and the page reads again.
What holds: no text of records and no credential is in it; reading it needs neither Ray nor a model.
"""

from datetime import datetime

import langcodes
from langcodes.tag_parser import LanguageTagError
from pydantic import BaseModel

from pipeline.commit import LanguageCounts
from pipeline.cost import Cost
from pipeline.effort import StageLine

REPORT = "run_report.json"


class BadFileEntry(BaseModel):
    """An input file that was left out."""

    uri: str
    reason: str


class RunReport(BaseModel):
    """The contents of ``run_report.json``; ``done_here`` is what this run itself annotated.

    ``seconds`` and ``seconds_to_first_unit`` count from the start of the command; ``stages`` are of
    the units done here.
    """

    package_version: str
    fingerprint: str
    input_uri: str
    output_uri: str
    finished: datetime
    seconds: float
    rows_in: int
    rows_out: int
    rows_quarantined: int
    units: int
    units_done_here: int
    rows_done_here: int
    tokens: int
    tokens_done_here: int
    tokens_per_second: float
    seconds_to_first_unit: float | None
    stages: dict[str, StageLine]
    batch_fill: float | None = None
    """Of ``runtime.max_batch_tokens``, the share that micro-batches of the units done here had."""
    languages: dict[str, LanguageCounts]
    quarantine_reasons: dict[str, int]
    bad_files: list[BadFileEntry]
    cost: Cost | None = None
    """Of this run; None in reports of versions that did not count it."""

    def by_language_name(self) -> dict[str, LanguageCounts]:
        """Counts by ``language_name``, the most frequent first."""
        names: dict[str, LanguageCounts] = {}
        for tag, counts in self.languages.items():
            name = language_name(tag)
            names[name] = names.get(name, LanguageCounts()) + counts
        return dict(sorted(names.items(), key=lambda item: (-item[1].records, item[0])))


def language_name(tag: str) -> str:
    """The English name, regions taken together; the script where the tag has one (zh-Hant)."""
    try:
        language = langcodes.Language.get(tag)
    except LanguageTagError:
        return tag
    plain = langcodes.Language.make(language=language.language, script=language.script)
    return f"{plain.display_name()} ({plain.to_tag()})"
