"""Texts cut at their entities."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.reporting.page.columns import Columns
from pipeline.reporting.page.shown import Piece, Row, Verdict, pieces, shown

ARABIC = "زار محمد القاهرة"
CHINESE = "云南省医院"
FAMILY = "👨‍👩‍👧 in Köln"


def span(start: int, end: int, label: str = "LOC") -> Row:
    return {"start": start, "end": end, "label": label, "score": 0.5}


@pytest.mark.parametrize(
    ("text", "found"), [(ARABIC, "القاهرة"), (CHINESE, "云南省"), (FAMILY, "Köln"), ("𝔘lm", "𝔘lm")]
)
def test_pieces_mark_code_points_of_any_script(text: str, found: str):
    start = text.index(found)
    marked = [piece for piece in pieces(text, [span(start, start + len(found))]) if piece.label]
    assert marked == [Piece(found, "LOC", 0.5)]


def test_pieces_keep_the_text_between_and_around():
    assert pieces("a Berlin b", [span(2, 8)]) == (
        Piece("a "),
        Piece("Berlin", "LOC", 0.5),
        Piece(" b"),
    )


def test_pieces_of_a_text_with_nothing_in_it_are_none():
    assert pieces("", [span(0, 0)]) == ()


@pytest.mark.parametrize("wrong", [span(-1, 2), span(2, 2), span(3, 1), span(2, 99)])
def test_pieces_leave_out_a_span_that_is_not_in_the_text(wrong: Row):
    assert pieces("abcd", [wrong]) == (Piece("abcd"),)


def test_pieces_leave_out_what_lies_across_an_earlier_span():
    assert pieces("abcd", [span(1, 4, "B"), span(0, 2, "A")]) == (
        Piece("ab", "A", 0.5),
        Piece("cd"),
    )


@given(st.text(), st.lists(st.tuples(st.integers(-2, 20), st.integers(-2, 20))))
def test_pieces_put_together_are_the_text(text: str, places: list[tuple[int, int]]):
    found = pieces(text, [span(start, end) for start, end in places])
    assert "".join(piece.text for piece in found) == text


def test_shown_gives_a_verdict_for_each_label_of_a_list():
    lists = (pa.list_(pa.string()), pa.list_(pa.float32()))
    labels, scores = map(pa.field, ("tags_labels", "tags_scores"), lists)
    row = {
        **dict.fromkeys(("record_id", "language", "xmod_language", "language_source")),
        **dict.fromkeys(("language_score", "n_tokens")),
        "tags_labels": ["b", "c"],
        "tags_scores": [0.75, 0.5],
        "topic_label": "news",
        "topic_score": 0.25,
    }
    columns = Columns(labels=(pa.field("topic_label", pa.string()), labels), scores=(scores,))
    verdicts = [("topic", "news", 0.25), ("tags", "b", 0.75), ("tags", "c", 0.5)]
    assert shown(row, columns, 10).verdicts == tuple(Verdict(*one) for one in verdicts)
    nothing = {**row, "tags_labels": None, "tags_scores": None, "topic_label": None}
    assert shown(nothing, columns, 10).verdicts == ()
    assert shown({**nothing, "tags_labels": []}, columns, 10).verdicts == ()
