"""Loading a checkpoint's model with only the adapters that a run needs.

Enters: a checkpoint and languages. Leaves: a ``Model``: the encoder over packed tokens, and heads.
What holds: what does not fit is an error, never a weight left at random; float32 weights on a CPU
are pages of the file, which all processes of a machine share; whether a checkpoint has a head, and
how large a model will be, is told without loading any weight.
"""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from safetensors import safe_open
from transformers import XmodConfig
from transformers.models.xmod.modeling_xmod import XmodModel, XmodPreTrainedModel
from transformers.utils import logging as transformers_logging

from pipeline.errors import CheckpointError
from pipeline.settings import DType, RuntimeSettings
from pipeline.xmod.adapters import Adapters
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
    """An encoder, and the transformers models of the heads that stand on it, by their class."""

    encoder: PackedEncoder
    heads: dict[type[XmodPreTrainedModel], XmodPreTrainedModel]


def load_model(
    checkpoint: Checkpoint,
    model_classes: Collection[type[XmodPreTrainedModel]],
    adapters: Adapters,
    runtime: RuntimeSettings,
) -> Model:
    """The checkpoint's encoder with ``adapters`` alone, and the heads of ``model_classes``.

    Its ``lang_ids`` are those of ``adapters``. Raises CheckpointError where weights that a class
    needs are missing, as when a head of another task is in the checkpoint, and where there is no
    such device.
    """
    device = device_for(runtime)
    # A model with a head has the encoder in it, so that a bare one is loaded only if alone.
    models: dict[type[XmodPreTrainedModel], Any] = {
        model_class: _from_pretrained(checkpoint, model_class, adapters.languages, runtime)
        for model_class in ([one for one in model_classes if one is not XmodModel] or [XmodModel])
    }
    int8 = runtime.arithmetic is DType.INT8
    first = next(iter(models.values())).base_model
    encoder = PackedEncoder(first, device, bypass=adapters.bypass, int8=int8)
    for model in models.values():
        del model.base_model.encoder  # its layers have been taken over, and may be held no more
        model.to(device)
    return Model(encoder, models)


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


def require_head(checkpoint: Checkpoint, model_class: type[XmodPreTrainedModel]) -> None:
    """Raise CheckpointError where the checkpoint lacks the head of ``model_class``.

    Looks at names and shapes alone, so that a job learns of it before it starts any actor.
    """
    expected = _shapes(checkpoint, model_class, ())
    encoder = f"{model_class.base_model_prefix}."
    head = {
        key: shape
        for key, shape in expected.items()
        if not key.startswith(encoder) or key.startswith(f"{encoder}pooler.")
    }
    if model_class is not XmodModel:
        _require_weights(checkpoint, model_class, head)


def parameter_bytes(
    checkpoint: Checkpoint, model_class: type[XmodPreTrainedModel], languages: Sequence[str]
) -> int:
    """Bytes of float32 weights that ``load_model`` will hold, counted without loading any."""
    return 4 * sum(map(math.prod, _shapes(checkpoint, model_class, languages).values()))


def device_for(runtime: RuntimeSettings) -> torch.device:
    """The device that actors run the model on; raises CheckpointError where it is not there."""
    if runtime.on_gpu and not torch.cuda.is_available():
        raise CheckpointError(
            f"runtime.device is {runtime.device}, gpus_per_actor {runtime.gpus_per_actor:g}, "
            "and this worker sees no GPU. Set runtime.gpus_per_actor on a cluster with GPUs, or "
            "runtime.device to cpu."
        )
    return torch.device("cuda" if runtime.on_gpu else "cpu")


def _shapes(
    checkpoint: Checkpoint, model_class: type[XmodPreTrainedModel], languages: Sequence[str]
) -> dict[str, list[int]]:
    config = XmodConfig.from_dict({**checkpoint.config.to_dict(), "languages": list(languages)})
    with torch.device("meta"):
        model = model_class(config)
    return {name: list(parameter.shape) for name, parameter in model.named_parameters()}


def _require_weights(
    checkpoint: Checkpoint, model_class: type[XmodPreTrainedModel], expected: dict[str, list[int]]
) -> None:
    found: dict[str, list[int]] = {}
    for path in checkpoint.folder.glob("*.safetensors"):
        with safe_open(path, framework="pt") as weights:
            names = expected.keys() & set(weights.keys())
            found |= {name: list(weights.get_slice(name).get_shape()) for name in names}
    unfit = [name for name, shape in expected.items() if found.get(name) != shape]
    if unfit:
        raise CheckpointError(
            f"{checkpoint.folder} does not fit {model_class.__name__}: no weights {unfit[0]} of "
            f"shape {expected[unfit[0]]} (seen: {found.get(unfit[0])}). Its architecture is "
            f"{checkpoint.config.architectures}; check the task's model.path."
        )
