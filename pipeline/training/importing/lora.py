"""LoRA adapters of PEFT, merged into the weights that they were trained on.

W' = W + scale · B A with scale alpha / r, or alpha / √r (Hu et al., "LoRA", 2021; Kalajdzievski,
"rsLoRA", 2023). Enters: an ``adapter_config.json``, the adapter's weights and those of its base.
Leaves: the merged weights. What holds: whatever else the config asks for is refused by its name.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import regex
import torch

from pipeline.errors import CheckpointError
from pipeline.training.importing.names import DECODER, EMBEDDINGS, PREFIX
from pipeline.training.importing.weights import Weight, Weights

CONFIG = "adapter_config.json"
SAFETENSORS = "adapter_model.safetensors"
PICKLED = "adapter_model.bin"

_TASKS = {
    "SEQ_CLS": "XmodForSequenceClassification",
    "TOKEN_CLS": "XmodForTokenClassification",
    "QUESTION_ANS": "XmodForQuestionAnswering",
    "CAUSAL_LM": "XmodForCausalLM",
    "FEATURE_EXTRACTION": "XmodModel",
}
"""PEFT's ``task_type`` → the class that the adapter was trained with."""

_READ = {
    *("alpha_pattern", "base_model_name_or_path", "lora_alpha", "peft_type", "r", "rank_pattern"),
    *("init_lora_weights", "revision", "task_type", "use_rslora"),
}
_WITHOUT_EFFECT = {
    *("auto_mapping", "bias", "corda_config", "eva_config", "exclude_modules", "fan_in_fan_out"),
    *("inference_mode", "layers_pattern", "layers_to_transform", "loftq_config", "lora_dropout"),
    *("megatron_core", "modules_to_save", "peft_version", "qalora_group_size", "runtime_config"),
    *("target_modules", "ensure_weight_tying"),
}
"""Keys that the weights' names already say, or that count in training only.

Among them is ``fan_in_fan_out``, which PEFT takes back for layers such as X-MOD's.
"""
_PLAIN_STARTS = (True, False, None, "gaussian", "eva", "default")
"""Ways to start that leave the base's weights as they are."""

_LORA = regex.compile(r"(.+)\.lora_(embedding_)?([AB])(?:\.default)?(?:\.weight)?")
_SECONDS = 1


@dataclass(frozen=True)
class Lora:
    """What an ``adapter_config.json`` says."""

    path: Path
    values: Mapping[str, Any]

    @property
    def architecture(self) -> str | None:
        """The class that the adapter was trained with, where it is named."""
        mapped = self.values.get("auto_mapping") or {}
        named = mapped.get("base_model_class") if isinstance(mapped, dict) else None
        return _TASKS.get(str(self.values.get("task_type")), named)

    def require_known(self) -> None:
        """Raise CheckpointError where the adapter is not LoRA, or of a kind not implemented."""
        kind, start = self.values.get("peft_type"), self.values.get("init_lora_weights", True)
        if kind != "LORA":
            raise self._refused(f"is an adapter of type {kind!r:.50}")
        if start not in _PLAIN_STARTS:
            raise self._refused(f"has init_lora_weights {start!r:.50}, which changed its base")
        others = self.values.keys() - _READ - _WITHOUT_EFFECT
        if named := sorted(key for key in others if self.values[key]):
            raise self._refused(f"uses {', '.join(named[:4])}")

    def scale(self, module: str) -> tuple[float, int]:
        """The factor of B A in `module`, and the rank that A must have."""
        rank = self._of(module, "rank_pattern", "r")
        alpha = self._of(module, "alpha_pattern", "lora_alpha")
        numbers = isinstance(rank, int) and isinstance(alpha, int | float) and rank > 0
        if not numbers:
            raise self._refused(f"has r {rank!r:.50} and lora_alpha {alpha!r:.50}")
        return alpha / (math.sqrt(rank) if self.values.get("use_rslora") else rank), rank

    def _of(self, module: str, patterns: str, key: str) -> Any:  # noqa: ANN401 - JSON
        """The value of the first pattern that fits the end of `module`, or that of all."""
        for pattern, value in (self.values.get(patterns) or {}).items():
            try:
                if regex.match(rf"(.*\.)?({pattern})$", module, timeout=_SECONDS):
                    return value
            except (regex.error, TimeoutError) as error:
                raise self._refused(f"has {pattern!a:.100} in {patterns}") from error
        return self.values.get(key, 8)

    def _refused(self, what: str) -> CheckpointError:
        return CheckpointError(
            f"{self.path} {what}; expected LoRA as published, or rsLoRA. Merge it with PEFT: "
            "model.merge_and_unload().save_pretrained(FOLDER), and import that folder."
        )


def merged(base: Weights, adapter: Weights, lora: Lora) -> Weights:
    """`base`, by today's names, with `adapter` merged into it.

    An adapter changes embeddings or the decoder, even where its base shares them.
    """
    lora.require_known()
    found, pairs = dict(base), dict[str, dict[str, Weight]]()
    if "lm_head.bias" in base or "lm_head.decoder.bias" in base:
        found.setdefault(DECODER, base[EMBEDDINGS])
    for name, weight in adapter.items():
        inner = name.removeprefix("base_model.model.")
        if parts := _LORA.fullmatch(inner):
            pairs.setdefault(parts[1], {})[(parts[2] or "") + parts[3]] = weight
        elif ".original_module." in inner:
            continue  # PEFT's copy of what was there before training
        elif "lora_" in inner or "trainable_tokens" in inner:
            raise lora._refused(f"comes with weights such as {name:.100}")
        else:
            found[_replaced(inner, base)] = weight
    for module, pair in pairs.items():
        name = _replaced(f"{module}.weight", found)
        found[name] = _added(found, name, pair, module, lora)
    return found


def _replaced(inner: str, base: Weights) -> str:
    """The name in a model with a head of what PEFT saved under `inner`."""
    for wrapper in ("base_layer.", "modules_to_save.default.", "modules_to_save."):
        inner = inner.replace(wrapper, "")
    return f"{PREFIX}{inner}" if f"{PREFIX}{inner}" in base else inner


def _added(found: Weights, name: str, pair: dict[str, Weight], module: str, lora: Lora) -> Weight:
    """The weight `name` with the product of `pair` added when it is read."""
    scale, rank = lora.scale(module)
    weight = found.get(name)
    embedding = "embedding_A" in pair
    a, b = (pair.get(("embedding_" if embedding else "") + side) for side in "AB")
    if weight is None or a is None or b is None or len(a.shape) != 2 or len(b.shape) != 2:
        raise lora._refused(f"comes with weights for {module:.100}, which its base has not")
    shape = (a.shape[1], b.shape[0]) if embedding else (b.shape[0], a.shape[1])
    if shape != weight.shape or not a.shape[0] == b.shape[1] == rank:
        raise lora._refused(
            f"has rank {rank} for {module:.100}, whose weight is {list(weight.shape)}, A "
            f"{list(a.shape)} and B {list(b.shape)}: they do not fit each other"
        )

    def read() -> torch.Tensor:
        left, right = (b.read().float(), a.read().float())
        if embedding:
            left, right = right.T, left.T
        return torch.addmm(weight.read().float(), left, right, alpha=scale).to(weight.dtype)

    return Weight(weight.dtype, weight.shape, read)
