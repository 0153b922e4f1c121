"""Every head in one job, from Parquet to Parquet, without Ray."""

from pathlib import Path
from typing import Any

import pytest
from transformers.models.xmod.modeling_xmod import (
    XmodForCausalLM,
    XmodForMaskedLM,
    XmodForMultipleChoice,
    XmodForQuestionAnswering,
    XmodForSequenceClassification,
)

from pipeline.config import JobSettings
from pipeline.output.output_lock import acquire_lock
from pipeline.output.reconcile import reconcile
from pipeline.planning.plan import Options, Plan, make_plan
from tests.helpers.checkpoints import SENTENCES, save_checkpoint
from tests.helpers.corpora import assert_complete, output_rows
from tests.helpers.parquet_files import write

CODES = ("en_XX", "de_DE", "zh_CN", "ja_XX", "th_TH", "hi_IN", "en_XX")
TEXTS = [*SENTENCES, "The <mask> rises.", "no question", "no choices"]
IDS = [f"r{row}" for row in range(len(TEXTS))]


@pytest.fixture(scope="module")
def heads(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("heads")
    save_checkpoint(folder / "qa", XmodForQuestionAnswering, labels=("start", "end"))
    save_checkpoint(folder / "choice", XmodForMultipleChoice)
    topic = {"problem_type": "multi_label_classification"}
    save_checkpoint(folder / "topic", XmodForSequenceClassification, labels=("a", "b"), **topic)
    save_checkpoint(folder / "rank", XmodForSequenceClassification, labels=("LABEL_0",))
    save_checkpoint(folder / "masked", XmodForMaskedLM)
    save_checkpoint(folder / "decoder", XmodForCausalLM, is_decoder=True)
    return folder


@pytest.fixture
def plan(heads: Path, tmp_path: Path) -> Plan:
    questions = ["Who?"] * len(TEXTS)
    choices: list[Any] = [["in Prague", "Berlin", "東京"]] * len(TEXTS)
    questions[-2], choices[-1] = None, None
    columns = {"id": IDS, "text": TEXTS, "language": [*CODES, "en", "en", "en"]}
    columns |= {"ask": questions, "options": choices, "second": ["in Prague"] * len(TEXTS)}
    corpus = write(tmp_path / "in.parquet", columns)

    def task(kind: str, model: str, **values: object) -> dict[str, Any]:
        return {"type": kind, "model": {"path": str(heads / model)}, **values}

    return make_plan(
        JobSettings.model_validate(
            {
                "input": {
                    "uri": str(corpus),
                    "id_column": "id",
                    "language_column": "language",
                    "question_column": "ask",
                    "choices_column": "options",
                    "second_text_column": "second",
                },
                "output": {"uri": str(tmp_path / "out")},
                "tasks": [
                    task("question_answering", "qa", name="own"),
                    task("question_answering", "qa", name="place", question="Where?", n_best=2),
                    task("multiple_choice", "choice", name="best", probs=True),
                    task("classification", "topic", name="topic", pair="none"),
                    task("classification", "topic", name="nli"),
                    task("regression", "rank", name="rank", pair="second_first"),
                    task("masked_lm", "masked", passes=4),
                    task("fill_mask", "masked", top_k=3),
                    task("token_vectors", "masked"),
                    task("embeddings", "masked"),
                    task("causal_lm", "decoder"),
                ],
                "runtime": {"max_length": 64, "stride": 8},
            }
        ),
        Options(),
    )


def test_job_of_all_heads_annotates_every_record_or_says_why_not(plan, tmp_path):
    job = plan.job
    acquire_lock(plan.store, job.fingerprint, job.identity)
    for unit in plan.units:
        job.publisher(job.annotate(job.preparation(unit)))
    result = reconcile(plan.store, plan.units, job.fingerprint)
    assert_complete(str(tmp_path / "out"), IDS, IDS[-2:])
    assert result.reasons == {"NoQuestion": 1, "NoChoices": 1}
    rows = {row["record_id"]: row for row in output_rows(str(tmp_path / "out"))}
    for row in rows.values():
        assert len(row["own_answers"]) == 1
        assert 1 <= len(row["place_answers"]) <= 2
        assert 0 <= row["best_choice"] <= 2
        assert sum(row["best_probs"]) == pytest.approx(1, abs=1e-5)
        assert set(row["topic_labels"]) | set(row["nli_labels"]) <= {"a", "b"}
        assert isinstance(row["rank"], float)
        assert row["pseudo_perplexity"] > 1
        assert row["perplexity"] > 1
        assert len(row["token_vectors"]) == row["n_tokens"]
    filled = [len(rows[name]["mask_predictions"]) for name in IDS[:-2]]
    assert filled == [0] * len(SENTENCES) + [1]


def test_job_tasks_share_a_forward_where_they_read_the_same_and_mask_nothing(plan):
    shared = [[task.type for task in workload.tasks] for workload in plan.job.workloads]
    assert shared == [
        ["question_answering"],
        ["question_answering"],
        ["multiple_choice"],
        ["classification"],
        ["classification"],
        ["regression"],
        ["masked_lm"],
        ["fill_mask"],
        ["token_vectors", "embeddings"],
        ["causal_lm"],
    ]


def test_job_readings_of_one_kind_are_made_once(plan):
    readings = plan.job.tokenize.arguments[1]
    assert [(reading.beside, reading.masks) for reading in readings] == [
        ("question", False),
        ("question", False),
        ("choices", False),
        ("nothing", False),
        ("second after", False),
        ("second before", False),
        ("nothing", True),  # fill-mask alone takes a text's <mask> for the mask token
    ]
