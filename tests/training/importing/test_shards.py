"""Files that are written tensor by tensor, as the library reads them."""

import json

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from pipeline.training.importing.shards import write_shards
from pipeline.training.importing.weights import safetensors_weights

TENSORS = {
    "a.half": torch.arange(5, dtype=torch.bfloat16),
    "b": torch.arange(12.0).reshape(3, 4),
    "c.empty": torch.zeros(0, 3),
    "d.scalar": torch.tensor(2.5),
    "e.double": torch.arange(3, dtype=torch.float64),
}


def read_back(path) -> dict[str, torch.Tensor]:
    with safe_open(path, "pt") as file:
        assert file.metadata() == {"format": "pt"}
        return {name: file.get_tensor(name) for name in file.keys()}


def test_written_file_is_what_the_library_reads(tmp_path):
    save_file(TENSORS, tmp_path / "source.safetensors")
    weights = safetensors_weights(tmp_path / "source.safetensors")
    write_shards(weights, tmp_path, None)
    found = read_back(tmp_path / "model.safetensors")
    assert found.keys() == TENSORS.keys()
    assert all(torch.equal(found[name], TENSORS[name]) for name in TENSORS)
    assert all(found[name].dtype == TENSORS[name].dtype for name in TENSORS)


def test_large_checkpoint_is_written_in_shards_with_an_index(tmp_path):
    save_file(TENSORS, tmp_path / "source.safetensors")
    write_shards(safetensors_weights(tmp_path / "source.safetensors"), tmp_path, None, most=40)
    index = json.loads((tmp_path / "model.safetensors.index.json").read_text())
    assert index["weight_map"].keys() == TENSORS.keys()
    for name, file in index["weight_map"].items():
        assert torch.equal(read_back(tmp_path / file)[name], TENSORS[name])
    assert not (tmp_path / "model.safetensors").exists()
