"""The model that pre-training begins with: a new one, or one that was trained before.

Enters: a `PretrainConfig`, and the tokenizer of a new model. Leaves: an `XmodForMaskedLM`.
Holds: languages of the config that the start has keep their adapters; the others get new ones.
"""

from collections.abc import Sequence
from typing import Any, TypeVar, cast

import numpy as np
import torch
from torch import Tensor
from transformers import AutoConfig, XmodConfig, XmodForMaskedLM

from pipeline.errors import CheckpointError
from pipeline.training.collate import Example
from pipeline.training.settings import Architecture, PretrainConfig

WORD_SIZE = 0.25
"""Size of new word embeddings beside other new weights."""
POSITION_SIZE = 3.0
"""Size of new position embeddings beside new word embeddings."""


ModelT = TypeVar("ModelT", bound=XmodForMaskedLM)


def starting_point(config: PretrainConfig, vocabulary_size: int, kind: type[ModelT]) -> ModelT:
    """A new model, or the one in `config.start` with an adapter for each of `config.languages`.

    Raises CheckpointError where the start is neither X-MOD nor XLM-R.
    """
    if config.start is None:
        shape = cast(Architecture, config.architecture)
        model = kind(architecture(shape, config.languages, vocabulary_size))
        start_from_content(model)
        return model
    return kind.from_pretrained(
        config.start,
        config=start_config(config),
        dtype=torch.float32,
        use_safetensors=True,
    )


def start_config(config: PretrainConfig) -> XmodConfig:
    """That of the start, with the config's languages; raises CheckpointError where it is unfit."""
    assert config.start is not None
    found = AutoConfig.from_pretrained(config.start)
    return continued(found, config.languages, config.adapter_reduction_factor)


def continued(found: Any, languages: Sequence[str], reduction: int) -> XmodConfig:  # noqa: ANN401
    """The config of `found` with `languages`; XLM-R's becomes X-MOD's, with adapters.

    Raises CheckpointError where it is of another kind.
    """
    values = {**found.to_dict(), "languages": list(languages), "model_type": "xmod"}
    if found.model_type == "xlm-roberta":
        # As Pfeiffer et al. have it, and facebook/xmod-base.
        values |= {"adapter_reduction_factor": reduction, "adapter_reuse_layer_norm": True}
        values |= {"pre_norm": False, "adapter_layer_norm": False, "ln_before_adapter": True}
    elif found.model_type != "xmod":
        raise CheckpointError(
            f"start is a checkpoint of type {found.model_type!r}; expected 'xmod' or "
            "'xlm-roberta', whose weights X-MOD shares."
        )
    if values.get("default_language") not in languages:
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


def start_from_content(model: XmodForMaskedLM) -> None:
    """Let a new model's embeddings tell words apart, and neighbours from what is far away.

    As drawn, the one token type has the same share in a token's vector as its word, so that texts'
    means are nearly one vector; and positions that are drawn at random tell nothing of distance,
    which attention needs to find a token's neighbours. So the type starts at 0, and positions as
    sinusoids (Vaswani et al., "Attention Is All You Need", NeurIPS 2017) around 0, three times
    as large as words. Words start at a quarter of `initializer_range`: the smaller they are, the
    more one step of Adam tells of them, and a rare word gets few steps.
    """
    embeddings = model.roberta.embeddings
    words = embeddings.word_embeddings.weight
    with torch.no_grad():
        words.mul_(WORD_SIZE)
        embeddings.token_type_embeddings.weight.zero_()
        places = sinusoids(*embeddings.position_embeddings.weight.shape)
        places -= places.mean(dim=0)
        size = POSITION_SIZE * words.std() / places.std()
        embeddings.position_embeddings.weight.copy_(size * places)


def sinusoids(positions: int, features: int) -> Tensor:
    """float32 [positions, features]: sines, then cosines, of falling frequency."""
    frequencies = 10_000 ** (-torch.arange(0, features, 2) / features)
    angles = torch.arange(positions).unsqueeze(1) * frequencies
    return torch.cat([angles.sin(), angles.cos()], dim=1)[:, :features]


def start_from_frequencies(model: XmodForMaskedLM, windows: Sequence[Example]) -> None:
    """Set the output bias to the tokens' log frequencies.

    A model without it first learns them, by driving all hidden states to one constant vector,
    and may not come back from there.
    """
    ids = np.concatenate([window["input_ids"] for window in windows])
    counts = np.bincount(ids, minlength=model.config.vocab_size) + 0.5
    with torch.no_grad():
        model.lm_head.bias.copy_(torch.from_numpy(np.log(counts / counts.sum())))
