"""Loads a checkpoint's model with only the adapters that a run needs.

Weights that are missing or do not fit are an error; none is left at random. On a CPU weights are
mapped from the file, so that all processes of a machine share them; those that the file has in
another number format than the run are cast when they are first needed (``mapped``).
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from safetensors import safe_open
from transformers import XmodConfig
from transformers.models.xmod import modeling_xmod
from transformers.models.xmod.modeling_xmod import XmodModel, XmodPreTrainedModel

from pipeline.config import DType, RuntimeSettings
from pipeline.errors import CheckpointError
from pipeline.xmod.adapter_index import LoadedAdapters
from pipeline.xmod.checkpoint import Checkpoint
from pipeline.xmod.encoder import PackedEncoder
from pipeline.xmod.files import weight_files
from pipeline.xmod.mapped import Conversion, Pages
from pipeline.xmod.shapes import ADAPTER
from pipeline.xmod.transformers_logging import silence_transformers

TORCH_DTYPES = {
    DType.FLOAT32: torch.float32,
    DType.BFLOAT16: torch.bfloat16,
    DType.FLOAT16: torch.float16,
    DType.INT8: torch.float32,
}
"""The type of weights and hidden states; with int8 only the matrix products are of integers."""


@dataclass(frozen=True)
class Model:
    """An encoder, and the transformers models of its heads, by architecture."""

    encoder: PackedEncoder
    heads: dict[str, XmodPreTrainedModel]


def load_model(
    heads: Mapping[str, Checkpoint], adapters: LoadedAdapters, runtime: RuntimeSettings
) -> Model:
    """The encoder with ``adapters`` only, and ``heads`` on it: checkpoints by architecture.

    The checkpoints are of one encoder, whose weights are loaded once. Raises CheckpointError where
    a head's weights are missing, as in a checkpoint of another task, and where there is no such
    device.
    """
    device, dtype = device_for(runtime), TORCH_DTYPES[runtime.arithmetic]
    # A model with a head contains the encoder; the bare encoder is loaded only where there is none.
    headed = {name: one for name, one in heads.items() if name != "XmodModel"} or heads
    checkpoint = next(iter(headed.values()))
    weights = weights_of(checkpoint, partial(_is_of, adapters.languages))
    conversion = Conversion(dtype, Pages(weight_files(checkpoint.folder), weights.values()))
    loaded = dtype if runtime.on_gpu else _stored_dtype(weights)
    models: dict[str, Any] = {}
    for name, one in headed.items():
        models[name] = _from_pretrained(one, name, adapters.languages, weights, loaded)
        if not runtime.on_gpu:
            _set_as_stored(models[name], weights)
    first, int8 = next(iter(models.values())), runtime.arithmetic is DType.INT8
    if first.get_output_embeddings() is not None:
        _cast_embeddings(first.base_model, conversion)  # all of them, as the head has them too
    encoder = PackedEncoder(
        first.base_model, device, bypass=adapters.bypass, int8=int8, conversion=conversion
    )
    for model in models.values():
        # Frees those of all models but the first.
        del model.base_model.encoder, model.base_model.embeddings
        model.to(device, dtype)
    conversion.pages.release_all()
    return Model(encoder, models)


def _cast_embeddings(encoder: XmodModel, conversion: Conversion) -> None:
    source = encoder.embeddings.word_embeddings.weight.detach()
    encoder.embeddings.to(conversion.dtype)
    if source.dtype != conversion.dtype:
        conversion.pages.release(source)


def _from_pretrained(
    checkpoint: Checkpoint,
    architecture: str,
    languages: Collection[str],
    weights: dict[str, torch.Tensor],
    dtype: torch.dtype,
) -> XmodPreTrainedModel:
    pooled = architecture == "PooledEncoder"
    model_class = XmodModel if pooled else getattr(modeling_xmod, architecture)
    options: dict[str, Any] = {"add_pooling_layer": pooled} if model_class is XmodModel else {}
    config = XmodConfig.from_dict({**checkpoint.config.to_dict(), "languages": list(languages)})
    silence_transformers()  # it would warn of each adapter that is left out
    loaded: Any = model_class.from_pretrained(
        None,  # no folder: transformers looks for no files
        config=config,
        state_dict=dict(weights),
        dtype=dtype,
        output_loading_info=True,
        **options,
    )
    model, info = loaded
    unfit = sorted([*info["missing_keys"], *(key for key, *_ in info["mismatched_keys"])])
    if unfit:
        raise CheckpointError(
            f"{checkpoint.folder} does not fit {architecture}: {len(unfit)} weights are "
            f"missing or of another shape, {unfit[0]} among them. The checkpoint is incomplete."
        )
    fit: XmodPreTrainedModel = model.eval()
    return fit


def _stored_dtype(weights: dict[str, torch.Tensor]) -> torch.dtype:
    """A type in which transformers can load: the file's, or a short one if it has several."""
    stored = {weight.dtype for weight in weights.values() if weight.is_floating_point()}
    one = len(stored) == 1 and stored <= set(TORCH_DTYPES.values())
    return stored.pop() if one else torch.bfloat16


def _set_as_stored(model: XmodPreTrainedModel, weights: dict[str, torch.Tensor]) -> None:
    """Give each parameter of ``model`` its page of the file again, whatever its type there."""
    pages = {name.removeprefix("roberta."): weight for name, weight in weights.items()}
    for name, parameter in model.named_parameters():
        parameter.data = pages[name.removeprefix("roberta.")]


def weights_of(checkpoint: Checkpoint, wanted: Callable[[str], bool]) -> dict[str, torch.Tensor]:
    """The weights whose names are ``wanted``, as pages of their files.

    Raises CheckpointError where the files are not those that were checked.
    """
    weights: dict[str, torch.Tensor] = {}
    for path in weight_files(checkpoint.folder):
        with safe_open(path, framework="pt") as file:
            weights |= {name: file.get_tensor(name) for name in file.keys() if wanted(name)}
    checkpoint.require_unchanged()
    return weights


def _is_of(languages: Collection[str], name: str) -> bool:
    """Whether the weight is of no other language's adapter."""
    adapter = ADAPTER.search(name)
    return adapter is None or adapter[1] in languages


def device_for(runtime: RuntimeSettings) -> torch.device:
    """The device that actors run the model on; raises CheckpointError where there is none."""
    if runtime.on_gpu and not torch.cuda.is_available():
        raise CheckpointError(
            f"runtime.device is {runtime.device}, gpus_per_actor {runtime.gpus_per_actor:g}, "
            "and this worker sees no GPU. Set runtime.gpus_per_actor on a cluster with GPUs, or "
            "runtime.device to cpu."
        )
    return torch.device("cuda" if runtime.on_gpu else "cpu")
