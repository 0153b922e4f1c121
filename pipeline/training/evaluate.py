"""Scores of a base, a NER and a classification checkpoint on the test parts.

Enters: an `EvaluateConfig`. Leaves: figures by language, as JSON and as rich tables.
Holds: only test rows are read; models run through plain transformers.
"""

import json
import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pyarrow.compute as pc
import torch
from rich.table import Table
from transformers import (
    AutoTokenizer,
    PreTrainedModel,
    XmodForMaskedLM,
    XmodForSequenceClassification,
    XmodForTokenClassification,
)

from pipeline.errors import CheckpointError
from pipeline.training import scores
from pipeline.training.config import EvaluateConfig
from pipeline.training.corpus import (
    CLASSIFICATION_COLUMNS,
    NER_COLUMNS,
    RETRIEVAL_COLUMNS,
    TEXT_COLUMNS,
    of_split,
    read_corpus,
)
from pipeline.training.inference import Reader

logger = logging.getLogger(__name__)

Figures = dict[str, scores.Scores]
"""Figure name, such as `entity_f1 en_wnut17`, to score by language."""

MASK_SHARE = 0.15


def evaluate(config: EvaluateConfig) -> Figures:
    """Score the checkpoints, write the figures to `config.out`, and return them."""
    torch.set_num_threads(config.threads)
    torch.set_flush_denormal(True)
    figures: Figures = {}
    figures |= _base_figures(config)
    figures |= _ner_figures(config)
    figures |= _classification_figures(config)
    config.out.parent.mkdir(parents=True, exist_ok=True)
    config.out.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return figures


def tables(figures: Figures) -> list[Table]:
    """One rich table for entity F1, whose test sets differ by language, one for the rest."""
    entity = {name: by for name, by in figures.items() if name.startswith("entity_f1 ")}
    others = {name: by for name, by in figures.items() if name not in entity}
    return [_entity_table(entity), _language_table(others)]


def load_reader(folder: Path, kind: type[PreTrainedModel], batch_size: int) -> Reader:
    """The checkpoint in `folder` through plain transformers, in float32.

    Raises CheckpointError where there is none.
    """
    if not (folder / "config.json").exists():
        raise CheckpointError(f"No checkpoint in {folder}: it has no config.json. Train it first.")
    model = kind.from_pretrained(folder, dtype=torch.float32)
    return Reader(model, AutoTokenizer.from_pretrained(folder), batch_size)


def _base_figures(config: EvaluateConfig) -> Figures:
    reader = load_reader(config.base, XmodForMaskedLM, config.batch_size)
    figures = _retrieval_figure("base", reader, config)
    if config.heldout_data:
        heldout = read_corpus(config.heldout_data, TEXT_COLUMNS)
        figures["masked_lm_loss"] = _timed(
            "masked_lm_loss",
            lambda: scores.masked_loss(reader, heldout, mask_share=MASK_SHARE, seed=config.seed),
        )
    return figures


def _ner_figures(config: EvaluateConfig) -> Figures:
    if config.ner is None:
        return {}
    reader = load_reader(config.ner, XmodForTokenClassification, config.batch_size)
    figures = _retrieval_figure("ner", reader, config)
    if config.ner_data:
        test = of_split(read_corpus(config.ner_data, NER_COLUMNS), "test")
        for source in test["source"].unique().to_pylist():
            rows = test.filter(pc.equal(test["source"], source))
            name = f"entity_f1 {source}"
            figures[name] = _timed(name, partial(scores.entity_f1, reader, rows))
    return figures


def _classification_figures(config: EvaluateConfig) -> Figures:
    if config.classification is None:
        return {}
    reader = load_reader(config.classification, XmodForSequenceClassification, config.batch_size)
    figures = _retrieval_figure("classification", reader, config)
    if config.classification_data:
        test = of_split(read_corpus(config.classification_data, CLASSIFICATION_COLUMNS), "test")
        figures["accuracy"] = _timed("accuracy", lambda: scores.accuracy(reader, test))
    return figures


def _retrieval_figure(name: str, reader: Reader, config: EvaluateConfig) -> Figures:
    if config.retrieval_data is None:
        return {}
    pairs = read_corpus(config.retrieval_data, RETRIEVAL_COLUMNS)
    figure = f"retrieval {name}"
    return {figure: _timed(figure, lambda: scores.retrieval(reader, pairs))}


def _timed(name: str, score: Callable[[], scores.Scores]) -> scores.Scores:
    result = score()
    logger.info("%s: %s", name, {language: round(value, 3) for language, value in result.items()})
    return result


def _entity_table(figures: Figures) -> Table:
    table = Table("language", "test set", "entity F1")
    rows = [
        (language, name.removeprefix("entity_f1 "), score)
        for name, by_language in figures.items()
        for language, score in by_language.items()
    ]
    for language, source, score in sorted(rows):
        table.add_row(language, source, f"{score:.3f}")
    return table


def _language_table(figures: Figures) -> Table:
    table = Table("language", *figures)
    languages = dict.fromkeys(language for by in figures.values() for language in by)
    for language in languages:
        table.add_row(language, *(_cell(by.get(language)) for by in figures.values()))
    return table


def _cell(score: float | None) -> str:
    return "" if score is None else f"{score:.3f}"
