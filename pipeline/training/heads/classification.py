"""A class a text, scored by accuracy and macro F1."""

from collections import Counter

import numpy as np
import pyarrow as pa
from scipy.special import softmax
from sklearn.metrics import f1_score
from transformers import XmodForSequenceClassification

from pipeline.errors import InputError
from pipeline.training.calibration_error import calibration_error
from pipeline.training.codec import Codec
from pipeline.training.collate import Example, stacked
from pipeline.training.heads.head import Guess, Head, weighted_loss
from pipeline.training.inference import Reader, logits


def checked(rows: pa.Table) -> pa.Table:
    """Labels as strings; raises InputError where one is missing."""
    missing = rows["label"].null_count
    if missing:
        raise InputError(f"{missing} rows have no label. Take them out, or give them one.")
    place = rows.column_names.index("label")
    return rows.set_column(place, "label", rows["label"].cast(pa.string()))


def labels(train: pa.Table) -> tuple[str, ...]:
    """The classes of `train`, sorted."""
    return tuple(sorted(train["label"].unique().to_pylist()))


def counts(train: pa.Table) -> Counter[str]:
    """How many texts have each class."""
    return Counter(train["label"].to_pylist())


def encode(table: pa.Table, codec: Codec) -> list[Example]:
    """Examples with one label a text."""
    ids = {name: position for position, name in enumerate(codec.labels)}
    encoded = codec.encoded(table["text"].to_pylist())["input_ids"]
    rows = table.select(["label", "language"]).to_pylist()
    return [
        {"input_ids": text, "labels": ids[row["label"]], "lang_id": codec.lang_ids[row["language"]]}
        for text, row in zip(encoded, rows, strict=True)
    ]


def scored(reader: Reader, rows: pa.Table, language: str) -> dict[str, float]:
    """`accuracy` and `macro_f1`; of a head that has its temperature, `calibration_error`."""
    ids = reader.codec.encoded(rows["text"].to_pylist())["input_ids"]
    given, names = np.stack(logits(reader, ids, language)), np.array(reader.codec.labels)
    gold = np.array(rows["label"].to_pylist())
    figures = agreement(gold, names[given.argmax(axis=-1)])
    if reader.temperature is None:
        return figures
    probabilities = softmax(given / reader.temperature, axis=-1)
    right = names[probabilities.argmax(axis=-1)] == gold
    return figures | {"calibration_error": calibration_error(probabilities.max(axis=-1), right)}


def agreement(gold: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """Share of equal labels, and the mean of F1 over the labels of `gold`; both are [texts]."""
    macro = f1_score(gold, predicted, labels=np.unique(gold), average="macro", zero_division=0)
    return {"accuracy": float(np.mean(gold == predicted)), "macro_f1": float(macro)}


def most_frequent_class(train: pa.Table) -> Guess:
    """The figures of giving every text the class that is the most frequent in `train`."""
    most = counts(train).most_common(1)[0][0]
    return lambda rows, _: agreement(
        np.array(rows["label"].to_pylist()), np.array([most] * rows.num_rows)
    )


CLASSIFICATION = Head(
    model=XmodForSequenceClassification,
    columns=("text", "label"),
    encode=encode,
    targets=stacked("labels"),
    scored=scored,
    baseline=most_frequent_class,
    selects="accuracy",
    labels=labels,
    counts=counts,
    checked=checked,
    loss=weighted_loss,
)
