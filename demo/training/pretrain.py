"""Pre-training with several objectives, a recipe for the product's `pretrain`.

Every batch trains masked LM and is for one objective, whose loss is added.
"""

import logging
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from transformers import XmodForMaskedLM, set_seed

from demo.training.objectives import MASKED_LM, Objective, objectives
from demo.training.settings import DemoPretrainConfig
from demo.training.start import RefuseCollapse, start_from_content, start_from_frequencies
from pipeline.training.batches import Batches, SmoothedBatches
from pipeline.training.codec import Codec
from pipeline.training.collate import Batch, Example, masked_lm_loss
from pipeline.training.learning import Learn, Learnt, Run, Source, Worker, trained
from pipeline.training.pretrain import pretrain, starting_point
from pipeline.training.trainer import ModularTrainer

logger = logging.getLogger(__name__)

OBJECTIVE_HEADS = "heads"
"""Of the model while it trains: what objectives read its states with. They are not kept."""


def pretrain_demo(config: DemoPretrainConfig, run: Run) -> None:
    """Train as `config` says where `run` does it, and write the checkpoint to `config.out`."""
    pretrain(config, run, partial(several, config))


def several(config: DemoPretrainConfig, codec: Codec) -> tuple[Learn, Mapping[str, Source]]:
    """The recipe: masked LM, and the objectives of the config."""
    found = objectives(config, codec)
    sources = {objective.name: source for objective, source in found}
    return partial(learn, config, codec, [objective for objective, _ in found]), sources


def learn(
    config: DemoPretrainConfig,
    codec: Codec,
    learnt: Sequence[Objective],
    examples: Mapping[str, Sequence[Example]],
    worker: Worker,
) -> Learnt:
    """Train on a worker's `examples` of each objective; what comes back is without their heads."""
    set_seed(config.optimisation.seed)
    model = starting_point(config, len(codec.tokenizer), ModularPretraining)
    if config.start is None:
        start_from_content(model)
        start_from_frequencies(model, examples[MASKED_LM])
    model.take_up(learnt)
    trainer = PretrainingTrainer(config, model, examples, worker)
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
        config: DemoPretrainConfig,
        model: ModularPretraining,
        examples: Mapping[str, Sequence[Example]],
        worker: Worker,
    ) -> None:
        self._learnt = model.objectives
        self._losses: defaultdict[str, list[Tensor]] = defaultdict(list)
        super().__init__(
            model,
            [
                {**row, "objective": place}
                for place, one in enumerate(self._learnt)
                for row in examples[one.name]
            ],
            MixedBatches(config, self._learnt, examples, worker.rank),
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
        means = {
            f"loss_{name}": round(float(torch.stack(losses).mean()), 4)
            for name, losses in self._losses.items()
            if losses
        }
        self._losses.clear()
        super().log({**logs, **means}, start_time)

    def _collated(self, rows: list[Example]) -> Batch:
        place = int(rows[0]["objective"])
        return {**self._learnt[place].collate(rows), "objective": torch.tensor(place)}


class MixedBatches(Batches):
    """Batches of several objectives, each with its share, whose examples are taken as one list."""

    def __init__(
        self,
        config: DemoPretrainConfig,
        learnt: Sequence[Objective],
        examples: Mapping[str, Sequence[Example]],
        rank: int,
    ) -> None:
        super().__init__(config.max_steps * config.optimisation.accumulation)
        # The same for all workers, which so step on the same objective.
        self._seed = config.optimisation.seed
        self._shares = np.array([one.share for one in learnt])
        sizes = [len(examples[one.name]) for one in learnt]
        self._offsets = np.cumsum([0, *sizes[:-1]]).tolist()
        self._kinds = [
            SmoothedBatches(
                examples[one.name],
                batch_size=one.batch_size,
                count=len(self),
                smoothing=config.language_smoothing,
                seed=config.seed_of(one.name, rank),
            )
            for one in learnt
        ]

    def __iter__(self) -> Iterator[list[int]]:
        generator = np.random.default_rng(self._seed)
        supplies = [iter(kind) for kind in self._kinds]
        shares = self._shares / self._shares.sum()
        for kind in generator.choice(len(supplies), size=len(self), p=shares):
            yield [self._offsets[kind] + index for index in next(supplies[kind])]
