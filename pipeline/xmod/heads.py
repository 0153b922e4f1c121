"""Which heads a checkpoint has and how large its weights are, from the headers of its files.

Planning asks this before an actor starts; neither torch nor a weight is loaded. Names and shapes
are those of transformers/models/xmod/modeling_xmod.py.
"""

import math
from collections.abc import Callable, Collection

from pipeline.config import DType
from pipeline.errors import CheckpointError
from pipeline.xmod.checkpoint import Checkpoint
from pipeline.xmod.files import heads_of
from pipeline.xmod.shapes import ADAPTER, Shapes, weight_shapes


def _linear(name: str, outputs: int, inputs: int) -> Shapes:
    return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}


def _language_model(hidden: int, vocabulary: int, labels: int) -> Shapes:
    norm = {"lm_head.layer_norm.weight": (hidden,), "lm_head.layer_norm.bias": (hidden,)}
    return {"lm_head.bias": (vocabulary,), **_linear("lm_head.dense", hidden, hidden), **norm}


def _pooler(hidden: int, vocabulary: int, labels: int) -> Shapes:
    return _linear("roberta.pooler.dense", hidden, hidden)


HEADS: dict[str, Callable[[int, int, int], Shapes]] = {
    "XmodModel": lambda h, v, n: {},
    "PooledEncoder": _pooler,
    "XmodForTokenClassification": lambda h, v, n: _linear("classifier", n, h),
    "XmodForSequenceClassification": lambda h, v, n: (
        _linear("classifier.dense", h, h) | _linear("classifier.out_proj", n, h)
    ),
    "XmodForQuestionAnswering": lambda h, v, n: _linear("qa_outputs", n, h),
    "XmodForMultipleChoice": lambda h, v, n: _pooler(h, v, n) | _linear("classifier", 1, h),
    "XmodForMaskedLM": _language_model,
    "XmodForCausalLM": _language_model,
}
"""Architecture → the weights of its head, by hidden size, vocabulary size and number of labels.

``PooledEncoder`` is transformers' ``XmodModel`` with its pooler, which some heads have trained.
"""


_LATE = "linear.weight"
"""The layer of ColBERT's models after the encoder."""


def require_head(checkpoint: Checkpoint, architecture: str) -> None:
    """Raise CheckpointError where the checkpoint lacks the head of ``architecture``.

    Of a late-interaction checkpoint every task is refused: its own layer would be left out.
    """
    config = checkpoint.config
    expected = HEADS[architecture](config.hidden_size, config.vocab_size, len(checkpoint.labels))
    if "lm_head.bias" in expected and not config.tie_word_embeddings:
        expected["lm_head.decoder.weight"] = (config.vocab_size, config.hidden_size)
        expected["lm_head.decoder.bias"] = (config.vocab_size,)
    found = weight_shapes(checkpoint.folder)
    if _LATE in found or any("colbert" in str(name).lower() for name in config.architectures or ()):
        raise CheckpointError(
            f"{checkpoint.folder} is a late-interaction checkpoint (ColBERT): its architecture is "
            f"{config.architectures}, and its layer {_LATE} of shape {list(found.get(_LATE, ()))} "
            "makes a vector for each token, which a search index compares. No task does that. "
            "Index with colbert-ai or PyLate, or set model.path to a checkpoint for embeddings."
        )
    for name, shape in expected.items():
        if found.get(name) != shape:
            raise CheckpointError(
                f"{checkpoint.folder} does not fit {architecture}: no weights {name} of shape "
                f"{list(shape)} (seen: {list(found.get(name, ()))}). Its architecture is "
                f"{config.architectures}; check the task's model.path{_heads(checkpoint)}."
            )


def _heads(checkpoint: Checkpoint) -> str:
    """What else to check where the folder has several heads."""
    heads = heads_of(checkpoint.folder)
    return f" and model.head, one of {', '.join(heads)}" if heads else ""


def parameter_bytes(
    checkpoint: Checkpoint, languages: Collection[str], arithmetic: DType = DType.FLOAT32
) -> int:
    """Bytes of the weights in ``arithmetic``, with the adapters of ``languages`` only."""
    return sum(
        math.prod(shape) * _bytes_each(name, shape, arithmetic)
        for name, shape in weight_shapes(checkpoint.folder).items()
        if not (adapter := ADAPTER.search(name)) or adapter[1] in languages
    )


def _bytes_each(name: str, shape: tuple[int, ...], arithmetic: DType) -> int:
    match arithmetic:
        case DType.INT8:  # the matrix products of the encoder are
            return 1 if ".layer." in name and len(shape) == 2 else 4
        case DType.BFLOAT16 | DType.FLOAT16:
            return 2
        case _:
            return 4
