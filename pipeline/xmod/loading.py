"""Loading a checkpoint's model with only the adapters that a run needs.

Enters: a checkpoint and languages. Leaves: a ``Model``: the encoder over packed tokens, and heads.
What holds: what does not fit is an error, never a weight left at random; float32 weights on a CPU
are pages of the file, which all processes of a machine share.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import XmodConfig
from transformers.models.xmod import modeling_xmod
from transformers.models.xmod.modeling_xmod import XmodModel, XmodPreTrainedModel
from transformers.utils import logging as transformers_logging

from pipeline.config import DType, RuntimeSettings
from pipeline.errors import CheckpointError
from pipeline.xmod.adapter_index import LoadedAdapters
from pipeline.xmod.checkpoint import Checkpoint
from pipeline.xmod.encoder import PackedEncoder

TORCH_DTYPES = {
    DType.FLOAT32: torch.float32,
    DType.BFLOAT16: torch.bfloat16,
    DType.FLOAT16: torch.float16,
    DType.INT8: torch.float32,
}
"""What values between products are in; with int8 the products alone are of integers."""


@dataclass(frozen=True)
class Model:
    """An encoder, and the transformers models of the heads on it, by architecture."""

    encoder: PackedEncoder
    heads: dict[str, XmodPreTrainedModel]


def load_model(
    checkpoint: Checkpoint,
    architectures: Collection[str],
    adapters: LoadedAdapters,
    runtime: RuntimeSettings,
) -> Model:
    """The checkpoint's encoder with ``adapters`` alone, and the heads of ``architectures``.

    Its ``lang_ids`` are those of ``adapters``. Raises CheckpointError where weights that one
    needs are missing, as when a head of another task is in the checkpoint, and where there is no
    such device.
    """
    device = device_for(runtime)
    # A model with a head has the encoder in it, so that a bare one is loaded only if alone.
    models: dict[str, Any] = {
        name: _from_pretrained(checkpoint, _class_of(name), adapters.languages, runtime)
        for name in ([name for name in architectures if name != "XmodModel"] or ["XmodModel"])
    }
    int8 = runtime.arithmetic is DType.INT8
    first = next(iter(models.values())).base_model
    encoder = PackedEncoder(first, device, bypass=adapters.bypass, int8=int8)
    for model in models.values():
        del model.base_model.encoder  # its layers have been taken over, and may be held no more
        model.to(device)
    return Model(encoder, models)


class PooledEncoder(XmodPreTrainedModel):
    """The encoder with transformers' pooler, a layer that some heads have trained."""

    def __init__(self, config: XmodConfig) -> None:
        super().__init__(config)
        self.roberta = XmodModel(config, add_pooling_layer=True)
        self.post_init()  # type: ignore[no-untyped-call]


def _class_of(architecture: str) -> type[XmodPreTrainedModel]:
    if architecture == "PooledEncoder":
        return PooledEncoder
    found: type[XmodPreTrainedModel] = getattr(modeling_xmod, architecture)
    return found


def _from_pretrained(
    checkpoint: Checkpoint,
    model_class: type[XmodPreTrainedModel],
    languages: Sequence[str],
    runtime: RuntimeSettings,
) -> XmodPreTrainedModel:
    """Transformers' model on the CPU, whose weights are mapped from the file where types allow."""
    config = XmodConfig.from_dict({**checkpoint.config.to_dict(), "languages": list(languages)})
    options: dict[str, Any] = {"add_pooling_layer": False} if model_class is XmodModel else {}
    # The adapters that are left out are meant to be left out; transformers would warn of each.
    transformers_logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    loaded: Any = model_class.from_pretrained(
        checkpoint.folder,
        config=config,
        dtype=TORCH_DTYPES[runtime.arithmetic],
        use_safetensors=True,
        trust_remote_code=False,
        local_files_only=True,
        output_loading_info=True,
        **options,
    )
    model, info = loaded
    unfit = sorted([*info["missing_keys"], *(key for key, *_ in info["mismatched_keys"])])
    if unfit:
        raise CheckpointError(
            f"{checkpoint.folder} does not fit {model_class.__name__}: {len(unfit)} weights are "
            f"missing or of another shape, {unfit[0]} among them. The checkpoint is incomplete."
        )
    fit: XmodPreTrainedModel = model.eval()
    return fit


def device_for(runtime: RuntimeSettings) -> torch.device:
    """The device that actors run the model on; raises CheckpointError where it is not there."""
    if runtime.on_gpu and not torch.cuda.is_available():
        raise CheckpointError(
            f"runtime.device is {runtime.device}, gpus_per_actor {runtime.gpus_per_actor:g}, "
            "and this worker sees no GPU. Set runtime.gpus_per_actor on a cluster with GPUs, or "
            "runtime.device to cpu."
        )
    return torch.device("cuda" if runtime.on_gpu else "cpu")
