"""Translation ranking as an objective of pre-training: translations get neighbouring vectors.

Enters: sentences in several languages, those of one meaning under one `group`. Leaves: an
objective. Holds: a batch has two languages, drawn anew each time; a text's vector is the mean of
its hidden states, as the embeddings task pools them. The loss is the bidirectional in-batch
softmax of Yang et al., "Improving Multilingual Sentence Embedding using Bi-directional Dual
Encoder with Additive Margin Softmax" (IJCAI 2019), without the margin.
"""

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedTokenizerBase

from pipeline.errors import InputError
from pipeline.training.batches import SmoothedBatches
from pipeline.training.config import PretrainConfig, TranslationObjective
from pipeline.training.corpus import TRANSLATION_COLUMNS, of_languages, read_corpus
from pipeline.training.objectives.objective import MaskedWindows, Objective
from pipeline.training.trainer import Batch, Example


def translations(
    config: PretrainConfig, settings: TranslationObjective, tokenizer: PreTrainedTokenizerBase
) -> Objective:
    """The objective of parallel sentences; an example is a group that all languages have.

    Raises InputError where there is no such group.
    """
    table = read_corpus(settings.data, TRANSLATION_COLUMNS)
    table = of_languages(table, config.languages, settings.data)
    examples = parallel_examples(table, tokenizer, config.lang_ids)
    if not examples:
        raise InputError(
            f"{settings.data} has no group with a text in each of {list(config.languages)}. "
            "Translate some into all of them, or take translations out of the config."
        )
    mask = MaskedWindows(tokenizer, config.mask_share)
    generator = np.random.default_rng(config.optimisation.seed)

    def collate(groups: list[Example]) -> Batch:
        first, second = generator.choice(len(config.languages), size=2, replace=False).tolist()
        return mask(
            [
                {"input_ids": group["texts"][language], "lang_id": language}
                for language in (first, second)
                for group in groups
            ]
        )

    def loss(_: nn.Module, hidden: Tensor, batch: Batch) -> Tensor:
        return ranking_loss(_means(hidden, batch["attention_mask"]), settings.temperature)

    return Objective(
        name="translations",
        share=settings.share,
        examples=examples,
        batches=SmoothedBatches.of(
            examples,
            settings.batch_size,
            config.language_smoothing,
            seed=config.seed_of("translations"),
        ),
        collate=collate,
        loss=loss,
    )


def parallel_examples(
    table: pa.Table, tokenizer: PreTrainedTokenizerBase, lang_ids: dict[str, int]
) -> list[Example]:
    """Groups with `texts`: the token ids of each language, in the order of `lang_ids`."""
    encoded = tokenizer(table["text"].to_pylist(), truncation=True)["input_ids"]
    groups: dict[str, dict[int, list[int]]] = {}
    for row, ids in zip(table.select(["group", "language"]).to_pylist(), encoded, strict=True):
        groups.setdefault(row["group"], {})[lang_ids[row["language"]]] = ids
    return [
        # Groups have no language of their own; their length in the first one orders them.
        {"texts": texts, "input_ids": texts[0], "lang_id": 0}
        for texts in groups.values()
        if len(texts) == len(lang_ids)
    ]


def ranking_loss(vectors: Tensor, temperature: float) -> Tensor:
    """Mean cross-entropy of finding each text's translation in the batch; scalar.

    `vectors` [2 × pairs, hidden]: row `i` and row `pairs + i` translate each other.
    """
    first, second = functional.normalize(vectors, dim=-1).chunk(2)
    similarity = first @ second.T / temperature
    own = torch.arange(len(first), device=vectors.device)
    there = functional.cross_entropy(similarity, own)
    back = functional.cross_entropy(similarity.T, own)
    return (there + back) / 2


def _means(hidden: Tensor, mask: Tensor) -> Tensor:
    """Mean of [rows, tokens, hidden] over the attention mask [rows, tokens]."""
    weights = mask.unsqueeze(-1).to(hidden.dtype)
    return (hidden * weights).sum(1) / weights.sum(1)
