"""A language after the fact: a new adapter, and vocabulary rows where its script is unknown.

The new adapter and the new rows alone are trained, by masked LM, and are the only weights that
differ from the base's (Pfeiffer et al., NAACL 2022, section 5). Heads that were fine-tuned before
serve the language at once.
"""

import logging
import math
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np
import pyarrow as pa
from transformers import PreTrainedModel, XmodForMaskedLM, set_seed

from pipeline.errors import CheckpointError, ConfigError, InputError
from pipeline.training.base import load, opened, reopened
from pipeline.training.checkpoint import (
    architecture,
    new_checkpoint,
    require_shared,
    stored_dtype,
    write_extended,
    write_model,
)
from pipeline.training.codec import Codec
from pipeline.training.collate import Example
from pipeline.training.corpus import (
    TEXT_COLUMNS,
    code_of,
    of_languages,
    trained_code,
    with_codes,
)
from pipeline.training.curves import write_curves
from pipeline.training.heads.masked_lm import PASSES, MaskedWords, encode, masked_loss
from pipeline.training.importing.sentence_files import copy_sentence_files
from pipeline.training.inference import Reader
from pipeline.training.learning import Learnt, Run, Source, Worker, trained
from pipeline.training.new_adapter import (
    AdditionTrainer,
    extended_model,
    freeze_all_but,
    growing_model,
)
from pipeline.training.present_adapters import use_present_adapters
from pipeline.training.settings import AddLanguageConfig
from pipeline.training.table_files import read_corpus
from pipeline.training.trainer import prepare_torch
from pipeline.training.vocabulary import unknown_share, with_new_pieces
from pipeline.xmod.checkpoint import Checkpoint
from pipeline.xmod.heads import require_head

logger = logging.getLogger(__name__)

TEXTS = "texts"
"""The source of examples."""
RANKING_PASSES = 3
"""Of PASSES, to tell which adapter is the nearest; what is printed takes all."""
MOSTLY_UNKNOWN = 0.25
"""Share of unknown tokens above which those that are known, such as spaces, say nothing."""


@dataclass(frozen=True)
class Added:
    """Perplexities at hidden tokens of held-out text, by the new model."""

    nearest: str
    """The old language whose adapter guesses the new one's words best."""
    perplexity_nearest: float
    perplexity_new: float
    new_pieces: int


def add_language(config: AddLanguageConfig, run: Run) -> Added:
    """Train the adapter where `run` does it, write the folders, and say how well it does."""
    prepare_torch(config.optimisation.threads)
    base = opened(config.base)
    require_head(base, architecture(XmodForMaskedLM))
    old = Codec.of(base)
    config = _resolved(config, old)
    _require_new(config, old)
    for name, task in config.tasks.items():
        require_shared(opened(task, f"tasks.{name}").folder, base.folder)
    train, heldout = _texts(config, old)
    unknown = unknown_share(old.tokenizer, train["text"].to_pylist())
    logger.info("%.2f%% of the tokens of %s are unknown", 100 * unknown, config.language)
    codec = _extended(config, base, old, train, unknown)
    start, nearest = _start(config, base, heldout, unknown)
    source = Source(train, partial(encode, codec=codec))
    with run(partial(learn, config, base, codec, start), {TEXTS: source}) as learnt:
        set_seed(config.optimisation.seed)
        model = extended_model(base, codec, start, learnt.weights)
        out = config.out / "base"
        with new_checkpoint(out) as folder:
            write_model(model, codec.tokenizer, folder, stored_dtype(base.folder))
            copy_sentence_files([base.folder], folder)
            write_curves(learnt.history, folder)
        for name, task in config.tasks.items():
            with new_checkpoint(config.out / name) as folder:
                write_extended(task, out, codec.tokenizer, folder)
                copy_sentence_files([task], folder)
    compared = Comparison(config, model, codec, heldout)
    nearest = nearest or compared.nearest(config.candidates or old.languages)
    assert nearest is not None  # the new vocabulary knows what is hidden
    by_nearest, by_own = compared.perplexity(nearest), compared.perplexity(config.language)
    return Added(nearest, by_nearest, by_own, len(codec.tokenizer) - len(old.tokenizer))


def _resolved(config: AddLanguageConfig, old: Codec) -> AddLanguageConfig:
    """`config` with the base's own codes of the languages that it names."""
    codes = {
        "language": trained_code(config.language, old.languages),
        "start": code_of(config.start, old.languages),
        "candidates": tuple(code_of(tag, old.languages) for tag in config.candidates),
    }
    return config.model_copy(update=codes)


def _require_new(config: AddLanguageConfig, old: Codec) -> None:
    if config.language in old.lang_ids:
        raise ConfigError(
            f"The base has an adapter for {config.language} already; it would not stay as it is. "
            "Train it further with jobs/pretrain.py and start."
        )
    if config.start not in ("nearest", "afresh", *old.languages):
        raise ConfigError(
            f"Unknown start {config.start!r}. Available: nearest, afresh, and the languages of "
            f"the base: {', '.join(old.languages)}."
        )
    if strange := sorted(set(config.candidates) - set(old.languages)):
        raise ConfigError(
            f"candidates has {strange}, for which the base has no adapter; it has "
            f"{list(old.languages)}. Take them out, or correct them."
        )


def _texts(config: AddLanguageConfig, old: Codec) -> tuple[pa.Table, pa.Table]:
    """Rows to learn from, and the last ones to compare adapters by."""
    rows = with_codes(read_corpus(config.data, TEXT_COLUMNS), (*old.languages, config.language))
    rows = of_languages(rows, [config.language], config.data)
    heldout = max(1, round(config.heldout_share * rows.num_rows))
    if rows.num_rows < 2:
        raise InputError(
            f"{config.data} has {rows.num_rows} texts in {config.language}; expected some to learn "
            "from and some to compare adapters by."
        )
    return rows.slice(0, rows.num_rows - heldout), rows.slice(rows.num_rows - heldout)


def _extended(
    config: AddLanguageConfig, base: Checkpoint, old: Codec, train: pa.Table, unknown: float
) -> Codec:
    """The codec with the language, and rows for its characters where too many are unknown."""
    tokenizer = deepcopy(old.tokenizer)  # which stays as it is
    if unknown > config.unknown_share:
        if not base.config.tie_word_embeddings:
            raise CheckpointError(
                f"{base.folder} has a decoder of its own beside its embeddings, to which no rows "
                f"are added; {unknown:.1%} of the tokens of {config.language} are unknown. Raise "
                "unknown_share to do without new rows."
            )
        tokenizer = with_new_pieces(tokenizer, train["text"].to_pylist(), config.new_pieces)
    return replace(old, tokenizer=tokenizer, languages=(*old.languages, config.language))


def _start(
    config: AddLanguageConfig, base: Checkpoint, heldout: pa.Table, unknown: float
) -> tuple[str | None, str | None]:
    """The language whose adapter the new one starts as, None: afresh; and the nearest, if known."""
    if config.start != "nearest":
        return None if config.start == "afresh" else config.start, None
    if unknown > MOSTLY_UNKNOWN:
        logger.info("Starting afresh: too few of its tokens are known to any old adapter")
        return None, None
    model, _ = load(base, MaskedWords, {})
    compared = Comparison(config, model, Codec.of(base), heldout)
    nearest = compared.nearest(config.candidates or base.languages)
    return nearest, nearest


@dataclass(frozen=True)
class Comparison:
    """How well adapters guess the same held-out tokens of the new language."""

    config: AddLanguageConfig
    model: PreTrainedModel
    codec: Codec
    heldout: pa.Table

    def nearest(self, languages: Sequence[str]) -> str | None:
        """The one of `languages` with the lowest perplexity; None where all tokens are unknown."""
        use_present_adapters(self.model)
        found: dict[str, float] = {}
        for place, one in enumerate(languages, start=1):
            found[one] = self.perplexity(one, passes=RANKING_PASSES)
            told = self.config.language, one, found[one], place, len(languages)
            logger.info("Perplexity of %s by the adapter of %s: %.1f (%d of %d)", *told)
        known = [language for language in languages if not math.isnan(found[language])]
        return min(known, key=lambda language: found[language], default=None)

    def perplexity(self, language: str, *, passes: int = PASSES) -> float:
        """Of the first held-out windows, by the adapter of `language`; NaN: nothing is known."""
        reader = Reader(self.model, self.codec, self.config.optimisation.batch_size)
        with reader.reading():
            return float(np.exp(masked_loss(reader, self.windows, language, passes=passes)))

    @cached_property
    def windows(self) -> list[np.ndarray]:
        """The first held-out windows; encoded once for all adapters."""
        as_one = replace(self.codec, languages=(self.config.language,))
        encoded = encode(self.heldout, as_one)[: self.config.heldout_windows]
        return [example["input_ids"] for example in encoded]


def learn(
    config: AddLanguageConfig,
    base: Checkpoint,
    codec: Codec,
    start: str | None,
    examples: Mapping[str, Sequence[Example]],
    worker: Worker,
) -> Learnt:
    """Train the new adapter and the new rows, which are what comes back."""
    set_seed(config.optimisation.seed)
    model = growing_model(reopened(base, config.base), codec, start)
    freeze_all_but(model, config.language)
    trainer = AdditionTrainer(config, codec, model, examples[TEXTS], worker)
    trainer.rows_rate = config.embedding_learning_rate
    trainer.learn()
    return Learnt(trained(model), {}, trainer.state.log_history)
