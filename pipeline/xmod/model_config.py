"""A checkpoint's ``config.json``, and the encoder that transformers builds of it."""

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from huggingface_hub.errors import StrictDataclassError

from pipeline.errors import CheckpointError
from pipeline.xmod.files import CONFIG, head_file, heads_of, is_head, read_object
from pipeline.xmod.shapes import Shapes

if TYPE_CHECKING:
    from transformers import XmodConfig

_MAX_LABELS = 100_000
_ADAPTERS_OF_XLM_R = {
    **{"adapter_reduction_factor": 2, "adapter_reuse_layer_norm": True},
    **{"adapter_layer_norm": False, "pre_norm": False, "ln_before_adapter": True},
}
"""The adapters that Pfeiffer et al. gave to XLM-R's architecture; facebook/xmod-base has them."""
_READ = ("id2label", "num_labels", "architectures", "problem_type")
"""What is read of ``config.json`` beside the fields of ``XmodConfig``: no other key has effect."""
_OF_HEADS = ("hidden_dropout_prob", "attention_probs_dropout_prob", "classifier_dropout")
"""Fields that may differ between heads of one encoder: without effect but in training."""


def read_config(folder: Path, given: Sequence[str] = ()) -> "XmodConfig":
    """The config in ``folder``; raises CheckpointError where it is not one of an X-MOD."""
    path = folder / CONFIG
    if not path.is_file():
        raise CheckpointError(f"{folder} has no config.json; save it there with the weights.")
    require_kind(folder, given)
    return _parsed(path, given)


def read_head_config(folder: Path, head: str, shared: "XmodConfig") -> "XmodConfig":
    """The config of ``head``, one of those on the encoder of ``shared``, the folder's own config.

    Raises CheckpointError where there is none, or where it describes another encoder.
    """
    path = folder / head_file(head)
    if not is_head(path):
        raise CheckpointError(
            f"{folder} has no head {head!r}; its heads are: "
            f"{', '.join(heads_of(folder)) or 'none'}. Each has a config of an X-MOD beside "
            f"{CONFIG}. Set head beside the model's path to one of these, or to null for the head "
            f"of {CONFIG}."
        )
    config = _parsed(path)
    for name in (name for name in _fields() if name not in _OF_HEADS):
        own, other = (_plain(getattr(one, name)) for one in (config, shared))
        if own != other:
            raise CheckpointError(
                f"{path} has {name} {own!a:.100} and {folder / CONFIG} {other!a:.100}: heads of a "
                "folder share its encoder. Give them the same, or put them in two folders."
            )
    return config


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


def _fields() -> tuple[str, ...]:
    from transformers import XmodConfig

    return tuple(XmodConfig.__annotations__)


def _parsed(path: Path, given: Sequence[str] = ()) -> "XmodConfig":
    from transformers import XmodConfig  # imports torch

    values = read_object(path)
    if values.get("model_type") == "xlm-roberta":
        values |= {"languages": list(given), **_ADAPTERS_OF_XLM_R}
    elif values.get("model_type") != "xmod":
        raise CheckpointError(f"{path} has no model_type; expected 'xmod'.")
    labels = values.get("num_labels", 0)  # transformers makes as many names
    if not isinstance(labels, int) or not 0 <= labels <= _MAX_LABELS:
        raise CheckpointError(
            f"{path} has num_labels {labels!r:.50}; expected an integer from 0 to {_MAX_LABELS}."
        )
    known = {*_fields(), *_READ}
    try:
        return XmodConfig.from_dict({key: values[key] for key in known & values.keys()})
    except (StrictDataclassError, TypeError, ValueError, AttributeError) as error:
        raise _invalid(path, error) from error


def require_kind(folder: Path, given: Sequence[str]) -> None:
    """Raise CheckpointError where there is a config of another model."""
    kinds = ("xmod", "xlm-roberta") if given else ("xmod",)
    kind = read_object(folder / CONFIG).get("model_type") if (folder / CONFIG).is_file() else None
    if kind not in (None, *kinds):
        raise CheckpointError(
            f"{folder} is a checkpoint of type {kind!r:.50}; expected "
            f"{' or '.join(map(repr, kinds))}."
        )


def encoder_shapes(folder: Path, config: "XmodConfig") -> Shapes:
    """The encoder's weights; raises CheckpointError where transformers cannot build it."""
    try:
        return _shapes_of(config.to_json_string())
    except Exception as error:  # whatever the config's values make of its modules
        raise _invalid(folder / CONFIG, error) from error


@cache
def _shapes_of(config: str) -> Shapes:
    """The weights of the encoder of a ``config.json``, from a model that takes no memory."""
    import torch
    from transformers import XmodConfig
    from transformers.models.xmod.modeling_xmod import XmodModel

    with torch.device("meta"):
        model: Any = XmodModel(XmodConfig.from_dict(json.loads(config)), add_pooling_layer=False)
    return {name: tuple(weight.shape) for name, weight in model.named_parameters()}


def _invalid(path: Path, error: Exception) -> CheckpointError:
    return CheckpointError(
        f"{path} is not a valid X-MOD config: {type(error).__name__}: "
        f"{' '.join(str(error).split())[:300]}. Save the model's own config there."
    )
