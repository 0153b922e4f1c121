"""The DAG in a real Airflow, on a real Ray head: a date, the same date again, and bad input.

Airflow has an environment of its own, which `make test-airflow` makes.
"""

import pytest

from tests.helpers.airflows import AIRFLOW, TASKS
from tests.helpers.corpora import make_corpus, output_rows, write_local

pytestmark = [
    pytest.mark.ray,
    pytest.mark.slow,
    pytest.mark.long,
    pytest.mark.skipif(not AIRFLOW.exists(), reason="make test-airflow installs Airflow"),
]


def test_a_date_is_annotated_verified_in_the_tables_and_run_again_without_a_change(
    airflow, parameters, tmp_path
):
    write_local(make_corpus(30), tmp_path / "corpus" / "date=2026-11-26")
    first = airflow.run("2026-11-26", **parameters)
    output = tmp_path / "enriched" / "date=2026-11-26"
    parts = {path.name: path.stat().st_mtime_ns for path in output.glob("data/*.parquet")}
    again = airflow.run("2026-11-26", **parameters)

    assert first == again == dict.fromkeys(TASKS, "success")
    assert len(output_rows(str(output))) == 30
    assert {path.name: path.stat().st_mtime_ns for path in output.glob("data/*.parquet")} == parts
    assert (output / "report.html").exists()


def test_input_that_is_not_there_fails_the_first_task_without_another_try(airflow, parameters):
    states = airflow.run("2026-11-25", **parameters)
    assert states["check_input"] == "failed"
    assert set(states.values()) == {"failed", "upstream_failed"}
