"""Entity tags as a second objective of pre-training.

Enters: the train split of a NER corpus. Leaves: examples, batches and a loss on them.
Holds: the tagging head is the model's `tagger` while it trains and is not saved; unlike in
fine-tuning, embeddings and adapters learn from the tags too. Small corpora need it: masked LM
on a few million tokens tells a model little about names.
"""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import DataCollatorForTokenClassification, PreTrainedTokenizerBase

from pipeline.training.config import Tagging
from pipeline.training.corpus import NER_COLUMNS, capped, of_split, read_corpus
from pipeline.training.heads import LanguageCollator, encode_ner
from pipeline.training.labels import IGNORED, LABELS
from pipeline.training.trainer import Batch, Example

TAGS = "tags"
"""The key that tells a tagging batch from a masked one."""


def tagging_examples(
    settings: Tagging, tokenizer: PreTrainedTokenizerBase, languages: tuple[str, ...], seed: int
) -> list[Example]:
    """Encoded sentences of the languages that have tags."""
    table = of_split(read_corpus(settings.data, NER_COLUMNS), "train")
    table = capped(table, settings.max_sentences_per_language, seed)
    lang_ids = {language: index for index, language in enumerate(languages)}
    return encode_ner(table, tokenizer, LABELS, lang_ids)


def add_tagger(model: nn.Module, hidden_size: int) -> None:
    """Give `model` the head that `tagging_loss` uses."""
    model.add_module("tagger", nn.Linear(hidden_size, len(LABELS)))


def remove_tagger(model: nn.Module) -> None:
    """Take the head away again."""
    del model.tagger


class TaggingBatches:
    """Collates tagged sentences of one language."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self._collate = LanguageCollator(DataCollatorForTokenClassification(tokenizer))

    def __call__(self, rows: list[Example]) -> Batch:
        """Batch: input_ids, attention_mask, tags [batch, tokens]; lang_ids [batch]."""
        batch = self._collate(rows)
        return {TAGS if key == "labels" else key: value for key, value in batch.items()}


def tagging_loss(model: nn.Module, inputs: Batch) -> Tensor:
    """Mean cross-entropy of the tags over sub-tokens; scalar."""
    encoder, head = model.get_submodule("roberta"), model.get_submodule("tagger")
    hidden = encoder(
        input_ids=inputs["input_ids"],
        attention_mask=inputs["attention_mask"],
        lang_ids=inputs["lang_ids"],
    ).last_hidden_state
    logits = cast(torch.Tensor, head(hidden)).flatten(0, 1)
    return functional.cross_entropy(logits, inputs[TAGS].flatten(), ignore_index=IGNORED)
