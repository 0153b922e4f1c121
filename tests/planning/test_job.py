"""What settings become once all that they name is looked up, and which of it counts."""

import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from safetensors.torch import load_file, save_file
from transformers import (
    XmodForMaskedLM,
    XmodForSequenceClassification,
    XmodForTokenClassification,
)

import pipeline
from pipeline.config import JobSettings
from pipeline.contract import schema
from pipeline.errors import CheckpointError, ConfigError, SchemaError
from pipeline.planning.job import Job, resolve_job
from tests.helpers.checkpoints import LANGUAGES, save_checkpoint, save_heads

PLANNED = pa.schema({"id": pa.string(), "other": pa.string(), "text": pa.string()})

Tree = dict[str, Any]
Change = Callable[[Tree], object]


def tree_of(models: Path) -> Tree:
    """A configuration with two checkpoints and three tasks."""
    return {
        "input": {"uri": "/corpus", "id_column": "id"},
        "output": {"uri": "/out"},
        "language": {"detector": "pycld2", "fallback": "default", "fallback_language": "en_XX"},
        "tasks": [
            {"type": "ner", "model": {"path": str(models / "ner")}},
            {"type": "classification", "name": "topic", "model": {"path": str(models / "topic")}},
            {"type": "embeddings", "model": {"path": str(models / "topic")}},
        ],
        "runtime": {},
    }


def resolve(tree: Tree, planned: pa.Schema = PLANNED, limit: int | None = None) -> Job:
    return resolve_job(JobSettings.model_validate(tree), planned, limit)


@pytest.fixture
def tree(models: Path) -> Tree:
    return tree_of(models)


@pytest.fixture(scope="module")
def fingerprint(models: Path) -> str:
    return resolve(tree_of(models)).fingerprint


def section(name: str, **values: object) -> Change:
    return lambda tree: tree[name].update(values)


def task(position: int, **values: object) -> Change:
    return lambda tree: tree["tasks"][position].update(values)


DECISIVE: dict[str, Change] = {
    "input.uri": section("input", uri="/corpus2"),
    "text_column": section("input", text_column="other"),
    "id_column": section("input", id_column=None),
    "language_column": section("input", language_column="other"),
    "keep_columns": section("input", keep_columns=["id"]),
    "max_text_bytes": section("input", max_text_bytes=5),
    "detector": section("language", detector="langdetect"),
    "candidates": section("language", candidates=["en_XX", "de_DE"]),
    "language.min_score": section("language", min_score=0.9),
    "fallback": section("language", fallback="quarantine"),
    "fallback_language": section("language", fallback_language="de_DE"),
    "aggregation": task(0, aggregation="max"),
    "ner.min_score": task(0, min_score=0.1),
    "name": task(1, name="subject"),
    "probs": task(1, probs=True),
    "pooling": task(2, pooling="cls"),
    "normalize": task(2, normalize=False),
    "embeddings.dtype": task(2, dtype="float16"),
    "fewer tasks": lambda tree: tree["tasks"].pop(),
    "order of tasks": lambda tree: tree["tasks"].reverse(),
    "max_length": section("runtime", max_length=200),
    "stride": section("runtime", stride=32),
    "max_windows": section("runtime", max_windows=3),
    "dtype of a GPU": section("runtime", gpus_per_actor=1),
    "runtime.dtype": section("runtime", dtype="bfloat16"),
    "unit_rows": section("runtime", unit_rows=17),
    "unit_bytes": section("runtime", unit_bytes=12345),
}

INDIFFERENT: dict[str, Change] = {
    "device": section("runtime", device="cpu"),
    "actors": section("runtime", actors=7),
    "cpus_per_actor": section("runtime", cpus_per_actor=2),
    "max_batch_tokens": section("runtime", max_batch_tokens=99),
    "max_attempts": section("runtime", max_attempts=5),
    "what becomes of gone and changed files": section("input", missing="remove", changed="replace"),
    "timeouts": section("runtime", unit_timeout=5, row_timeout=5),
    "output.uri": section("output", uri="/elsewhere"),
    "prices": lambda tree: tree.update(prices={"cpu_hour": 0.04}),
    "spelling of input.uri": section("input", uri="file:///x/../corpus/"),
    "defaults spelt out": section("runtime", max_length=512, stride=64),
}


@pytest.mark.parametrize("change", DECISIVE.values(), ids=DECISIVE.keys())
def test_fingerprint_follows_what_determines_the_output(
    tree: Tree, fingerprint: str, change: Change
):
    change(tree)
    assert resolve(tree).fingerprint != fingerprint


@pytest.mark.parametrize("change", INDIFFERENT.values(), ids=INDIFFERENT.keys())
def test_fingerprint_does_not_follow_places_and_machines(
    tree: Tree, fingerprint: str, change: Change
):
    change(tree)
    assert resolve(tree).fingerprint == fingerprint


def test_fingerprint_follows_limit_and_package_version(
    tree: Tree, fingerprint: str, monkeypatch: pytest.MonkeyPatch
):
    assert resolve(tree, limit=5).fingerprint != fingerprint
    monkeypatch.setattr(pipeline, "__version__", "0.0.0+other")
    assert resolve(tree).fingerprint != fingerprint


@pytest.mark.parametrize(
    "planned",
    [
        pa.schema({"id": pa.int64(), "other": pa.string(), "text": pa.string()}),
        pa.schema({"id": pa.string(), "text": pa.string(), "other": pa.string()}),
        pa.schema({**dict(zip(PLANNED.names, PLANNED.types, strict=True)), "n": pa.int8()}),
    ],
    ids=["type", "order", "one more"],
)
def test_fingerprint_follows_the_columns_of_the_corpus(
    tree: Tree, fingerprint: str, planned: pa.Schema
):
    assert resolve(tree, planned).fingerprint != fingerprint


def test_fingerprint_follows_the_weights_and_not_their_folder(
    tree: Tree, models: Path, tmp_path: Path, fingerprint: str
):
    moved = shutil.copytree(models / "ner", tmp_path / "moved")
    tree["tasks"][0]["model"]["path"] = str(moved)
    assert resolve(tree).fingerprint == fingerprint
    weights = load_file(moved / "model.safetensors")
    name = next(iter(weights))
    weights[name] = weights[name] + 1e-3
    save_file(weights, moved / "model.safetensors", metadata={"format": "pt"})
    assert resolve(tree).fingerprint != fingerprint


def test_fingerprint_follows_the_labels_of_a_checkpoint(
    tree: Tree, models: Path, tmp_path: Path, fingerprint: str
):
    moved = shutil.copytree(models / "topic", tmp_path / "moved")
    config = (moved / "config.json").read_text()
    (moved / "config.json").write_text(config.replace('"news"', '"tidings"'))
    tree["tasks"][1]["model"]["path"] = str(moved)
    assert resolve(tree).fingerprint != fingerprint


def test_job_is_equal_after_pickling(tree: Tree):
    job = resolve(tree)
    copy = pickle.loads(pickle.dumps(job))
    assert copy == job
    for name in ("identify", "tokenize", "annotate"):  # a worker makes equal stages once
        assert hash(getattr(copy, name)) == hash(getattr(job, name))
    assert copy.workloads[0].checkpoints[0].config.languages == list(LANGUAGES)


def test_job_with_another_fingerprint_is_not_equal(tree: Tree):
    assert resolve(tree) != resolve(tree, limit=1)


def test_job_tasks_of_one_checkpoint_share_a_workload(tree: Tree):
    first, second = resolve(tree).workloads
    assert [task.type for task in first.tasks] == ["ner"]
    assert [task.type for task in second.tasks] == ["classification", "embeddings"]


def test_job_tasks_of_one_checkpoint_that_are_apart_share_a_workload(tree: Tree):
    tree["tasks"] = [tree["tasks"][1], tree["tasks"][0], tree["tasks"][2]]
    assert [len(workload.tasks) for workload in resolve(tree).workloads] == [2, 1]


@pytest.fixture
def headed(tree: Tree, tmp_path: Path) -> Path:
    """The folder of one encoder, from which every task of ``tree`` has a head."""
    folder = save_heads(tmp_path / "headed")
    for values, head in zip(tree["tasks"], ("ner", "topic", None), strict=True):
        values["model"] = {"path": str(folder), "head": head}
    return folder


def test_job_heads_of_one_encoder_share_a_workload_and_its_memory(tree: Tree, headed: Path):
    (workload,) = resolve(tree).workloads
    assert [one.head for one in workload.checkpoints] == ["ner", "topic", None]
    together = resolve(tree).actor_bytes()
    tree["tasks"] = tree["tasks"][:1]
    assert resolve(tree).actor_bytes() == together


def test_job_heads_of_copies_of_an_encoder_have_a_workload_each(
    tree: Tree, headed: Path, tmp_path: Path
):
    tree["tasks"][1]["model"]["path"] = str(shutil.copytree(headed, tmp_path / "copy"))
    assert [len(one.tasks) for one in resolve(tree).workloads] == [2, 1]


def test_fingerprint_follows_the_configs_of_the_heads_that_are_used(tree: Tree, headed: Path):
    before = resolve(tree).fingerprint
    (headed / "unused.json").write_bytes((headed / "ner.json").read_bytes())
    assert resolve(tree).fingerprint == before
    path = headed / "topic.json"
    path.write_text(path.read_text().replace("sports", "chess"))
    assert resolve(tree).fingerprint != before


@pytest.mark.parametrize(("place", "head"), [(0, "topic"), (0, None), (1, "ner"), (1, None)])
def test_job_head_of_another_task_is_refused_with_those_that_are_there(
    tree: Tree, headed: Path, place: int, head: str | None
):
    tree["tasks"][place]["model"]["head"] = head
    with pytest.raises(CheckpointError, match=r"model\.path(, model\.head|.* one of ner, topic)"):
        resolve(tree)


def test_job_checkpoints_of_one_tokenizer_share_their_windows(tree: Tree):
    job = resolve(tree)
    assert len(job.tokenize.arguments[1]) == 1
    assert [workload.reading for workload in job.workloads] == [0, 0]
    assert [field.name for field in job.tokenize.stage().produces if "windows_" in field.name] == [
        "_windows_0"
    ]


def test_job_checkpoints_of_other_lengths_have_windows_of_their_own(tree: Tree, tmp_path: Path):
    short = save_checkpoint(
        tmp_path / "short", XmodForTokenClassification, max_position_embeddings=66
    )
    tree["tasks"][0]["model"]["path"] = str(short)
    with pytest.raises(ConfigError, match=r"Lower runtime\.stride"):
        resolve(tree)
    tree["runtime"] = {**tree.get("runtime", {}), "stride": 8}
    job = resolve(tree)
    assert [workload.reading for workload in job.workloads] == [0, 1]
    assert len(job.tokenize.arguments[1]) == 2


def other_languages(folder: Path, *languages: str) -> str:
    saved = save_checkpoint(
        folder,
        XmodForSequenceClassification,
        labels=("a", "b"),
        languages=list(languages),
        default_language=languages[0],
    )
    return str(saved)


def test_job_languages_are_those_that_all_checkpoints_have(tree: Tree, tmp_path: Path):
    path = other_languages(tmp_path / "other", "ja_XX", "sw_KE", "de_DE", "en_XX")
    tree["tasks"][1]["model"]["path"] = path
    job = resolve(tree)
    assert job.languages == ("en_XX", "de_DE", "ja_XX")  # in the order of the first checkpoint
    assert job.identify.stage().reachable == job.languages


def test_job_languages_are_the_candidates_and_the_default(tree: Tree):
    tree["language"].update(candidates=["zh_CN", "de_DE"], fallback_language="hi_IN")
    assert resolve(tree).languages == ("de_DE", "zh_CN", "hi_IN")


def test_job_lang_id_counts_the_languages_of_the_first_checkpoint(tree: Tree, tmp_path: Path):
    path = other_languages(tmp_path / "other", "th_TH", "de_DE", "en_XX")
    tree["tasks"][1]["model"]["path"] = path
    tree["tasks"].reverse()
    tree["tasks"].append(tree["tasks"].pop(0))
    job = resolve(tree)
    nothing = pa.nulls(1, schema.FAILURE)
    no_prior = pa.nulls(1, pa.string())
    table = pa.table({"_text": ["x"], "_tag": ["de"], "_prior": no_prior, "_error": nothing})
    routed = job.identify(table)
    assert routed["xmod_language"].to_pylist() == ["de_DE"]
    assert job.languages == ("th_TH", "de_DE", "en_XX")
    assert routed["lang_id"].to_pylist() == [1]


def test_job_checkpoints_without_a_language_in_common_are_refused(tree: Tree, tmp_path: Path):
    tree["tasks"][1]["model"]["path"] = other_languages(tmp_path / "other", "sw_KE", "fr_XX")
    with pytest.raises(ConfigError, match="no language in common"):
        resolve(tree)


def test_job_default_that_one_checkpoint_lacks_is_refused(tree: Tree, tmp_path: Path):
    path = other_languages(tmp_path / "other", "de_DE", "zh_CN")
    tree["tasks"][1]["model"]["path"] = path
    with pytest.raises(ConfigError, match=r"language\.fallback_language is 'en_XX'"):
        resolve(tree)


def test_job_task_that_the_checkpoint_has_no_head_for_is_refused(tree: Tree, models: Path):
    tree["tasks"][0]["model"]["path"] = str(models / "topic")
    with pytest.raises(CheckpointError, match="topic"):
        resolve(tree)


def test_job_missing_model_folder_is_refused(tree: Tree, tmp_path: Path):
    tree["tasks"][0]["model"]["path"] = str(tmp_path / "none")
    with pytest.raises(CheckpointError, match="No model folder"):
        resolve(tree)


def test_job_declared_columns_are_input_language_tokens_tasks(tree: Tree):
    planned = pa.schema(
        {**dict(zip(PLANNED.names, PLANNED.types, strict=True)), "lang_id": pa.int8()}
    )
    declared = resolve(tree, planned).declared
    assert declared.names == [
        *("id", "other", "text", "input_lang_id", "record_id"),
        *("language", "language_score", "language_source", "language_distance"),
        *("xmod_language", "lang_id"),
        *("n_tokens", "n_windows", "truncated"),
        *("entities", "topic_label", "topic_score", "embedding"),
    ]
    assert declared.field("embedding").type == pa.list_(pa.float32(), 32)


def test_job_per_window_declares_shares_and_keeps_segments_inside(tree: Tree):
    tree["language"]["per_window"] = True
    declared = resolve(tree).declared
    assert declared.field("language_fractions").equals(schema.LANGUAGE_FRACTIONS)
    assert not any(name.startswith("_") for name in declared.names)


def test_job_fallback_none_loads_the_bypass(tree: Tree):
    adapters = [resolve(tree).annotate.arguments[1].bypass]
    tree["language"]["fallback"] = "none"
    assert [*adapters, resolve(tree).annotate.arguments[1].bypass] == [False, True]


def test_job_input_column_of_a_tasks_name_is_renamed(tree: Tree):
    planned = pa.schema({"id": pa.string(), "text": pa.string(), "Topic_Label": pa.string()})
    assert ("Topic_Label", "input_Topic_Label") in resolve(tree, planned).reader.columns.kept
    planned = pa.schema({"id": pa.string(), "text": pa.string(), "topic_label": pa.string()})
    assert ("topic_label", "input_topic_label") in resolve(tree, planned).reader.columns.kept
    clash = pa.schema([*planned, pa.field("input_topic_label", pa.string())])
    with pytest.raises(SchemaError, match="two columns input_topic_label"):
        resolve(tree, clash)


@pytest.mark.parametrize("name", ["language", "Language"])
def test_job_classification_that_writes_a_language_column_is_refused(tree: Tree, name: str):
    tree["tasks"][1]["name"] = name
    with pytest.raises(ConfigError, match=r"two columns .*language_score"):
        resolve(tree)


def test_job_identity_is_json_and_holds_no_place_of_output_or_model(tree: Tree, models: Path):
    tree["output"]["uri"] = "s3://user-and-secret/out"
    identity = json.dumps(resolve(tree).identity)
    assert "secret" not in identity
    assert str(models) not in identity
    assert pipeline.__version__ in identity


@pytest.mark.parametrize("uri", ["s3://key:secret@bucket/corpus", "gs://token@bucket/x"])
def test_job_credentials_in_the_input_uri_are_refused_and_not_shown(tree: Tree, uri: str):
    tree["input"]["uri"] = uri
    with pytest.raises(ConfigError) as caught:
        resolve(tree)
    assert "secret" not in str(caught.value)
    assert "token" not in str(caught.value)


def test_job_coverage_is_of_the_candidates(tree: Tree):
    assert not str(resolve(tree).coverage)
    tree["language"] |= {"detector": "langdetect", "candidates": ["en_XX", "de_DE"]}
    assert not str(resolve(tree).coverage)


def test_job_actor_bytes_grow_with_adapters_and_batches(tree: Tree):
    every = resolve(tree).actor_bytes()
    tree["runtime"]["max_batch_tokens"] = 1 << 20
    assert resolve(tree).actor_bytes() > every
    tree["runtime"]["max_batch_tokens"] = None
    tree["runtime"]["cpus_per_actor"] = 4
    assert resolve(tree).actor_bytes() > every
    tree["runtime"]["cpus_per_actor"] = 1
    tree["language"]["candidates"] = ["en_XX"]
    assert resolve(tree).actor_bytes() < every


def test_job_actor_bytes_count_a_checkpoint_once_and_in_the_runs_format(tree: Tree, tmp_path: Path):
    model = {"path": str(save_checkpoint(tmp_path, XmodForMaskedLM))}
    tree["tasks"] = [{"type": "masked_lm", "model": model}]
    alone = resolve(tree).actor_bytes()
    tree["tasks"].append({"type": "embeddings", "model": model})
    assert len(resolve(tree).workloads) == 2
    assert resolve(tree).actor_bytes() == alone
    tree["runtime"]["dtype"] = "bfloat16"
    half = resolve(tree).actor_bytes()
    tree["runtime"]["dtype"] = "int8"
    assert resolve(tree).actor_bytes() < alone
    assert half < alone


@pytest.mark.parametrize(
    "change",
    [
        *({"num_attention_heads": heads} for heads in (0, -2)),
        *({"hidden_act": "undetected"}, {"languages": ["a.b"]}, {"languages": ["en_XX", "fr_XX"]}),
        *({"pad_token_id": 10**12}, {"id2label": {"0": "a\x1b[2J"}}, {"vocab_size": 10**12}),
    ],
    ids=str,
)
def test_checkpoint_that_no_actor_could_load_is_refused_in_planning(
    tree: Tree, models: Path, tmp_path: Path, change: Tree
):
    moved = shutil.copytree(models / "ner", tmp_path / "moved")
    config = json.loads((moved / "config.json").read_text())
    (moved / "config.json").write_text(json.dumps(config | change))
    tree["tasks"][0]["model"]["path"] = str(moved)
    with pytest.raises(CheckpointError):
        resolve(tree)


def test_checkpoint_with_part_of_an_adapter_is_refused_in_planning(
    tree: Tree, models: Path, tmp_path: Path
):
    moved = shutil.copytree(models / "ner", tmp_path / "moved")
    weights = load_file(moved / "model.safetensors")
    del weights["roberta.encoder.layer.1.output.adapter_modules.th_TH.dense1.bias"]
    save_file(weights, moved / "model.safetensors", metadata={"format": "pt"})
    tree["tasks"][0]["model"]["path"] = str(moved)
    with pytest.raises(CheckpointError, match="th_TH"):
        resolve(tree)
    tree["language"]["candidates"] = ["en_XX", "de_DE"]
    resolve(tree)


@pytest.fixture
def undetected(tree: Tree, tmp_path: Path) -> Tree:
    """A job whose checkpoint has languages that its detector does not know."""
    save_checkpoint(tmp_path / "ner", XmodForTokenClassification, languages=("gsw", "qq_QQ"))
    del tree["language"]["fallback_language"]
    tree["tasks"] = [{"type": "ner", "model": {"path": str(tmp_path / "ner")}}]
    return tree


def test_job_in_which_no_record_can_be_given_a_language_is_refused(undetected: Tree) -> None:
    undetected["language"]["fallback"] = "quarantine"
    with pytest.raises(
        ConfigError, match=r"knows none of the languages gsw, qq_QQ.*language_column"
    ):
        resolve(undetected)


@pytest.mark.parametrize(
    "change",
    [
        lambda tree: tree["input"].update(language_column="other"),
        lambda tree: tree["language"].update(fallback="none"),
    ],
    ids=["column", "no adapter"],
)
def test_job_with_another_way_to_an_adapter_needs_no_detector(
    undetected: Tree, change: Change
) -> None:
    undetected["language"]["fallback"] = "quarantine"
    change(undetected)
    job = resolve(undetected)
    assert job.coverage.unknown == ("gsw", "qq_QQ")
    tagged = undetected["input"].get("language_column") is not None
    assert ("Set input.language_column" in job.blind_spots) != tagged
