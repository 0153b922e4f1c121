"""``run_report.json``: its contents, and when it is written.

Enters: nothing, or a report. Leaves: ``RunReport``, which ``report`` makes of a run and the page
reads again. What holds: no text of records and no credential is in it; reading it needs neither Ray
nor a model; a run that did nothing leaves the report of the one that did.
"""

from datetime import datetime

import langcodes
from langcodes.tag_parser import LanguageTagError
from pydantic import BaseModel, ValidationError

from pipeline.output.commit import LanguageCounts
from pipeline.planning.cost import Cost
from pipeline.reporting.run_stats import StageLine
from pipeline.storage import Store

REPORT = "run_report.json"
_OF_THE_OUTPUT = {
    "fingerprint",
    "rows_in",
    "rows_out",
    "rows_quarantined",
    "languages",
    "quarantine_reasons",
    "bad_files",
    "files_gone",
    "units_kept",
}


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
    files_new: int = 0
    """Input files of which nothing was in the output before this run."""
    files_gone: int = 0
    files_changed: int = 0
    units_kept: int = 0
    """Units of files that are gone or unreadable, whose records stay in the output."""
    units_retired: int = 0
    """Units whose records this run took out of the output."""
    cost: Cost | None = None
    """Of this run; None in reports of versions that did not count it."""

    def by_language_name(self) -> dict[str, LanguageCounts]:
        """Counts by ``language_name``, the most frequent first."""
        names: dict[str, LanguageCounts] = {}
        for tag, counts in self.languages.items():
            name = language_name(tag)
            names[name] = names.get(name, LanguageCounts()) + counts
        return dict(sorted(names.items(), key=lambda item: (-item[1].records, item[0])))


def keep_report(store: Store, report: RunReport) -> None:
    """Write ``report``, unless its run did nothing and what stands says the same of the output."""
    if report.units_done_here or not _stands(store, report):
        store.replace(REPORT, report.model_dump_json(indent=1).encode())


def _stands(store: Store, report: RunReport) -> bool:
    body = store.read(REPORT)
    try:
        earlier = RunReport.model_validate_json(body or b"")
    except ValidationError:
        return False  # an older version's, or damaged
    return earlier.model_dump(include=_OF_THE_OUTPUT) == report.model_dump(include=_OF_THE_OUTPUT)


def language_name(tag: str) -> str:
    """The English name, regions taken together; the script where the tag has one (zh-Hant)."""
    try:
        language = langcodes.Language.get(tag)
    except LanguageTagError:
        return tag
    plain = langcodes.Language.make(language=language.language, script=language.script)
    return f"{plain.display_name()} ({plain.to_tag()})"
