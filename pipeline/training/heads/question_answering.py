"""The stretch of a text that answers a question, scored by exact match and F1.

A long text is read in windows; one that the answer is not in learns that there is none.

Scores are SQuAD's (Rajpurkar et al., EMNLP 2016): the best over a question's gold answers, after
case, punctuation and, in English, articles are taken away. Words are runs of letters and digits;
where a script has no spaces each character is a word, as in MLQA (Lewis et al., ACL 2020).
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import regex
import torch
from transformers import XmodForQuestionAnswering

from pipeline.tasks.answers import Extraction
from pipeline.tasks.model_inputs import Asked, Beside, Piece
from pipeline.tasks.task import Document
from pipeline.training.codec import Codec, window_of
from pipeline.training.collate import Batch, Example, stacked
from pipeline.training.heads.head import Head
from pipeline.training.inference import Reader, outputs

Row = dict[str, Any]

_PUNCTUATION = regex.compile(r"\p{P}")
_ARTICLES = {"a", "an", "the"}
_WORDS = regex.compile(
    r"[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}"
    r"\p{Script=Khmer}\p{Script=Myanmar}]\p{M}*|[\p{L}\p{M}\p{N}]+"
)


def encode(table: pa.Table, codec: Codec) -> list[Example]:
    """An example a window, with the places of its answer's first and last token, or 0 and 0."""
    rows = table.to_pylist()
    return [
        {
            "input_ids": piece.encoding.ids,
            "start_positions": start,
            "end_positions": end,
            "lang_id": codec.lang_ids[row["language"]],
        }
        for row, pieces in zip(rows, _pieces(rows, codec), strict=True)
        for piece in pieces
        for start, end in [answer_tokens(piece.spans, row)]
    ]


def answer_tokens(spans: Sequence[tuple[int, int]], row: Row) -> tuple[int, int]:
    """Places of the first gold answer's first and last token; (0, 0) where it is not whole."""
    if not row["answers"]["text"]:
        return 0, 0
    start = row["answers"]["answer_start"][0]
    end = start + len(row["answers"]["text"][0])
    inside = [
        place
        for place, (first, last) in enumerate(spans)
        if first < last and first < end and start < last
    ]
    whole = inside and spans[inside[0]][0] <= start and end <= spans[inside[-1]][1]
    return (inside[0], inside[-1]) if whole else (0, 0)


def scored(reader: Reader, rows: pa.Table, language: str) -> dict[str, float]:
    """`exact_match` and `answer_f1`."""
    records = rows.to_pylist()
    found = predicted_answers(reader, records, language)
    pairs = [
        agreement(record["answers"]["text"] or [""], answer, language)
        for record, answer in zip(records, found, strict=True)
    ]
    exact, overlap = np.mean(pairs, axis=0)
    return {"exact_match": float(exact), "answer_f1": float(overlap)}


def predicted_answers(reader: Reader, rows: Sequence[Row], language: str) -> list[str]:
    """The best answer to each row's question, as the annotating pipeline extracts it.

    Where some of `rows` have no answer, one must be likelier than that there is none (SQuAD 2.0).
    """
    model: Any = reader.model

    def forward(batch: Batch) -> torch.Tensor:
        given = model(**batch)
        return torch.stack([given.start_logits, given.end_logits], dim=-1)

    windows = [list(map(window_of, pieces)) for pieces in _pieces(rows, reader.codec)]
    ids = [window.ids for some in windows for window in some]
    given = iter(outputs(reader, ids, language, forward))
    extraction = Extraction(no_answer=any(not row["answers"]["text"] for row in rows))
    answers = []
    for row, own in zip(rows, windows, strict=True):
        scores = [next(given)[: len(window)] for window in own]
        document = Document(row["text"], own, reader.codec.stride)
        best = extraction.answers(document, scores) if own else []
        answers.append(row["text"][best[0].start : best[0].end] if best else "")
    return answers


def agreement(gold: Sequence[str], answer: str, language: str) -> tuple[float, float]:
    """Exact match and F1 of `answer` with the one of `gold` that is nearest to it."""
    found = answer_words(answer, language)
    wanted = [answer_words(one, language) for one in gold]
    return float(any(found == words for words in wanted)), max(_f1(found, one) for one in wanted)


def answer_words(answer: str, language: str) -> list[str]:
    """The words that answers are compared by."""
    words: list[str] = _WORDS.findall(_PUNCTUATION.sub("", answer.casefold()))
    return [word for word in words if not (language.startswith("en") and word in _ARTICLES)]


def _f1(found: list[str], wanted: list[str]) -> float:
    if not found or not wanted:
        return float(found == wanted)
    shared = sum((Counter(found) & Counter(wanted)).values())
    return 2 * shared / (len(found) + len(wanted))


def _pieces(rows: Sequence[Row], codec: Codec) -> list[list[Piece]]:
    asked = [Asked(row["question"], None) for row in rows]
    return codec.pieces(Beside.QUESTION, [row["text"] for row in rows], asked)


QUESTION_ANSWERING = Head(
    model=XmodForQuestionAnswering,
    columns=("text", "question", "answers"),
    encode=encode,
    targets=stacked("start_positions", "end_positions"),
    scored=scored,
    selects="answer_f1",
)
