"""Every day: the date's partition of a corpus, annotated, verified, in the tables, with its report.

Enters: a corpus in folders by date, `<corpus>/date=2026-11-27/*.parquet`. Leaves:
`<enriched>/date=2026-11-27/`, as `jobs/annotate.py` writes it, and its rows in the tables.
Holds: each task is a Ray job that can be run again. A retry, and a date that is run or backfilled
a second time, resume: what is committed stays, and a date that is done is left as it is.

The corpus is a parameter of the run: the default is in the DAG, and `airflow dags trigger --conf`
and the form of the UI can change it. The program is not: the project's folder and its Python on
the cluster are the Airflow Variables `xmod_project` and `xmod_python`.
"""

from datetime import timedelta

import pendulum
from airflow.sdk import DAG, Param
from ray_jobs import RayJobOperator

DATE = "{{ params.date or ds }}"
CORPUS = f"{{{{ params.corpus }}}}/date={DATE}"
ENRICHED = f"{{{{ params.enriched }}}}/date={DATE}"
BAD_FILES = 3
"""What annotate ends with when it is done and left out files that cannot be read."""


PYTHON = "{{ var.value.get('xmod_python', 'python') }}"
PROJECT = "{{ var.value.get('xmod_project', '/app') }}"

PLACE = r"^(?:/|s3://|gs://)[^\s\x00-\x1f\x7f]+$(?!\n)"
CONFIG = r"^/[^\s\x00-\x1f\x7f]+\.ya?ml$(?!\n)"
DAY = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$(?!\n)"
"""What a parameter may be: never an option of the command, and never two words."""


def job(name: str, *options: str) -> list[str]:
    """The command of one of the project's jobs."""
    return [PYTHON, f"{PROJECT}/jobs/{name}.py", *options]


def text(default: str, pattern: str, description: str) -> Param:
    """A parameter of a run."""
    return Param(default, type="string", pattern=pattern, description=description)


ANNOTATE = job(
    "annotate",
    *("--config", "{{ params.config }}"),
    *("--set", f"input.uri={CORPUS}"),
    *("--set", f"output.uri={ENRICHED}"),
    "{{ '--allow-bad-files' if params.allow_bad_files else '' }}",
)

TABLES_OF_THE_DATE = (
    *("--set", f"outputs.0.uri={ENRICHED}"),
    *("--set", f"outputs.0.name=date={DATE}"),
    *("--set", f"outputs.0.date={DATE}"),
    *("--set", "outputs.0.date_column=null"),
)
"""What is in the tables of other dates stays there: an output is replaced under its name alone."""

with DAG(
    dag_id="annotate_daily",
    description=__doc__.splitlines()[0],
    schedule="@daily",
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=2,
    default_args={
        "retries": 3,
        "retry_delay": timedelta(minutes=2),
        "retry_exponential_backoff": True,
        "execution_timeout": timedelta(hours=12),
    },
    params={
        "corpus": text("s3://corpus/articles", PLACE, "Folders by date."),
        "enriched": text("s3://corpus/enriched", PLACE, "Where they go."),
        "config": text("/app/configs/ner.yaml", CONFIG, "Of annotate.py, on the cluster."),
        "tables": text("/app/configs/tables.yaml", CONFIG, "Of tables.py, on the cluster."),
        "date": Param(
            None, type=["null", "string"], format="date", pattern=DAY, description="Not the run's."
        ),
        "allow_bad_files": Param(False, type="boolean", description="Leave out unreadable files."),
    },
    tags=["xmod", "ray"],
    doc_md=__doc__,
) as dag:
    check_input = RayJobOperator(
        task_id="check_input", command=[*ANNOTATE, "--dry-run", "--sample", "0"]
    )
    annotate = RayJobOperator(task_id="annotate", command=ANNOTATE, passes=(0, BAD_FILES))
    verify = RayJobOperator(task_id="verify", command=job("verify", ENRICHED, "--json"))
    tables = RayJobOperator(
        task_id="tables",
        command=job("tables", "--config", "{{ params.tables }}", *TABLES_OF_THE_DATE),
        # Two dates at once would race for the tables' next snapshot.
        max_active_tis_per_dag=1,
    )
    report = RayJobOperator(task_id="report", command=job("report", ENRICHED))

    check_input >> annotate >> verify >> [tables, report]
