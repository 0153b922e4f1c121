"""Fine-tuning of a head, by default with embeddings and language adapters frozen.

Freezing what is per-language lets the head serve languages it had no labels for (Pfeiffer et al.,
NAACL 2022). The weights kept are those of the epoch with the best dev figure, a mean over
languages. What can be found to be wrong is found before training starts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, cast

import numpy as np
import pyarrow as pa
import torch
from transformers import EarlyStoppingCallback, PreTrainedModel, set_seed

from pipeline.errors import ConfigError, InputError
from pipeline.training.batches import EpochBatches
from pipeline.training.checkpoint import (
    architecture,
    has_frozen_shard,
    save_task,
    save_whole,
    stored_dtype,
)
from pipeline.training.codec import Codec
from pipeline.training.collate import Example
from pipeline.training.corpus import capped, of_languages, of_split, read_labelled
from pipeline.training.curves import write_curves
from pipeline.training.heads import HEADS, Figures, Head
from pipeline.training.inference import Reader
from pipeline.training.learning import Learnt, Run, Source, Worker
from pipeline.training.scoreboard import Scoreboard, markdown
from pipeline.training.scored_trainer import ScoredTrainer
from pipeline.training.settings import FinetuneConfig

TRAIN = "train"
"""The source of examples."""


@dataclass(frozen=True)
class Material:
    """What a fine-tuning is made of, found out before it starts."""

    config: FinetuneConfig
    labels: tuple[str, ...]
    weights: tuple[float, ...] | None
    """Of the labels."""
    dtype: torch.dtype
    """Of the weights that the base stores."""
    train: pa.Table
    dev: pa.Table


def finetune(config: FinetuneConfig, run: Run) -> Figures:
    """Train as `config` says where `run` does it, write the checkpoint, return the dev figures."""
    material = gather(config)
    codec = Codec.of(config.base, material.labels)
    source = Source(material.train, partial(HEADS[config.task].encode, codec=codec))
    # Workers get the train rows as examples.
    for_workers = replace(material, train=material.train.slice(0, 0))
    with run(partial(learn, for_workers), {TRAIN: source}) as learnt:
        save(material, learnt)
    return learnt.figures


def gather(config: FinetuneConfig) -> Material:
    """Rows, labels and weights; raises InputError where the data are not fit for the task."""
    head = HEADS[config.task]
    table = read_labelled(config.data, head.columns, head.optional)
    table = head.checked(of_languages(table, config.languages, config.data))
    _require_adapters(config, table)
    seed = config.optimisation.seed
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
    return Material(config, labels, weights, stored_dtype(config.base), train, dev)


def _require_adapters(config: FinetuneConfig, table: pa.Table) -> None:
    known = Codec.of(config.base).languages
    columns = [name for name in table.column_names if name.endswith("language")]
    needed = {language for name in columns for language in table[name].unique().to_pylist()}
    lacking = sorted(str(language) for language in needed - set(known))
    if lacking:
        raise ConfigError(
            f"{config.base} has no adapter for {lacking}; it has {list(known)}. Take them out of "
            "languages, or add them with jobs/add_language.py."
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
    codec = Codec.of(config.base, material.labels)
    model = task_model(config, material.labels)
    batches = EpochBatches(
        [len(example["input_ids"]) for example in examples[TRAIN]],
        batch_size=optimisation.batch_size,
        seed=(optimisation.seed, worker.rank),
    )
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
        score=partial(head.score, Reader(model, codec, optimisation.batch_size), material.dev),
    )
    trainer.learn()
    best = trainer.best
    return Learnt(best.weights, best.figures, trainer.state.log_history)


def save(material: Material, learnt: Learnt) -> None:
    """Write the checkpoint, its card and its curves."""
    config = material.config
    model = task_model(config, material.labels)
    model.load_state_dict(learnt.weights, strict=False)
    if config.frozen and has_frozen_shard(config.base):
        save_task(model, config.base, config.out)
    else:
        save_whole(model, Codec.of(config.base).tokenizer, config.out, material.dtype)
    card = _card(material, learnt.figures, model)
    (config.out / "README.md").write_text(card, encoding="utf-8")
    write_curves(learnt.history, config.out)


def task_model(config: FinetuneConfig, labels: Sequence[str]) -> PreTrainedModel:
    """The base's encoder under a new head, frozen as the config says."""
    head = HEADS[config.task]
    names: dict[str, Any] = {
        "id2label": dict(enumerate(labels)),
        "label2id": {label: index for index, label in enumerate(labels)},
    }
    model = head.model.from_pretrained(
        config.base,
        dtype=torch.float32,
        use_safetensors=True,
        hidden_dropout_prob=config.dropout,
        # Attention without dropout keeps PyTorch's fast CPU kernel.
        attention_probs_dropout_prob=0.0,
        **(names if labels else {}),
        **dict(head.options),
    )
    if config.frozen:
        model.freeze_embeddings_and_language_adapters()
    return cast(PreTrainedModel, model)


def _card(material: Material, figures: Figures, model: PreTrainedModel) -> str:
    """The stub of a model card."""
    config, labels = material.config, material.labels
    links = "- `frozen.safetensors` and the tokenizer are links to the base checkpoint's files\n"
    linked = config.frozen and has_frozen_shard(config.base)
    return f"""# X-MOD {config.task.value} checkpoint

- Class: `{architecture(model)}`{f"; labels: {', '.join(labels)}" if labels else ""}
- Adapters (`config.languages`): {", ".join(model.config.languages)}
- Fine-tuned on {", ".join(config.languages)}; embeddings and adapters \
{"frozen" if config.frozen else "trained too"}; seed {config.optimisation.seed}
{links if linked else ""}- Licence and attribution: those of the training data; state them before \
you publish

Figures of the dev rows, at the epoch that was kept; `curves.png` has the others.

{markdown(Scoreboard("Dev rows", "", {"dev": figures}))}"""
