"""What is known of a record's language before its text is read.

Enters: a detector's answers, the languages that a corpus is expected in, tags beside a record, or
the other records of its file. Leaves: answers in which a language that nobody expects needs more
evidence. What holds: a prior is a weight for each language, 1 for the expected ones and
``UNEXPECTED`` at least for all others, so that what is plain to see is still seen.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace

import regex

from pipeline.language.detection import Detection
from pipeline.language.tags import resolve

UNEXPECTED = 0.05
"""How likely a language that is not expected is, against one that is."""
SURE = 0.9
"""Answers with such a score tell which languages a file is in."""

Weights = Mapping[str, float]

_BETWEEN_TAGS = regex.compile(r"[,;|]+")


def expecting(languages: Iterable[str]) -> Weights:
    """The prior that expects ``languages``; none where there are none."""
    return dict.fromkeys(languages, 1.0)


def from_tags(tags: str | None, languages: tuple[str, ...]) -> Weights:
    """The prior of ``tags``, such as ``de, fr``; what is no tag of ``languages`` is passed over."""
    said = [resolve(tag, languages) for tag in _BETWEEN_TAGS.split(tags or "")]
    if all(one.xmod_language is None for one in said):
        said = [resolve(tag, languages) for tag in (tags or "").split()]  # "de fr"
    return expecting(one.xmod_language for one in said if one.xmod_language is not None)


def unit_prior(answers: Iterable[Detection], told: Iterable[str]) -> Weights:
    """The prior that records make which are sure of theirs: each language by its share of them.

    ``answers`` are detected, one a record; ``told`` are X-MOD languages of other records.
    """
    sure = Counter(one.language for one in answers if one.language and one.score >= SURE)
    sure.update(told)
    most = max(sure.values(), default=0)
    return {language: max(count / most, UNEXPECTED) for language, count in sure.items()}


def weighed(answer: Detection, prior: Weights) -> Detection:
    """``answer`` by Bayes' rule; as it is where ``prior`` is empty.

    What no language of the answer got counts as unexpected, and so does the language outside.
    """
    if not prior or not answer.ranked:
        return answer
    shares = {code: share * prior.get(code, UNEXPECTED) for code, share in answer.ranked}
    left = max(0.0, 1 - sum(share for _, share in answer.ranked)) * UNEXPECTED
    whole = sum(shares.values()) + left
    ranked = sorted(shares.items(), key=lambda item: -item[1])
    outside = answer.outside_score * UNEXPECTED
    return replace(
        answer,
        ranked=tuple((code, share / whole) for code, share in ranked),
        outside_score=outside / (outside + sum(shares.values())) if outside else 0.0,
    )
