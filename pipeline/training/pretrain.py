"""Modular pre-training: vocabulary, shared weights and one adapter a language, together.

Masked LM as in Pfeiffer et al., "Lifting the Curse of Multilinguality by Pre-training Modular
Transformers" (NAACL 2022): languages are drawn by exponential smoothing, and every language trains
its own adapter.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar, cast

import pyarrow as pa
import torch
from transformers import XmodConfig, XmodForMaskedLM, set_seed

from pipeline.training.base import foreign_head, load, opened
from pipeline.training.checkpoint import new_checkpoint, stored_dtype, write_model
from pipeline.training.codec import Codec
from pipeline.training.collate import Example
from pipeline.training.corpus import (
    TEXT_COLUMNS,
    of_language,
    of_languages,
    tell_left_out,
    trained_code,
    with_codes,
)
from pipeline.training.curves import write_curves
from pipeline.training.heads.masked_lm import MaskedWords, encode
from pipeline.training.learning import Learnt, Run, Source, Worker, trained
from pipeline.training.settings import Architecture, PretrainConfig
from pipeline.training.table_files import read_corpus
from pipeline.training.trainer import MaskedTrainer
from pipeline.training.vocabulary import train_tokenizer
from pipeline.xmod.checkpoint import Checkpoint
from pipeline.xmod.shapes import ADAPTER, weight_shapes

logger = logging.getLogger(__name__)

TEXTS = "texts"
"""The source of examples."""

ModelT = TypeVar("ModelT", bound=XmodForMaskedLM)


def pretrain(config: PretrainConfig, run: Run) -> None:
    """Train as `config` says where `run` does it, and write the checkpoint to `config.out`."""
    start = started(config)
    if start:
        known = tuple(trained_code(tag, start.languages) for tag in config.languages)
        config = config.model_copy(update={"languages": known})
    dtype = stored_dtype(start.folder) if start else torch.float16
    texts = texts_of(config)
    codec = vocabulary(config, texts)
    source = Source(texts, partial(encode, codec=codec))
    with run(partial(learn, config, codec), {TEXTS: source}) as learnt:
        model = starting_point(config, len(codec.tokenizer), XmodForMaskedLM)
        model.load_state_dict(learnt.weights, strict=False)
        with new_checkpoint(config.out) as folder:
            write_model(model, codec.tokenizer, folder, dtype)
            write_curves(learnt.history, folder)


def vocabulary(config: PretrainConfig, table: pa.Table) -> Codec:
    """The start's tokenizer, or one that is trained on the texts, with the config's languages."""
    if start := started(config):
        return replace(Codec.of(start), languages=config.languages)
    assert config.vocabulary  # as PretrainConfig checks
    assert config.architecture
    texts = {
        language: of_language(table, language)["text"].to_pylist() for language in config.languages
    }
    window = config.architecture.window
    tokenizer = train_tokenizer(texts, config.vocabulary, config.language_smoothing, window)
    return Codec(tokenizer, window, config.languages)


def texts_of(config: PretrainConfig) -> pa.Table:
    """Rows of text in the config's languages."""
    rows = with_codes(read_corpus(config.data, TEXT_COLUMNS), config.languages)
    tell_left_out(rows, config.languages)
    return of_languages(rows, config.languages, config.data)


def learn(
    config: PretrainConfig, codec: Codec, examples: Mapping[str, Sequence[Example]], worker: Worker
) -> Learnt:
    """Train on a worker's windows."""
    set_seed(config.optimisation.seed)
    model = starting_point(config, len(codec.tokenizer), MaskedWords)
    windows = examples[TEXTS]
    trainer = MaskedTrainer(config, codec, model, windows, worker, config.language_smoothing)
    logger.info(
        "%d windows, vocabulary %d, %d parameters",
        len(windows),
        len(codec.tokenizer),
        model.num_parameters(),
    )
    trainer.learn()
    return Learnt(trained(model), {}, trainer.state.log_history)


def starting_point(config: PretrainConfig, vocabulary_size: int, kind: type[ModelT]) -> ModelT:
    """A new model, or the one in `config.start` with an adapter for each of `config.languages`.

    Languages that the start has keep their adapters; the others get new ones. Raises
    CheckpointError where the start is neither X-MOD nor XLM-R.
    """
    start = started(config)
    if start is None:
        shape = cast(Architecture, config.architecture)
        return kind(architecture(shape, config.languages, vocabulary_size))
    changes: dict[str, object] = {"languages": list(config.languages)}
    if not any(map(ADAPTER.search, weight_shapes(start.folder))):  # an XLM-R
        changes["adapter_reduction_factor"] = config.adapter_reduction_factor
    if start.config.default_language not in config.languages:
        changes["default_language"] = None
    model, _ = load(start, kind, changes, *foreign_head(start, "XmodForMaskedLM", ()))
    return model


def started(config: PretrainConfig) -> Checkpoint | None:
    """The checkpoint to go on from, an X-MOD or an XLM-R; raises CheckpointError for any other."""
    return opened(config.start, "start", config.languages) if config.start else None


def architecture(shape: Architecture, languages: Sequence[str], vocabulary_size: int) -> XmodConfig:
    """The model's configuration; what ours does not set is as in facebook/xmod-base."""
    return XmodConfig(
        vocab_size=vocabulary_size,
        hidden_size=shape.hidden_size,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.attention_heads,
        intermediate_size=shape.intermediate_size,
        hidden_dropout_prob=shape.dropout,
        # Attention without dropout keeps PyTorch's fast CPU kernel.
        attention_probs_dropout_prob=0.0,
        # Positions start after the padding id, as in RoBERTa.
        max_position_embeddings=shape.window + 2,
        type_vocab_size=1,
        layer_norm_eps=1e-5,
        initializer_range=shape.initializer_range,
        adapter_reduction_factor=shape.adapter_reduction_factor,
        pre_norm=shape.pre_norm,
        ln_before_adapter=not shape.pre_norm,
        languages=list(languages),
    )
