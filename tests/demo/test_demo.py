"""The embedded default: the sample corpus, the model, and what a user is shown of the two."""

import io
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.config import JobSettings, load
from pipeline.execution.run import lock_output
from pipeline.planning.plan import Options, Plan, make_plan
from pipeline.reporting.console import Console

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "demo"
MEGABYTE = 1_000_000
LEAST_F1 = 0.3
SAME_TOPICS = 0.98
LEAST_COSINE = 0.9995


@pytest.fixture(autouse=True)
def in_the_checkout(monkeypatch):
    """Paths in the configs are relative to the checkout."""
    monkeypatch.chdir(ROOT)
    monkeypatch.syspath_prepend(str(DEMO))


def records() -> list[dict[str, object]]:
    files = sorted((DEMO / "corpus").glob("*.parquet"))
    return [row for file in files for row in pq.read_table(file).to_pylist()]


def test_corpus_files_hold_what_the_source_says():
    import build_corpus

    for file, names in build_corpus.FILES.items():
        written = pq.read_table(DEMO / "corpus" / f"{file}.parquet")
        assert written.equals(build_corpus.read_records(names))


def test_corpus_has_short_and_long_records_with_and_without_a_language():
    every = records()
    lengths = [len(row["text"] or "") for row in every]
    assert len(every) >= 300
    assert len({row["doc_id"] for row in every}) == len(every)
    assert sum(length < 60 for length in lengths) > 50
    assert sum(length > 1000 for length in lengths) > 30
    assert max(lengths) == 20_000
    assert sum(row["language"] is None for row in every) > 80


def test_model_fits_its_place_in_the_repository():
    files = [path for path in (DEMO / "model").rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files if not path.is_symlink()) < 40 * MEGABYTE


@pytest.mark.parametrize(
    "name",
    [
        "ner",
        "classification",
        "embeddings",
        "token_vectors",
        "masked_lm",
        "fill_mask",
        "demo",
    ],
)
def test_config_makes_a_plan_over_the_sample_corpus(name, tmp_path):
    plan = make_plan(
        load(f"configs/{name}.yaml", [f"output.uri={tmp_path}/out"], JobSettings), Options()
    )
    assert sum(unit.rows for unit in plan.units) == len(records())
    assert len(plan.job.languages) == 24


def annotated(plan: Plan) -> list[pa.Table]:
    """The blocks of all units, without Ray."""
    job = plan.job
    return [job.annotate(job.tokenize(job.identify(job.reader(unit)))) for unit in plan.units]


def test_demo_model_finds_what_people_marked(tmp_path):
    """On the records of gold.json: below what it scores today, far above chance."""
    gold = json.loads((DEMO / "corpus" / "gold.json").read_text())
    marked = [row for row in records() if row["doc_id"] in gold]
    pq.write_table(pa.Table.from_pylist(marked), tmp_path / "marked.parquet")
    overrides = [f"input.uri={tmp_path}/marked.parquet", f"output.uri={tmp_path}/out"]
    plan = make_plan(load("configs/demo.yaml", overrides, JobSettings), Options())
    rows = [row for block in annotated(plan) for row in block.to_pylist()]
    assert len(rows) == len(gold)
    found = {(r["record_id"], e["label"], e["text"]) for r in rows for e in r["entities"]}
    assert {label for _, label, _ in found} <= {"PER", "LOC", "ORG"}
    expected = {
        (record, label, text)
        for record, labels in gold.items()
        for label, texts in labels.items()
        for text in texts
    }
    f1 = 2 * len(found & expected) / (len(found) + len(expected))
    assert f1 > LEAST_F1, f"{len(found & expected)} of {len(expected)} found, {len(found)} in all"


@pytest.mark.long
def test_demo_model_in_int8_says_nearly_what_it_says_in_float32(tmp_path):
    """Topics and vectors of the sample corpus; with one or two bits less they are too far."""
    plans = []
    for dtype in ("float32", "int8"):
        overrides = [f"output.uri={tmp_path}/out", f"runtime.dtype={dtype}"]
        settings = load("configs/demo.yaml", overrides, JobSettings)
        filed = settings.model_copy(update={"tasks": settings.tasks[1:]})
        plans.append(make_plan(filed, Options()))
    job = plans[0].job
    blocks = [job.tokenize(job.identify(job.reader(unit))) for unit in plans[0].units[:3]]
    sides = [pa.concat_tables([plan.job.annotate(block) for block in blocks]) for plan in plans]
    topics, vectors = (
        [np.array(side[name].drop_null().to_pylist()) for side in sides]
        for name in ("topic_label", "embedding")
    )
    cosines = (vectors[0] * vectors[1]).sum(1)
    assert len(cosines) > 300
    assert (topics[0] == topics[1]).mean() >= SAME_TOPICS
    assert LEAST_COSINE <= cosines.min() < 1 - 1e-6, "float32 against itself gives 1"


def test_demo_shows_records_of_its_output(tmp_path, monkeypatch):
    """Without Ray: the stages over the first units, published, then shown."""
    import show

    output = tmp_path / "out"
    settings = load("configs/demo.yaml", [f"output.uri={output}"], JobSettings)
    plan = make_plan(settings, Options(limit=64))
    lock_output(plan)
    for block in annotated(plan):
        receipt = plan.job.publisher(block)
        assert receipt["failure"].null_count == 1
    table = pq.read_table(output / "data")
    assert table.num_rows == 64

    shown = io.StringIO()
    monkeypatch.setattr(show, "Console", lambda: Console(file=shown, width=200))
    show.main(output)
    assert "id_ID" in shown.getvalue()
    assert "select" in shown.getvalue()


@pytest.mark.parametrize(("folder", "least"), [("scores", 50), ("transfer", 20)])
def test_model_card_has_the_scores_that_were_computed(folder: str, least: int):
    tables = (DEMO / "model" / folder / "scores.md").read_text()
    card = (DEMO / "model" / "README.md").read_text()
    rows = [line for line in tables.splitlines() if line.startswith("|")]
    assert len(rows) > least
    assert all(row in card for row in rows)
