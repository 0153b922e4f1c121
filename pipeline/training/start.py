"""The model that pre-training begins with: a new one, or one that was trained before."""

from collections.abc import Sequence
from typing import Any, TypeVar, cast

import torch
from transformers import AutoConfig, XmodConfig, XmodForMaskedLM

from pipeline.errors import CheckpointError
from pipeline.training.settings import Architecture, PretrainConfig

ModelT = TypeVar("ModelT", bound=XmodForMaskedLM)


def starting_point(config: PretrainConfig, vocabulary_size: int, kind: type[ModelT]) -> ModelT:
    """A new model, or the one in `config.start` with an adapter for each of `config.languages`.

    Languages that the start has keep their adapters; the others get new ones. Raises
    CheckpointError where the start is neither X-MOD nor XLM-R.
    """
    if config.start is None:
        shape = cast(Architecture, config.architecture)
        return kind(architecture(shape, config.languages, vocabulary_size))
    return kind.from_pretrained(
        config.start, config=start_config(config), dtype=torch.float32, use_safetensors=True
    )


def start_config(config: PretrainConfig) -> XmodConfig:
    """That of the start with the config's languages; XLM-R's becomes X-MOD's, with adapters.

    Raises CheckpointError where it is of another kind.
    """
    assert config.start is not None
    found: Any = AutoConfig.from_pretrained(config.start)
    values = {**found.to_dict(), "languages": list(config.languages), "model_type": "xmod"}
    if found.model_type == "xlm-roberta":
        # As Pfeiffer et al. have it, and facebook/xmod-base.
        values |= {"adapter_reduction_factor": config.adapter_reduction_factor}
        values |= {"adapter_reuse_layer_norm": True, "adapter_layer_norm": False}
        values |= {"pre_norm": False, "ln_before_adapter": True}
    elif found.model_type != "xmod":
        raise CheckpointError(
            f"start is a checkpoint of type {found.model_type!r}; expected 'xmod' or "
            "'xlm-roberta', whose weights X-MOD shares."
        )
    if values.get("default_language") not in config.languages:
        values["default_language"] = None
    return XmodConfig.from_dict(values)


def architecture(shape: Architecture, languages: Sequence[str], vocabulary_size: int) -> XmodConfig:
    """The model's configuration; what ours does not set is as in facebook/xmod-base."""
    return XmodConfig(
        vocab_size=vocabulary_size,
        hidden_size=shape.hidden_size,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.attention_heads,
        intermediate_size=shape.intermediate_size,
        hidden_dropout_prob=shape.dropout,
        # Attention without dropout keeps PyTorch's fast CPU kernel.
        attention_probs_dropout_prob=0.0,
        # Positions start after the padding id, as in RoBERTa.
        max_position_embeddings=shape.window + 2,
        type_vocab_size=1,
        layer_norm_eps=1e-5,
        initializer_range=shape.initializer_range,
        adapter_reduction_factor=shape.adapter_reduction_factor,
        pre_norm=shape.pre_norm,
        ln_before_adapter=not shape.pre_norm,
        languages=list(languages),
    )
