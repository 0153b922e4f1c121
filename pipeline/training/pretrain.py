"""Modular pre-training: vocabulary, shared weights and one adapter a language, together.

Enters: a `PretrainConfig`. Leaves: a base checkpoint folder (`checkpoint.save_base`).
Holds: languages are drawn by exponential smoothing; every language trains its own adapter; the
recipe is masked LM as in Pfeiffer et al., "Lifting the Curse of Multilinguality by Pre-training
Modular Transformers" (NAACL 2022), to which other objectives may be added (`objectives`).
"""

import logging
from collections import defaultdict
from collections.abc import Sequence
from typing import cast

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
from pipeline.training.batches import MixedBatches
from pipeline.training.checkpoint import save_base
from pipeline.training.collapse import RefuseCollapse
from pipeline.training.config import PretrainConfig
from pipeline.training.corpus import TEXT_COLUMNS, of_language, of_languages, read_corpus
from pipeline.training.objectives.classes import CLASSES
from pipeline.training.objectives.labelled import labelled
from pipeline.training.objectives.masked_lm import masked_lm, masked_lm_loss
from pipeline.training.objectives.objective import Objective
from pipeline.training.objectives.tags import TAGS
from pipeline.training.objectives.translations import translations
from pipeline.training.packing import pack
from pipeline.training.positions import shift_positions
from pipeline.training.trainer import Batch, Example, ModularTrainer
from pipeline.training.vocabulary import train_tokenizer

logger = logging.getLogger(__name__)

Texts = dict[str, list[str]]

WORD_SIZE = 0.25
"""Size of new word embeddings beside other new weights."""
POSITION_SIZE = 3.0
"""Size of new position embeddings beside new word embeddings."""


def pretrain(config: PretrainConfig) -> None:
    """Train as `config` says and write the checkpoint to `config.out`."""
    set_seed(config.optimisation.seed)
    texts = texts_by_language(config)
    model, tokenizer = starting_point(config, texts)
    windows = packed_examples(texts, tokenizer, tokenizer.model_max_length)
    learnt = objectives(config, tokenizer, windows, model.config.hidden_size)
    logger.info(
        "%s examples, vocabulary %d, %d parameters",
        ", ".join(f"{len(one.examples)} {one.name}" for one in learnt),
        len(tokenizer),
        model.num_parameters(),
    )
    if config.start is None:
        start_from_content(model)
        start_from_frequencies(model, windows)
    # As parts of the model, heads are stepped, clipped and zeroed with it.
    model.add_module("heads", nn.ModuleDict({one.name: one.head for one in learnt}))
    PretrainingTrainer(config, model, tokenizer, learnt).train()
    del model.heads
    save_base(model, tokenizer, config.out)


def objectives(
    config: PretrainConfig,
    tokenizer: PreTrainedTokenizerBase,
    windows: list[Example],
    hidden_size: int,
) -> list[Objective]:
    """Masked LM on `windows`, and what the config adds to it; heads read `hidden_size` features."""
    added = config.objectives
    learnt = [masked_lm(config, tokenizer, windows)]
    if added.tags:
        learnt.append(labelled(TAGS, config, added.tags, tokenizer, hidden_size))
    if added.classes:
        learnt.append(labelled(CLASSES, config, added.classes, tokenizer, hidden_size))
    if added.translations:
        learnt.append(translations(config, added.translations, tokenizer))
    return learnt


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
    """The model's configuration; what ours does not set is as in facebook/xmod-base."""
    shape = config.architecture
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
        languages=list(config.languages),
    )


def start_from_content(model: XmodForMaskedLM) -> None:
    """Let a new model's embeddings tell words apart, and neighbours from what is far away.

    As drawn, the one token type has the same share in a token's vector as its word, so that texts'
    means are nearly one vector; and positions that are drawn at random tell nothing of distance,
    which attention needs to find a token's neighbours. So the type starts at 0, and positions as
    sinusoids (Vaswani et al., "Attention Is All You Need", NeurIPS 2017) around 0, three times
    as large as words. Words start at a quarter of `initializer_range`: the smaller they are, the
    more one step of Adam tells of them, and a rare word gets few steps.
    """
    embeddings = model.roberta.embeddings
    words = embeddings.word_embeddings.weight
    with torch.no_grad():
        words.mul_(WORD_SIZE)
        embeddings.token_type_embeddings.weight.zero_()
        places = sinusoids(*embeddings.position_embeddings.weight.shape)
        places -= places.mean(dim=0)
        size = POSITION_SIZE * words.std() / places.std()
        embeddings.position_embeddings.weight.copy_(size * places)


def sinusoids(positions: int, features: int) -> Tensor:
    """float32 [positions, features]: sines, then cosines, of falling frequency."""
    frequencies = 10_000 ** (-torch.arange(0, features, 2) / features)
    angles = torch.arange(positions).unsqueeze(1) * frequencies
    return torch.cat([angles.sin(), angles.cos()], dim=1)[:, :features]


def start_from_frequencies(model: XmodForMaskedLM, windows: list[Example]) -> None:
    """Set the output bias to the tokens' log frequencies.

    A model without it first learns them, by driving all hidden states to one constant vector,
    and may not come back from there.
    """
    ids = np.concatenate([window["input_ids"] for window in windows])
    counts = np.bincount(ids, minlength=model.config.vocab_size) + 0.5
    with torch.no_grad():
        model.lm_head.bias.copy_(torch.from_numpy(np.log(counts / counts.sum())))


class PretrainingTrainer(ModularTrainer):
    """Steps on the masked-LM loss of each batch and the loss of the objective that it is for."""

    def __init__(
        self,
        config: PretrainConfig,
        model: XmodForMaskedLM,
        tokenizer: PreTrainedTokenizerBase,
        learnt: Sequence[Objective],
    ) -> None:
        self._objectives = learnt
        self._losses: defaultdict[str, list[Tensor]] = defaultdict(list)
        self._window = tokenizer.model_max_length
        self._padding = cast(int, tokenizer.pad_token_id)
        super().__init__(
            model,
            [
                {**row, "objective": place}
                for place, one in enumerate(learnt)
                for row in one.examples
            ],
            _batches(config, learnt),
            self._collated,
            optimisation=config.optimisation,
            max_steps=config.max_steps,
            out=config.out,
            callbacks=[RefuseCollapse(model, learnt[0].examples[0])],
        )

    def compute_loss(
        self,
        model: nn.Module,
        inputs: Batch,
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Tensor:
        """Mean loss of the batch; scalar."""
        objective = self._objectives[int(inputs["objective"])]
        hidden = model.get_submodule("roberta")(
            input_ids=inputs["input_ids"],
            attention_mask=inputs["attention_mask"],
            position_ids=inputs["position_ids"],
            lang_ids=inputs["lang_ids"],
        ).last_hidden_state
        masked = masked_lm_loss(model.get_submodule("lm_head"), hidden, inputs["hidden_ids"])
        own = objective.loss(objective.head, hidden, inputs)
        self._losses["masked_lm"].append(masked.detach())
        if objective.name != "masked_lm":
            self._losses[objective.name].append(own.detach())
        return masked + objective.weight * own

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Log, with the mean loss of each objective since the last time."""
        means = {f"loss_{name}": _mean(losses) for name, losses in self._losses.items() if losses}
        self._losses.clear()
        super().log({**logs, **means}, start_time)

    def _collated(self, rows: list[Example]) -> Batch:
        place = int(rows[0]["objective"])
        batch = self._objectives[place].collate(rows)
        shifted = shift_positions(batch, self._window, self._padding)
        return {**shifted, "objective": torch.tensor(place)}


def _mean(losses: Sequence[Tensor]) -> float:
    return round(float(torch.stack(list(losses)).mean()), 4)


def _batches(config: PretrainConfig, learnt: Sequence[Objective]) -> MixedBatches:
    return MixedBatches(
        [objective.batches for objective in learnt],
        shares=[objective.share for objective in learnt],
        sizes=[len(objective.examples) for objective in learnt],
        batches=config.max_steps * config.optimisation.accumulation,
        seed=config.optimisation.seed,
    )
