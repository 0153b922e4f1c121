"""A class a text, scored by accuracy and macro F1."""

from collections import Counter

import numpy as np
import pyarrow as pa
from scipy.special import softmax
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from transformers import XmodForSequenceClassification

from pipeline.errors import InputError
from pipeline.training.calibration_error import calibration_error
from pipeline.training.codec import Codec
from pipeline.training.collate import Example, stacked
from pipeline.training.heads.head import BASELINE, Guess, Head, weighted_loss
from pipeline.training.inference import Reader, logits


def labels(train: pa.Table) -> tuple[str, ...]:
    """The classes of `train`, sorted; raises InputError where there are fewer than two."""
    names = sorted(train["label"].unique().to_pylist())
    if len(names) < 2:
        raise InputError(
            f"The train rows have the labels {names}; a classifier needs two or more. Check data "
            "and columns in the config."
        )
    return tuple(names)


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


def character_ngrams(train: pa.Table) -> Guess:
    """The figures of logistic regression on TF-IDF of characters, learnt from `train`."""
    if len(set(train["label"].to_pylist())) < 2:
        return most_frequent_class(train)
    # One against the rest by the dual, which is some 20 times as fast as all classes at once.
    regression = LogisticRegression(C=30.0, solver="liblinear", dual=True, random_state=0)
    classifier = make_pipeline(
        TfidfVectorizer(
            analyzer="char_wb", ngram_range=(1, 5), sublinear_tf=True, max_features=100_000
        ),
        OneVsRestClassifier(regression),
    )
    classifier.fit(train["text"].to_pylist(), train["label"].to_pylist())
    return lambda rows, _: agreement(
        np.array(rows["label"].to_pylist()), classifier.predict(rows["text"].to_pylist())
    )


CLASSIFICATION = Head(
    model=XmodForSequenceClassification,
    columns=("text", "label"),
    encode=encode,
    targets=stacked("labels"),
    scored=scored,
    baselines={BASELINE: most_frequent_class, "tf-idf": character_ngrams},
    selects="accuracy",
    labels=labels,
    counts=counts,
    loss=weighted_loss,
)
