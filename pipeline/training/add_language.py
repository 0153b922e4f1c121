"""A language after the fact: a new adapter, and vocabulary rows where its script is unknown.

Enters: an `AddLanguageConfig`. Leaves: the base and its tasks with one language more.
Holds: all that was there stays, to the bit: the new adapter and the new rows alone are trained, by
masked LM, and are the only weights that differ from the base's (Pfeiffer et al., NAACL 2022,
section 5). Heads that were fine-tuned before serve the language at once.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor, nn
from transformers import XmodConfig, XmodForMaskedLM, set_seed

from pipeline.errors import ConfigError, InputError
from pipeline.training.batches import MixedBatches, SmoothedBatches
from pipeline.training.checkpoint import extend_task, save_whole, stored_dtype
from pipeline.training.codec import Codec
from pipeline.training.collate import Example
from pipeline.training.corpus import TEXT_COLUMNS, of_languages, read_corpus
from pipeline.training.curves import write_curves
from pipeline.training.heads.head import own_loss
from pipeline.training.heads.masked_lm import Masked, encode, masked_loss
from pipeline.training.inference import Reader
from pipeline.training.keep_best import trained
from pipeline.training.learning import Learnt, Run, Source
from pipeline.training.new_pieces import unknown_share, with_new_pieces
from pipeline.training.settings import AddLanguageConfig
from pipeline.training.trainer import ModularTrainer, Worker

logger = logging.getLogger(__name__)

ROWS = ("roberta.embeddings.word_embeddings.weight", "lm_head.bias")
"""Weights with a row a token."""
TEXTS = "texts"
"""The source of examples."""


@dataclass(frozen=True)
class Added:
    """What came of it: perplexities at hidden tokens of held-out text."""

    nearest: str
    """The old language whose adapter guesses the new one's words best."""
    perplexity_nearest: float
    perplexity_new: float
    new_pieces: int


def add_language(config: AddLanguageConfig, run: Run) -> Added:
    """Train the adapter where `run` does it, write the folders, and say how well it does."""
    old = Codec.of(config.base)
    _require_new(config, old)
    train, heldout = _texts(config)
    nearest, before = nearest_language(config, old, heldout)
    codec, added = extended(config, old, train)
    start = {"nearest": nearest, "afresh": None}.get(config.start, config.start)
    source = Source(train, partial(encode, codec=codec))
    learnt = run(partial(learn, config, codec, start), {TEXTS: source})
    model = extended_model(config, codec, start)
    model.load_state_dict(learnt.weights, strict=False)
    out = config.out / "base"
    save_whole(model, codec.tokenizer, out, stored_dtype(config.base))
    write_curves(learnt.history, out)
    for name, folder in config.tasks.items():
        extend_task(folder, config.base, out, config.out / name)
    after = perplexity(
        Reader(model, codec, config.optimisation.batch_size), heldout, config.language
    )
    return Added(nearest, before, after, added)


def _texts(config: AddLanguageConfig) -> tuple[pa.Table, pa.Table]:
    """Rows to learn from, and the last ones to compare adapters by."""
    rows = of_languages(read_corpus(config.data, TEXT_COLUMNS), [config.language], config.data)
    heldout = max(1, round(config.heldout_share * rows.num_rows))
    if rows.num_rows < 2:
        raise InputError(
            f"{config.data} has {rows.num_rows} texts in {config.language}; expected some to learn "
            "from and some to compare adapters by."
        )
    return rows.slice(0, rows.num_rows - heldout), rows.slice(rows.num_rows - heldout)


def _require_new(config: AddLanguageConfig, old: Codec) -> None:
    if config.language in old.lang_ids:
        raise ConfigError(
            f"{config.base} has an adapter for {config.language} already; it would not stay as it "
            "is. Train it further with jobs/pretrain.py and start."
        )
    if config.start not in ("nearest", "afresh", *old.languages):
        raise ConfigError(
            f"Unknown start {config.start!r}. Available: nearest, afresh, and the languages of "
            f"{config.base}: {', '.join(old.languages)}."
        )


def nearest_language(config: AddLanguageConfig, old: Codec, heldout: pa.Table) -> tuple[str, float]:
    """The old language whose adapter has the lowest perplexity on `heldout`, and that."""
    model = XmodForMaskedLM.from_pretrained(config.base, dtype=torch.float32)
    found = {
        language: perplexity(Reader(model, old, config.optimisation.batch_size), heldout, language)
        for language in old.languages
    }
    logger.info("Perplexity of %s by old adapters: %s", config.language, found)
    nearest = min(found, key=lambda language: found[language])
    return nearest, found[nearest]


def perplexity(reader: Reader, rows: pa.Table, language: str) -> float:
    """Of the texts of `rows`, by the adapter of `language`."""
    plain = replace(reader.codec, languages=(rows["language"][0].as_py(),))
    windows = [example["input_ids"] for example in encode(rows, plain)]
    with reader.reading():
        return float(np.exp(masked_loss(reader, windows, language)))


def extended(config: AddLanguageConfig, old: Codec, train: pa.Table) -> tuple[Codec, int]:
    """The codec with the language, and rows for its characters where too many are unknown."""
    texts = train["text"].to_pylist()
    unknown = unknown_share(old.tokenizer, texts)
    logger.info("%.2f%% of the tokens of %s are unknown", 100 * unknown, config.language)
    fresh = Codec.of(config.base)
    tokenizer, added = (
        with_new_pieces(fresh.tokenizer, texts, config.new_pieces)
        if unknown > config.unknown_share
        else (fresh.tokenizer, 0)
    )
    return replace(fresh, tokenizer=tokenizer, languages=(*old.languages, config.language)), added


def extended_model(config: AddLanguageConfig, codec: Codec, start: str | None) -> XmodForMaskedLM:
    """The base with one adapter and some vocabulary rows more.

    The adapter is that of `start`, or new; a new row is as the mean of the old ones.
    """
    set_seed(config.optimisation.seed)
    settings: Any = XmodConfig.from_pretrained(config.base)
    settings.languages = list(codec.languages)
    model = XmodForMaskedLM.from_pretrained(config.base, config=settings, dtype=torch.float32)
    rows = len(codec.tokenizer) - model.config.vocab_size
    if rows > 0:
        model.resize_token_embeddings(len(codec.tokenizer), mean_resizing=True)
    if start is not None:
        weights = dict(model.named_parameters())
        with torch.no_grad():
            for name, weight in weights.items():
                if _is_adapter_of(config.language, name):
                    weight.copy_(weights[name.replace(f".{config.language}.", f".{start}.")])
    return model


def learn(
    config: AddLanguageConfig,
    codec: Codec,
    start: str | None,
    examples: Mapping[str, Sequence[Example]],
    worker: Worker,
) -> Learnt:
    """Train the new adapter and the new rows; what comes back is these, and the old rows."""
    model = extended_model(config, codec, start)
    kept = int(XmodConfig.from_pretrained(config.base).vocab_size)
    freeze_all_but(model, config.language, kept)
    trainer = AdditionTrainer(config, codec, model, examples[TEXTS], worker)
    trainer.learn()
    return Learnt(trained(model), {}, trainer.state.log_history)


def freeze_all_but(model: XmodForMaskedLM, language: str, kept: int) -> None:
    """Leave a gradient to the adapter of `language` and to vocabulary rows after the first `kept`.

    Rows before get a gradient of 0, with which Adam leaves them as they are.
    """
    more = model.config.vocab_size > kept
    for name, weight in model.named_parameters():
        rows = more and name in ROWS
        weight.requires_grad_(_is_adapter_of(language, name) or rows)
        if rows:
            weight.register_hook(partial(_only_new, kept))  # type: ignore[no-untyped-call]


class AdditionTrainer(ModularTrainer):
    """Masked LM on one language; new vocabulary rows have a learning rate of their own."""

    def __init__(
        self,
        config: AddLanguageConfig,
        codec: Codec,
        model: XmodForMaskedLM,
        examples: Sequence[Example],
        worker: Worker,
    ) -> None:
        optimisation = config.optimisation
        self._rows_rate = config.embedding_learning_rate
        batches = MixedBatches(
            [
                SmoothedBatches.of(
                    examples, optimisation.batch_size, 1.0, seed=(optimisation.seed, worker.rank)
                )
            ],
            shares=[1.0],
            sizes=[len(examples)],
            batches=config.max_steps * optimisation.accumulation,
            seed=optimisation.seed,
        )
        super().__init__(
            model,
            examples,
            batches,
            Masked(codec, config.mask_share),
            own_loss,
            optimisation=optimisation,
            max_steps=config.max_steps,
            worker=worker,
        )

    def create_optimizer(self, model: nn.Module | None = None) -> torch.optim.Optimizer:
        """AdamW; without decay of vocabulary rows, which would change those that stay."""
        assert self.model is not None
        weights = [item for item in self.model.named_parameters() if item[1].requires_grad]
        adapter: dict[str, Any] = {
            "params": [weight for name, weight in weights if name not in ROWS]
        }
        rows: dict[str, Any] = {
            "params": [weight for name, weight in weights if name in ROWS],
            "lr": self._rows_rate,
            "weight_decay": 0.0,
        }
        self.optimizer = torch.optim.AdamW(
            [adapter, rows],
            lr=self.args.learning_rate,
            betas=(self.args.adam_beta1, self.args.adam_beta2),
            weight_decay=self.args.weight_decay,
        )
        return self.optimizer


def _only_new(kept: int, gradient: Tensor) -> Tensor:
    gradient = gradient.clone()
    gradient[:kept] = 0.0
    return gradient


def _is_adapter_of(language: str, name: str) -> bool:
    return f".adapter_modules.{language}." in name
