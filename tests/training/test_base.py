"""What a training goes on from: the checks of annotating, hub names, and heads of other tasks."""

import json
import logging
import shutil
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import (
    AutoTokenizer,
    XmodConfig,
    XmodForMaskedLM,
    XmodForQuestionAnswering,
    XmodForSequenceClassification,
    XmodForTokenClassification,
    XmodModel,
)

from pipeline.config import ModelSettings
from pipeline.errors import CheckpointError, PipelineError
from pipeline.training.add_language import add_language
from pipeline.training.base import foreign_head, load, opened
from pipeline.training.checkpoint import stored_weights
from pipeline.training.cluster import _identity
from pipeline.training.evaluate import evaluate
from pipeline.training.finetune import finetune
from pipeline.training.learning import alone
from pipeline.training.pretrain import pretrain
from pipeline.training.settings import AddLanguageConfig, EvaluateConfig, FinetuneConfig
from pipeline.xmod.heads import require_head
from tests.helpers.checkpoints import (
    open_folder,
    save_checkpoint,
    save_heads,
    save_sentence_files,
)
from tests.helpers.training_configs import OPTIMISATION, pretrain_config

PROMPTED = {"prompts": {"query": "query: "}, "default_prompt_name": "query"}


@pytest.fixture
def bare(base, tmp_path) -> Path:
    """The base without its tokenizer."""
    ignored = shutil.ignore_patterns("tokenizer*", "special_tokens_map.json")
    return Path(shutil.copytree(base, tmp_path / "bare", ignore=ignored))


def never(*_: object) -> None:
    pytest.fail("the training was started")


def commands(corpora: Path, folder: Path, out: Path) -> dict[str, object]:
    """Each training command on the checkpoint in `folder`; none may come to train."""
    shared = {"out": out, "optimisation": OPTIMISATION}
    topic = {"task": "classification", "data": corpora / "topic.parquet"}
    rows = {"max_rows_per_language": 9, "max_dev_rows_per_language": 9}
    fine = {**topic, **rows, **shared, "base": folder, "epochs": 1, "dropout": 0}
    more = {"base": folder, "language": "nl_XX", "data": corpora / "pretrain.parquet"}
    scored = {"task": "masked_lm", "checkpoint": folder, "data": corpora / "topic.parquet"}
    scores = {"checkpoints": {"one": scored}, "out": out, "batch_size": 8, "threads": 1}
    return {
        "finetune": lambda: finetune(
            FinetuneConfig.model_validate({**fine, "languages": ["de_DE"]}), never
        ),
        "add_language": lambda: add_language(
            AddLanguageConfig.model_validate({**more, **shared, "max_steps": 1}), never
        ),
        "pretrain": lambda: pretrain(pretrain_config(corpora, out, start=folder), never),
        "evaluate": lambda: evaluate(EvaluateConfig.model_validate(scores), transfer=False),
    }


def copy_tokenizer(source: Path, folder: Path) -> None:
    for path in source.glob("tokenizer*"):
        shutil.copy(path, folder / path.name)


def with_another_tokenizer(folder: Path) -> None:
    copy_tokenizer(save_checkpoint(folder.parent / "other", XmodModel), folder)


def with_pickled_weights(folder: Path) -> None:
    for path in folder.glob("*.safetensors*"):
        path.unlink()
    (folder / "pytorch_model.bin").write_bytes(b"a pickle")


def change_config(folder: Path, **changes: object) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


SPOILT = {
    "no tokenizer": lambda folder: None,
    "another tokenizer": with_another_tokenizer,
    "code": partial(change_config, auto_map={"AutoModel": "evil.Model"}),
    "pickle": with_pickled_weights,
    "other sizes": partial(change_config, hidden_size=32),
}


@pytest.mark.parametrize("command", ["finetune", "add_language", "pretrain", "evaluate"])
@pytest.mark.parametrize("spoilt", SPOILT)
def test_no_command_takes_a_checkpoint_that_annotating_refuses(
    command, spoilt, bare, base, corpora, tmp_path
):
    if spoilt != "no tokenizer":
        copy_tokenizer(base, bare)
    SPOILT[spoilt](bare)
    with pytest.raises(CheckpointError) as expected:
        _ = open_folder(bare).tokenizer
    with pytest.raises(CheckpointError) as found:
        commands(corpora, bare, tmp_path / "out")[command]()
    assert str(found.value) == str(expected.value)
    assert not (tmp_path / "out").exists()


def test_finetune_with_a_tokenizer_of_another_folder_is_as_with_its_own(
    base, bare, finetune_config, tmp_path
):
    tokenizer = tmp_path / "tokenizer"
    tokenizer.mkdir()
    copy_tokenizer(base, tokenizer)
    named = {"path": str(bare), "tokenizer": {"path": str(tokenizer)}}
    own = finetune_config("classification", "own_tokenizer")
    other = finetune_config("classification", "others_tokenizer", base=named)
    assert finetune(own, alone) == finetune(other, alone)
    text = "der fluss ist gross"
    ids = [AutoTokenizer.from_pretrained(one.out)(text)["input_ids"] for one in (own, other)]
    assert ids[0] == ids[1]
    assert not any(path.is_symlink() for path in other.out.iterdir())
    first, second = (
        XmodForSequenceClassification.from_pretrained(one.out).state_dict() for one in (own, other)
    )
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert open_folder(other.out).tokenizer(text)["input_ids"] == ids[0]


def test_finetune_and_evaluate_by_a_hubs_name_and_commit(
    base, bare, finetune_config, hub_cache, corpora, tmp_path
):
    named = {
        "path": "owner/base",
        "revision": hub_cache.add("owner/base", bare),
        "tokenizer": {
            "path": "owner/tokenizer",
            "revision": hub_cache.add("owner/tokenizer", base, without="*.safetensors"),
        },
    }
    config = finetune_config("classification", "by_hub", base=named)
    expected = finetune(finetune_config("classification", "by_folder"), alone)
    assert finetune(config, alone) == expected
    scored = {"task": "masked_lm", "checkpoint": named, "data": corpora / "topic.parquet"}
    settings = {"checkpoints": {"hub": scored}, "out": tmp_path, "batch_size": 8, "threads": 1}
    (by_hub,) = evaluate(EvaluateConfig.model_validate(settings), transfer=False)
    settings["checkpoints"] = {"hub": {**scored, "checkpoint": base}}
    (by_folder,) = evaluate(EvaluateConfig.model_validate(settings), transfer=False)
    assert by_hub.columns == by_folder.columns


def test_base_by_a_hubs_name_without_a_commit_is_refused(finetune_config):
    config = finetune_config("ner", "none", base="owner/base")
    with pytest.raises(CheckpointError, match=r"Set base\.revision to a commit"):
        finetune(config, never)


def test_identity_of_a_training_has_the_files_of_a_base_in_a_section(base, finetune_config, bare):
    config = finetune_config("ner", "same", base={"path": str(bare)})
    before = _identity(config)
    (bare / "config.json").touch()
    assert _identity(config) != before


HEADS = {
    "ner": (XmodForTokenClassification, ("O", "B-LOC", "I-LOC", "B-PER", "I-PER")),
    "other ner": (XmodForTokenClassification, ("O", "B-X", "I-X", "B-Y", "I-Y")),
    "topic": (XmodForSequenceClassification, ("person", "place")),
    "topics": (XmodForSequenceClassification, ("a", "b", "c")),
    "answers": (XmodForQuestionAnswering, ("LABEL_0", "LABEL_1")),
    "encoder": (XmodModel, ("LABEL_0", "LABEL_1")),
}


def with_head(base: Path, kind: str, folder: Path) -> Path:
    """The base's encoder under a random head of another task."""
    model_class, labels = HEADS[kind]
    torch.manual_seed(5)
    names = dict(enumerate(labels))
    model = model_class.from_pretrained(
        base, dtype=torch.float32, id2label=names, label2id={v: k for k, v in names.items()}
    )
    model.save_pretrained(folder)
    copy_tokenizer(base, folder)
    return folder


@pytest.mark.parametrize("kind", HEADS)
@pytest.mark.parametrize(
    "task", ["ner", "classification", "question_answering", "multiple_choice", "masked_lm"]
)
def test_finetune_of_any_task_from_a_checkpoint_with_any_head(
    base, finetune_config, tmp_path, caplog, kind, task
):
    folder = with_head(base, kind, tmp_path / "headed")
    config = finetune_config(task, str(tmp_path / "out"), base=folder)
    with caplog.at_level(logging.INFO):
        finetune(config, alone)
    own = (kind, task) in {
        ("ner", "ner"),
        ("topic", "classification"),
        ("answers", "question_answering"),
    }
    told = [line for line in caplog.messages if "is left out" in line]
    assert len(told) == (0 if own or kind == "encoder" else 1)
    assert all(str(folder) in line for line in told)
    checkpoint = open_folder(config.out)
    assert checkpoint.folder == config.out


def test_head_of_the_same_task_and_labels_is_gone_on_with(base, tmp_path):
    checkpoint = opened(with_head(base, "ner", tmp_path / "headed"))
    labels = checkpoint.labels
    assert foreign_head(checkpoint, "XmodForTokenClassification", labels) == []
    assert foreign_head(checkpoint, "XmodForTokenClassification", labels[::-1]) == ["classifier"]
    assert foreign_head(checkpoint, "XmodForMaskedLM", ()) == ["classifier"]
    model, missing = load(checkpoint, XmodForTokenClassification, {})
    plain = XmodForTokenClassification.from_pretrained(checkpoint.folder, dtype=torch.float32)
    assert not missing
    assert torch.equal(model.classifier.weight, plain.classifier.weight)


def test_head_of_several_is_gone_on_with_and_the_others_are_left_out(tmp_path):
    checkpoint = opened(ModelSettings(path=str(save_heads(tmp_path)), head="topic"))
    architecture = "XmodForSequenceClassification"
    foreign = foreign_head(checkpoint, architecture, checkpoint.labels)
    assert foreign == ["lm_head"]
    model, missing = load(checkpoint, XmodForSequenceClassification, {}, *foreign)
    config = XmodConfig.from_json_file(str(tmp_path / "topic.json"))
    plain = XmodForSequenceClassification.from_pretrained(tmp_path, config=config)
    assert not missing
    assert torch.equal(model.classifier.out_proj.weight, plain.classifier.out_proj.weight)
    assert foreign_head(checkpoint, architecture, ("a", "b", "c")) == ["classifier", "lm_head"]


def test_finetune_from_weights_in_8_bits_stores_none_in_8_bits(finetune_config, tmp_path):
    stored = {"": torch.bfloat16, "word_embeddings": torch.float8_e4m3fn}
    base = ModelSettings(path=str(save_heads(tmp_path / "base", stored)), head="topic")
    config = finetune_config("classification", str(tmp_path / "out"), base=base)
    finetune(config, alone)
    words = "roberta.embeddings.word_embeddings.weight"
    weights = stored_weights(config.out)
    assert {weight.dtype for weight in weights.values()} == {torch.bfloat16}
    before = stored_weights(tmp_path / "base")[words]
    assert torch.equal(weights[words].float(), before.float())
    assert not (config.out / "topic.json").exists()


def test_load_leaves_the_files_as_they_are_when_weights_are_trained(base, tmp_path):
    XmodForMaskedLM.from_pretrained(base, dtype=torch.float32).save_pretrained(tmp_path)
    copy_tokenizer(base, tmp_path)
    checkpoint = opened(tmp_path)
    model, _ = load(checkpoint, XmodForMaskedLM, {})
    with torch.no_grad():
        model.lm_head.dense.weight += 1
    again, _ = load(opened(ModelSettings(path=str(tmp_path))), XmodForMaskedLM, {})
    assert torch.equal(again.lm_head.dense.weight + 1, model.lm_head.dense.weight)


def test_add_language_to_a_base_without_a_masked_lm_head_is_refused(base, corpora, tmp_path):
    folder = with_head(base, "ner", tmp_path / "headed")
    with pytest.raises(PipelineError, match="does not fit XmodForMaskedLM"):
        commands(corpora, folder, tmp_path / "out")["add_language"]()


def test_finetune_language_and_split_of_the_config_and_names_of_datasets(
    base, finetune_config, corpora, tmp_path
):
    rows = pq.read_table(corpora / "topic.parquet").filter(pa.compute.field("language") == "de_DE")
    numbers = pa.array([["person", "place"].index(one) for one in rows["label"].to_pylist()])
    features = {"label": {"names": ["person", "place"], "_type": "ClassLabel"}}
    table = pa.table({"text": rows["text"], "label": numbers}).replace_schema_metadata(
        {"huggingface": json.dumps({"info": {"features": features}})}
    )
    pq.write_table(table, tmp_path / "plain.parquet")
    data = {"data": tmp_path / "plain.parquet", "language": "de", "languages": ["German"]}
    config = finetune_config("classification", "said", **data)
    assert set(finetune(config, alone)["accuracy"]) == {"de_DE"}
    assert open_folder(config.out).labels == ("person", "place")
    assert "Fine-tuned on de_DE" in (config.out / "README.md").read_text()


@pytest.mark.parametrize("command", ["finetune", "add_language", "pretrain", "evaluate"])
def test_no_command_takes_an_adapter_that_lacks_a_weight(command, base, corpora, tmp_path):
    """It would be made up at random, and written as if it had been there."""
    folder = Path(shutil.copytree(base, tmp_path / "incomplete"))
    weights = load_file(folder / "frozen.safetensors")
    lost = next(name for name in weights if ".adapter_modules.zh_CN." in name)
    del weights[lost]
    save_file(weights, folder / "frozen.safetensors", {"format": "pt"})
    index = json.loads((folder / "model.safetensors.index.json").read_text())
    del index["weight_map"][lost]
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(CheckpointError, match=f"{lost.removeprefix('roberta.')}: no weight"):
        commands(corpora, folder, tmp_path / "out")[command]()
    assert not (tmp_path / "out").exists()


def test_vectors_of_an_encoder_alone_come_without_a_head(base, finetune_config, tmp_path):
    """One that was made at random would be taken for a masked LM."""
    bare = with_head(base, "encoder", tmp_path / "encoder")
    config = finetune_config("embeddings", "of_an_encoder", base=bare)
    finetune(config, alone)
    assert json.loads((config.out / "config.json").read_text())["architectures"] == ["XmodModel"]
    with pytest.raises(CheckpointError, match="does not fit XmodForMaskedLM"):
        require_head(open_folder(config.out), "XmodForMaskedLM")
    _, report = XmodModel.from_pretrained(
        config.out, add_pooling_layer=False, output_loading_info=True
    )
    assert not report["missing_keys"]


@pytest.mark.parametrize(
    "files",
    [{"pooling": {"pooling_mode": "cls"}}, {"config_sentence_transformers": PROMPTED}],
    ids=["pooling", "prompt"],
)
def test_evaluate_vectors_that_are_no_plain_means_is_refused(base, corpora, tmp_path, files):
    folder = Path(shutil.copytree(base, tmp_path / "sentences"))
    save_sentence_files(folder, **{"pooling": {"pooling_mode": "mean"}, **files})
    scored = {"task": "embeddings", "checkpoint": folder, "data": corpora / "pairs.parquet"}
    settings = {"checkpoints": {"one": scored}, "out": tmp_path, "batch_size": 8, "threads": 1}
    with pytest.raises(CheckpointError, match="scores means of the texts alone"):
        evaluate(EvaluateConfig.model_validate(settings), transfer=False)
