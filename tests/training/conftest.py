"""A tiny corpus in three languages, one without spaces, and a base checkpoint trained on it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from training_configs import LANGUAGES, OPTIMISATION, pretrain_config

from pipeline.training.config import FinetuneConfig
from pipeline.training.pretrain import pretrain

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


@pytest.fixture(scope="session")
def corpora(tmp_path_factory) -> Path:
    """Folder with pretrain.parquet, ner.parquet and topic.parquet."""
    folder = tmp_path_factory.mktemp("corpora")
    generator = np.random.default_rng(7)
    rows = [_sentence(language, generator) for language in LANGUAGES for _ in range(120)]
    for row in rows:
        row["text"] = "".join(
            word + " " * space for word, space in zip(row["tokens"], row["spaces"], strict=True)
        )
        row["label"] = "place" if "B-LOC" in row["tags"] else "person"
    table = pa.Table.from_pylist(rows)
    pq.write_table(table.select(["text", "language"]), folder / "pretrain.parquet")
    # Not translations, but texts in groups.
    grouped = table.append_column("group", pa.array([str(row % 120) for row in range(len(table))]))
    pq.write_table(grouped.select(["text", "language", "group"]), folder / "translations.parquet")
    pq.write_table(table.drop(["text", "label"]), folder / "ner.parquet")
    pq.write_table(table.select(["text", "label", "language", "split"]), folder / "topic.parquet")
    return folder


@pytest.fixture(scope="session")
def base(corpora, tmp_path_factory) -> Path:
    """A base checkpoint after six steps."""
    out = tmp_path_factory.mktemp("models") / "base"
    pretrain(pretrain_config(corpora, out))
    return out


@pytest.fixture
def finetune_config(corpora, base) -> Callable[..., FinetuneConfig]:
    """Makes the config of a short fine-tuning whose output lies beside the base."""

    def make(task: str, out: str, **changes: object) -> FinetuneConfig:
        settings = {
            "task": task,
            "base": base,
            "data": corpora / ("ner.parquet" if task == "ner" else "topic.parquet"),
            "out": base.parent / out,
            "languages": ["en_XX", "zh_CN"],
            "max_sentences_per_language": 64,
            "max_dev_sentences_per_language": 8,
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
    }
