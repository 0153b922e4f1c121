"""Routed adapters: the adapter step of X-MOD at the cost of the languages present.

Enters: a transformers X-MOD model. Leaves: the same model whose layers look adapters up by
``lang_id`` in stacked weights. What holds: numbers as transformers computes them, for every
``XmodConfig`` option; ``lang_ids`` are positions among the languages that were loaded.

transformers' ``XmodOutput.lang_adapter`` walks every loaded adapter in every layer with a boolean
mask, whether its language is in the batch or not (transformers/models/xmod/modeling_xmod.py; the
model is Pfeiffer et al., NAACL 2022).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers.models.xmod.modeling_xmod import (
    XmodAdapter,
    XmodLayer,
    XmodOutput,
    XmodPreTrainedModel,
)

from pipeline.errors import LanguageError

ModelT = TypeVar("ModelT", bound=XmodPreTrainedModel)


def route_adapters(model: ModelT, bypass: bool = False) -> ModelT:
    """``model`` with ``RoutedOutput`` in each layer; changed in place and returned.

    With ``bypass`` the id after the last language's goes without an adapter.
    """
    for module in model.modules():
        if isinstance(module, XmodLayer):
            module.output = RoutedOutput(module.output, bypass)  # type: ignore[assignment]
    return model


def checked_lang_ids(codes: Sequence[str | None], loaded: Mapping[str | None, int]) -> list[int]:
    """The ids of X-MOD languages among the ``loaded`` adapters; raises LanguageError for others.

    None is the bypass, where that is loaded.

    Only codes come in, so that no id of another checkpoint can reach the model: transformers
    answers ids out of range without an error, as if there were no adapter.
    """
    wrong = sorted({str(code) for code in codes if code not in loaded})
    if wrong:
        raise LanguageError(
            f"No adapter is loaded for {', '.join(wrong)}; expected one of "
            f"{', '.join(map(str, loaded))}. "
            "Add it to language.candidates in the config, or use a checkpoint that has it."
        )
    return [loaded[code] for code in codes]


class RoutedAdapters(nn.Module):
    """The bottleneck adapters of all loaded languages as stacked weights.

    The bypass is one more whose weights are 0: it adds nothing to the residual connection.
    """

    def __init__(self, adapters: list[XmodAdapter], bypass: bool = False) -> None:
        super().__init__()
        self.down_weight = _stacked([adapter.dense1.weight for adapter in adapters], bypass)
        self.down_bias = _stacked([adapter.dense1.bias for adapter in adapters], bypass)
        self.up_weight = _stacked([adapter.dense2.weight for adapter in adapters], bypass)
        self.up_bias = _stacked([adapter.dense2.bias for adapter in adapters], bypass)
        self.activation: Callable[[Tensor], Tensor] = adapters[0].adapter_act_fn

    def forward(self, hidden: Tensor, lang_ids: Tensor) -> Tensor:
        """Adapt ``hidden`` [rows, tokens, hidden] by each row's ``lang_ids`` [rows]."""
        if hidden.device.type == "cpu":
            return self._by_slices(hidden, lang_ids)
        return self._gathered(hidden, lang_ids)

    def _by_slices(self, hidden: Tensor, lang_ids: Tensor) -> Tensor:
        """One matrix product a run of equal languages: no copy of weights, no masks.

        Rows that are sorted by language make the fewest runs; any order is right.
        """
        languages, runs = torch.unique_consecutive(lang_ids, return_counts=True)
        parts = torch.split(hidden, runs.tolist())
        adapted = [
            self._adapter(part, lang_id)
            for part, lang_id in zip(parts, languages.tolist(), strict=True)
        ]
        return torch.cat(adapted)

    def _adapter(self, hidden: Tensor, lang_id: int) -> Tensor:
        inner = functional.linear(hidden, self.down_weight[lang_id], self.down_bias[lang_id])
        return functional.linear(
            self.activation(inner), self.up_weight[lang_id], self.up_bias[lang_id]
        )

    def _gathered(self, hidden: Tensor, lang_ids: Tensor) -> Tensor:
        """Two batched products whatever the languages; nothing here waits for the host."""
        inner = torch.baddbmm(
            self.down_bias[lang_ids].unsqueeze(1), hidden, self.down_weight[lang_ids].mT
        )
        return torch.baddbmm(
            self.up_bias[lang_ids].unsqueeze(1), self.activation(inner), self.up_weight[lang_ids].mT
        )


class RoutedOutput(nn.Module):
    """``XmodOutput`` with its adapters stacked; takes over the modules of the one it replaces."""

    def __init__(self, output: XmodOutput, bypass: bool = False) -> None:
        super().__init__()
        self.dense = output.dense
        self.LayerNorm = output.LayerNorm
        self.dropout = output.dropout
        self.ln_before_adapter = output.ln_before_adapter
        self.adapter_layer_norm = output.adapter_layer_norm
        self.adapter_reuse_layer_norm = output.adapter_reuse_layer_norm
        self.adapters = RoutedAdapters(
            [
                module
                for module in output.adapter_modules.values()
                if isinstance(module, XmodAdapter)
            ],
            bypass,
        )

    def forward(self, hidden: Tensor, residual: Tensor, lang_ids: Tensor) -> Tensor:
        """The end of a layer: [rows, tokens, intermediate] → [rows, tokens, hidden]."""
        hidden = self.dropout(self.dense(hidden)) + residual
        normed = self._norm(hidden)
        kept = normed if self.ln_before_adapter else hidden
        adapted: Tensor = self.dropout(self.adapters(normed, lang_ids))
        return adapted + kept

    def _norm(self, hidden: Tensor) -> Tensor:
        reused = self.LayerNorm if self.adapter_reuse_layer_norm else None
        norm = self.adapter_layer_norm if self.adapter_layer_norm is not None else reused
        normed: Tensor = hidden if norm is None else norm(hidden)
        return normed


def _stacked(tensors: list[Tensor], bypass: bool) -> nn.Parameter:
    kept = [tensor.detach() for tensor in tensors]
    nothing = [torch.zeros_like(kept[0])] if bypass else []
    return nn.Parameter(torch.stack([*kept, *nothing]), requires_grad=False)
