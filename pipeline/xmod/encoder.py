"""X-MOD's encoder over packed tokens, with the weights of transformers' modules.

The numbers are those of transformers/models/xmod/modeling_xmod.py for every ``XmodConfig`` option.
No step works on padding; on a GPU no step waits for the host, and the number of steps is the same
whatever the languages.
"""

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from transformers import XmodConfig
from transformers.models.xmod.modeling_xmod import XmodLayer, XmodModel

from pipeline.xmod.adapters import BlockedAdapters, SlicedAdapters
from pipeline.xmod.attention import attention_for
from pipeline.xmod.mapped import CastEmbedding, Conversion
from pipeline.xmod.packed import Packed, Packer
from pipeline.xmod.products import MakeProduct, converting, product_maker

_PIECE = 512
"""Tokens whose inner feed-forward values, four times the hidden size, fit the cache of a CPU."""


class PackedEncoder(nn.Module):
    """The encoder of ``model`` on ``device``, for inference only, without dropout.

    It takes over the modules of ``model``. With ``bypass`` the index after the last adapter's
    applies none; with ``int8`` the matrix products are of 8-bit integers; with ``conversion`` the
    weights are cast.
    """

    def __init__(
        self,
        model: XmodModel,
        device: torch.device,
        *,
        bypass: bool = False,
        int8: bool = False,
        conversion: Conversion | None = None,
    ) -> None:
        super().__init__()
        conversion = conversion or Conversion(model.dtype)
        dtype = conversion.dtype
        config: XmodConfig = model.config
        on_cpu = device.type == "cpu"
        attention = attention_for(device, dtype, causal=config.is_decoder)
        make = product_maker(device, dtype, int8=int8)
        if int8 or any(weight.dtype != dtype for weight in model.parameters()):
            make = converting(make, conversion)
        adapters = partial(SlicedAdapters, make) if on_cpu else partial(BlockedAdapters, bypass)
        layers: Any = model.encoder.layer
        embeddings: Any = model.embeddings
        if (words := embeddings.word_embeddings).weight.dtype != dtype:
            embeddings.word_embeddings = CastEmbedding(words, conversion)
        self._embeddings = embeddings
        self._layers = nn.ModuleList(
            _Layer(
                layer, make, adapters(config.hidden_act, [*layer.output.adapter_modules.values()])
            )
            for layer in layers
        )
        self._norm = model.encoder.LayerNorm if config.pre_norm else nn.Identity()
        route = (SlicedAdapters if on_cpu else BlockedAdapters).route
        self.pack = Packer(attention, route, config.pad_token_id or 0, device)
        self.to(device, dtype).eval()

    def forward(self, packed: Packed) -> Tensor:
        """The last hidden states [tokens, hidden]."""
        hidden: Tensor = self._embeddings(
            input_ids=packed.ids.unsqueeze(0), position_ids=packed.positions.unsqueeze(0)
        ).squeeze(0)
        for layer in self._layers:
            hidden = layer(hidden, packed)
        normed: Tensor = self._norm(hidden)
        return normed


class _Layer(nn.Module):
    """``XmodLayer`` over packed tokens [tokens, hidden]."""

    def __init__(self, layer: XmodLayer, make: MakeProduct, adapters: nn.Module) -> None:
        super().__init__()
        own, projected, output = layer.attention.self, layer.attention.output, layer.output
        activation = own.config.hidden_act
        self._heads = (own.num_attention_heads, own.attention_head_size)
        self._query, self._key, self._value = (
            make(linear, None) for linear in (own.query, own.key, own.value)
        )
        self._projection = make(projected.dense, None)
        self._attention_norm, self._norm = projected.LayerNorm, output.LayerNorm
        self._up = make(layer.intermediate.dense, activation)
        self._down = make(output.dense, None)
        self._adapters = adapters
        self._adapter_norm = output.adapter_layer_norm
        if self._adapter_norm is None and output.adapter_reuse_layer_norm:
            self._adapter_norm = output.LayerNorm
        self._pre_norm = layer.pre_norm
        self._ln_before_adapter = output.ln_before_adapter

    def forward(self, hidden: Tensor, packed: Packed) -> Tensor:
        """[tokens, hidden] → [tokens, hidden]."""
        attended = self._attended(hidden, packed)
        return self._adapted(self._fed_forward(attended), packed)

    def _attended(self, hidden: Tensor, packed: Packed) -> Tensor:
        normed = self._attention_norm(hidden) if self._pre_norm else hidden
        added: Tensor = self._projection(self._values(normed, packed)).add_(hidden)
        return added if self._pre_norm else self._attention_norm(added)

    def _values(self, hidden: Tensor, packed: Packed) -> Tensor:
        # A function of its own, so that queries and keys are freed before the projection.
        query, key, value = (
            product(hidden).view(-1, *self._heads)
            for product in (self._query, self._key, self._value)
        )
        attended: Tensor = packed.attend(query, key, value)
        return attended.flatten(1)

    def _fed_forward(self, hidden: Tensor) -> Tensor:
        normed = self._norm(hidden) if self._pre_norm else hidden
        pieces = [normed] if normed.device.type != "cpu" else torch.split(normed, _PIECE)
        fed = [self._down(self._up(piece)) for piece in pieces]
        return (fed[0] if len(fed) == 1 else torch.cat(fed)).add_(hidden)

    def _adapted(self, hidden: Tensor, packed: Packed) -> Tensor:
        normed = hidden if self._adapter_norm is None else self._adapter_norm(hidden)
        kept = normed if self._ln_before_adapter else hidden
        adapted: Tensor = self._adapters(normed, packed.route).add_(kept)
        return adapted if self._pre_norm else self._norm(adapted)
