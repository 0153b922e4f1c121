"""Names of weights as transformers has them today.

Enters: `Weights` by the names of a library's release, a trainer's wrapper or a class of its own.
Leaves: the same by the names of a model with a head, where the encoder's begin with ``roberta.``.
"""

import re

from pipeline.errors import CheckpointError
from pipeline.training.importing.weights import Weight, Weights

PREFIX = "roberta."
EMBEDDINGS = f"{PREFIX}embeddings.word_embeddings.weight"
DECODER = "lm_head.decoder.weight"

_ANCHOR = "embeddings.word_embeddings.weight"
"""Every encoder has it; what stands before it is the encoder's place in a larger model."""
_ENCODER = ("embeddings.", "encoder.", "pooler.")
_OLD = {".gamma": ".weight", ".beta": ".bias"}
"""Ends of a layer norm's weights in TensorFlow's BERT, from which some are still converted."""
_DECODER_BIAS = "lm_head.decoder.bias"
_BIAS = "lm_head.bias"


def todays_names(weights: Weights, what: str) -> Weights:
    """`weights` by today's names; raises CheckpointError where `what` has not one encoder."""
    anchors = [name.removesuffix(_ANCHOR) for name in weights if name.endswith(_ANCHOR)]
    if len(anchors) != 1:
        raise CheckpointError(
            f"{what} has {len(anchors)} weights named …{_ANCHOR}; expected one, of one X-MOD "
            f"encoder (first names: {', '.join(sorted(weights)[:3]) or 'none'}). Save the X-MOD "
            "alone and import that."
        )
    (before,) = anchors
    renamed = {_renamed(name, before): weight for name, weight in weights.items()}
    if len(renamed) < len(weights):
        raise CheckpointError(
            f"{what} has two weights that have the same name today; expected each once. Save the "
            "X-MOD alone and import that."
        )
    return renamed


def without_decoder_copies(weights: Weights) -> tuple[Weights, bool]:
    """`weights` without what a language model's decoder shares, and whether it is shared.

    A decoder of its own stays, as transformers keeps it apart whatever the config says; it then has
    its own bias too, which is the one that counts.
    """
    kept = dict(weights)
    decoder, embeddings = kept.pop(DECODER, None), kept[EMBEDDINGS]
    bias = kept.pop(_DECODER_BIAS, None) or kept.get(_BIAS)
    if bias is not None:
        kept[_BIAS] = bias
    if decoder is None or bias is None or _equal(decoder, embeddings):
        return kept, True
    return kept | {DECODER: decoder, _DECODER_BIAS: bias}, False


def _equal(one: Weight, other: Weight) -> bool:
    if one.place is not None and one == other:
        return True
    return one.shape == other.shape and one.digest() == other.digest()


def _renamed(name: str, before: str) -> str:
    for old, new in _OLD.items():
        name = re.sub(rf"(?i)(layer_?norm){re.escape(old)}$", rf"\1{new}", name)
    outer = before.removesuffix(PREFIX)
    inner = name.removeprefix(before)
    if name.startswith(before) and inner.startswith(_ENCODER):
        return f"{PREFIX}{inner}"
    return name.removeprefix(outer)
