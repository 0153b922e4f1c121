"""The benchmark's own arithmetic: what is right, what changed, which texts stand for all."""

import numpy as np
import pytest
from seqeval.metrics import f1_score
from seqeval.scheme import IOB2

from benchmarks.harness.surroundings import surroundings
from benchmarks.quality.answers import Answers, answers, languages
from benchmarks.quality.measured import BASE, OWN, Measured
from benchmarks.quality.scores import (
    at_words,
    changed,
    changed_entities,
    cosines,
    f1_by_language,
    f1_difference,
    mean_f1,
)
from benchmarks.quality.tables import record
from benchmarks.quality.texts import Filed, Heldout, Marked, thinned
from pipeline.config import DType
from pipeline.training.labels import entities

WORDS = ((0, 4), (5, 12), (12, 13), (14, 20), (21, 26))
GOLD = [["B-PER", "I-PER", "O", "B-LOC", "O"], ["O", "O", "O", "B-ORG", "I-ORG"]]
SAID = [["B-PER", "I-PER", "O", "B-ORG", "O"], ["O", "B-PER", "O", "B-ORG", "I-ORG"]]


def spans(tags: list[str]) -> frozenset[tuple[str, int, int]]:
    return frozenset((one.label, one.start, one.end) for one in entities(tags, WORDS))


def measured() -> Measured:
    """Two marked texts in each of two languages; three texts with topics, one without."""
    marked = [
        Marked(code, "x" * 26, spans(tags), WORDS) for code in ("de_DE", "ko_KR") for tags in GOLD
    ]
    topics = ["sports", "travel", "sports", None]
    filed = [
        Filed(code, "x", topic)
        for code, topic in zip(["de_DE", "de_DE", "ko_KR", "ko_KR"], topics, strict=True)
    ]
    right = [one.gold for one in marked]
    vectors = np.eye(4) + 1
    exact = Answers(right, ["sports", "travel", "sports", "travel"], vectors)
    rough = Answers([*right[:2], *map(spans, SAID)], ["sports"] * 4, vectors + 0.1 * np.eye(4)[0])
    return Measured.of(Heldout(marked, {"de_DE": 9, "ko_KR": 2}, filed), {BASE: exact, OWN: rough})


def test_answers_come_through_the_stages_of_a_job():
    marked = [Marked("de_DE", "Angela Merkel wohnt in Berlin.", frozenset(), ())]
    filed = [Filed(code, "Der Fluss ist lang.", None) for code in languages()[:2]]
    found = answers(Heldout(marked, {}, filed), DType.FLOAT32)
    assert len(found.entities) == 1
    assert len(found.topics) == 2
    assert found.vectors.shape[0] == 2


def test_f1_of_spans_is_that_of_seqeval_over_tags():
    found = measured().scores[OWN]
    expected = 100 * f1_score(GOLD, SAID, mode="strict", scheme=IOB2)
    assert f1_by_language(found.spans) == pytest.approx({"de_DE": 100, "ko_KR": expected})
    assert mean_f1(found.spans) == pytest.approx((100 + expected) / 2)


def test_accuracy_is_of_texts_with_a_topic():
    assert measured().scores[OWN].accuracy == {"de_DE": 50, "ko_KR": 100}


@pytest.mark.parametrize(
    ("found", "moved"),
    [
        ((0, 9), (0, 12)),  # ends within a word
        ((6, 20), (12, 20)),  # begins within a word
        ((4, 12), (5, 12)),
        ((6, 8), None),  # no word begins in it
    ],
)
def test_entity_moved_to_words_holds_the_words_that_begin_in_it(found, moved):
    assert at_words({("LOC", *found)}, WORDS) == ({("LOC", *moved)} if moved else set())


def test_changed_counts_texts_and_entities_of_either_side():
    before, after = (measured().answers[side] for side in (BASE, OWN))
    assert changed(before.topics, after.topics) == 50
    assert changed(before.entities, after.entities) == 50
    # Of 6 entities before and 7 after, a place became an organisation and a person came: 5 stayed.
    assert changed_entities(before.entities, after.entities) == pytest.approx(100 * 3 / 8)


def test_cosines_of_vectors_are_by_text_whatever_their_length():
    one, other = (measured().answers[side] for side in (BASE, OWN))
    found = cosines(one, other)
    assert found.shape == (4,)
    assert found == pytest.approx(cosines(other, one))
    assert cosines(one, one) == pytest.approx(1)
    assert found.max() < 1


def test_difference_of_f1_lies_between_its_draws():
    own = measured().scores
    found = f1_difference(own[OWN].spans, own[BASE].spans)
    assert found.low < found.median < found.high <= 0
    same = f1_difference(own[BASE].spans, own[BASE].spans)
    assert (same.low, same.median, same.high) == (0, 0, 0)


def test_thinned_texts_are_spread_over_each_language():
    texts = [Filed("de_DE", str(i), None) for i in range(10)] + [Filed("ko_KR", "a", None)]
    kept = thinned(texts, 4)
    assert [one.text for one in kept] == ["0", "3", "6", "9", "a"]
    assert thinned(texts, 100) == texts


def test_record_names_goals_that_are_missed():
    made = record(measured(), surroundings())
    reached = {one.name: one.reached for one in made.figures if one.goal is not None}
    assert list(reached.values()) == [False, False, False, True]
    assert "2 of 9" in made.markdown()
    assert made.json()
