"""Fine-tuning of a task head with embeddings and language adapters frozen.

Enters: a `FinetuneConfig`. Leaves: a task checkpoint folder (`checkpoint.save_task`).
Holds: the weights kept are those of the epoch with the best dev score, a mean over languages;
freezing what is per-language lets the head serve languages it had no labels for (Pfeiffer et
al., NAACL 2022).
"""

import logging
from typing import cast

import numpy as np
import pyarrow as pa
import torch
from transformers import (
    AutoTokenizer,
    PreTrainedModel,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
    XmodPreTrainedModel,
    set_seed,
)

from pipeline.training.batches import EpochBatches
from pipeline.training.card import write_task_card
from pipeline.training.checkpoint import save_task
from pipeline.training.config import FinetuneConfig
from pipeline.training.corpus import capped, of_languages, of_split, read_corpus
from pipeline.training.heads import KINDS, LanguageCollator, Score
from pipeline.training.inference import Reader, label_names
from pipeline.training.scores import Scores
from pipeline.training.trainer import Example, ModularTrainer

logger = logging.getLogger(__name__)


def finetune(config: FinetuneConfig) -> Scores:
    """Train as `config` says, write the checkpoint, return the best epoch's dev scores."""
    set_seed(config.optimisation.seed)
    kind = KINDS[config.task]
    table = of_languages(read_corpus(config.data, kind.columns), config.languages, config.data)
    seed = config.optimisation.seed
    train = capped(of_split(table, "train"), config.max_sentences_per_language, seed)
    dev = capped(of_split(table, "dev"), config.max_dev_sentences_per_language, seed)
    tokenizer = AutoTokenizer.from_pretrained(config.base)
    model = task_model(config, kind.model, kind.labels(train))
    lang_ids = {language: index for index, language in enumerate(model.config.languages)}
    examples = kind.encode(train, tokenizer, label_names(model), lang_ids)
    keeper = KeepBest(Reader(model, tokenizer, config.optimisation.batch_size), dev, kind.score)
    trainer = _trainer(config, model, examples, kind.collate(tokenizer), keeper)
    trainer.train()
    keeper.restore()
    save_task(model, config.base, config.out)
    write_task_card(config, keeper.best, model)
    return keeper.best


def task_model(
    config: FinetuneConfig, kind: type[PreTrainedModel], labels: tuple[str, ...]
) -> PreTrainedModel:
    """The base's encoder under a new head, with embeddings and language adapters frozen."""
    model = kind.from_pretrained(
        config.base,
        dtype=torch.float32,
        id2label=dict(enumerate(labels)),
        label2id={label: index for index, label in enumerate(labels)},
        hidden_dropout_prob=config.dropout,
        # Attention without dropout keeps PyTorch's fast CPU kernel.
        attention_probs_dropout_prob=0.0,
    )
    cast(XmodPreTrainedModel, model).freeze_embeddings_and_language_adapters()  # type: ignore[no-untyped-call]
    return model


class KeepBest(TrainerCallback):
    """Scores the dev part after every epoch and keeps the best trained weights."""

    def __init__(self, reader: Reader, dev: pa.Table, score: Score) -> None:
        self.best: Scores = {}
        self._reader = reader
        self._dev = dev
        self._score = score
        self._weights: dict[str, torch.Tensor] = {}

    def on_epoch_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **_: object,
    ) -> None:
        """Score, and copy the weights if they are the best so far."""
        figures = self._score(self._reader, self._dev)
        mean = float(np.mean(list(figures.values())))
        logger.info("epoch %.2f: dev %.4f %s", state.epoch or 0.0, mean, figures)
        if not self.best or mean > np.mean(list(self.best.values())):
            self.best = figures
            self._weights = {
                name: parameter.detach().clone()
                for name, parameter in self._reader.model.named_parameters()
                if parameter.requires_grad
            }

    def restore(self) -> None:
        """Put the best weights back into the model."""
        self._reader.model.load_state_dict(self._weights, strict=False)


def _trainer(
    config: FinetuneConfig,
    model: PreTrainedModel,
    examples: list[Example],
    collate: LanguageCollator,
    keeper: KeepBest,
) -> ModularTrainer:
    batches = EpochBatches(
        [len(example["input_ids"]) for example in examples],
        batch_size=config.optimisation.batch_size,
        seed=config.optimisation.seed,
    )
    return ModularTrainer(
        model,
        examples,
        batches,
        collate,
        optimisation=config.optimisation,
        out=config.out,
        max_steps=config.epochs * -(-len(batches) // config.optimisation.accumulation),
        callbacks=[keeper],
    )
