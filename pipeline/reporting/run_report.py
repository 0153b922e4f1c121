"""``run_report.json``: its contents, and when it is written.

It holds no text of records and no credential; reading it needs neither Ray nor a model.
"""

from datetime import datetime
from functools import lru_cache

import langcodes
from langcodes.tag_parser import LanguageTagError
from pydantic import BaseModel, ValidationError

from pipeline.language.tags import UNDETERMINED
from pipeline.output.commit import OTHER, LanguageCounts
from pipeline.output.output_lock import REPORT
from pipeline.planning.cost import Cost
from pipeline.reporting.run_stats import StageLine
from pipeline.storage import Store

SOURCES = {
    "column": "language column",
    "detected": "language detector",
    "related": "fallback: related language",
    "default": "fallback: default language",
    "none": "fallback: no adapter",
}
"""Values of ``language_source``, which are fields of ``LanguageCounts``, and what they mean."""

_OF_THE_OUTPUT = {
    *("fingerprint", "rows_in", "rows_out", "rows_quarantined", "languages"),
    *("quarantine_reasons", "bad_files", "files_gone", "units_kept"),
}
"""Fields about the output as a whole; the others are about the run."""


class BadFileEntry(BaseModel):
    """An input file that could not be read and was left out."""

    uri: str
    reason: str


class RunReport(BaseModel):
    """The contents of ``run_report.json``.

    ``…_done_here`` and ``stages`` count only the units that this run annotated; ``seconds`` and
    ``seconds_to_first_unit`` count from the start of the command.
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
    """Share of ``runtime.max_batch_tokens`` that the micro-batches of this run used."""
    languages: dict[str, LanguageCounts]
    quarantine_reasons: dict[str, int]
    bad_files: list[BadFileEntry]
    files_new: int = 0
    """Input files without any unit in the output before this run."""
    files_gone: int = 0
    files_changed: int = 0
    units_kept: int = 0
    """Units of deleted or unreadable input files whose records stay in the output."""
    units_retired: int = 0
    """Units whose records this run removed from the output."""
    cost: Cost | None = None
    """Cost of this run; None in reports of versions that did not record it."""

    def by_language_name(self) -> dict[str, LanguageCounts]:
        """Counts by ``language_name``, the most frequent first."""
        names: dict[str, LanguageCounts] = {}
        for tag, counts in self.languages.items():
            name = language_name(tag)
            names[name] = names.get(name, LanguageCounts()) + counts
        return dict(sorted(names.items(), key=lambda item: (-item[1].records, item[0])))


def keep_report(store: Store, report: RunReport) -> None:
    """Write ``report``; a run that annotated nothing keeps an earlier report of the same output."""
    if report.units_done_here or not _is_of_same_output(store.read(REPORT), report):
        store.replace(REPORT, report.model_dump_json(indent=1).encode())


def _is_of_same_output(body: bytes | None, report: RunReport) -> bool:
    try:
        earlier = RunReport.model_validate_json(body or b"")
    except ValidationError:  # another version's, or damaged
        return False
    return earlier.model_dump(include=_OF_THE_OUTPUT) == report.model_dump(include=_OF_THE_OUTPUT)


@lru_cache(maxsize=4096)
def language_name(tag: str | None) -> str:
    """The English name of ``tag`` without its region, such as ``Chinese (Traditional) (zh-Hant)``.

    None counts as undetermined; a malformed tag is returned as it is.
    """
    if tag == OTHER:
        return "other languages"
    try:
        language = langcodes.Language.get(tag or UNDETERMINED)
    except LanguageTagError:
        return str(tag)
    plain = langcodes.Language.make(language=language.language, script=language.script)
    return f"{plain.display_name()} ({plain.to_tag()})"
