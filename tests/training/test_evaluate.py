"""Scores of checkpoints, beside what they are held against."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from transformers import XmodConfig, XmodForSequenceClassification

from pipeline.errors import CheckpointError, ConfigError, InputError
from pipeline.training.corpus import of_split
from pipeline.training.evaluate import evaluate, load_reader
from pipeline.training.finetune import finetune
from pipeline.training.heads import HEADS
from pipeline.training.heads.classification import agreement
from pipeline.training.inference import Reader, logits
from pipeline.training.learning import alone
from pipeline.training.scoreboard import markdown, write
from pipeline.training.settings import EvaluateConfig, Evaluated, Task
from tests.helpers.checkpoints import TOPICS, save_heads


@pytest.fixture
def config(corpora, base, finetune_config, tmp_path) -> EvaluateConfig:
    """A base and a classifier of one source language."""
    head = finetune_config("classification", "scored", languages=["de_DE"])
    if not head.out.exists():
        finetune(head, alone)
    return EvaluateConfig.model_validate(
        {
            "checkpoints": {
                "words": {
                    "task": "masked_lm",
                    "checkpoint": base,
                    "data": corpora / "topic.parquet",
                },
                "topic": {
                    "task": "classification",
                    "checkpoint": head.out,
                    "data": corpora / "topic.parquet",
                    "source": "de_DE",
                },
            },
            "out": tmp_path / "scores",
            "batch_size": 8,
            "threads": 1,
        }
    )


def test_evaluate_scores_every_language_with_and_without_adapters(config):
    words, topic = evaluate(config, transfer=False)
    assert list(words.columns) == ["own", "none", "best other"]
    assert list(topic.columns) == ["own", "none", "baseline", "tf-idf"]
    assert topic.languages == ["en_XX", "de_DE", "zh_CN"]
    errors = topic.columns["own"]["calibration_error"]
    assert list(errors) == topic.languages
    assert all(0.0 <= error < 1.0 for error in errors.values())
    baseline = topic.columns["baseline"]["accuracy"]
    assert all(0.0 < score < 1.0 for score in baseline.values())


def test_evaluate_transfer_scores_by_own_and_by_the_sources_adapter(config):
    (board,) = evaluate(config, transfer=True)
    assert list(board.columns) == ["own", "source", "none"]
    assert board.languages == ["en_XX", "zh_CN"]  # without the source, which is no transfer


def test_evaluate_transfer_without_a_source_is_refused(config):
    alone_ = config.model_copy(update={"checkpoints": {"words": config.checkpoints["words"]}})
    with pytest.raises(ConfigError, match="none of \\['words'\\] has source"):
        evaluate(alone_, transfer=True)


def test_evaluate_a_checkpoint_without_the_tasks_head_is_refused(config, base):
    """A random one would give figures that mean nothing."""
    wrong = config.checkpoints["topic"].model_copy(update={"checkpoint": base})
    with pytest.raises(CheckpointError, match="has no head for task classification"):
        evaluate(config.model_copy(update={"checkpoints": {"topic": wrong}}), transfer=False)


def test_load_reader_head_of_several_has_the_numbers_of_transformers(config, tmp_path):
    model = {"path": str(save_heads(tmp_path)), "head": "topic"}
    values = {**config.checkpoints["topic"].model_dump(mode="json"), "checkpoint": model}
    reader = load_reader(Evaluated.model_validate(values), 8)
    head = XmodConfig.from_json_file(str(tmp_path / "topic.json"))
    plain = XmodForSequenceClassification.from_pretrained(tmp_path, config=head)
    assert reader.codec.labels == TOPICS
    assert torch.equal(reader.model.classifier.dense.weight, plain.classifier.dense.weight)


def test_evaluate_data_without_test_rows_are_refused(config, tmp_path):
    table = pq.read_table(config.checkpoints["topic"].data)
    rows = [row for row in table.to_pylist() if row["split"] != "test"]
    pq.write_table(table.from_pylist(rows), tmp_path / "untested.parquet")
    wrong = config.checkpoints["topic"].model_copy(update={"data": tmp_path / "untested.parquet"})
    with pytest.raises(InputError, match="topic has no rows of split 'test'"):
        evaluate(config.model_copy(update={"checkpoints": {"topic": wrong}}), transfer=False)


@pytest.mark.parametrize("kind", ["regression", "multi_label_classification"])
def test_evaluate_a_head_that_gives_no_one_label_is_refused(config, tmp_path, kind):
    """Its highest output would be taken for a label."""
    shutil.copytree(config.checkpoints["topic"].checkpoint, tmp_path / "other")
    values = json.loads((tmp_path / "other" / "config.json").read_text())
    (tmp_path / "other" / "config.json").write_text(json.dumps({**values, "problem_type": kind}))
    wrong = config.checkpoints["topic"].model_copy(update={"checkpoint": tmp_path / "other"})
    with pytest.raises(CheckpointError, match=f"problem_type '{kind}'.*one label"):
        evaluate(config.model_copy(update={"checkpoints": {"topic": wrong}}), transfer=False)


@pytest.mark.parametrize("transfer", [False, True])
def test_evaluate_says_which_languages_have_no_score_and_why(config, tmp_path, transfer):
    table = pq.read_table(config.checkpoints["topic"].data)
    rows = [
        row for row in table.to_pylist() if (row["language"], row["split"]) != ("zh_CN", "test")
    ]
    rows += [{**rows[0], "language": code, "split": "test"} for code in ("xx_XX", "yy_YY")]
    rows += [{**rows[0], "language": "zz_ZZ", "split": "train"}]
    pq.write_table(table.from_pylist(rows), tmp_path / "other.parquet")
    topic = config.checkpoints["topic"].model_copy(update={"data": tmp_path / "other.parquet"})
    changed = config.model_copy(update={"checkpoints": {"topic": topic}})
    (board,) = evaluate(changed, transfer=transfer)
    assert board.notes == (
        "Not scored, the checkpoint has no adapter: xx_XX, yy_YY.",
        "Not scored, no test rows: zh_CN, zz_ZZ.",
        *["Not scored, the source of a transfer: de_DE."] * transfer,
    )
    assert all(note in markdown(board) for note in board.notes)


def test_evaluate_transfer_names_checkpoints_without_a_source(config, caplog):
    evaluate(config, transfer=True)
    assert "not scored, as --transfer needs source: words" in caplog.text


def test_evaluate_reads_columns_by_the_names_of_the_config(config, tmp_path):
    table = pq.read_table(config.checkpoints["topic"].data)
    names = ["utterance", "intent", *table.column_names[2:]]
    pq.write_table(table.rename_columns(names), tmp_path / "renamed.parquet")
    own = {
        "columns": {"text": "utterance", "label": "intent"},
        "data": tmp_path / "renamed.parquet",
    }
    topic = config.checkpoints["topic"].model_copy(update=own)
    changed = config.model_copy(update={"checkpoints": {"topic": topic}})
    assert evaluate(changed, transfer=False) == [evaluate(config, transfer=False)[1]]


def test_best_other_is_the_best_of_the_adapters_that_are_not_the_languages_own(config):
    board = evaluate(config, transfer=False)[0]
    evaluated = config.checkpoints["words"]
    reader = load_reader(evaluated, 8)
    test = of_split(pq.read_table(evaluated.data), "test")
    others = [
        HEADS[Task.MASKED_LM].score(replace(reader, adapter=adapter), test)
        for adapter in ("en_XX", "zh_CN")
    ]
    expected = min(figures["masked_perplexity"]["de_DE"] for figures in others)
    assert board.columns["best other"]["masked_perplexity"]["de_DE"] == pytest.approx(expected)


def test_adapters_off_each_layer_gives_its_residual(config):
    """An adapter whose output is 0 adds nothing: the same as none."""
    evaluated = config.checkpoints["topic"]
    reader = load_reader(evaluated, 8)
    ids = reader.codec.encoded(["der fluss ist gross", "Karl"])["input_ids"]
    off = Reader(reader.model, reader.codec, 8, adapters_on=False)
    with off.reading():
        without = logits(off, ids, "de_DE")
    with reader.reading():
        before = logits(reader, ids, "de_DE")
    with torch.no_grad():
        for name, weight in reader.model.named_parameters():
            if ".adapter_modules.de_DE.dense2" in name:
                weight.zero_()
    with reader.reading():
        zeroed = logits(reader, ids, "de_DE")
    for one, other, full in zip(without, zeroed, before, strict=True):
        assert one == pytest.approx(other, abs=1e-6)
        assert one != pytest.approx(full, abs=1e-6)


def test_agreement_macro_f1_counts_each_class_alike():
    gold = np.array(["a"] * 9 + ["b"])
    found = agreement(gold, np.array(["a"] * 10))
    assert found["accuracy"] == pytest.approx(0.9)
    assert found["macro_f1"] == pytest.approx((2 * 9 / 19) / 2)


def test_write_leaves_a_table_json_and_a_picture(config):
    boards = evaluate(config, transfer=False)
    write(boards, config.out)
    assert set(json.loads((config.out / "scores.json").read_text())) == {"words", "topic"}
    assert (config.out / "scores.png").read_bytes()[:4] == b"\x89PNG"
    text = (config.out / "scores.md").read_text()
    assert "| masked_perplexity | own | none | best other |" in text
    assert "| mean |" in text


def test_markdown_has_a_table_a_figure_with_a_row_a_language_and_their_mean(config):
    board = evaluate(config, transfer=False)[1]
    tables = markdown(board).split("\n\n")[1:]
    for figure, table in zip(("accuracy", "macro_f1", "calibration_error"), tables, strict=True):
        lines = table.splitlines()
        baselines = "" if figure == "calibration_error" else " | baseline | tf-idf"
        assert lines[0] == f"| {figure} | own | none{baselines} |"
        rows = [line.split(" | ")[0] for line in lines[2:]]
        assert rows == ["| en_XX", "| de_DE", "| zh_CN", "| mean"]
