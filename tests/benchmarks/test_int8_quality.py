"""The benchmark's own arithmetic: what is right, what changed, which texts stand for all."""

import numpy as np
import pytest
from seqeval.metrics import f1_score
from seqeval.scheme import IOB2

from benchmarks.int8_quality import (
    Answers,
    Text,
    annotated,
    changed_entities,
    cosines,
    f1_change,
    scored,
    thinned,
)
from pipeline.config import DType
from pipeline.training.labels import entities

WORDS = ((0, 4), (5, 12), (12, 13), (14, 20), (21, 26))
GOLD = [["B-PER", "I-PER", "O", "B-LOC", "O"], ["O", "O", "O", "B-ORG", "I-ORG"]]
SAID = [["B-PER", "I-PER", "O", "B-ORG", "O"], ["O", "B-PER", "O", "B-ORG", "I-ORG"]]


def spans(tags: list[str]) -> frozenset[tuple[str, int, int]]:
    return frozenset((one.label, one.start, one.end) for one in entities(tags, WORDS))


# Two texts with entities in each of two languages; three texts with topics, one without.
MARKED = [Text(code, "x" * 26, spans(tags)) for code in ("de_DE", "ko_KR") for tags in GOLD]
FILED = [
    Text(code, "x", topic=topic)
    for code, topic in zip(
        ["de_DE", "de_DE", "ko_KR", "ko_KR"], ["sports", "travel", "sports", None], strict=True
    )
]
RIGHT = [one.entities for one in MARKED]
VECTORS = np.eye(4) + 1
EXACT = Answers(RIGHT, ["sports", "travel", "sports", "travel"], VECTORS)
ROUGH = Answers([*RIGHT[:2], *map(spans, SAID)], ["sports"] * 4, VECTORS + 0.1 * np.eye(4)[0])


def test_answers_come_through_the_stages_of_a_job():
    filed = [Text(code, "Der Fluss ist lang.") for code in ("de_DE", "en_XX")]
    found = annotated([Text("de_DE", "Angela Merkel wohnt in Berlin.")], filed, DType.FLOAT32)
    assert len(found.entities) == 1
    assert len(found.topics) == 2
    assert found.vectors.shape[0] == 2


def test_f1_of_spans_is_that_of_seqeval_over_tags():
    expected = 100 * f1_score(GOLD, SAID, mode="strict", scheme=IOB2)
    found = scored(MARKED, FILED, ROUGH)
    assert found.f1 == pytest.approx({"de_DE": 100, "ko_KR": expected})


def test_accuracy_is_of_texts_with_a_topic():
    assert scored(MARKED, FILED, ROUGH).accuracy == {"de_DE": 50, "ko_KR": 100}


def test_changed_counts_entities_of_either_side():
    # Of 6 entities before and 7 after, a place became an organisation and a person came: 5 stayed.
    assert changed_entities(EXACT.entities, ROUGH.entities) == pytest.approx(100 * 3 / 8)


def test_cosines_of_vectors_are_by_text_whatever_their_length():
    found = cosines(EXACT, ROUGH)
    assert found.shape == (4,)
    assert found == pytest.approx(cosines(ROUGH, EXACT))
    assert cosines(EXACT, EXACT) == pytest.approx(1)
    assert found.max() < 1


def test_change_of_f1_lies_between_its_draws():
    exact, rough = (scored(MARKED, FILED, one) for one in (EXACT, ROUGH))
    found = f1_change(rough, exact)
    assert found.low < found.median < found.high <= 0
    same = f1_change(exact, exact)
    assert (same.low, same.median, same.high) == (0, 0, 0)


def test_thinned_texts_are_spread_over_each_language():
    texts = [Text("de_DE", str(i)) for i in range(10)] + [Text("ko_KR", "a")]
    assert [one.text for one in thinned(texts, 4)] == ["0", "3", "6", "9", "a"]
    assert thinned(texts, 100) == texts
