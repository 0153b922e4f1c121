"""The adapter step at the cost of the languages in a batch, with gradients.

Enters: any transformers X-MOD model. Leaves: the same model, whose layers run each adapter that
a batch asks for on its own rows. Holds: outputs are those of the unchanged layer; rows of one
language are best neighbours, as each run of them is one matrix product; adapters that a batch
does not use get no gradient rather than one of zeros, so the optimiser leaves them alone.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from types import MethodType

import torch
from torch import Tensor, nn
from transformers.models.xmod.modeling_xmod import XmodOutput

from pipeline.errors import LanguageError


def use_present_adapters(model: nn.Module) -> None:
    """Change the adapter step of every layer of `model` in place."""
    for module in model.modules():
        if isinstance(module, XmodOutput):
            module.lang_adapter = MethodType(_lang_adapter, module)  # type: ignore[method-assign]


@contextmanager
def without_adapters(model: nn.Module) -> Iterator[None]:
    """Meanwhile no layer of `model` adds what an adapter gives to its output."""
    layers = [module for module in model.modules() if isinstance(module, XmodOutput)]
    before = [layer.lang_adapter for layer in layers]
    for layer in layers:
        layer.lang_adapter = MethodType(_no_adapter, layer)  # type: ignore[method-assign]
    try:
        yield
    finally:
        for layer, method in zip(layers, before, strict=True):
            layer.lang_adapter = method  # type: ignore[method-assign]


def _no_adapter(layer: XmodOutput, _: Tensor, hidden_states: Tensor) -> Tensor:
    return _normed(layer, hidden_states) if layer.ln_before_adapter else hidden_states


def _lang_adapter(layer: XmodOutput, lang_ids: Tensor, hidden_states: Tensor) -> Tensor:
    """Adapted hidden states; `lang_ids` [batch], `hidden_states` [batch, tokens, hidden]."""
    normed = _normed(layer, hidden_states)
    residual = normed if layer.ln_before_adapter else hidden_states
    adapters = list(layer.adapter_modules.values())
    languages, runs = torch.unique_consecutive(lang_ids, return_counts=True)
    adapted = [
        adapters[_checked(lang_id, len(adapters))](rows)
        for lang_id, rows in zip(
            languages.tolist(), torch.split(normed, runs.tolist()), strict=True
        )
    ]
    changed: Tensor = layer.dropout(torch.cat(adapted))
    return changed + residual


def _normed(layer: XmodOutput, hidden_states: Tensor) -> Tensor:
    if layer.adapter_layer_norm is not None:
        hidden_states = layer.adapter_layer_norm(hidden_states)
    elif layer.adapter_reuse_layer_norm:
        hidden_states = layer.LayerNorm(hidden_states)
    return hidden_states


def _checked(lang_id: int, adapters: int) -> int:
    if not 0 <= lang_id < adapters:
        raise LanguageError(f"lang_id {lang_id} is not one of the model's {adapters} adapters.")
    return lang_id
