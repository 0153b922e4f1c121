"""Loading: which weights and adapters a model gets, and what does not fit."""

import json
import shutil
from collections.abc import Iterable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import XmodConfig
from transformers.models.xmod.modeling_xmod import (
    XmodForMaskedLM,
    XmodForSequenceClassification,
    XmodForTokenClassification,
    XmodModel,
)

from pipeline.config import DType, RuntimeSettings
from pipeline.errors import CheckpointError
from pipeline.xmod.adapter_index import LoadedAdapters
from pipeline.xmod.encoder import PackedEncoder
from pipeline.xmod.heads import parameter_bytes, require_head
from pipeline.xmod.loading import TORCH_DTYPES, Model, device_for, load_model
from tests.helpers.checkpoints import (
    LANGUAGES,
    open_folder,
    save_checkpoint,
    save_heads,
    tiny_model,
    tiny_tokenizer,
)

WINDOW = [0, 9, 30, 41, 2]


def loaded(folder: Path, architecture="XmodModel", languages=LANGUAGES, **runtime: object) -> Model:
    settings = RuntimeSettings(**runtime)
    return load_model({architecture: open_folder(folder)}, LoadedAdapters(languages), settings)


@torch.inference_mode()
def output(model: Model, adapter_indices: list[int]) -> torch.Tensor:
    """Hidden states [windows, tokens, hidden]."""
    packed = model.encoder.pack([WINDOW] * len(adapter_indices), adapter_indices)
    hidden: torch.Tensor = model.encoder(packed).view(len(adapter_indices), len(WINDOW), -1)
    return hidden


@torch.inference_mode()
def reference(folder: Path, lang_ids: list[int]) -> torch.Tensor:
    """The same from transformers."""
    model = XmodModel.from_pretrained(folder, add_pooling_layer=False).eval()
    hidden: torch.Tensor = model(
        torch.tensor([WINDOW] * len(lang_ids)), lang_ids=torch.tensor(lang_ids)
    ).last_hidden_state
    return hidden


def change_config(folder: Path, **changes: object) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def shard(folder: Path, elsewhere: Path) -> None:
    """Split the weights in two as the hub does; the second is a link, as in the hub's cache."""
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    names = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
    weight_map = {key: names[i % 2] for i, key in enumerate(sorted(weights))}
    for name in names:
        some = {key: weights[key] for key in weights if weight_map[key] == name}
        save_file(some, folder / name, metadata={"format": "pt"})
    shutil.move(folder / names[1], elsewhere)
    (folder / names[1]).symlink_to(elsewhere)
    index = {"metadata": {}, "weight_map": weight_map}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def test_integer_buffers_of_old_checkpoints_are_left_out(copied):
    expected = output(loaded(copied), [0, 1])
    weights = load_file(copied / "model.safetensors")
    for name in ("position_ids", "token_type_ids"):
        weights[f"roberta.embeddings.{name}"] = torch.zeros(1, 130, dtype=torch.int64)
    save_file(weights, copied / "model.safetensors")
    assert torch.equal(output(loaded(copied), [0, 1]), expected)


@pytest.mark.parametrize("folder", ["ner_folder", "topic_folder", "encoder_folder"])
def test_load_model_encoder_comes_from_checkpoints_with_and_without_a_head(folder, request):
    path = request.getfixturevalue(folder)
    found = output(loaded(path), [4, 0, 2])
    torch.testing.assert_close(found, reference(path, [4, 0, 2]), rtol=0, atol=1e-5)


def test_load_model_languages_pruned_and_reordered_give_the_same_numbers(ner_folder):
    few = ("th_TH", "en_XX", "zh_CN")
    expected = reference(ner_folder, [LANGUAGES.index(code) for code in few])
    pruned = loaded(ner_folder, "XmodForTokenClassification", few)
    torch.testing.assert_close(output(pruned, [0, 1, 2]), expected, rtol=0, atol=1e-5)


def test_load_model_head_comes_with_its_encoder_taken_out(ner_folder):
    model = loaded(ner_folder, "XmodForTokenClassification")
    head = model.heads["XmodForTokenClassification"]
    expected = XmodForTokenClassification.from_pretrained(ner_folder).classifier
    assert torch.equal(head.classifier.weight, expected.weight)
    assert not [name for name, _ in head.named_parameters() if "encoder" in name]


def test_load_model_of_a_head_and_the_bare_encoder_loads_the_weights_once(ner_folder):
    heads = dict.fromkeys(("XmodModel", "XmodForTokenClassification"), open_folder(ner_folder))
    model = load_model(heads, LoadedAdapters(LANGUAGES), RuntimeSettings())
    assert [*model.heads] == ["XmodForTokenClassification"]


def mapped(model: Model) -> int:
    """How many of the encoder's parameters are pages of a safetensors file."""
    return in_files(model.encoder.parameters())


def in_files(weights: Iterable[torch.Tensor]) -> int:
    """How many of ``weights`` are pages of a safetensors file."""
    ranges = [
        [int(edge, 16) for edge in line.split()[0].split("-")]
        for line in Path("/proc/self/maps").read_text().splitlines()
        if line.endswith(".safetensors")
    ]
    return sum(any(start <= one.data_ptr() < end for start, end in ranges) for one in weights)


def test_load_model_float32_weights_are_pages_of_the_file(ner_folder):
    model = loaded(ner_folder)
    assert mapped(model) == len(list(model.encoder.parameters())) > 30


@pytest.mark.parametrize("dtype", ["float32", "int8", "bfloat16"])
def test_load_model_draws_no_weights_at_random(ner_folder, dtype):
    before = torch.get_rng_state()
    loaded(ner_folder, "XmodForTokenClassification", dtype=dtype)
    assert torch.equal(torch.get_rng_state(), before)


def test_load_model_int8_embeddings_alone_are_pages_of_the_file(ner_folder):
    model = loaded(ner_folder, dtype="int8")
    embeddings = model.encoder._embeddings.word_embeddings.weight
    assert embeddings.dtype == torch.float32
    assert 0 < mapped(model) < mapped(loaded(ner_folder))
    likeness = torch.cosine_similarity(output(model, [2]), reference(ner_folder, [2]), dim=-1)
    assert likeness.min() > 0.999


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_load_model_half_precision_equals_a_model_that_is_cast_at_once(ner_folder, dtype):
    half = XmodModel.from_pretrained(
        ner_folder, add_pooling_layer=False, dtype=getattr(torch, dtype)
    )
    whole = Model(PackedEncoder(half, torch.device("cpu")), {})
    found = output(loaded(ner_folder, dtype=dtype), [4, 0, 2])
    assert found.dtype == getattr(torch, dtype)
    assert torch.equal(found, output(whole, [4, 0, 2]))


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "int8"])
def test_load_model_head_has_the_type_of_the_hidden_states(ner_folder, dtype):
    model = loaded(ner_folder, "XmodForTokenClassification", dtype=dtype)
    head = model.heads["XmodForTokenClassification"].classifier
    with torch.inference_mode():
        assert head(output(model, [1])).dtype == head.weight.dtype


def test_load_model_half_precision_language_model_shares_its_embeddings(tmp_path):
    folder = save_checkpoint(tmp_path, XmodForMaskedLM)
    model = loaded(folder, "XmodForMaskedLM", dtype="bfloat16")
    decoder = model.heads["XmodForMaskedLM"].lm_head.decoder.weight
    assert decoder.dtype == torch.bfloat16
    assert decoder.data_ptr() == model.encoder._embeddings.word_embeddings.weight.data_ptr()


@pytest.mark.parametrize("dtype", ["float32", "int8", "bfloat16"])
def test_load_model_half_precision_files_are_mapped_and_cast_as_needed(tmp_path, dtype):
    half = tiny_model(XmodModel).bfloat16()
    half.save_pretrained(tmp_path)
    tiny_tokenizer().save_pretrained(tmp_path)
    model = loaded(tmp_path, dtype=dtype)
    expected = PackedEncoder(half.to(torch.float32), torch.device("cpu"), int8=dtype == "int8")
    if dtype == "bfloat16":
        assert mapped(model) == len(list(model.encoder.parameters()))
    else:
        assert torch.equal(output(model, [3, 1]), output(Model(expected, {}), [3, 1]))


_FLOAT8 = {
    **{"word_embeddings": torch.float8_e4m3fn, "dense1.weight": torch.float8_e4m3fn},
    **{"query.weight": torch.bfloat16, "output.dense.": torch.float16},
}
"""Types of weights by parts of their names; the others are float32."""


@torch.inference_mode()
def plain(folder: Path, model_class: type, head: str, **options: object) -> torch.Tensor:
    """The logits of WINDOW in the language 1, from transformers alone, as the docs have it."""
    config = XmodConfig.from_json_file(f"{folder}/{head}.json")
    model = model_class.from_pretrained(folder, config=config, **options).eval()
    logits: torch.Tensor = model(torch.tensor([WINDOW]), lang_ids=torch.tensor([1])).logits
    return logits[0]


@torch.inference_mode()
def of_heads(folder: Path, **runtime: object) -> tuple[torch.Tensor, torch.Tensor]:
    """The same of ``ner`` and ``topic``, from one forward."""
    heads = {
        "XmodForTokenClassification": open_folder(folder, "ner"),
        "XmodForSequenceClassification": open_folder(folder, "topic"),
    }
    model = load_model(heads, LoadedAdapters(LANGUAGES), RuntimeSettings(**runtime))
    hidden = output(model, [1])
    token, sequence = (model.heads[name].classifier for name in heads)
    return token(hidden)[0].float(), sequence(hidden)[0].float()


@pytest.mark.parametrize("stored", [{}, _FLOAT8], ids=["float32", "mixed"])
def test_load_model_heads_of_one_encoder_equal_transformers(tmp_path, stored):
    folder = save_heads(tmp_path, stored)
    token, sequence = of_heads(folder)
    expected = [
        plain(folder, model_class, head, dtype=torch.float32)
        for model_class, head in (
            (XmodForTokenClassification, "ner"),
            (XmodForSequenceClassification, "topic"),
        )
    ]
    assert [one.shape for one in expected] == [(5, 7), (3,)]
    torch.testing.assert_close(token, expected[0], rtol=0, atol=2e-5)
    torch.testing.assert_close(sequence, expected[1], rtol=0, atol=2e-5)


def test_load_model_masked_lm_is_that_of_the_folder_beside_its_heads(headed):
    model = loaded(headed, "XmodForMaskedLM")
    with torch.inference_mode():
        found = model.heads["XmodForMaskedLM"].lm_head(output(model, [1]))[0]
    torch.testing.assert_close(found, plain(headed, XmodForMaskedLM, "config"), rtol=0, atol=2e-5)


def test_load_model_float8_weights_are_the_nearest_that_the_format_has(tmp_path):
    whole = load_file(save_heads(tmp_path / "whole") / "model.safetensors")
    name = "roberta.embeddings.word_embeddings.weight"
    expected = whole[name].to(torch.float8_e4m3fn).float()
    assert not torch.equal(expected, whole[name])
    model = loaded(save_heads(tmp_path / "short", {name: torch.float8_e4m3fn}))
    ids = torch.tensor(WINDOW)
    assert torch.equal(model.encoder._embeddings.word_embeddings(ids), expected[ids])


@pytest.mark.parametrize("dtype", ["bfloat16", "int8"])
def test_load_model_mixed_weights_run_in_the_type_of_the_run(tmp_path, dtype):
    folder = save_heads(tmp_path, _FLOAT8)
    found, expected = of_heads(folder, dtype=dtype), of_heads(folder)
    for one, other in zip(found, expected, strict=True):
        assert torch.cosine_similarity(one, other, dim=-1).min() > 0.99


def test_load_model_mixed_weights_are_pages_of_the_file_until_they_are_cast(tmp_path):
    folder = save_heads(tmp_path, {"dense1.weight": torch.float8_e4m3fn})
    model = loaded(folder)
    stored = [a.dense1.weight for layer in model.encoder._layers for a in layer._adapters._adapters]
    assert {one.dtype for one in stored} == {torch.float8_e4m3fn}
    assert in_files(stored) == len(stored) == 2 * len(LANGUAGES)
    assert in_files([model.encoder._layers[0]._attention_norm.weight]) == 1


def test_load_model_int8_is_for_cpus_alone():
    with pytest.raises(ValueError, match=r"runtime\.dtype is int8, which is for CPUs"):
        RuntimeSettings(dtype="int8", gpus_per_actor=1)


def test_parameter_bytes_are_those_of_the_adapters_that_are_asked_for(ner_folder):
    few = ("ja_XX", "de_DE")
    checkpoint = open_folder(ner_folder)
    sizes = [parameter_bytes(checkpoint, some) for some in (few, LANGUAGES)]
    adapter = 4 * (2 * 16 * 32 + 16 + 32)
    assert sizes[1] - sizes[0] == 2 * 4 * adapter  # layers, languages left out


def test_parameter_bytes_are_of_the_runs_number_format(ner_folder):
    checkpoint = open_folder(ner_folder)
    full, half, int8 = (
        parameter_bytes(checkpoint, LANGUAGES, DType(name))
        for name in ("float32", "bfloat16", "int8")
    )
    matrices = 2 * (4 * 32 * 32 + 2 * 32 * 64 + 6 * 2 * 16 * 32)  # layers, languages
    assert half == full / 2
    assert full - int8 == 3 * matrices


def test_load_model_shards_of_which_one_is_a_link_are_read(copied, tmp_path):
    expected = output(loaded(copied), [1])
    shard(copied, tmp_path / "blob")
    assert torch.equal(output(loaded(copied), [1]), expected)
    require_head(open_folder(copied), "XmodForTokenClassification")


def test_load_model_half_precision_weights_become_float32(tmp_path):
    tiny_model(XmodModel).half().save_pretrained(tmp_path)
    model = loaded(tmp_path)
    assert {p.dtype for p in model.encoder.parameters()} == {torch.float32}
    assert output(model, [0]).dtype == torch.float32


def test_load_model_incomplete_weights_are_refused(copied):
    weights = load_file(copied / "model.safetensors")
    del weights["roberta.encoder.layer.1.output.adapter_modules.th_TH.dense1.bias"]
    save_file(weights, copied / "model.safetensors", metadata={"format": "pt"})
    loaded(copied, languages=("en_XX",))
    with pytest.raises(CheckpointError, match=r"1 weights are .*th_TH\.dense1\.bias"):
        loaded(copied)


@pytest.mark.parametrize(
    ("folder", "architecture"),
    [
        ("encoder_folder", "XmodForTokenClassification"),
        ("topic_folder", "XmodForTokenClassification"),
        ("ner_folder", "XmodForSequenceClassification"),
    ],
)
def test_require_head_missing_or_of_another_task_is_refused(folder, architecture, request):
    checkpoint = open_folder(request.getfixturevalue(folder))
    with pytest.raises(CheckpointError, match=f"does not fit {architecture}"):
        require_head(checkpoint, architecture)


def test_require_head_of_another_number_of_labels_is_refused(copied):
    change_config(copied, id2label={"0": "O", "1": "B-PER"}, label2id={"O": 0, "B-PER": 1})
    with pytest.raises(CheckpointError, match=r"shape \[2, 32\] \(seen: \[7, 32\]\)"):
        require_head(open_folder(copied), "XmodForTokenClassification")


def test_require_head_that_is_there_passes(ner_folder, topic_folder, encoder_folder):
    require_head(open_folder(ner_folder), "XmodForTokenClassification")
    require_head(open_folder(topic_folder), "XmodForSequenceClassification")
    for folder in (ner_folder, topic_folder, encoder_folder):
        require_head(open_folder(folder), "XmodModel")


def test_device_is_the_gpu_that_the_settings_ask_for_and_nothing_else(monkeypatch):
    gpu = RuntimeSettings(gpus_per_actor=0.5)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert device_for(RuntimeSettings()) == torch.device("cpu")
    assert device_for(RuntimeSettings(device="cpu", gpus_per_actor=1)) == torch.device("cpu")
    for settings in (gpu, RuntimeSettings(device="cuda")):
        with pytest.raises(CheckpointError, match="sees no GPU"):
            device_for(settings)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert device_for(RuntimeSettings()) == torch.device("cpu")
    assert device_for(gpu).type == "cuda"


def test_arithmetic_follows_the_settings_alone():
    assert TORCH_DTYPES[RuntimeSettings().arithmetic] == torch.float32
    assert TORCH_DTYPES[RuntimeSettings(gpus_per_actor=1).arithmetic] == torch.bfloat16
    assert TORCH_DTYPES[RuntimeSettings(dtype="float16").arithmetic] == torch.float16
