"""Trains adapters, upper layers and heads of a grown X-MOD, each batch by one objective.

Enters: a checkpoint, `GrowthConfig`. Leaves: `out/base`, an `XmodForMaskedLM`, and `out/ner`, an
`XmodForTokenClassification` with the same encoder.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor, nn
from transformers import PreTrainedModel, XmodForMaskedLM, XmodForTokenClassification, set_seed
from transformers.trainer_utils import get_last_checkpoint

from demo.training.objectives import MASKED_LM, TAGS, Learnable, learnables
from demo.training.settings import GrowthConfig
from pipeline.training.base import load, opened
from pipeline.training.batches import Batches, SmoothedBatches
from pipeline.training.calibration import calibrated
from pipeline.training.checkpoint import new_checkpoint, write_model
from pipeline.training.codec import Codec
from pipeline.training.collate import Batch, Example
from pipeline.training.curves import write_curves
from pipeline.training.heads.ner import NER
from pipeline.training.inference import Reader
from pipeline.training.learning import Source, Worker
from pipeline.training.trainer import ModularTrainer
from pipeline.xmod.checkpoint import Checkpoint
from pipeline.xmod.model_config import CALIBRATION

logger = logging.getLogger(__name__)

PART = 4096
"""Rows that are encoded at a time."""

Examples = Mapping[str, Sequence[Example]]


def grow(config: GrowthConfig) -> None:
    """Train as `config` says, in this process; go on from the last checkpoint, if there is one."""
    set_seed(config.optimisation.seed)
    checkpoint = opened(config.start, "start")
    codec = Codec.of(checkpoint)
    learnt = learnables(config, codec)
    examples = {name: encoded(one.source) for name, one in learnt.items()}
    model, _ = load(checkpoint, ManyHeads, {"attention_probs_dropout_prob": 0.0})
    model.take_up(learnt, config)
    begin_with_frequencies(model, examples[MASKED_LM])
    scratch = config.out.parent / f".{config.out.name}"
    find: Callable[[str], str | None] = get_last_checkpoint
    last = find(str(scratch)) if scratch.exists() else None
    worker = Worker(
        scratch=scratch, resume=Path(last) if last else None, save_steps=config.runtime.save_steps
    )
    trainer = GrowthTrainer(config, model, examples, worker)
    learning = sum(weight.numel() for weight in model.parameters() if weight.requires_grad)
    logger.info(
        "%s examples; %.2f of %.2f M parameters learn",
        ", ".join(f"{len(rows)} {name}" for name, rows in examples.items()),
        learning / 1e6,
        model.num_parameters() / 1e6,
    )
    trainer.learn()
    _save(model, checkpoint, learnt[TAGS], config.out)
    write_curves(trainer.state.log_history, config.out)


def encoded(source: Source) -> list[Example]:
    """The examples of a source, made of some rows at a time: encodings take much memory."""
    parts = source.rows.combine_chunks().to_batches(max_chunksize=PART)
    return [row for part in parts for row in source.encode(pa.Table.from_batches([part]))]


def _save(model: "ManyHeads", checkpoint: Checkpoint, tags: Learnable, out: Path) -> None:
    weights = model.state_dict()
    base, _ = load(checkpoint, XmodForMaskedLM, {})
    base.load_state_dict(weights, strict=False)
    _write(base, checkpoint, out / "base")
    places = {name: place for place, name in enumerate(tags.labels)}
    named = {"id2label": dict(enumerate(tags.labels)), "label2id": places}
    ner, _ = load(checkpoint, XmodForTokenClassification, named, "lm_head")
    ner.load_state_dict(weights, strict=False)
    ner.classifier.load_state_dict(model.heads[TAGS].state_dict())
    reader = Reader(ner, Codec.of(checkpoint, tags.labels), tags.settings.batch_size)
    found = calibrated(NER, reader, tags.dev) if tags.dev else None
    if found:
        setattr(ner.config, CALIBRATION, found.temperature)
    _write(ner, checkpoint, out / "ner")


def _write(model: PreTrainedModel, checkpoint: Checkpoint, out: Path) -> None:
    with new_checkpoint(out) as folder:
        write_model(model, checkpoint.tokenizer, folder, torch.float32)


class ManyHeads(XmodForMaskedLM):  # type: ignore[no-untyped-call]
    """X-MOD whose forward is the loss of the objective that a batch is for."""

    def take_up(self, learnt: Mapping[str, Learnable], config: GrowthConfig) -> None:
        """Learn these objectives, with what the config lets learn."""
        self.learnt = dict(learnt)
        own = {
            name: nn.Linear(self.config.hidden_size, len(one.labels))
            for name, one in learnt.items()
            if one.labels
        }
        self.heads = nn.ModuleDict(own)
        for name, weight in self.named_parameters():
            weight.requires_grad = self._learns(name, config)

    def forward(self, *, objective: Tensor, **batch: Tensor) -> Tensor:
        """The loss; scalar."""
        name, one = list(self.learnt.items())[int(objective)]
        inputs = {key: batch[key] for key in ("input_ids", "attention_mask", "lang_ids")}
        hidden = self.roberta(**inputs).last_hidden_state
        head = self.heads[name] if name in self.heads else cast(nn.Module, self.lm_head)
        return one.loss(head, hidden, batch)

    @staticmethod
    def _learns(name: str, config: GrowthConfig) -> bool:
        _, _, after = name.partition(".layer.")
        if not after:
            return name.startswith(("heads.", "lm_head."))
        first = config.adapters_from if "adapter_modules" in name else config.shared_from
        return int(after.partition(".")[0]) >= first


def begin_with_frequencies(model: XmodForMaskedLM, windows: Sequence[Example]) -> None:
    """Set the output bias to the tokens' log frequencies, which are slow to learn."""
    ids = np.concatenate([window["input_ids"] for window in windows])
    counts = np.bincount(ids, minlength=model.config.vocab_size) + 0.5
    with torch.no_grad():
        model.lm_head.bias.copy_(torch.from_numpy(np.log(counts / counts.sum())))


class GrowthTrainer(ModularTrainer):
    """Steps on the loss of the objective that a batch is for."""

    def __init__(
        self, config: GrowthConfig, model: ManyHeads, examples: Examples, worker: Worker
    ) -> None:
        self._settings = config
        self._learnt = model.learnt
        self._losses: defaultdict[str, list[Tensor]] = defaultdict(list)
        super().__init__(
            model,
            [
                {**row, "objective": place}
                for place, rows in enumerate(examples.values())
                for row in rows
            ],
            MixedBatches(config, self._learnt, examples),
            self._collated,
            self._step_loss,
            optimisation=config.optimisation,
            max_steps=config.max_steps,
            worker=worker,
        )

    def create_optimizer(self, *_: Any, **__: Any) -> torch.optim.Optimizer:  # noqa: ANN401
        """AdamW, with a rate of their own for the shared weights, which are pre-trained."""
        rate = self._settings.optimisation.learning_rate
        rates = {True: rate * self._settings.shared_rate, False: rate}
        learning = [
            (".layer." in name and "adapter_modules" not in name, weight)
            for name, weight in cast(nn.Module, self.model).named_parameters()
            if weight.requires_grad
        ]
        groups = [
            {"params": [weight for shared, weight in learning if shared is kind], "lr": rates[kind]}
            for kind in rates
        ]
        decay = self._settings.optimisation.weight_decay
        self.optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.98), weight_decay=decay)
        return self.optimizer

    def _step_loss(self, model: nn.Module, batch: Batch) -> Tensor:
        name, one = list(self._learnt.items())[int(batch["objective"])]
        loss = cast(Tensor, model(**batch))
        self._losses[name].append(loss.detach())
        return one.settings.weight * loss

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Log, with the mean loss of each objective since the last time."""
        means = {
            f"loss_{name}": round(float(torch.stack(losses).mean()), 4)
            for name, losses in self._losses.items()
        }
        self._losses.clear()
        super().log({**logs, **means}, start_time)

    def _collated(self, rows: list[Example]) -> Batch:
        place = int(rows[0]["objective"])
        one = list(self._learnt.values())[place]
        return {**one.collate(rows), "objective": torch.tensor(place)}


class MixedBatches(Batches):
    """Batches of several objectives, each with its share, whose examples are taken as one list."""

    def __init__(
        self, config: GrowthConfig, learnt: Mapping[str, Learnable], examples: Examples
    ) -> None:
        super().__init__(config.max_steps * config.optimisation.accumulation)
        self._seed = config.optimisation.seed
        self._shares = np.array([one.settings.share for one in learnt.values()])
        sizes = [len(examples[name]) for name in learnt]
        self._offsets = np.cumsum([0, *sizes[:-1]]).tolist()
        self._kinds = [
            SmoothedBatches(
                examples[name],
                batch_size=one.settings.batch_size,
                count=len(self),
                smoothing=config.language_smoothing,
                seed=(self._seed, place),
            )
            for place, (name, one) in enumerate(learnt.items())
        ]

    def __iter__(self) -> Iterator[list[int]]:
        generator = np.random.default_rng(self._seed)
        supplies = [iter(kind) for kind in self._kinds]
        shares = self._shares / self._shares.sum()
        for kind in generator.choice(len(supplies), size=len(self), p=shares):
            yield [self._offsets[kind] + index for index in next(supplies[kind])]
