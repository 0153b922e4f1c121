"""Checkpoints: which are opened, which are refused, and what is loaded of them."""

import json
import shutil
import sys
from pathlib import Path

import pytest
import torch
from checkpoints import BIO_LABELS, LANGUAGES, open_folder, save_checkpoint, tiny_model
from safetensors.torch import load_file, save_file
from tokenizers import processors
from transformers import AutoTokenizer
from transformers.models.xmod.modeling_xmod import (
    XmodForSequenceClassification,
    XmodForTokenClassification,
    XmodModel,
    XmodPreTrainedModel,
)

from pipeline.errors import CheckpointError
from pipeline.settings import Device, DType, ModelSettings
from pipeline.xmod.checkpoint import (
    load_model,
    open_checkpoint,
    parameter_bytes,
    require_head,
    resolve_device,
    resolve_dtype,
)

CPU = torch.device("cpu")


@pytest.fixture
def copied(ner_folder, tmp_path) -> Path:
    """A checkpoint to spoil."""
    return Path(shutil.copytree(ner_folder, tmp_path / "copied"))


def loaded(folder, model_class=XmodModel, languages=LANGUAGES) -> XmodPreTrainedModel:
    checkpoint = open_folder(folder)
    return load_model(checkpoint, model_class, languages, device=CPU, dtype=torch.float32)


@torch.inference_mode()
def output(model: torch.nn.Module, lang_ids: list[int]) -> torch.Tensor:
    ids = torch.tensor([[0, 9, 30, 41, 2]] * len(lang_ids))
    result: torch.Tensor = model(input_ids=ids, lang_ids=torch.tensor(lang_ids))[0]
    return result


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


def test_open_checkpoint_folder_says_what_it_holds(ner_folder):
    checkpoint = open_folder(ner_folder)
    assert checkpoint.languages == LANGUAGES
    assert checkpoint.labels == BIO_LABELS
    assert checkpoint == open_folder(ner_folder)


def test_open_checkpoint_pinned_digest_is_accepted_and_another_refused(copied):
    digest = open_folder(copied).digest
    assert open_checkpoint(ModelSettings(path=str(copied), sha256=digest)).digest == digest
    change_config(copied, layer_norm_eps=1e-3)
    with pytest.raises(CheckpointError, match=f"expected {digest}"):
        open_checkpoint(ModelSettings(path=str(copied), sha256=digest))


def test_open_checkpoint_missing_folder_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match="No model folder at"):
        open_folder(tmp_path / "nowhere")


def test_open_checkpoint_hub_name_without_revision_is_refused():
    with pytest.raises(CheckpointError, match=r"hub name without a revision.*model\.revision"):
        open_checkpoint(ModelSettings(path="owner/name-that-is-no-folder"))


def test_open_checkpoint_pickled_weights_are_refused(copied):
    (copied / "model.safetensors").rename(copied / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match=r"no \*\.safetensors"):
        open_folder(copied)


def test_open_checkpoint_other_architecture_is_refused(copied):
    change_config(copied, model_type="xlm-roberta")
    with pytest.raises(CheckpointError, match="type 'xlm-roberta'; expected 'xmod'"):
        open_folder(copied)


@pytest.mark.parametrize(
    ("content", "message"), [(None, r"has no config\.json"), ("{", r"config\.json that cannot")]
)
def test_open_checkpoint_unreadable_config_is_refused(copied, content, message):
    (copied / "config.json").unlink()
    if content is not None:
        (copied / "config.json").write_text(content)
    with pytest.raises(CheckpointError, match=message):
        open_folder(copied)


@pytest.mark.parametrize("folder", ["ner_folder", "topic_folder", "encoder_folder"])
def test_load_model_encoder_comes_from_checkpoints_with_and_without_a_head(folder, request):
    path = request.getfixturevalue(folder)
    reference = XmodModel.from_pretrained(path, add_pooling_layer=False).eval()
    lang_ids = [4, 0, 2]
    torch.testing.assert_close(
        output(loaded(path), lang_ids), output(reference, lang_ids), rtol=0, atol=1e-5
    )


def test_load_model_languages_pruned_and_reordered_give_the_same_numbers(ner_folder):
    few = ("th_TH", "en_XX", "zh_CN")
    reference = XmodForTokenClassification.from_pretrained(ner_folder).eval()
    pruned = loaded(ner_folder, XmodForTokenClassification, few)
    expected = output(reference, [LANGUAGES.index(code) for code in few])
    torch.testing.assert_close(output(pruned, [0, 1, 2]), expected, rtol=0, atol=1e-5)


def test_load_model_holds_only_the_adapters_that_are_asked_for(ner_folder):
    few = ("ja_XX", "de_DE")
    layer = loaded(ner_folder, XmodModel, few).encoder.layer[0]
    assert layer.output.adapters.down_weight.shape == (2, 16, 32)
    assert not any("adapter_modules" in name for name, _ in layer.named_modules())
    checkpoint = open_folder(ner_folder)
    sizes = [parameter_bytes(checkpoint, XmodModel, some) for some in (few, LANGUAGES)]
    adapter = 4 * (2 * 16 * 32 + 16 + 32)
    assert sizes[1] - sizes[0] == 2 * 4 * adapter  # layers, languages left out


def test_load_model_shards_of_which_one_is_a_link_are_read(copied, tmp_path):
    expected = output(loaded(copied), [1])
    shard(copied, tmp_path / "blob")
    assert torch.equal(output(loaded(copied), [1]), expected)
    require_head(open_folder(copied), XmodForTokenClassification)


def test_load_model_half_precision_weights_become_float32(tmp_path):
    tiny_model(XmodModel).half().save_pretrained(tmp_path)
    model = loaded(tmp_path)
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    assert output(model, [0]).dtype == torch.float32


def test_load_model_incomplete_weights_are_refused(copied):
    weights = load_file(copied / "model.safetensors")
    del weights["roberta.encoder.layer.1.output.adapter_modules.th_TH.dense1.bias"]
    save_file(weights, copied / "model.safetensors", metadata={"format": "pt"})
    loaded(copied, languages=("en_XX",))
    with pytest.raises(CheckpointError, match=r"1 weights are .*th_TH\.dense1\.bias"):
        loaded(copied)


@pytest.mark.parametrize(
    ("folder", "model_class"),
    [
        ("encoder_folder", XmodForTokenClassification),
        ("topic_folder", XmodForTokenClassification),
        ("ner_folder", XmodForSequenceClassification),
    ],
)
def test_require_head_missing_or_of_another_task_is_refused(folder, model_class, request):
    checkpoint = open_folder(request.getfixturevalue(folder))
    with pytest.raises(CheckpointError, match=f"does not fit {model_class.__name__}"):
        require_head(checkpoint, model_class)


def test_require_head_of_another_number_of_labels_is_refused(copied):
    change_config(copied, id2label={"0": "O", "1": "B-PER"}, label2id={"O": 0, "B-PER": 1})
    with pytest.raises(CheckpointError, match=r"shape \[2, 32\] \(seen: \[7, 32\]\)"):
        require_head(open_folder(copied), XmodForTokenClassification)


def test_require_head_that_is_there_passes(ner_folder, topic_folder, encoder_folder):
    require_head(open_folder(ner_folder), XmodForTokenClassification)
    require_head(open_folder(topic_folder), XmodForSequenceClassification)
    for folder in (ner_folder, topic_folder, encoder_folder):
        require_head(open_folder(folder), XmodModel)


@pytest.mark.parametrize(("wanted", "expected"), [(512, 128), (128, 128), (100, 100)])
def test_window_length_is_bounded_by_the_positions_that_text_can_use(ner_folder, wanted, expected):
    assert open_folder(ner_folder).window_length(wanted) == expected  # 130 positions, 2 unused


def test_window_length_is_bounded_by_the_tokenizer(copied):
    path = copied / "tokenizer_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "model_max_length": 40}))
    assert open_folder(copied).window_length(sys.maxsize) == 40


def test_window_tokenizer_is_the_same_whatever_the_tokenizer_last_cut(ner_folder, topic_folder):
    first, second = open_folder(ner_folder), open_folder(topic_folder)
    expected = second.window_tokenizer(64)
    assert first.window_tokenizer(64) == expected
    first.tokenizer("Anna", truncation=True, max_length=9, padding="max_length")
    assert first.window_tokenizer(64) == expected


def test_window_tokenizer_of_a_shorter_model_differs(ner_folder, tmp_path):
    shorter = open_folder(save_checkpoint(tmp_path, XmodModel, max_position_embeddings=66))
    assert shorter.window_tokenizer(512) != open_folder(ner_folder).window_tokenizer(512)
    assert shorter.window_tokenizer(32) == open_folder(ner_folder).window_tokenizer(32)


def test_tokenizer_missing_is_refused(copied):
    for path in copied.glob("tokenizer*"):
        path.unlink()
    with pytest.raises(CheckpointError, match="has no tokenizer files"):
        _ = open_folder(copied).tokenizer


def test_tokenizer_without_special_tokens_is_refused(copied):
    tokenizer = AutoTokenizer.from_pretrained(copied)
    tokenizer.backend_tokenizer.post_processor = processors.Sequence([])
    tokenizer.save_pretrained(copied)
    with pytest.raises(CheckpointError, match="adds 0 special tokens"):
        _ = open_folder(copied).tokenizer


def test_resolve_device_gpu_is_used_only_where_there_is_one(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert resolve_device(Device.AUTO, 1) == CPU
    assert resolve_device(Device.CPU, 1) == CPU
    with pytest.raises(CheckpointError, match=r"runtime\.device is cuda"):
        resolve_device(Device.CUDA, 1)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert resolve_device(Device.AUTO, 0) == CPU
    assert resolve_device(Device.AUTO, 0.5).type == "cuda"
    assert resolve_device(Device.CUDA, 0).type == "cuda"


def test_resolve_dtype_auto_follows_the_device():
    assert resolve_dtype(DType.AUTO, CPU) == torch.float32
    assert resolve_dtype(DType.AUTO, torch.device("cuda")) == torch.bfloat16
    assert resolve_dtype(DType.FLOAT16, CPU) == torch.float16
