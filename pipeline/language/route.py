"""The stage ``identify``: each record gets the language adapter that it goes through.

Enters: a block with ``_text``, ``_tag`` and ``_error``, and the checkpoint's languages in its own
order. Leaves: the block with ``LANGUAGE_FIELDS``. What holds: a tag in the language column is
believed, otherwise the detector is asked; ``lang_id`` is the position in the languages that the
stage was given; a record for which no adapter is found follows ``language.fallback`` and never
goes to a neighbour in silence; a record that came with an error keeps it and gets nulls.
"""

import difflib
from collections.abc import Iterable, Sequence

import pyarrow as pa

from pipeline.errors import ConfigError, LanguageError
from pipeline.language.detection import Detection
from pipeline.language.detector import make_detector
from pipeline.language.outcome import Routed, Unrouted, fall_back, from_detection, from_tag
from pipeline.language.tags import UNDETERMINED, resolve
from pipeline.schema import ERROR, LANGUAGE_FIELDS, TAG, TEXT, add, sound, with_failures
from pipeline.settings import LanguageSettings


class Identify:
    """Finds records' languages; loads the detector once, when it is made."""

    name = "identify"

    def __init__(self, settings: LanguageSettings, languages: tuple[str, ...]) -> None:
        """``languages`` are the checkpoint's, in its order.

        Raises ConfigError where the settings name a language that is not among them.
        """
        self._settings = settings
        self._languages = languages
        self._candidates = _candidates(settings, languages)
        if settings.default is not None:
            _require(settings.default, languages, "language.default")
        self._detector = make_detector(settings.detector, self._candidates)

    @property
    def consumes(self) -> tuple[str, ...]:
        """Columns that must be there."""
        return TEXT.name, TAG.name, ERROR.name

    @property
    def produces(self) -> tuple[pa.Field, ...]:
        """Columns that are added."""
        return LANGUAGE_FIELDS

    @property
    def reachable(self) -> tuple[str, ...]:
        """The X-MOD languages that a record may be given, in the checkpoint's order."""
        wanted = {*self._candidates, self._settings.default}
        return tuple(code for code in self._languages if code in wanted)

    def __call__(self, table: pa.Table) -> pa.Table:
        """``table`` with the language columns, and ``_error`` filled where there is no adapter."""
        outcomes = self._outcomes(table)
        failures = [one.failure() if isinstance(one, Unrouted) else None for one in outcomes]
        routes = [one if isinstance(one, Routed) else None for one in outcomes]
        codes = [route.xmod_language if route else None for route in routes]
        columns: list[list[object]] = [
            [route and route.language for route in routes],
            [route and route.score for route in routes],
            [route and route.source for route in routes],
            [*codes],
            [*language_ids(codes, self._languages)],
        ]
        return with_failures(add(table, LANGUAGE_FIELDS, columns), failures)

    def _outcomes(self, table: pa.Table) -> list[Routed | Unrouted | None]:
        """One a record, None for records with an error; the detector is asked once for a block."""
        texts = [text or "" for text in table[TEXT.name].to_pylist()]
        tags = [_spoken(tag) for tag in table[TAG.name].to_pylist()]
        rows = [row for row, good in enumerate(sound(table).to_pylist()) if good]
        asked = [row for row in rows if not tags[row]]
        heard = dict(zip(asked, self._detector.detect([texts[row] for row in asked]), strict=True))
        outcomes: list[Routed | Unrouted | None] = [None] * table.num_rows
        for row in rows:
            outcomes[row] = self._outcome(texts[row], tags[row], heard.get(row))
        return outcomes

    def _outcome(self, text: str, tag: str, heard: Detection | None) -> Routed | Unrouted:
        if heard is None:
            outcome = from_tag(tag, text, self._candidates)
        else:
            outcome = from_detection(heard, text, self._settings.min_score, self._candidates)
        if isinstance(outcome, Routed):
            return outcome
        return fall_back(outcome, self._settings, self._candidates)


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


def _spoken(tag: str | None) -> str:
    """``tag``, or nothing where it says nothing: blank, or BCP 47's word for undetermined."""
    stripped = (tag or "").strip()
    return "" if stripped.lower() == UNDETERMINED else stripped


def _candidates(settings: LanguageSettings, languages: tuple[str, ...]) -> tuple[str, ...]:
    if settings.candidates == "all":
        return languages
    for position, code in enumerate(settings.candidates):
        _require(code, languages, f"language.candidates.{position}")
    return settings.candidates


def _require(code: str, languages: tuple[str, ...], key: str) -> None:
    if code in languages:
        return
    nearest = difflib.get_close_matches(code, languages, n=1)
    meant = resolve(code, languages).xmod_language or (nearest[0] if nearest else None)
    hint = f"did you mean {meant!r}? " if meant else ""
    raise ConfigError(
        f"{key} is {code!r}, which is no language of the checkpoint; {hint}"
        f"Available: {', '.join(languages)}."
    )
