"""The adapter step at the cost of the languages in a batch, with gradients.

Outputs are those of the unchanged layer. Adapters that a batch does not use get no gradient rather
than one of zeros, so the optimiser leaves them alone.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import MethodType

import torch
from torch import Tensor, nn
from transformers.models.xmod.modeling_xmod import XmodOutput

from pipeline.errors import LanguageError


def use_present_adapters(model: nn.Module) -> None:
    """Make every layer of `model` run each adapter that a batch asks for on its own rows."""
    _replace(model, _lang_adapter)


@contextmanager
def without_adapters(model: nn.Module) -> Iterator[None]:
    """Meanwhile no layer of `model` adds what an adapter gives to its output."""
    before = _replace(model, _no_adapter)
    try:
        yield
    finally:
        for layer, method in before:
            layer.lang_adapter = method  # type: ignore[method-assign]


Step = Callable[[XmodOutput, Tensor, Tensor], Tensor]


def _replace(model: nn.Module, step: Step) -> list[tuple[XmodOutput, Callable[..., Tensor]]]:
    """The layers, with the adapter step that each had before."""
    layers = [module for module in model.modules() if isinstance(module, XmodOutput)]
    before = [(layer, layer.lang_adapter) for layer in layers]
    for layer in layers:
        layer.lang_adapter = MethodType(step, layer)  # type: ignore[method-assign]
    return before


def _no_adapter(layer: XmodOutput, _: Tensor, hidden_states: Tensor) -> Tensor:
    return _normed(layer, hidden_states) if layer.ln_before_adapter else hidden_states


def _lang_adapter(layer: XmodOutput, lang_ids: Tensor, hidden_states: Tensor) -> Tensor:
    """Adapted hidden states; `lang_ids` [batch], `hidden_states` [batch, tokens, hidden]."""
    normed = _normed(layer, hidden_states)
    residual = normed if layer.ln_before_adapter else hidden_states
    adapters = list(layer.adapter_modules.values())
    # Each run of one language is one matrix product, so rows of one are best neighbours.
    languages, runs = torch.unique_consecutive(lang_ids, return_counts=True)
    wrong = [lang_id for lang_id in languages.tolist() if not 0 <= lang_id < len(adapters)]
    if wrong:
        raise LanguageError(
            f"lang_id {wrong[0]} is not one of the model's {len(adapters)} adapters."
        )
    pairs = zip(languages.tolist(), torch.split(normed, runs.tolist()), strict=True)
    changed: Tensor = layer.dropout(torch.cat([adapters[lang_id](rows) for lang_id, rows in pairs]))
    return changed + residual


def _normed(layer: XmodOutput, hidden_states: Tensor) -> Tensor:
    if layer.adapter_layer_norm is not None:
        hidden_states = layer.adapter_layer_norm(hidden_states)
    elif layer.adapter_reuse_layer_norm:
        hidden_states = layer.LayerNorm(hidden_states)
    return hidden_states
