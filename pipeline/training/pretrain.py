"""Modular pre-training: vocabulary, shared weights and one adapter a language, together.

Enters: a `PretrainConfig`. Leaves: a base checkpoint folder with its curves.
Holds: languages are drawn by exponential smoothing; every language trains its own adapter; the
factory is masked LM as in Pfeiffer et al., "Lifting the Curse of Multilinguality by Pre-training
Modular Transformers" (NAACL 2022), to which other objectives may be added (`objectives`).
"""

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import cast

import torch
from torch import Tensor, nn
from transformers import XmodForMaskedLM, set_seed

from pipeline.training.batches import MixedBatches, SmoothedBatches
from pipeline.training.checkpoint import save_whole, stored_dtype
from pipeline.training.codec import Codec
from pipeline.training.collapse import RefuseCollapse
from pipeline.training.collate import Batch, Example, shift_positions
from pipeline.training.corpus import TEXT_COLUMNS, of_language, of_languages, read_corpus
from pipeline.training.curves import write_curves
from pipeline.training.keep_best import trained
from pipeline.training.learning import Learnt, Run
from pipeline.training.masking import masked_lm_loss
from pipeline.training.objectives import Objective, objectives
from pipeline.training.objectives.masked_lm import NAME as MASKED_LM
from pipeline.training.settings import PretrainConfig
from pipeline.training.starting_point import start_config, start_from_frequencies, starting_point
from pipeline.training.trainer import ModularTrainer, Worker
from pipeline.training.vocabulary import train_tokenizer

logger = logging.getLogger(__name__)

OBJECTIVE_HEADS = "heads"
"""Of the model while it trains: what objectives read its states with. They are not kept."""


def pretrain(config: PretrainConfig, run: Run) -> None:
    """Train as `config` says where `run` does it, and write the checkpoint to `config.out`."""
    dtype = torch.float16
    if config.start:
        start_config(config)
        dtype = stored_dtype(config.start)
    codec = vocabulary(config)
    learnt_of = objectives(config, codec)
    training = partial(learn, config, codec, [objective for objective, _ in learnt_of])
    with run(training, {objective.name: source for objective, source in learnt_of}) as learnt:
        model = starting_point(config, len(codec.tokenizer), XmodForMaskedLM)
        model.load_state_dict(learnt.weights, strict=False)
        save_whole(model, codec.tokenizer, config.out, dtype)
        write_curves(learnt.history, config.out)


def vocabulary(config: PretrainConfig) -> Codec:
    """The start's tokenizer, or one that is trained on the texts, with the config's languages."""
    if config.start:
        return replace(Codec.of(config.start), languages=config.languages)
    assert config.vocabulary  # as PretrainConfig checks
    assert config.architecture
    table = of_languages(read_corpus(config.data, TEXT_COLUMNS), config.languages, config.data)
    texts = {
        language: of_language(table, language)["text"].to_pylist() for language in config.languages
    }
    window = config.architecture.window
    tokenizer = train_tokenizer(texts, config.vocabulary, config.language_smoothing, window)
    return Codec(tokenizer, window, config.languages)


def learn(
    config: PretrainConfig,
    codec: Codec,
    learnt: Sequence[Objective],
    examples: Mapping[str, Sequence[Example]],
    worker: Worker,
) -> Learnt:
    """Train on a worker's `examples` of each objective; what comes back is without their heads."""
    set_seed(config.optimisation.seed)
    model = starting_point(config, len(codec.tokenizer), ModularPretraining)
    if config.start is None:
        start_from_frequencies(model, examples[MASKED_LM])
    model.take_up(learnt)
    trainer = PretrainingTrainer(config, codec, model, examples, worker)
    logger.info(
        "%s examples, vocabulary %d, %d parameters",
        ", ".join(f"{len(examples[one.name])} {one.name}" for one in learnt),
        len(codec.tokenizer),
        model.num_parameters(),
    )
    trainer.learn()
    weights = {
        name: weight
        for name, weight in trained(model).items()
        if not name.startswith(OBJECTIVE_HEADS)
    }
    return Learnt(weights, {}, trainer.state.log_history)


class ModularPretraining(XmodForMaskedLM):  # type: ignore[no-untyped-call]
    """X-MOD whose forward is the losses of a batch, so that workers can average gradients."""

    objectives: Sequence[Objective] = ()

    def take_up(self, learnt: Sequence[Objective]) -> None:
        """Learn these objectives; as parts of the model, their heads are stepped with it."""
        self.objectives = learnt
        size = self.config.hidden_size
        self.add_module(
            OBJECTIVE_HEADS, nn.ModuleDict({one.name: one.head(size) for one in learnt})
        )

    def forward(
        self,
        *,
        objective: Tensor,
        input_ids: Tensor,
        attention_mask: Tensor,
        position_ids: Tensor,
        lang_ids: Tensor,
        hidden_ids: Tensor,
        **targets: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Losses of masked words, and of the objective that the batch is for; scalars."""
        chosen = self.objectives[int(objective)]
        hidden = self.roberta(
            input_ids=input_ids,
            attention_mask=attention_mask,
            position_ids=position_ids,
            lang_ids=lang_ids,
        ).last_hidden_state
        masked = masked_lm_loss(self.lm_head, hidden, hidden_ids)
        batch = {"attention_mask": attention_mask, **targets}
        own = chosen.loss(self.get_submodule(f"{OBJECTIVE_HEADS}.{chosen.name}"), hidden, batch)
        return masked, own


class PretrainingTrainer(ModularTrainer):
    """Steps on the masked-LM loss of each batch and the loss of the objective that it is for."""

    def __init__(
        self,
        config: PretrainConfig,
        codec: Codec,
        model: ModularPretraining,
        examples: Mapping[str, Sequence[Example]],
        worker: Worker,
    ) -> None:
        self._learnt = model.objectives
        self._losses: defaultdict[str, list[Tensor]] = defaultdict(list)
        self._codec = codec
        super().__init__(
            model,
            [
                {**row, "objective": place}
                for place, one in enumerate(self._learnt)
                for row in examples[one.name]
            ],
            _batches(config, self._learnt, examples, worker),
            self._collated,
            self._step_loss,
            optimisation=config.optimisation,
            max_steps=config.max_steps,
            worker=worker,
            callbacks=[RefuseCollapse(model, examples[MASKED_LM][0])],
        )

    def _step_loss(self, model: nn.Module, batch: Batch) -> Tensor:
        objective = self._learnt[int(batch["objective"])]
        masked, own = model(**batch)
        self._losses[MASKED_LM].append(masked.detach())
        if objective.name != MASKED_LM:
            self._losses[objective.name].append(own.detach())
        return cast(Tensor, masked + objective.weight * own)

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Log, with the mean loss of each objective since the last time."""
        means = {f"loss_{name}": _mean(losses) for name, losses in self._losses.items() if losses}
        self._losses.clear()
        super().log({**logs, **means}, start_time)

    def _collated(self, rows: list[Example]) -> Batch:
        place = int(rows[0]["objective"])
        batch = self._learnt[place].collate(rows)
        shifted = shift_positions(batch, self._codec.window, self._codec.padding)
        return {**shifted, "objective": torch.tensor(place)}


def _mean(losses: Sequence[Tensor]) -> float:
    return round(float(torch.stack(list(losses)).mean()), 4)


def _batches(
    config: PretrainConfig,
    learnt: Sequence[Objective],
    examples: Mapping[str, Sequence[Example]],
    worker: Worker,
) -> MixedBatches:
    return MixedBatches(
        [
            SmoothedBatches.of(
                examples[one.name],
                one.batch_size,
                config.language_smoothing,
                seed=config.seed_of(one.name, worker.rank),
            )
            for one in learnt
        ],
        shares=[one.share for one in learnt],
        sizes=[len(examples[one.name]) for one in learnt],
        batches=config.max_steps * config.optimisation.accumulation,
        # The same for all workers, which so step on the same objective.
        seed=config.optimisation.seed,
    )
