"""The weights of a checkpoint, from the headers of its files: which heads it has, and how large.

Neither torch nor a weight is loaded: planning asks before any actor is started. Names and shapes
are those of transformers/models/xmod/modeling_xmod.py.
"""

import math
import re
from collections.abc import Callable, Collection

from safetensors import safe_open

from pipeline.errors import CheckpointError
from pipeline.xmod.checkpoint import Checkpoint

Shapes = dict[str, tuple[int, ...]]

_ADAPTER = re.compile(r"\.adapter_modules\.(\w+)\.")


def _linear(name: str, outputs: int, inputs: int) -> Shapes:
    return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}


def _language_model(hidden: int, vocabulary: int, labels: int) -> Shapes:
    norm = {"lm_head.layer_norm.weight": (hidden,), "lm_head.layer_norm.bias": (hidden,)}
    return {"lm_head.bias": (vocabulary,), **_linear("lm_head.dense", hidden, hidden), **norm}


def _classifier(hidden: int, vocabulary: int, labels: int) -> Shapes:
    dense = _linear("classifier.dense", hidden, hidden)
    return dense | _linear("classifier.out_proj", labels, hidden)


def _pooler(hidden: int, vocabulary: int, labels: int) -> Shapes:
    return _linear("roberta.pooler.dense", hidden, hidden)


HEADS: dict[str, Callable[[int, int, int], Shapes]] = {
    "XmodModel": lambda hidden, vocabulary, labels: {},
    "PooledEncoder": _pooler,
    "XmodForTokenClassification": lambda h, v, n: _linear("classifier", n, h),
    "XmodForSequenceClassification": _classifier,
    "XmodForQuestionAnswering": lambda h, v, n: _linear("qa_outputs", n, h),
    "XmodForMultipleChoice": lambda h, v, n: _pooler(h, v, n) | _linear("classifier", 1, h),
    "XmodForMaskedLM": _language_model,
    "XmodForCausalLM": _language_model,
}
"""Architecture → the weights of its head, by hidden size, size of the vocabulary and labels."""


def require_head(checkpoint: Checkpoint, architecture: str) -> None:
    """Raise CheckpointError where the checkpoint lacks the head of ``architecture``."""
    config = checkpoint.config
    expected = HEADS[architecture](config.hidden_size, config.vocab_size, len(checkpoint.labels))
    if expected and not config.tie_word_embeddings and "lm_head.bias" in expected:
        expected["lm_head.decoder.weight"] = (config.vocab_size, config.hidden_size)
    found = _shapes(checkpoint)
    unfit = [name for name, shape in expected.items() if found.get(name) != shape]
    if unfit:
        seen = list(found.get(unfit[0], ()))
        raise CheckpointError(
            f"{checkpoint.folder} does not fit {architecture}: no weights {unfit[0]} of shape "
            f"{list(expected[unfit[0]])} (seen: {seen}). Its architecture is "
            f"{config.architectures}; check the task's model.path."
        )


def parameter_bytes(checkpoint: Checkpoint, languages: Collection[str]) -> int:
    """Bytes of float32 weights with the adapters of ``languages`` alone."""
    return 4 * sum(
        math.prod(shape)
        for name, shape in _shapes(checkpoint).items()
        if not (adapter := _ADAPTER.search(name)) or adapter[1] in languages
    )


def _shapes(checkpoint: Checkpoint) -> Shapes:
    found: Shapes = {}
    for path in checkpoint.folder.glob("*.safetensors"):
        with safe_open(path, framework="np") as weights:
            found |= {name: tuple(weights.get_slice(name).get_shape()) for name in weights.keys()}
    return found
