"""Where a test runs something else than what a page says: the tables, each line with its reason."""

from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True)
class Instead:
    """Why a command is not run, and the file that checks it instead."""

    reason: str
    checked_by: str


AIRFLOW = Instead("needs Airflow's environment", "tests/airflow/test_commands_of_page.py")
KUBERNETES = Instead("needs a cluster of Kubernetes", "tests/infra/test_kuberay.py")
NOT_RUN = {
    "pip install '.[[]s3]'": Instead(
        "installs into whatever is active", "tests/docs/test_wheel.py"
    ),
    "make test": Instead("this test is part of it", ".ci/run"),
    "make chaos": Instead("takes an hour and is tests itself", "tests/chaos/test_kills.py"),
    "make fuzz": Instead("takes an hour and is tests itself", "tests/fuzz/test_parquet.py"),
    "make bench*": Instead(
        "measures for an hour, alone on a machine", "tests/benchmarks/test_harness.py"
    ),
    "python -m benchmarks.*": Instead("a part of make bench", "tests/benchmarks/test_harness.py"),
    "make demo-model*": Instead("trains for hours", "tests/demo/test_growth.py"),
    "make scores": Instead("trains for half an hour", "tests/training/test_training_jobs.py"),
    "make test-airflow": Instead("installs Airflow", "tests/airflow/test_annotate_daily.py"),
    "xmod-pipeline import *": Instead(
        "needs the hub", "tests/training/importing/test_importing.py"
    ),
    "airflow connections add ray *": AIRFLOW,
    "airflow dags trigger annotate_daily *": AIRFLOW,
    "airflow backfill create --dag-id annotate_daily *": AIRFLOW,
    "airflow dags test": Instead("names a command", "tests/airflow/test_annotate_daily.py"),
    "docker build --file infra/docker/Dockerfile *": Instead(
        "needs Docker", "tests/infra/test_docker.py"
    ),
    "kubectl create namespace xmod": KUBERNETES,
    "kubectl label namespace xmod *": KUBERNETES,
    "kubectl apply --kustomize infra/kuberay/overlays/cpu": KUBERNETES,
    "kubectl --namespace xmod logs --follow job/annotate": KUBERNETES,
    "kubectl --namespace xmod get rayjob annotate": KUBERNETES,
    "kubectl --namespace xmod delete rayjob annotate": KUBERNETES,
    "kubectl --namespace xmod port-forward *": KUBERNETES,
    "ray start --metrics-export-port": Instead(
        "names an option", "tests/execution/test_metrics.py"
    ),
    "ray metrics launch-prometheus": Instead(
        "downloads Prometheus", "tests/execution/test_metrics.py"
    ),
    "ray job stop": Instead("a mention, without a job", "tests/infra/test_stop_driver.py"),
    "make lock": Instead("writes over requirements.lock", "tests/docs/test_runtime_env.py"),
    "ray job submit": Instead("a mention, without a job", "tests/docs/test_runtime_env.py"),
    "python jobs/annotate.py …": Instead("a mention of the job", "tests/jobs/test_annotate.py"),
    "ray job submit * --runtime-env *": Instead(
        "runs on nodes that have only Ray", "tests/docs/test_runtime_env.py"
    ),
    "python jobs/verify.py s3://bucket/from_bare_nodes": Instead(
        "what that job wrote", "tests/docs/test_runtime_env.py"
    ),
}
"""Commands that are not run with their page, as patterns of the shell."""

PLACES = {
    "/models/xmod-ner": "$PWD/demo/model/ner",
    " OUTPUT": " out/demo",
}
"""What a page names for its reader to replace, and what takes its place here."""

SECONDS = "--set optimisation.max_minutes=0.1"
FEW = "max_rows_per_language=2"
ADDED = {
    "pip install ": "--dry-run --quiet",  # the environment is others' too
    "python jobs/pretrain.py ": f"{SECONDS} --set vocabulary.sample_characters=1000000",
    "python jobs/finetune.py ": f"{SECONDS} --set {FEW} --set max_dev_rows_per_language=2",
    "python jobs/finetune.py --config configs/finetune_ner.yaml": "--set out=out/entities",
    "python jobs/add_language.py ": f"{SECONDS} --set start=afresh --set new_pieces=50",
    "python jobs/evaluate.py ": "--set out=out/scores",
    "python jobs/evaluate.py --config configs/evaluate.yaml": (
        "--set 'checkpoints={topics: {task: classification, checkpoint: demo/model/topic,"
        f" data: demo/data/topic.parquet, {FEW.replace('=', ': ')}}}}}'"
    ),
    "python jobs/evaluate.py --config configs/transfer.yaml": (
        f"--set 'checkpoints.topics from English.{FEW}'"
    ),
    "python -m demo.train_identifier ": "--set out=out/language --set detectors=[cascade]",
}
"""Options added to commands that begin so: trainings of seconds, and none over the demo model."""

PROMISED = {
    "make demo": ("out/demo/_SUCCESS", "out/demo/report.html"),
    "python jobs/tables.py": ("out/tables/catalog.db",),
    "python jobs/pretrain.py": ("out/pretrained/config.json",),
    "python jobs/add_language.py": ("out/greek/topic/config.json",),
    "python jobs/evaluate.py --config configs/evaluate.yaml": ("out/scores/scores.json",),
    "python jobs/evaluate.py --config configs/transfer.yaml": ("out/scores/transfer/scores.json",),
}
"""Files that are there after a command that begins so."""

CORPORA = "../shared/data"
"""The folder of the demo model's corpora, beside the checkout where there is one."""
NEED_CORPORA = {"docs/languages.md", "docs/training.md"}


def not_run(command: str) -> list[str]:
    """The patterns of `NOT_RUN` that ``command`` matches."""
    return [pattern for pattern in NOT_RUN if fnmatchcase(command, pattern)]


def as_run(command: str) -> str:
    """``command`` with what takes the place of what a reader fills in."""
    for named, taken in PLACES.items():
        command = command.replace(named, taken)
    added = [options for start, options in ADDED.items() if command.startswith(start)]
    return " ".join([command, *added])


def promised(command: str) -> list[str]:
    """The files that ``command`` makes, as far as its page says so."""
    found = [files for start, files in PROMISED.items() if command.startswith(start)]
    return [file for files in found for file in files]
