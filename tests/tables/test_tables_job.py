"""The command as a user runs it, on an output of real models."""

import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest
import yaml

from pipeline.config.tables import TablesSettings
from pipeline.execution.run import lock_output
from pipeline.output.reconcile import reconcile
from pipeline.planning.plan import Options, make_plan
from tests.helpers.corpora import make_corpus, make_settings, write_local
from tests.helpers.enriched import make_settings as make_tables_settings
from tests.helpers.enriched import rows_of

ROOT = Path(__file__).parents[2]
JOB = ROOT / "jobs" / "tables.py"


def annotated(folder: Path, models: Path) -> str:
    """A finished output of 40 records, of which one has no text, by the stages without Ray."""
    corpus = make_corpus(39, [None])
    days = pa.array([f"2026-01-{1 + row % 28:02}" for row in range(40)])
    source = write_local(corpus.append_column("day", days), folder / "in")
    settings = make_settings(source, str(folder / "enriched"), models)
    plan = make_plan(settings, Options())
    lock_output(plan)
    job = plan.job
    for unit in plan.units:
        job.publisher(job.annotate(job.tokenize(job.identify(job.reader(unit)))))
    reconcile(plan.store, plan.units, job.fingerprint)
    return plan.store.uri


def write_config(folder: Path, uri: str, **output: object) -> tuple[Path, TablesSettings]:
    settings = make_tables_settings(folder, [{"uri": uri, "name": "news", **output}], "iceberg")
    path = folder / "tables.yaml"
    path.write_text(yaml.safe_dump(settings.model_dump(mode="json")))
    return path, settings


def run(config: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(JOB), "--config", str(config), *options],
        env={**os.environ, "COLUMNS": "250"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.mark.ray
@pytest.mark.slow
def test_tables_of_a_real_output_are_built_once(tmp_path: Path, models: Path):
    config, settings = write_config(tmp_path, annotated(tmp_path, models), date_column="day")

    lacking = run(config, "--dry-run")
    assert (lacking.returncode, lacking.stderr) == (0, "")
    assert "documents" in lacking.stdout
    assert not (tmp_path / "wh").exists(), "a dry run writes nothing"

    done = run(config)
    assert done.returncode == 0, done.stderr
    documents = rows_of(settings, "documents")
    assert len(documents) == 39
    assert {row["topic_label"] for row in documents} <= {"news", "sports"}
    assert {str(row["date"]) for row in documents} >= {"2026-01-01", "2026-01-28"}
    assert len(rows_of(settings, "entities")) == sum(row["n_entities"] or 0 for row in documents)
    assert len(rows_of(settings, "labels")) == 39
    counts = rows_of(settings, "languages")
    assert sum(row["records"] for row in counts) == 39
    assert [reason["reason"] for row in counts for reason in row["reasons"]] == ["NullText"]

    again = run(config)
    assert again.returncode == 0, again.stderr
    assert "nothing is written" in again.stdout


def test_tables_that_cannot_be_made_end_with_2_and_say_what_to_mend(tmp_path: Path):
    config, _ = write_config(tmp_path, str(tmp_path / "no"), date="2026-01-01")

    result = run(config)

    assert result.returncode == 2
    assert "is no output of jobs/annotate.py" in result.stderr
    assert "Traceback" not in result.stderr
