"""Modular pre-training: vocabulary, shared weights and one adapter a language, together.

Enters: a `PretrainConfig`. Leaves: a base checkpoint folder (`checkpoint.save_base`).
Holds: languages are drawn by exponential smoothing; every language trains its own adapter; the
recipe is masked LM as in Pfeiffer et al., "Lifting the Curse of Multilinguality by Pre-training
Modular Transformers" (NAACL 2022), to which entity tags may be added as a second objective.
"""

import logging

import numpy as np
import torch
from torch import Tensor, nn
from transformers import (
    AutoTokenizer,
    PreTrainedTokenizerBase,
    XmodConfig,
    XmodForMaskedLM,
    set_seed,
)

from pipeline.errors import ConfigError
from pipeline.training.batches import Batches, MixedBatches, SmoothedLanguageBatches
from pipeline.training.checkpoint import save_base
from pipeline.training.collapse import RefuseCollapse
from pipeline.training.config import PretrainConfig
from pipeline.training.corpus import TEXT_COLUMNS, of_language, of_languages, read_corpus
from pipeline.training.masking import MaskedBatches, masked_lm_loss
from pipeline.training.packing import pack
from pipeline.training.tagging import (
    TAGS,
    TaggingBatches,
    add_tagger,
    remove_tagger,
    tagging_examples,
    tagging_loss,
)
from pipeline.training.trainer import Batch, Example, ModularTrainer
from pipeline.training.vocabulary import train_tokenizer

logger = logging.getLogger(__name__)

Texts = dict[str, list[str]]


def pretrain(config: PretrainConfig) -> None:
    """Train as `config` says and write the checkpoint to `config.out`."""
    set_seed(config.optimisation.seed)
    texts = texts_by_language(config)
    model, tokenizer = starting_point(config, texts)
    windows = packed_examples(texts, tokenizer, tokenizer.model_max_length)
    tagged = _tagged(config, tokenizer)
    logger.info(
        "%d windows in %d languages, %d tagged sentences, vocabulary %d, %d parameters",
        *(len(windows), len(texts), len(tagged), len(tokenizer), model.num_parameters()),
    )
    add_tagger(model, model.config.hidden_size)
    trainer = PretrainingTrainer(
        model,
        [*windows, *tagged],
        _batches(config, windows, tagged),
        Collator(tokenizer, config.mask_share),
        optimisation=config.optimisation,
        max_steps=config.max_steps,
        out=config.out,
        callbacks=[RefuseCollapse(model, windows[0])],
    )
    if config.start is None:
        start_from_frequencies(model, windows)
    trainer.train()
    remove_tagger(model)
    save_base(model, tokenizer, config.out)


def texts_by_language(config: PretrainConfig) -> Texts:
    """Texts of each language of the config, in its order."""
    table = of_languages(read_corpus(config.data, TEXT_COLUMNS), config.languages, config.data)
    return {
        language: of_language(table, language)["text"].to_pylist() for language in config.languages
    }


def starting_point(
    config: PretrainConfig, texts: Texts
) -> tuple[XmodForMaskedLM, PreTrainedTokenizerBase]:
    """A new model with a vocabulary of `texts`, or the checkpoint `config.start`."""
    if config.start is None:
        tokenizer = train_tokenizer(
            texts, config.vocabulary, config.language_smoothing, config.architecture.window
        )
        return XmodForMaskedLM(architecture(config, len(tokenizer))), tokenizer
    model = XmodForMaskedLM.from_pretrained(config.start, dtype=torch.float32)
    if tuple(model.config.languages) != config.languages:
        raise ConfigError(
            f"languages is {list(config.languages)}, but {config.start} was trained with "
            f"{list(model.config.languages)}. Give the same ones in the same order."
        )
    return model, AutoTokenizer.from_pretrained(config.start)


def packed_examples(texts: Texts, tokenizer: PreTrainedTokenizerBase, window: int) -> list[Example]:
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
        initializer_range=shape.initializer_range,
        adapter_reduction_factor=shape.adapter_reduction_factor,
        languages=list(config.languages),
    )


def start_from_frequencies(model: XmodForMaskedLM, windows: list[Example]) -> None:
    """Set the output bias to the tokens' log frequencies.

    A model without it first learns them, by driving all hidden states to one constant vector,
    and may not come back from there.
    """
    ids = np.concatenate([window["input_ids"] for window in windows])
    counts = np.bincount(ids, minlength=model.config.vocab_size) + 0.5
    with torch.no_grad():
        model.lm_head.bias.copy_(torch.from_numpy(np.log(counts / counts.sum())))


class Collator:
    """Masks windows and collates tagged sentences; a batch is all of one kind."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, mask_share: float) -> None:
        self._mask = MaskedBatches(tokenizer, mask_share)
        self._tag = TaggingBatches(tokenizer)

    def __call__(self, rows: list[Example]) -> Batch:
        """The batch of its kind, with lang_ids [batch]."""
        return self._tag(rows) if "labels" in rows[0] else self._mask(rows)


class PretrainingTrainer(ModularTrainer):
    """Computes a masked-LM or a tagging loss, as the batch asks."""

    def compute_loss(
        self,
        model: nn.Module,
        inputs: Batch,
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Tensor:
        """Mean loss of the batch; scalar."""
        loss = tagging_loss if TAGS in inputs else masked_lm_loss
        return loss(model, inputs)


def _tagged(config: PretrainConfig, tokenizer: PreTrainedTokenizerBase) -> list[Example]:
    if config.tagging is None:
        return []
    return tagging_examples(config.tagging, tokenizer, config.languages, config.optimisation.seed)


def _batches(config: PretrainConfig, windows: list[Example], tagged: list[Example]) -> Batches:
    masked = _smoothed(config, windows, config.optimisation.batch_size)
    if config.tagging is None:
        return masked
    return MixedBatches(
        masked,
        _smoothed(config, tagged, config.tagging.batch_size),
        share=config.tagging.share,
        offset=len(windows),
        seed=config.optimisation.seed,
    )


def _smoothed(
    config: PretrainConfig, examples: list[Example], batch_size: int
) -> SmoothedLanguageBatches:
    return SmoothedLanguageBatches(
        [example["lang_id"] for example in examples],
        batch_size=batch_size,
        batches=config.max_steps * config.optimisation.accumulation,
        smoothing=config.language_smoothing,
        seed=config.optimisation.seed,
    )
