"""The choice that goes best with a text, scored by accuracy; rows have any number of choices."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence
from transformers import XmodForMultipleChoice
from transformers.modeling_outputs import SequenceClassifierOutput

from pipeline.errors import InputError
from pipeline.tasks.model_inputs import Asked, Beside, Piece
from pipeline.tasks.multiple_choice import choice_probabilities
from pipeline.training.codec import Codec, window_of
from pipeline.training.collate import Batch, Example
from pipeline.training.heads.head import BASELINE, Guess, Head, Loss
from pipeline.training.inference import Reader, logits

Row = dict[str, Any]


class ChoiceScorer(XmodForMultipleChoice):  # type: ignore[no-untyped-call]
    """X-MOD for multiple choice, over choices that are already laid out one a row.

    The class of transformers repeats `lang_ids` by batch instead of by choice, and fails.
    """

    def forward(self, **inputs: Any) -> SequenceClassifierOutput:  # noqa: ANN401
        """Scores [choices of all rows] as `logits`."""
        pooled = self.roberta(**inputs).pooler_output
        return SequenceClassifierOutput(logits=self.classifier(self.dropout(pooled)).squeeze(-1))


def checked(rows: pa.Table) -> pa.Table:
    """The rows; raises InputError where a label is not the place of one of its row's choices."""
    pairs = zip(rows["label"].to_pylist(), rows["choices"].to_pylist(), strict=True)
    wrong = sum(
        not isinstance(label, int) or not 0 <= label < len(choices or ())
        for label, choices in pairs
    )
    if wrong:
        raise InputError(
            f"The label of {wrong} rows is no place among their choices; expected an integer from "
            "0 to the number of the row's choices less one."
        )
    return rows


def encode(table: pa.Table, codec: Codec) -> list[Example]:
    """Examples with the first window of each choice."""
    rows = table.to_pylist()
    return [
        {
            "input_ids": firsts[0],
            "choices": firsts,
            "labels": int(row["label"]),
            "lang_id": codec.lang_ids[row["language"]],
        }
        for row, pieces in zip(rows, _pieces(rows, codec), strict=True)
        if pieces
        for firsts in [[piece.encoding.ids for piece in pieces if piece.number == 0]]
    ]


def one_by_one(rows: list[Example]) -> list[Example]:
    """A sequence a choice, read by its row's own adapter."""
    return [
        {"input_ids": choice, "lang_id": row["lang_id"]}
        for row in rows
        for choice in row["choices"]
    ]


def targets(rows: list[Example]) -> Batch:
    """The right choice of each row, and how many it has; [rows] each."""
    return {
        "labels": torch.tensor([int(row["labels"]) for row in rows]),
        "choices": torch.tensor([len(row["choices"]) for row in rows]),
    }


def loss(_: Tensor | None, __: float) -> Loss:
    """Mean cross-entropy over the choices of each row."""

    def over_choices(model: nn.Module, batch: Batch) -> Tensor:
        wanted, choices = batch.pop("labels"), batch.pop("choices")
        given = model(**batch).logits.split(choices.tolist())
        table = pad_sequence(list(given), batch_first=True, padding_value=float("-inf"))
        return functional.cross_entropy(table, wanted)

    return over_choices


def scored(reader: Reader, rows: pa.Table, language: str) -> dict[str, float]:
    """`accuracy`; a row that has no windows counts as wrong."""
    chosen = predicted_choices(reader, rows.to_pylist(), language)
    return {"accuracy": float(np.mean(np.array(rows["label"].to_pylist()) == chosen))}


def predicted_choices(reader: Reader, rows: Sequence[Row], language: str) -> list[int]:
    """The best choice of each row, as the annotating pipeline finds it; -1 without windows."""
    read = _pieces(rows, reader.codec)
    given = iter(logits(reader, [p.encoding.ids for some in read for p in some], language))
    best = []
    for pieces in read:
        windows = [window_of(piece) for piece in pieces]
        scores = [next(given) for _ in windows]
        best.append(int(choice_probabilities(windows, scores).argmax()) if windows else -1)
    return best


def most_frequent_place(train: pa.Table) -> Guess:
    """`accuracy` of always taking the place that is right most often in `train`."""
    most = Counter(train["label"].to_pylist()).most_common(1)[0][0]
    return lambda rows, _: {"accuracy": float(np.mean(np.array(rows["label"].to_pylist()) == most))}


def _pieces(rows: Sequence[Row], codec: Codec) -> list[list[Piece]]:
    asked = [Asked(row.get("question"), row["choices"]) for row in rows]
    return codec.pieces(Beside.CHOICES, [row["text"] for row in rows], asked)


MULTIPLE_CHOICE = Head(
    model=ChoiceScorer,
    columns=("text", "choices", "label"),
    optional=("question",),
    encode=encode,
    targets=targets,
    unfold=one_by_one,
    scored=scored,
    selects="accuracy",
    baselines={BASELINE: most_frequent_place},
    loss=loss,
    checked=checked,
)
