"""The adapter step for batches of one language: one adapter runs instead of all under masks.

Enters: any transformers X-MOD model. Leaves: the same model, whose layers run the one adapter
that a batch asks for. Holds: outputs are those of the unchanged layer; a batch that mixes
languages takes transformers' own path; adapters that a batch does not use get no gradient
rather than one of zeros, so the optimiser leaves them alone.
"""

from types import MethodType

from torch import Tensor
from transformers import PreTrainedModel
from transformers.models.xmod.modeling_xmod import XmodOutput


def use_one_adapter(model: PreTrainedModel) -> None:
    """Change the adapter step of every layer of `model` in place."""
    for module in model.modules():
        if isinstance(module, XmodOutput):
            module.lang_adapter = MethodType(_lang_adapter, module)  # type: ignore[method-assign]


def _lang_adapter(layer: XmodOutput, lang_ids: Tensor, hidden_states: Tensor) -> Tensor:
    """Adapted hidden states; `lang_ids` [batch], `hidden_states` [batch, tokens, hidden]."""
    lang_id = int(lang_ids[0])
    # Out of range is left to transformers too, whose masks then select no row.
    if not 0 <= lang_id < len(layer.adapter_modules) or bool((lang_ids != lang_id).any()):
        adapted: Tensor = XmodOutput.lang_adapter(layer, lang_ids, hidden_states)
        return adapted
    normed = _normed(layer, hidden_states)
    residual = normed if layer.ln_before_adapter else hidden_states
    adapter = list(layer.adapter_modules.values())[lang_id]
    changed: Tensor = layer.dropout(adapter(normed))
    return changed + residual


def _normed(layer: XmodOutput, hidden_states: Tensor) -> Tensor:
    if layer.adapter_layer_norm is not None:
        hidden_states = layer.adapter_layer_norm(hidden_states)
    elif layer.adapter_reuse_layer_norm:
        hidden_states = layer.LayerNorm(hidden_states)
    return hidden_states
