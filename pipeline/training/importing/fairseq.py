"""fairseq's X-MOD checkpoints: its names of weights and its settings in transformers' terms.

Enters: the weights and settings of a ``model.pt``. Leaves: weights by transformers' names, and an
``XmodConfig``. The mapping is that of the script by which the checkpoints on the hub were made.
"""

import re
from typing import Any

import torch
from transformers import XmodConfig

from pipeline.errors import CheckpointError
from pipeline.training.importing.weights import Weight, Weights

FILES = ("model.pt", "checkpoint_best.pt", "checkpoint_last.pt")
"""What fairseq and its releases name a checkpoint, the first that is there counts."""
DICTIONARIES = ("dict.txt", "data_bin/dict.txt")
"""Where releases have the vocabulary in the order of the embeddings."""

_LAYER = r"encoder\.sentence_encoder\.layers\.(\d+)\."
_TO = r"roberta.encoder.layer.\1."
_NAMES = {
    r"encoder\.sentence_encoder\.embed_tokens\.": "roberta.embeddings.word_embeddings.",
    r"encoder\.sentence_encoder\.embed_positions\.": "roberta.embeddings.position_embeddings.",
    r"encoder\.sentence_encoder\.(?:layernorm_embedding|emb_layer_norm)\.": (
        "roberta.embeddings.LayerNorm."
    ),
    r"encoder\.sentence_encoder\.layer_norm\.": "roberta.encoder.LayerNorm.",
    _LAYER + r"self_attn\.q_proj\.": _TO + "attention.self.query.",
    _LAYER + r"self_attn\.k_proj\.": _TO + "attention.self.key.",
    _LAYER + r"self_attn\.v_proj\.": _TO + "attention.self.value.",
    _LAYER + r"self_attn\.out_proj\.": _TO + "attention.output.dense.",
    _LAYER + r"self_attn_layer_norm\.": _TO + "attention.output.LayerNorm.",
    _LAYER + r"fc1\.": _TO + "intermediate.dense.",
    _LAYER + r"fc2\.": _TO + "output.dense.",
    _LAYER + r"final_layer_norm\.": _TO + "output.LayerNorm.",
    _LAYER + r"adapter_layer_norm\.": _TO + "output.adapter_layer_norm.",
    _LAYER + r"adapter_modules\.([^.]+)\.fc([12])\.": _TO + r"output.adapter_modules.\2.dense\3.",
    r"encoder\.lm_head\.(weight|bias)": r"lm_head.decoder.\1",
    r"encoder\.lm_head\.": "lm_head.",
    r"classification_heads\.[^.]+\.": "classifier.",
}
"""Beginning of a name in fairseq → in transformers."""

_PADDING = 1
_TYPES = "roberta.embeddings.token_type_embeddings.weight"


def transformers_weights(weights: Weights, what: str) -> Weights:
    """`weights` by transformers' names; fairseq has no token types, so that theirs are zeros."""
    heads = sorted({name.split(".")[1] for name in weights if name.startswith("classification_")})
    if len(heads) > 1:
        raise CheckpointError(
            f"{what} has the classification heads {', '.join(heads)}; expected one. Save the model "
            "with the one to import."
        )
    renamed = {_renamed(name): weight for name, weight in weights.items()}
    embeddings = renamed.get("roberta.embeddings.word_embeddings.weight")
    if embeddings is None or len(embeddings.shape) != 2:
        raise CheckpointError(
            f"{what} has no encoder.sentence_encoder.embed_tokens.weight among its {len(weights)} "
            "weights: it is no X-MOD of fairseq. Give the folder of one."
        )
    return renamed | {_TYPES: _zeros(embeddings)}


def config_of(settings: dict[str, Any], weights: Weights, what: str) -> XmodConfig:
    """The config that fairseq's `settings` amount to; `weights` have transformers' names."""
    model = _model_settings(settings)
    languages = model.get("languages")
    if not model.get("adapter_modules") or not languages:
        raise CheckpointError(
            f"{what} has no settings of an X-MOD (adapter_modules and languages, in cfg.model or "
            "args); expected those that fairseq saves with one. Give the folder of one."
        )
    vocabulary, hidden = weights["roberta.embeddings.word_embeddings.weight"].shape
    try:
        config = XmodConfig(
            vocab_size=vocabulary,
            hidden_size=hidden,
            num_hidden_layers=model["encoder_layers"],
            num_attention_heads=model["encoder_attention_heads"],
            intermediate_size=model["encoder_ffn_embed_dim"],
            hidden_act=model.get("activation_fn", "gelu"),
            max_position_embeddings=weights["roberta.embeddings.position_embeddings.weight"].shape[
                0
            ],
            type_vocab_size=1,
            layer_norm_eps=1e-5,
            pre_norm=bool(model.get("encoder_normalize_before", False)),
            adapter_reduction_factor=model.get("bottleneck", 2),
            adapter_layer_norm=bool(model.get("adapter_layer_norm", False)),
            adapter_reuse_layer_norm=bool(model.get("adapter_reuse_layer_norm", False)),
            ln_before_adapter=bool(model.get("ln_before_adapter", False)),
            languages=[str(language) for language in languages],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"{what} has settings that make no X-MOD: {' '.join(str(error).split())[:200]}. Give "
            "the folder of a fairseq X-MOD."
        ) from error
    if outputs := weights.get("classifier.out_proj.weight"):
        config.num_labels = outputs.shape[0]  # fairseq has it in the shape of its head only
    return config


def _renamed(name: str) -> str:
    name = re.sub(r"^decoder\.", "encoder.", name)  # as in fairseq's first releases
    for old, new in _NAMES.items():
        renamed, found = re.subn(f"^{old}", new, name)
        if found:
            return renamed
    return name


def _zeros(embeddings: Weight) -> Weight:
    shape = (1, embeddings.shape[1])
    return Weight(embeddings.dtype, shape, lambda: torch.zeros(shape, dtype=embeddings.dtype))


def _model_settings(settings: dict[str, Any]) -> dict[str, Any]:
    """``cfg.model`` of today's fairseq, or ``args`` of the one before."""
    config = settings.get("cfg")
    model = config.get("model") if isinstance(config, dict) else None
    found = model or settings.get("args") or {}
    return found if isinstance(found, dict) else {}
