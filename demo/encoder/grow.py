"""e5-small as an X-MOD: each language gets an adapter that adds nothing until it is trained.

With `pre_norm`, `adapter_reuse_layer_norm` and `ln_before_adapter` off and an up-projection of 0, a
layer of X-MOD is one of BERT. Positions begin after the padding id, as in XLM-R; of the token types
the first is kept.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn
from transformers import XmodConfig, XmodForMaskedLM

from demo.encoder.e5_small import E5

ADAPTER_WIDTH = 8
_PADDING = 1
_LAYER = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
"""Module of a layer in the file → in transformers' X-MOD."""


def grown(e5: E5, languages: Sequence[str], kept: Sequence[int]) -> XmodForMaskedLM:
    """The model of `languages` with the word rows `kept`; its masked-LM head is new."""
    model = XmodForMaskedLM(config_of(e5, languages, len(kept)))
    weights = {name: torch.tensor(array) for name, array in _weights(e5, kept)}
    missing = set(model.roberta.load_state_dict(weights, strict=False).missing_keys)
    assert all(".adapter_modules." in name for name in missing), missing
    for name, weight in model.named_parameters():
        if ".adapter_modules." in name and ".dense2." in name:
            nn.init.zeros_(weight)
    nn.init.eye_(model.lm_head.dense.weight)
    return model


def config_of(e5: E5, languages: Sequence[str], words: int) -> XmodConfig:
    """That of an encoder as large as `e5`, with `words` pieces."""
    shape = e5.shape
    return XmodConfig(
        vocab_size=words,
        hidden_size=shape.hidden,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        intermediate_size=shape.inner,
        max_position_embeddings=shape.positions + _PADDING + 1,
        type_vocab_size=1,
        layer_norm_eps=1e-12,
        pre_norm=False,
        adapter_reduction_factor=shape.hidden // ADAPTER_WIDTH,
        adapter_layer_norm=False,
        adapter_reuse_layer_norm=False,
        ln_before_adapter=False,
        languages=list(languages),
        default_language=languages[0],
        pad_token_id=_PADDING,
        bos_token_id=0,
        eos_token_id=2,
    )


def _weights(e5: E5, kept: Sequence[int]) -> Iterator[tuple[str, Any]]:
    """The encoder's weights by transformers' names, without adapters."""
    hidden, inner = e5.shape.hidden, e5.shape.inner
    positions = e5.matrix("emb.pos", hidden)
    unused = np.zeros((_PADDING + 1, hidden), dtype=np.float32)
    yield "embeddings.word_embeddings.weight", e5.matrix("emb.word", hidden)[list(kept)]
    yield "embeddings.position_embeddings.weight", np.concatenate([unused, positions])
    yield "embeddings.token_type_embeddings.weight", e5.matrix("emb.type", hidden)[:1]
    yield "embeddings.LayerNorm.weight", e5.weights["emb.ln.w"]
    yield "embeddings.LayerNorm.bias", e5.weights["emb.ln.b"]
    for layer in range(e5.shape.layers):
        for short, name in _LAYER.items():
            weight = e5.weights[f"l{layer}.{short}.w"]
            matrix = (
                weight if "ln" in short else weight.reshape(-1, inner if short == "fo" else hidden)
            )
            yield f"encoder.layer.{layer}.{name}.weight", matrix
            yield f"encoder.layer.{layer}.{name}.bias", e5.weights[f"l{layer}.{short}.b"]
