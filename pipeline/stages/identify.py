"""The identify stage: the language adapter of each record.

Enters: ``_text``, ``_tag``, ``_prior``, ``_error``, and the checkpoint's languages in its own
order. Leaves: ``LANGUAGE_FIELDS``, and with ``language.per_window`` the languages of each text's
segments. What holds: a tag in the language column wins over the detector; ``lang_id`` is the
position in the checkpoint's languages; a record without an adapter follows ``language.fallback``; a
record that already has an error keeps it and gets nulls.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version

import pyarrow as pa

from pipeline.config import LanguageSettings
from pipeline.contract.schema import (
    ERROR,
    LANGUAGE_FIELDS,
    LANGUAGE_FRACTIONS,
    PRIOR,
    SEGMENTS,
    TAG,
    TEXT,
)
from pipeline.errors import LanguageError
from pipeline.language.candidates import checked_candidates
from pipeline.language.coverage import Coverage, coverage_of
from pipeline.language.detection_with_priors import DetectionWithPriors
from pipeline.language.mixture import Mixture
from pipeline.language.routing import (
    Routed,
    Unrouted,
    adapter_of,
    fall_back,
    from_detection,
    from_tag,
)
from pipeline.language.tags import UNDETERMINED
from pipeline.stages.stage import add_columns, not_failed, with_failures


class Identify:
    """Finds records' languages; loads the detector once, when it is made."""

    name = "identify"

    def __init__(self, settings: LanguageSettings, languages: tuple[str, ...]) -> None:
        """``languages`` are the checkpoint's, in its order.

        Raises ConfigError where the settings name a language that is not among them.
        """
        self._settings = settings
        self._languages = languages
        self._candidates = checked_candidates(settings, languages)
        self._hearing = DetectionWithPriors(settings, self._candidates)

    @property
    def consumes(self) -> tuple[str, ...]:
        """Columns that must be there."""
        return TEXT.name, TAG.name, PRIOR.name, ERROR.name

    @property
    def produces(self) -> tuple[pa.Field, ...]:
        """Columns that are added."""
        return (
            *LANGUAGE_FIELDS,
            *((LANGUAGE_FRACTIONS, SEGMENTS) if self._settings.per_window else ()),
        )

    @property
    def reachable(self) -> tuple[str, ...]:
        """The X-MOD languages that a record may be given, in the checkpoint's order."""
        wanted = {*self._candidates, self._settings.fallback_language}
        return tuple(code for code in self._languages if code in wanted)

    @property
    def can_detect(self) -> bool:
        """Whether the detector can answer with any of the candidates."""
        return bool(self._hearing.known)

    @property
    def coverage(self) -> Coverage:
        """The candidates that the detector never answers with."""
        return coverage_of(self._hearing.known, self._candidates)

    @property
    def version(self) -> str:
        """What languages, scores and adapters depend on besides texts and settings."""
        tables = (f"{name} {version(name)}" for name in ("langcodes", "language_data", "qwanqwa"))
        return "; ".join([self._hearing.version, *tables])

    def __call__(self, table: pa.Table) -> pa.Table:
        """``table`` with the language columns, and ``_error`` filled where there is no adapter."""
        verdicts = self._verdicts(table)
        outcomes = [verdict.outcome for verdict in verdicts]
        failures = [one.failure() if isinstance(one, Unrouted) else None for one in outcomes]
        routes = [one if isinstance(one, Routed) else None for one in outcomes]
        codes = [route.xmod_language if route else None for route in routes]
        columns: list[list[object]] = [
            [route and route.language for route in routes],
            [route and route.score for route in routes],
            [route and route.source for route in routes],
            [route and route.distance for route in routes],
            [*codes],
            [*language_ids(codes, self._languages)],
        ]
        if self._settings.per_window:
            columns += self._mixtures(verdicts)
        return with_failures(add_columns(table, self.produces, columns), failures)

    def _verdicts(self, table: pa.Table) -> list["_Verdict"]:
        """One a record, empty for records with an error; the detector is asked once for a block."""
        texts = [text or "" for text in table[TEXT.name].to_pylist()]
        tags = [_said(tag) for tag in table[TAG.name].to_pylist()]
        priors = table[PRIOR.name].to_pylist()
        rows = [row for row, good in enumerate(not_failed(table).to_pylist()) if good]
        asked = [row for row in rows if not tags[row]]
        heard = self._hearing(
            [texts[row] for row in asked],
            [priors[row] for row in asked],
            [tags[row] for row in rows if tags[row]],
        )
        mixtures = dict(zip(asked, heard, strict=True))
        verdicts = [_Verdict()] * table.num_rows
        for row in rows:
            verdicts[row] = self._verdict(texts[row], tags[row], mixtures.get(row))
        return verdicts

    def _verdict(self, text: str, tag: str, heard: Mixture | None) -> "_Verdict":
        if heard is None:
            outcome = from_tag(tag, text, self._candidates)
        else:
            main = heard.main(self._settings)
            outcome = from_detection(main, text, self._settings, self._candidates)
        if isinstance(outcome, Unrouted):
            outcome = fall_back(outcome, self._settings, self._candidates)
        return _Verdict(outcome, heard)

    def _mixtures(self, verdicts: list["_Verdict"]) -> list[list[object]]:
        """``language_fractions`` and ``_segments``, null where one adapter serves a text."""
        shares: list[object] = []
        segments: list[object] = []
        for verdict in verdicts:
            if isinstance(verdict.outcome, Routed) and verdict.mixture is not None:
                shares.append(verdict.mixture.shares(self._settings, self._candidates))
                segments.append(self._segments(verdict.mixture, verdict.outcome))
            else:
                shares.append(None)
                segments.append(None)
        return [shares, segments]

    def _segments(self, mixture: Mixture, record: Routed) -> list[dict[str, object]] | None:
        found: list[dict[str, object]] = []
        for end, spoken in mixture.segments(self._settings):
            code, tag = spoken or (record.xmod_language, None)
            if tag is not None:
                code = adapter_of(tag, record, self._settings, self._candidates)
            found.append({"end": end, "xmod_language": code})
        alike = all(one["xmod_language"] == record.xmod_language for one in found)
        return None if alike else found


@dataclass(frozen=True)
class _Verdict:
    """What becomes of a record, and what was heard in it, if the detector was asked."""

    outcome: Routed | Unrouted | None = None
    mixture: Mixture | None = None


def language_ids(codes: Iterable[str | None], languages: Sequence[str]) -> list[int | None]:
    """The position of each code in ``languages``, None for None.

    Raises LanguageError for any other code: transformers takes an id out of range without a word
    and gives wrong vectors, so none may reach the model.
    """
    positions = {code: position for position, code in enumerate(languages)}
    distinct = list(codes)
    strangers = sorted({code for code in distinct if code is not None} - positions.keys())
    if strangers:
        raise LanguageError(
            f"No adapter for {', '.join(strangers)}; the checkpoint has {', '.join(languages)}. "
            "Set model.path to a checkpoint with that language, or language.fallback."
        )
    return [None if code is None else positions[code] for code in distinct]


def _said(tag: str | None) -> str:
    """``tag``, or nothing where it says nothing: blank, or BCP 47's word for undetermined."""
    stripped = (tag or "").strip()
    return "" if stripped.lower() == UNDETERMINED else stripped
