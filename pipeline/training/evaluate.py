"""Scores of checkpoints on test rows, by language, beside what would be scored without adapters.

Enters: an `EvaluateConfig`. Leaves: a `Scoreboard` for each checkpoint.
Holds: only test rows are scored; models run through plain transformers.
"""

import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import torch

from pipeline.errors import CheckpointError, ConfigError, InputError
from pipeline.training.codec import Codec
from pipeline.training.corpus import of_language, of_split, read_labelled
from pipeline.training.heads import HEADS, Figures, Head
from pipeline.training.inference import Adapters, Reader
from pipeline.training.scoreboard import Scoreboard
from pipeline.training.settings import EvaluateConfig, Evaluated, Task

logger = logging.getLogger(__name__)

BASELINE = "baseline"
"""What is scored without a model: the most frequent class or tag, or chance."""
BEST_OTHER = "best other"
"""Of masked LM: the adapter of another language that guesses a language's words best."""


def evaluate(config: EvaluateConfig, *, transfer: bool) -> list[Scoreboard]:
    """A scoreboard for each checkpoint; with `transfer`, for each that has one source language.

    Raises ConfigError where `transfer` is asked for and no checkpoint has a source.
    """
    torch.set_num_threads(config.threads)
    torch.set_flush_denormal(True)
    chosen = {name: one for name, one in config.checkpoints.items() if not transfer or one.source}
    if not chosen:
        raise ConfigError(
            "--transfer scores checkpoints that were fine-tuned on one language; none of "
            f"{list(config.checkpoints)} has source. Set it to that language."
        )
    return [_scoreboard(name, one, config, transfer) for name, one in chosen.items()]


def _scoreboard(
    name: str, evaluated: Evaluated, config: EvaluateConfig, transfer: bool
) -> Scoreboard:
    head = HEADS[evaluated.task]
    table = read_labelled(evaluated.data, head.columns, head.optional)
    reader = load_reader(evaluated, config.batch_size)
    test = _test_rows(name, evaluated, reader, table, transfer)
    columns: dict[str, Figures] = {}
    for column, chosen in _readers(reader, evaluated, transfer):
        columns[column] = head.score(chosen, test)
        logger.info("%s, adapters %s: %s", name, column, columns[column])
    if not transfer:
        columns |= _beside(head, evaluated.task, reader, table, test)
    return Scoreboard(name, head.selects, columns, falls=head.falls)


def load_reader(evaluated: Evaluated, batch_size: int) -> Reader:
    """The checkpoint through plain transformers, in float32.

    Raises CheckpointError where there is none.
    """
    head = HEADS[evaluated.task]
    codec = Codec.of(evaluated.checkpoint)
    loaded: Any = head.model.from_pretrained(
        evaluated.checkpoint, dtype=torch.float32, use_safetensors=True, output_loading_info=True
    )
    model, info = loaded
    if info["missing_keys"]:
        raise CheckpointError(
            f"{evaluated.checkpoint} has no head for task {evaluated.task}: weights "
            f"{sorted(info['missing_keys'])[0]!r} are missing. Its architecture is "
            f"{model.config.architectures}."
        )
    names = {int(key): label for key, label in (model.config.id2label or {}).items()}
    return Reader(
        model, replace(codec, labels=tuple(names[key] for key in sorted(names))), batch_size
    )


def _test_rows(
    name: str, evaluated: Evaluated, reader: Reader, table: pa.Table, transfer: bool
) -> pa.Table:
    """Test rows in the model's languages; a transfer is into languages other than the source."""
    known = [
        language
        for language in reader.codec.languages
        if not (transfer and language == evaluated.source)
    ]
    test = of_split(table, "test")
    test = test.filter(pc.is_in(test["language"], pa.array(known, pa.string())))
    if not test.num_rows:
        raise InputError(
            f"{name} has no rows of split 'test' in {known}. Check its data in the config."
        )
    return HEADS[evaluated.task].checked(_firsts(test, evaluated.max_rows_per_language))


def _readers(reader: Reader, evaluated: Evaluated, transfer: bool) -> Iterator[tuple[str, Reader]]:
    yield Adapters.OWN, reader
    if transfer:
        yield Adapters.SOURCE, replace(reader, adapter=evaluated.source)
    yield Adapters.NONE, replace(reader, adapters_on=False)


def _beside(
    head: Head, task: Task, reader: Reader, table: pa.Table, test: pa.Table
) -> dict[str, Figures]:
    """What the figures are to be held against."""
    columns: dict[str, Figures] = {}
    if task is Task.MASKED_LM:
        columns[BEST_OTHER] = best_other(head, reader, test)
    train = of_split(table, "train")
    if head.baseline and train.num_rows:
        columns[BASELINE] = head.baseline(train, test)
    return columns


def best_other(head: Head, reader: Reader, test: pa.Table) -> Figures:
    """The best figure of each language by an adapter that is not its own."""
    best = min if head.falls else max
    figures: Figures = {}
    for adapter in reader.codec.languages:
        for name, scores in head.score(replace(reader, adapter=adapter), test).items():
            known = figures.setdefault(name, {})
            for language, score in scores.items():
                if language != adapter:
                    known[language] = best(score, known.get(language, score))
    return figures


def _firsts(table: pa.Table, most: int) -> pa.Table:
    """The first rows of each language, at most `most`."""
    languages = table["language"].unique().to_pylist()
    parts = [of_language(table, language).slice(0, most) for language in languages]
    return pa.concat_tables(parts) if parts else table
