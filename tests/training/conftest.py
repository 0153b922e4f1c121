"""A tiny corpus in three languages, one without spaces, and a base checkpoint trained on it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.training.learning import alone
from pipeline.training.pretrain import pretrain
from pipeline.training.settings import FinetuneConfig
from tests.helpers.training_configs import LANGUAGES, OPTIMISATION, pretrain_config

WORDS = {
    "en_XX": ["the", "river", "town", "of", "is", "large", "and", "old", "people", "live", "there"],
    "de_DE": ["der", "fluss", "stadt", "von", "ist", "gross", "und", "alt", "menschen", "leben"],
    "zh_CN": list("这座城市很大河流经过人们住在那里"),
}
NAMES = {
    "en_XX": ["Anna", "Boston"],
    "de_DE": ["Karl", "Bremen"],
    "zh_CN": ["李明", "北京"],
}
DATA = {
    "ner": "ner",
    "classification": "topic",
    "question_answering": "questions",
    "multiple_choice": "choices",
    "masked_lm": "topic",
    "causal_lm": "topic",
    "embeddings": "pairs",
}
"""The Parquet file of each task."""


@pytest.fixture(scope="session")
def corpora(tmp_path_factory) -> Path:
    """Folder with pretrain.parquet and a file for each kind of head."""
    folder = tmp_path_factory.mktemp("corpora")
    generator = np.random.default_rng(7)
    rows = [_sentence(language, generator) for language in LANGUAGES for _ in range(120)]
    table = pa.Table.from_pylist([_with_text(row) for row in rows])
    pq.write_table(table.select(["text", "language"]), folder / "pretrain.parquet")
    words = ["tokens", "tags", "spaces", "language", "split", "source"]
    pq.write_table(table.select(words), folder / "ner.parquet")
    pq.write_table(table.select(["text", "label", "language", "split"]), folder / "topic.parquet")
    shared = ["text", "question", "language", "split"]
    pq.write_table(table.select([*shared, "answers"]), folder / "questions.parquet")
    choices = table.select([*shared, "choices"]).append_column("label", table["place"])
    pq.write_table(choices, folder / "choices.parquet")
    # Not translations, but always the same pairs.
    pairs = table.slice(120).select(["text", "language", "split"])
    pairs = pairs.append_column("translation", pa.array(table["text"].to_pylist()[:120] * 2))
    english = pa.array(["en_XX"] * 240)
    pq.write_table(pairs.append_column("translation_language", english), folder / "pairs.parquet")
    return folder


@pytest.fixture(scope="session")
def base(corpora, tmp_path_factory) -> Path:
    """A base checkpoint after six steps."""
    out = tmp_path_factory.mktemp("models") / "base"
    pretrain(pretrain_config(corpora, out), alone)
    return out


@pytest.fixture
def finetune_config(corpora, base) -> Callable[..., FinetuneConfig]:
    """Makes the config of a short fine-tuning whose output lies beside the base."""

    def make(task: str, out: str, **changes: object) -> FinetuneConfig:
        settings = {
            "task": task,
            "base": base,
            "data": corpora / f"{DATA[task]}.parquet",
            "out": base.parent / out,
            "languages": ["de_DE", "zh_CN"],
            "max_rows_per_language": 64,
            "max_dev_rows_per_language": 8,
            "epochs": 1,
            "dropout": 0.0,
            "optimisation": OPTIMISATION,
        }
        return FinetuneConfig.model_validate(settings | changes)

    return make


def _sentence(language: str, generator: np.random.Generator) -> dict[str, object]:
    """Eight words, one of which is the name of a person or of a place."""
    tokens = [str(word) for word in generator.choice(WORDS[language], size=8)]
    tags = ["O"] * 8
    place, kind = int(generator.integers(8)), int(generator.integers(2))
    tokens[place], tags[place] = NAMES[language][kind], ("B-PER", "B-LOC")[kind]
    return {
        "tokens": tokens,
        "tags": tags,
        "spaces": [language != "zh_CN"] * 8,
        "language": language,
        "split": str(generator.choice(["train", "dev", "test"], p=[0.7, 0.15, 0.15])),
        "source": "made here",
        "name": tokens[place],
        "kind": kind,
    }


def _with_text(row: dict[str, object]) -> dict[str, object]:
    """The sentence with what is asked of it: which name, and whose it is."""
    words = zip(row["tokens"], row["spaces"], strict=True)
    text = "".join(word + " " * space for word, space in words)
    name, names = row["name"], NAMES[row["language"]]
    return {
        **row,
        "text": text,
        "label": ("person", "place")[row["kind"]],
        "question": WORDS[row["language"]][0],
        "answers": {"text": [name], "answer_start": [text.index(name)]},
        "choices": names,
        "place": names.index(name),
    }
