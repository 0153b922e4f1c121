"""Fine-tuning of a head, by default with embeddings and language adapters frozen.

Freezing what is per-language lets the head serve languages it had no labels for (Pfeiffer et al.,
NAACL 2022). The weights kept are those of the epoch with the best dev figure, a mean over
languages. What can be found to be wrong is found before training starts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
from transformers import EarlyStoppingCallback, PreTrainedModel, set_seed

from pipeline.errors import ConfigError, InputError
from pipeline.training.base import foreign_head, load, opened, reopened, tell_of_head
from pipeline.training.batches import EpochBatches
from pipeline.training.calibration import calibrated
from pipeline.training.checkpoint import (
    architecture,
    new_checkpoint,
    stored_dtype,
    write_model,
)
from pipeline.training.codec import Codec
from pipeline.training.collate import Example
from pipeline.training.corpus import (
    capped,
    code_of,
    of_languages,
    of_split,
    read_labelled,
    require_values,
    tell_left_out,
    with_codes,
    with_drawn_dev,
)
from pipeline.training.curves import write_curves
from pipeline.training.heads import HEADS, Figures, Head
from pipeline.training.inference import Reader
from pipeline.training.learning import Learnt, Run, Source, Worker
from pipeline.training.scoreboard import Scoreboard, markdown
from pipeline.training.scored_trainer import ScoredTrainer, mean
from pipeline.training.settings import FinetuneConfig, Task
from pipeline.xmod.checkpoint import Checkpoint
from pipeline.xmod.model_config import CALIBRATION
from pipeline.xmod.shapes import weight_shapes

TRAIN = "train"
"""The source of examples."""

_FROZEN: dict[bool | str, str] = {
    True: "embeddings and adapters frozen",
    False: "embeddings and adapters trained too",
    "encoder": "the encoder frozen",
}


@dataclass(frozen=True)
class Material:
    """What a fine-tuning is made of, found out before it starts."""

    config: FinetuneConfig
    labels: tuple[str, ...]
    weights: tuple[float, ...] | None
    """Of the labels."""
    checkpoint: Checkpoint
    """The base."""
    train: pa.Table
    dev: pa.Table
    baselines: Mapping[str, Figures] = field(default_factory=dict)
    """Figures of the dev rows without X-MOD, by name."""


def finetune(config: FinetuneConfig, run: Run) -> Figures:
    """Train as `config` says where `run` does it, write the checkpoint, return the dev figures."""
    material = gather(config)
    baselines = HEADS[config.task].guessed(material.train, material.dev)
    material = replace(material, baselines=baselines)
    codec = Codec.of(material.checkpoint, material.labels)
    source = Source(material.train, partial(HEADS[config.task].encode, codec=codec))
    # Workers get the train rows as examples.
    for_workers = replace(material, train=material.train.slice(0, 0))
    with run(partial(learn, for_workers), {TRAIN: source}) as learnt:
        save(material, replace(learnt, history=[*learnt.history, *_entries(baselines)]))
    return learnt.figures


def gather(config: FinetuneConfig) -> Material:
    """Rows, labels and weights; raises InputError where the data are not fit for the task."""
    head, checkpoint = HEADS[config.task], opened(config.base)
    known, seed = checkpoint.languages, config.optimisation.seed
    codes = tuple(code_of(tag, known) for tag in config.languages)
    config = config.model_copy(update={"languages": codes})
    table = read_labelled(config.data, head.columns, head.optional, config.assumed)
    table = with_codes(table, known)
    tell_left_out(table, config.languages)
    table = of_languages(table, config.languages, config.data)
    table = with_drawn_dev(table, config.dev_share, seed)
    table = table.filter(pc.is_in(table["split"], pa.array(["train", "dev"])))
    require_values(table, head.columns, config.columns, config.data)
    table = head.checked(table)
    _require_adapters(config, checkpoint, table)
    train = capped(of_split(table, "train"), config.max_rows_per_language, seed)
    dev = capped(of_split(table, "dev"), config.max_dev_rows_per_language, seed)
    for split, rows in (("train", train), ("dev", dev)):
        if not rows.num_rows:
            raise InputError(
                f"The data have no rows of split {split!r} in {list(config.languages)}. Training "
                "needs train rows to learn from and dev rows to choose an epoch by."
            )
    labels = head.labels(train)
    weights = label_weights(config, head, train, labels)
    tell_of_head(checkpoint, foreign_head(checkpoint, architecture(head.model), labels))
    return Material(config, labels, weights, checkpoint, train, dev)


def _entries(baselines: Mapping[str, Figures]) -> list[dict[str, Any]]:
    """The baselines' means over languages, for the history; they are of step 0."""
    return [
        {"step": 0, **{f"{name}_{figure}": mean(scores) for figure, scores in figures.items()}}
        for name, figures in baselines.items()
    ]


def _require_adapters(config: FinetuneConfig, checkpoint: Checkpoint, table: pa.Table) -> None:
    known = checkpoint.languages
    columns = [name for name in table.column_names if name.endswith("language")]
    needed = {language for name in columns for language in table[name].unique().to_pylist()}
    lacking = sorted(str(language) for language in needed - set(known))
    if lacking:
        raise ConfigError(
            f"{checkpoint.folder} has no adapter for {lacking}; it has {list(known)}. Take them "
            "out of languages, or add them with jobs/add_language.py."
        )


def label_weights(
    config: FinetuneConfig, head: Head, train: pa.Table, labels: Sequence[str]
) -> tuple[float, ...] | None:
    """What each label's loss counts, as `class_weights` says; a mean of 1 where it is balanced."""
    if config.class_weights is None:
        return None
    if isinstance(config.class_weights, dict):
        unknown = sorted(set(config.class_weights) - set(labels))
        if unknown:
            raise ConfigError(
                f"class_weights names the labels {unknown}; the data have {list(labels)}. Mend "
                "class_weights in the config."
            )
        return tuple(config.class_weights.get(label, 1.0) for label in labels)
    counts = head.counts(train)
    inverse = np.array([1.0 / max(counts[label], 1) for label in labels])
    return tuple((inverse / inverse.mean()).tolist())


def learn(material: Material, examples: Mapping[str, Sequence[Example]], worker: Worker) -> Learnt:
    """Train on a worker's `examples`; what comes back is the best epoch's."""
    config, head = material.config, HEADS[material.config.task]
    optimisation, stopping = config.optimisation, config.early_stopping
    set_seed(optimisation.seed)
    checkpoint = reopened(material.checkpoint, config.base)
    codec = Codec.of(checkpoint, material.labels)
    model = task_model(config, checkpoint, material.labels)
    batches = EpochBatches(
        [len(example["input_ids"]) for example in examples[TRAIN]],
        batch_size=optimisation.batch_size,
        seed=(optimisation.seed, worker.rank),
    )
    reader = Reader(model, codec, optimisation.batch_size)
    weights = None if material.weights is None else torch.tensor(material.weights)
    steps = -(-len(batches) // optimisation.accumulation)
    early = [EarlyStoppingCallback(stopping.patience, stopping.min_delta)] if stopping else []
    trainer = ScoredTrainer(
        model,
        examples[TRAIN],
        batches,
        head.collator(codec),
        head.loss(weights, config.temperature),
        optimisation=optimisation,
        max_steps=config.epochs * steps,
        eval_steps=steps,
        worker=worker,
        callbacks=early,
        head=head,
        score=partial(head.score, reader, material.dev),
    )
    trainer.learn()
    best = trainer.best
    learnt = Learnt(best.weights, best.figures, trainer.state.log_history)
    if worker.rank or not material.labels:
        return learnt
    model.load_state_dict(best.weights, strict=False)
    return replace(learnt, calibration=calibrated(head, reader, material.dev))


def save(material: Material, learnt: Learnt) -> None:
    """Write the checkpoint, its card and its curves."""
    config, checkpoint = material.config, material.checkpoint
    model = task_model(config, checkpoint, material.labels)
    model.load_state_dict(learnt.weights, strict=False)
    if config.task is Task.EMBEDDINGS and "lm_head.bias" not in weight_shapes(checkpoint.folder):
        model.lm_head = None  # was made at random: the base is an encoder alone
    if learnt.calibration:
        setattr(model.config, CALIBRATION, learnt.calibration.temperature)
    with new_checkpoint(config.out) as folder:
        write_model(model, checkpoint.tokenizer, folder, stored_dtype(checkpoint.folder))
        card = _card(material, learnt, model)
        (folder / "README.md").write_text(card, encoding="utf-8")
        write_curves(learnt.history, folder)


def task_model(
    config: FinetuneConfig, checkpoint: Checkpoint, labels: Sequence[str]
) -> PreTrainedModel:
    """The base's encoder under a new head, or its own of this task; frozen as the config says."""
    head = HEADS[config.task]
    names = labels or ("LABEL_0", "LABEL_1")  # as transformers calls outputs without a name
    changes = {
        "id2label": dict(enumerate(names)),
        "label2id": {label: index for index, label in enumerate(names)},
        "problem_type": None,
        "hidden_dropout_prob": config.dropout,
        # Attention without dropout keeps PyTorch's fast CPU kernel.
        "attention_probs_dropout_prob": 0.0,
        **dict(head.options),
    }
    foreign = foreign_head(checkpoint, architecture(head.model), labels)
    model, _ = load(checkpoint, head.model, changes, *foreign)
    if config.frozen == "encoder":
        model.base_model.requires_grad_(requires_grad=False)
    elif config.frozen:
        model.freeze_embeddings_and_language_adapters()
    return cast(PreTrainedModel, model)


def _card(material: Material, learnt: Learnt, model: PreTrainedModel) -> str:
    """The stub of a model card."""
    config, labels, found = material.config, material.labels, learnt.calibration
    calibration = (
        f"- Calibrated on {found.labels} dev labels: `{CALIBRATION}` {found.temperature:.2f}; "
        f"expected calibration error (15 bins) {found.error_before:.3f} before, "
        f"{found.error_after:.3f} after\n"
        if found
        else ""
    )
    return f"""# X-MOD {config.task.value} checkpoint

- Class: `{architecture(type(model))}`{f"; labels: {', '.join(labels)}" if labels else ""}
- Adapters (`config.languages`): {", ".join(model.config.languages)}
- Fine-tuned on {", ".join(config.languages)}; {_FROZEN[config.frozen]}; seed \
{config.optimisation.seed}
{calibration}- Licence and attribution: those of the training data; state them before \
you publish

Figures of the dev rows, at the epoch that was kept, and beside them those of baselines that were
learnt from the same train rows without X-MOD; `curves.png` has the other epochs.

{markdown(Scoreboard("Dev rows", "", {"dev": learnt.figures, **material.baselines}))}"""
