"""The table of heads against transformers' own models."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import XmodConfig
from transformers.models.xmod import modeling_xmod
from transformers.models.xmod.modeling_xmod import XmodModel

from pipeline.errors import CheckpointError
from pipeline.xmod.heads import HEADS, require_head
from tests.helpers.checkpoints import open_folder, save_checkpoint


@pytest.mark.parametrize("architecture", HEADS)
def test_heads_are_the_weights_that_transformers_has_beside_the_encoder(architecture: str):
    config = XmodConfig(
        vocab_size=11, hidden_size=8, num_attention_heads=2, num_hidden_layers=1, num_labels=3
    )
    config.intermediate_size, config.is_decoder = 16, architecture == "XmodForCausalLM"
    pooled = architecture == "PooledEncoder"
    with torch.device("meta"):
        model = getattr(modeling_xmod, "XmodModel" if pooled else architecture)(config)
    expected = {
        f"roberta.{name}" if pooled else name: tuple(weight.shape)
        for name, weight in model.named_parameters()
        if "embeddings" not in name
        and "encoder" not in name
        and (pooled or not name.startswith("pooler"))
    }
    assert HEADS[architecture](8, 11, 3) == expected


def colbert(folder: Path, architectures: list[str], layer: bool) -> Path:
    """A replica of what ColBERT's training leaves: an encoder, and a layer after it."""
    save_checkpoint(folder, XmodModel)
    weights = load_file(folder / "model.safetensors")
    if layer:
        weights["linear.weight"] = torch.zeros(8, 32)
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    values = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**values, "architectures": architectures}))
    return folder


@pytest.mark.parametrize("architecture", ["XmodModel", "XmodForSequenceClassification"])
@pytest.mark.parametrize(
    ("architectures", "layer"),
    [(["HF_ColBERT"], True), (["XmodModel"], True), (["HF_ColBERT"], False)],
)
def test_late_interaction_is_refused_by_its_name(tmp_path, architectures, layer, architecture):
    checkpoint = open_folder(colbert(tmp_path, architectures, layer))
    with pytest.raises(
        CheckpointError, match=r"a late-interaction checkpoint \(ColBERT\)"
    ) as caught:
        require_head(checkpoint, architecture)
    assert str(architectures) in str(caught.value)
