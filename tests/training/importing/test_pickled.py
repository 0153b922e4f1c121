"""Pickled files, hostile ones among them: none runs code, and none fills the memory."""

import os
import zipfile
from pathlib import Path

import pytest
import torch

from pipeline.errors import CheckpointError
from pipeline.training.importing.pickled import read_pickled

STATE = {
    "plain": torch.arange(12.0).reshape(3, 4),
    "transposed": torch.arange(6.0).reshape(2, 3).t(),
    "part": torch.arange(16.0).reshape(4, 4)[1:3],
    "scalar": torch.tensor(3.0),
    "half": torch.ones(3, dtype=torch.bfloat16),
    "empty": torch.zeros(0, 4),
}


class Calls:
    """Pickles as a call of a function."""

    def __init__(self, function: object, *arguments: object) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> tuple:
        return self.call


@pytest.mark.parametrize("zipped", [True, False])
def test_tensors_are_read_as_torch_reads_them(tmp_path, zipped):
    path = tmp_path / "pytorch_model.bin"
    torch.save(STATE, path, _use_new_zipfile_serialization=zipped)
    weights = read_pickled(path, tmp_path).weights
    assert {name: weight.shape for name, weight in weights.items()} == {
        name: tuple(tensor.shape) for name, tensor in STATE.items()
    }
    for name, tensor in STATE.items():
        assert torch.equal(weights[name].read(), tensor)


def test_compressed_archive_is_read(tmp_path):
    torch.save(STATE, tmp_path / "plain.bin")
    path = tmp_path / "pytorch_model.bin"
    with (
        zipfile.ZipFile(tmp_path / "plain.bin") as plain,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as compressed,
    ):
        for member in plain.infolist():
            compressed.writestr(member.filename, plain.read(member))
    weights = read_pickled(path, tmp_path).weights
    assert torch.equal(weights["plain"].read(), STATE["plain"])


def test_tied_weights_are_one_place(tmp_path):
    torch.save({"a": STATE["plain"], "b": STATE["plain"]}, tmp_path / "x.bin")
    weights = read_pickled(tmp_path / "x.bin", tmp_path).weights
    assert weights["a"] == weights["b"]


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("function", [os.system, eval, exec, print, os.remove], ids=str)
def test_pickle_that_names_code_is_refused_and_runs_none(tmp_path, function, zipped):
    path, ran = tmp_path / "pytorch_model.bin", tmp_path / "ran"
    argument = f"touch {ran}" if function is os.system else str(ran)
    torch.save({"a": Calls(function, argument)}, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(CheckpointError, match=r"names .*, which is code; only tensors are read"):
        read_pickled(path, tmp_path)
    assert not ran.exists()


def test_whole_model_is_refused_and_says_how_to_save_its_weights(tmp_path):
    torch.save(torch.nn.Linear(2, 2), tmp_path / "x.bin")
    with pytest.raises(CheckpointError, match=r"Linear, which is code.*save_pretrained\(FOLDER\)"):
        read_pickled(tmp_path / "x.bin", tmp_path)


@pytest.mark.parametrize("zipped", [True, False])
def test_pickle_that_would_fill_the_memory_is_refused(tmp_path, zipped):
    bomb = {"a": Calls(bytearray, 3 * 10**9)}
    torch.save(bomb, tmp_path / "x.bin", _use_new_zipfile_serialization=zipped)
    with pytest.raises(CheckpointError, match="more memory than its size accounts for"):
        read_pickled(tmp_path / "x.bin", tmp_path)


def test_archive_that_unfolds_to_gigabytes_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.bin", "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("archive/data.pkl", "w", force_zip64=True) as file:
            for _ in range(3000):
                file.write(bytes(1 << 20))
        archive.writestr("archive/version", "3")
    with pytest.raises(CheckpointError, match="more memory than its size accounts for"):
        read_pickled(tmp_path / "x.bin", tmp_path)


def test_tensor_of_more_values_than_are_stored_is_refused(tmp_path):
    torch.save({"a": torch.zeros(1).expand(10**6, 10**6)}, tmp_path / "x.bin")
    with pytest.raises(CheckpointError, match=r"shape \[1000000, 1000000\] over 1 stored values"):
        read_pickled(tmp_path / "x.bin", tmp_path)


@pytest.mark.parametrize(
    ("name", "body"), [("text", b"junk" * 9), ("nothing", b""), ("zip", b"PK\x03\x04 and no more")]
)
def test_file_that_is_no_checkpoint_is_refused_in_one_line(tmp_path: Path, name, body):
    (tmp_path / name).write_bytes(body)
    with pytest.raises(CheckpointError, match="cannot be read") as refused:
        read_pickled(tmp_path / name, tmp_path)
    assert "\n" not in str(refused.value)


def test_quantized_weights_are_refused(tmp_path):
    torch.save({"a": torch.zeros(3, dtype=torch.int8)}, tmp_path / "x.bin")
    with pytest.raises(CheckpointError, match=r"has a of type torch\.int8; expected F64"):
        read_pickled(tmp_path / "x.bin", tmp_path)


def test_process_has_no_credentials(tmp_path, monkeypatch):
    """The environment is all that a process could give away; see ``_HANDED_ON``."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    seen = {}

    class Done:
        stdout = '{"error": "stopped"}'
        returncode = 0

    def run(command, **options):
        seen.update(options["env"])
        return Done()

    monkeypatch.setattr("pipeline.training.importing.pickled.subprocess.run", run)
    with pytest.raises(CheckpointError, match="stopped"):
        read_pickled(tmp_path / "x.bin", tmp_path)
    assert "AWS_SECRET_ACCESS_KEY" not in seen
