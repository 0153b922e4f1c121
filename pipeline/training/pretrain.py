"""Modular pre-training from scratch: vocabulary, shared weights and adapters together.

Enters: a `PretrainConfig`. Leaves: a base checkpoint folder (`checkpoint.save_base`).
Holds: languages are drawn by exponential smoothing; every language trains its own adapter; the
recipe is masked LM as in Pfeiffer et al., "Lifting the Curse of Multilinguality by Pre-training
Modular Transformers" (NAACL 2022).
"""

import logging
from typing import Any

import numpy as np
import torch
from transformers import (
    DataCollatorForLanguageModeling,
    PreTrainedTokenizerBase,
    XmodConfig,
    XmodForMaskedLM,
    set_seed,
)

from pipeline.training.batches import SmoothedLanguageBatches
from pipeline.training.checkpoint import save_base
from pipeline.training.config import PretrainConfig
from pipeline.training.corpus import TEXT_COLUMNS, of_language, of_languages, read_corpus
from pipeline.training.packing import pack
from pipeline.training.trainer import Batch, Example, MaskedLanguageTrainer
from pipeline.training.vocabulary import train_tokenizer

logger = logging.getLogger(__name__)


def pretrain(config: PretrainConfig) -> None:
    """Train as `config` says and write the checkpoint to `config.out`."""
    set_seed(config.optimisation.seed)
    texts = texts_by_language(config)
    tokenizer = train_tokenizer(
        texts, config.vocabulary, config.language_smoothing, config.architecture.window
    )
    examples = packed_examples(texts, tokenizer, config.architecture.window)
    model = XmodForMaskedLM(architecture(config, len(tokenizer)))
    logger.info(
        "%d windows in %d languages, vocabulary %d, %d parameters",
        len(examples),
        len(texts),
        len(tokenizer),
        model.num_parameters(),
    )
    trainer = MaskedLanguageTrainer(
        model,
        examples,
        _batches(config, examples),
        MaskedBatches(tokenizer, config.mask_share),
        optimisation=config.optimisation,
        out=config.out,
        max_steps=config.max_steps,
    )
    trainer.train()
    save_base(model, tokenizer, config.out)


def texts_by_language(config: PretrainConfig) -> dict[str, list[str]]:
    """Texts of each language of the config, in its order."""
    table = of_languages(read_corpus(config.data, TEXT_COLUMNS), config.languages, config.data)
    return {
        language: of_language(table, language)["text"].to_pylist() for language in config.languages
    }


def packed_examples(
    texts: dict[str, list[str]], tokenizer: PreTrainedTokenizerBase, window: int
) -> list[Example]:
    """Windows of all languages; `lang_id` is the language's position in `texts`."""
    return [
        {"input_ids": ids, "lang_id": lang_id}
        for lang_id, rows in enumerate(texts.values())
        for ids in pack(rows, tokenizer, window)
    ]


def architecture(config: PretrainConfig, vocabulary_size: int) -> XmodConfig:
    """The model's configuration; what is not in ours is as in facebook/xmod-base."""
    shape = config.architecture
    return XmodConfig(
        vocab_size=vocabulary_size,
        hidden_size=shape.hidden_size,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.attention_heads,
        intermediate_size=shape.intermediate_size,
        hidden_dropout_prob=shape.dropout,
        attention_probs_dropout_prob=shape.dropout,
        # Positions start after the padding id, as in RoBERTa.
        max_position_embeddings=shape.window + 2,
        type_vocab_size=1,
        layer_norm_eps=1e-5,
        adapter_reduction_factor=shape.adapter_reduction_factor,
        languages=list(config.languages),
    )


class MaskedBatches:
    """Collates windows of one language and masks `mask_share` of their tokens."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, mask_share: float) -> None:
        self._mask = DataCollatorForLanguageModeling(tokenizer, mlm_probability=mask_share)
        self._special = np.array(tokenizer.all_special_ids)

    def __call__(self, rows: list[Example]) -> Batch:
        """Batch: input_ids, attention_mask, labels [batch, tokens]; lang_ids [batch]."""
        masked: dict[str, Any] = self._mask([self._example(row) for row in rows])
        return {**masked, "lang_ids": torch.tensor([row["lang_id"] for row in rows])}

    def _example(self, row: Example) -> dict[str, list[int]]:
        ids = row["input_ids"]
        return {
            "input_ids": ids.tolist(),
            "special_tokens_mask": np.isin(ids, self._special).astype(int).tolist(),
        }


def _batches(config: PretrainConfig, examples: list[Example]) -> SmoothedLanguageBatches:
    return SmoothedLanguageBatches(
        [example["lang_id"] for example in examples],
        batch_size=config.optimisation.batch_size,
        batches=config.max_steps * config.optimisation.accumulation,
        smoothing=config.language_smoothing,
        seed=config.optimisation.seed,
    )
