"""A checkpoint of X-MOD base's size with random weights.

Enters: a folder. Leaves: the folder, with a token classifier and the demonstration model's
tokenizer in it. What holds: geometry, options and languages are those of facebook/xmod-base
(12 layers of 768, 81 adapters, 250,002 tokens; 3.4 GB in float32), so that it costs what that
model costs; its answers mean nothing.
"""

import shutil
from pathlib import Path

import torch
from transformers import XmodConfig
from transformers.models.xmod.modeling_xmod import XmodForTokenClassification

from pipeline.language.xmod_base import XMOD_BASE

BASE = Path("/tmp/xmod-pipeline-benchmarks/base")
"""Where benchmarks make it, and look for it."""
_TOKENIZER = Path("demo/model/base")
_LABELS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-ORG", "I-ORG")


def base_checkpoint(folder: Path = BASE) -> Path:
    """``folder``, made if it is not complete: half a minute and 3.4 GB."""
    if not (folder / "complete").exists():
        folder.mkdir(parents=True, exist_ok=True)
        _model().save_pretrained(folder, max_shard_size="10GB")
        for path in _TOKENIZER.glob("tokenizer*"):
            shutil.copy(path, folder)
        (folder / "complete").touch()
    return folder


def base_config() -> XmodConfig:
    """What facebook/xmod-base's config.json says, with entity labels."""
    return XmodConfig(
        vocab_size=250002,
        max_position_embeddings=514,
        type_vocab_size=1,
        layer_norm_eps=1e-5,
        languages=list(XMOD_BASE),
        id2label=dict(enumerate(_LABELS)),
        label2id={label: i for i, label in enumerate(_LABELS)},
    )


@torch.no_grad()
def _model() -> XmodForTokenClassification:
    with torch.device("meta"):
        model = XmodForTokenClassification(base_config())
    model.to_empty(device="cpu")
    torch.manual_seed(0)
    for name, parameter in model.named_parameters():
        if "LayerNorm.weight" in name:
            parameter.fill_(1)
        elif name.endswith("bias"):
            parameter.zero_()
        else:
            parameter.normal_(0, 0.02)
    return model
