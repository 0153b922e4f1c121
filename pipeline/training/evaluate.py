"""Scores of checkpoints on test rows, by language, beside what would be scored without adapters.

Only test rows are scored; models run through plain transformers.
"""

import logging
from collections.abc import Iterator
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.config import Pooling
from pipeline.errors import CheckpointError, ConfigError, InputError
from pipeline.training.base import foreign_head, load, opened, require_whole
from pipeline.training.checkpoint import architecture
from pipeline.training.codec import Codec
from pipeline.training.corpus import (
    capped,
    code_of,
    of_split,
    read_labelled,
    require_values,
    with_codes,
)
from pipeline.training.data_settings import Assumed
from pipeline.training.heads import HEADS, Figures, Head
from pipeline.training.inference import Reader
from pipeline.training.scoreboard import Scoreboard
from pipeline.training.settings import EvaluateConfig, Evaluated, Task
from pipeline.training.trainer import prepare_torch
from pipeline.xmod.checkpoint import Checkpoint
from pipeline.xmod.sentence_modules import default_prompt, recipe_of

logger = logging.getLogger(__name__)

OWN, SOURCE, NONE = "own", "source", "none"
"""Columns: by each language's adapter, by that of the head's one language, and without adapters."""
BEST_OTHER = "best other"
"""Of masked LM: the adapter of another language that guesses a language's words best."""


def evaluate(config: EvaluateConfig, *, transfer: bool) -> list[Scoreboard]:
    """A scoreboard for each checkpoint; with `transfer`, for each that has one source language.

    Raises ConfigError where `transfer` is asked for and no checkpoint has a source.
    """
    prepare_torch(config.threads)
    chosen = {name: one for name, one in config.checkpoints.items() if not transfer or one.source}
    if not chosen:
        raise ConfigError(
            "--transfer scores checkpoints that were fine-tuned on one language; none of "
            f"{list(config.checkpoints)} has source. Set it to that language."
        )
    if left_out := sorted(set(config.checkpoints) - set(chosen)):
        logger.warning("not scored, as --transfer needs source: %s", ", ".join(left_out))
    return [_scoreboard(name, one, config, transfer) for name, one in chosen.items()]


def _scoreboard(
    name: str, evaluated: Evaluated, config: EvaluateConfig, transfer: bool
) -> Scoreboard:
    head = HEADS[evaluated.task]
    assumed = Assumed(evaluated.language, "test", evaluated.columns)
    table = read_labelled(evaluated.data, head.columns, head.optional, assumed)
    reader = load_reader(evaluated, config.batch_size)
    table = with_codes(table, reader.codec.languages)
    if evaluated.source:
        source = code_of(evaluated.source, reader.codec.languages)
        evaluated = evaluated.model_copy(update={"source": source})
    without = evaluated.source if transfer else None
    test = _test_rows(name, evaluated, reader, table, without)
    notes = _not_scored(reader, table, without)
    for note in notes:
        logger.warning("%s: %s", name, note)
    columns: dict[str, Figures] = {}
    for column, chosen in _readers(reader, evaluated, transfer):
        columns[column] = head.score(chosen, test)
        logger.info("%s, adapters %s: %s", name, column, columns[column])
    if not transfer:
        if evaluated.task is Task.MASKED_LM:
            columns[BEST_OTHER] = best_other(head, reader, test)
        columns |= head.guessed(_labelled(evaluated, of_split(table, "train")), test)
    shown = {column: figures for column, figures in columns.items() if figures}
    return Scoreboard(name, head.selects, shown, falls=head.falls, notes=notes)


def load_reader(evaluated: Evaluated, batch_size: int) -> Reader:
    """The checkpoint through plain transformers, in float32.

    Raises CheckpointError where there is none.
    """
    head = HEADS[evaluated.task]
    checkpoint = opened(evaluated.checkpoint, "checkpoint")
    labels = checkpoint.labels
    if evaluated.task is Task.CLASSIFICATION:
        _require_one_label(checkpoint)
    if evaluated.task is Task.EMBEDDINGS:
        _require_plain_mean(checkpoint)
    foreign = foreign_head(checkpoint, architecture(head.model), labels)
    model, missing = load(checkpoint, head.model, {}, *foreign)
    require_whole(checkpoint, missing, evaluated.task)
    codec = Codec.of(checkpoint, labels)
    return Reader(model, codec, batch_size, temperature=checkpoint.temperature)


def _require_one_label(checkpoint: Checkpoint) -> None:
    """Raise CheckpointError where a text has several labels, or numbers instead."""
    kind = checkpoint.config.problem_type
    if kind not in (None, "single_label_classification") or len(checkpoint.labels) < 2:
        raise CheckpointError(
            f"{checkpoint.folder} has problem_type {kind!r} and {len(checkpoint.labels)} label(s); "
            "evaluate scores classifiers that give a text one label. Annotate the test rows "
            "instead, and score what the output has."
        )


def _require_plain_mean(checkpoint: Checkpoint) -> None:
    """Raise CheckpointError where annotating would write other vectors than those scored here."""
    recipe, prompt = recipe_of(checkpoint), default_prompt(checkpoint)
    if recipe.pooling is not Pooling.MEAN or prompt:
        raise CheckpointError(
            f"{checkpoint.folder} has pooling {recipe.pooling} and the prompt {prompt!a:.100}; "
            "evaluate scores means of the texts alone. Annotate the test rows instead, and score "
            "their vectors."
        )


def _test_rows(
    name: str, evaluated: Evaluated, reader: Reader, table: pa.Table, without: str | None
) -> pa.Table:
    """Test rows in the model's languages but the source of a transfer, `without`."""
    known = [language for language in reader.codec.languages if language != without]
    test = of_split(table, "test")
    test = test.filter(pc.is_in(test["language"], pa.array(known, pa.string())))
    if not test.num_rows:
        raise InputError(
            f"{name} has no rows of split 'test' in {known}. Check its data in the config."
        )
    return _labelled(evaluated, capped(test, evaluated.max_rows_per_language))


def _labelled(evaluated: Evaluated, rows: pa.Table) -> pa.Table:
    """The rows, which have all that the task needs."""
    head = HEADS[evaluated.task]
    require_values(rows, head.columns, evaluated.columns, evaluated.data)
    return head.checked(rows)


def _not_scored(reader: Reader, table: pa.Table, without: str | None) -> tuple[str, ...]:
    """A note a reason for which languages of the data or the model have no score."""
    known = set(reader.codec.languages)
    tested = set(of_split(table, "test")["language"].unique().to_pylist())
    reasons = {
        "the checkpoint has no adapter": tested - known,
        "no test rows": (known | set(table["language"].unique().to_pylist())) - tested,
        "the source of a transfer": tested & {without},
    }
    return tuple(
        f"Not scored, {reason}: {', '.join(sorted(languages))}."
        for reason, languages in reasons.items()
        if languages
    )


def _readers(reader: Reader, evaluated: Evaluated, transfer: bool) -> Iterator[tuple[str, Reader]]:
    yield OWN, reader
    if transfer:
        yield SOURCE, replace(reader, adapter=evaluated.source)
    yield NONE, replace(reader, adapters_on=False)


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
