"""The whole job on a real Ray: local files and S3, resume, races, and records that do harm."""

import gc
import shutil
import threading
import time
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pytest
import ray
from ray.data import DataContext

from pipeline.config import JobSettings
from pipeline.contract.schema import STAGES
from pipeline.errors import (
    CheckpointError,
    FingerprintError,
    IncompleteError,
    InputError,
    LossError,
    OutputError,
)
from pipeline.execution.ray_dataset import annotate_units
from pipeline.execution.reservation import Request, reserved
from pipeline.execution.run import annotate_corpus, lock_output
from pipeline.execution.stop import never
from pipeline.output import retry_list
from pipeline.output.commit import CommitRecord
from pipeline.output.output_lock import acquire_lock
from pipeline.output.reconcile import Reconciliation, committed_units
from pipeline.planning.plan import Options, make_plan
from pipeline.storage import Store
from tests.helpers.corpora import (
    assert_complete,
    make_corpus,
    make_settings,
    output_rows,
    write_local,
    write_s3,
)

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.usefixtures("ray_cluster")]


def run(settings: JobSettings, **options: object) -> tuple[list[str], Reconciliation]:
    """Plan, claim, annotate; the ids of the units that this run itself published, and the end."""
    plan = make_plan(settings, Options(**options))
    lock_output(plan)
    done: list[str] = []
    result = annotate_corpus(plan, [lambda record: done.append(record.unit_id)])
    return done, result


def reasons(output: str) -> dict[str, str]:
    """The type of error that each record in quarantine is there for."""
    rows = output_rows(output, "quarantine")
    return {str(row["record_id"]): str(row["error_type"]) for row in rows}


def assert_timed(records: Iterable[CommitRecord]) -> None:
    """Each unit's record says what each stage took."""
    for record in records:
        assert list(record.stages) == list(STAGES)
        assert all(seconds.wall > 0 for seconds in record.stages.values())
        assert record.stages["annotate"].cpu > 0


def test_run_on_local_files_annotates_every_record_once(tmp_path, models):
    corpus = make_corpus(60, [None, "", "🙂"])
    settings = make_settings(
        write_local(corpus, tmp_path / "in"), str(tmp_path / "out"), models, actors=2
    )

    done, result = run(settings)

    ids = corpus["id"].to_pylist()
    assert_complete(settings.output.uri, ids, quarantined=["r60"])
    assert len(done) == len(result.records) == 4
    assert (result.rows_in, result.rows_out, result.rows_quarantined) == (63, 62, 1)
    assert_timed(result.records)
    rows = output_rows(settings.output.uri)
    originals = {row["id"]: row for row in corpus.to_pylist()}
    for row in rows:
        original = originals[row["record_id"]]
        assert (row["text"], row["note"]) == (original["text"], original["note"])
        assert row["input_language"] == original["language"]
        assert len(row["embedding"]) == 32
        assert row["topic_label"] in ("news", "sports")
        for entity in row["entities"]:
            assert row["text"][entity["start"] : entity["end"]] == entity["text"]


@pytest.mark.s3
def test_run_on_s3_gives_what_local_files_give(tmp_path, models, s3_bucket):
    corpus = make_corpus(40)
    local = make_settings(write_local(corpus, tmp_path / "in"), str(tmp_path / "out"), models)
    base = f"{s3_bucket}/{tmp_path.name}"
    remote = make_settings(write_s3(corpus, f"{base}/in"), f"{base}/out", models)

    run(local)
    run(remote)

    assert_complete(remote.output.uri, corpus["id"].to_pylist())
    assert output_rows(remote.output.uri) == output_rows(local.output.uri)


def test_run_again_does_nothing_and_other_settings_are_refused(tmp_path, models):
    corpus = make_corpus(20)
    settings = make_settings(write_local(corpus, tmp_path / "in"), str(tmp_path / "out"), models)
    run(settings)
    before = Store.open(settings.output.uri).listing()

    done, _ = run(settings)
    assert done == []
    assert Store.open(settings.output.uri).listing() == before

    changed = settings.model_copy(
        update={"runtime": settings.runtime.model_copy(update={"max_length": 64, "stride": 8})}
    )
    with pytest.raises(FingerprintError, match=r"max_length"):
        run(changed)
    run(changed, new_run=True)
    assert_complete(settings.output.uri, corpus["id"].to_pylist())


@pytest.mark.long
def test_run_after_commits_were_lost_does_those_units_alone(tmp_path, models):
    corpus = make_corpus(64)
    settings = make_settings(write_local(corpus, tmp_path / "in"), str(tmp_path / "out"), models)
    run(settings)
    store = Store.open(settings.output.uri)
    commits = sorted(store.listing("_commit"))
    rows = output_rows(settings.output.uri)
    store.delete([commits[0], commits[2], "_SUCCESS", "_manifest.json"])

    done, _ = run(settings)

    assert sorted(f"_commit/{unit}.json" for unit in done) == [commits[0], commits[2]]
    assert output_rows(settings.output.uri) == rows
    assert_complete(settings.output.uri, corpus["id"].to_pylist())


@pytest.mark.long
def test_two_runs_at_once_on_one_output_write_each_record_once(tmp_path, models):
    corpus = make_corpus(96)
    settings = make_settings(write_local(corpus, tmp_path / "in"), str(tmp_path / "out"), models)
    failures: list[BaseException] = []

    def race() -> None:
        try:
            run(settings)
        except BaseException as error:  # a thread dies alone: the test must learn of it
            failures.append(error)

    racers = [threading.Thread(target=race) for _ in range(2)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()

    assert failures == []
    assert_complete(settings.output.uri, corpus["id"].to_pylist())


@pytest.mark.long
def test_poison_records_alone_go_to_quarantine(tmp_path, models):
    corpus = make_corpus(41, ["POISON-KILL", "Anna met Karl.", "POISON-RAISE"])
    settings = make_settings(
        write_local(corpus, tmp_path / "in"), str(tmp_path / "out"), models, unit_rows=8
    )

    run(settings)

    assert_complete(settings.output.uri, corpus["id"].to_pylist(), quarantined=["r41", "r43"])
    assert reasons(settings.output.uri) == {"r41": "ProcessDied", "r43": "ZeroDivisionError"}
    assert retry_list.listed(Store.open(settings.output.uri)) == frozenset()


@pytest.mark.long
def test_job_that_loses_too_much_stops_early_and_goes_on_once_it_may(tmp_path, models):
    """A column that holds no languages."""
    corpus = make_corpus(200)
    corpus = corpus.set_column(
        corpus.column_names.index("language"), "language", pa.array(["no tag!"] * 200)
    )
    source, output = write_local(corpus, tmp_path / "in"), str(tmp_path / "out")
    quarantine = {"language": {"fallback": "quarantine"}}

    def settings(**runtime: object) -> JobSettings:
        made = make_settings(source, output, models, unit_rows=10, **runtime)
        return made.model_validate(made.model_dump() | quarantine)

    with pytest.raises(LossError) as raised:
        run(settings(max_quarantined=0.1))
    message = str(raised.value)
    assert "runtime.max_quarantined (0.1)" in message
    assert "for UnknownLanguageTag, such as:" in message
    assert message.count(".parquet row ") == 3
    committed = committed_units(Store.open(output))
    assert 0 < len(committed) < 20

    done, result = run(settings(max_quarantined=1))

    assert 0 < len(done) < 20
    assert (result.rows_in, result.rows_quarantined) == (200, 200)
    with pytest.raises(LossError):
        run(settings(max_quarantined=0.1))


def test_run_whose_output_another_run_takes_ends_at_once_and_leaves_nothing(tmp_path, models):
    corpus = make_corpus(160)
    source, output = write_local(corpus, tmp_path / "in"), str(tmp_path / "out")
    plan = make_plan(make_settings(source, output, models, unit_rows=4), Options())
    lock_output(plan)
    store, taken = plan.store, []

    def take(_: CommitRecord) -> None:
        if not taken:
            acquire_lock(store, "b" * 64, {}, new_run=True)
            taken.append(True)

    with pytest.raises(OutputError, match="is another run's"):
        annotate_corpus(plan, [take])
    time.sleep(1)
    assert {path for path in store.listing() if not path.startswith("_tmp/")} == {"_run.json"}


@pytest.mark.long
def test_record_that_hangs_goes_to_quarantine(tmp_path, models):
    corpus = make_corpus(7, ["POISON-HANG"])
    settings = make_settings(
        write_local(corpus, tmp_path / "in"),
        str(tmp_path / "out"),
        models,
        unit_rows=4,
        unit_timeout=10,
        row_timeout=5,
        max_attempts=1,
    )

    run(settings)

    assert_complete(settings.output.uri, corpus["id"].to_pylist(), quarantined=["r7"])
    assert reasons(settings.output.uri) == {"r7": "Timeout"}


def test_run_whose_model_is_not_on_the_machine_of_an_actor_says_so(tmp_path, models):
    """Of an actor that cannot be made Ray has a traceback, and the run one sentence."""
    here = shutil.copytree(models, tmp_path / "models")
    corpus = make_corpus(20)
    settings = make_settings(write_local(corpus, tmp_path / "in"), str(tmp_path / "out"), here)
    plan = make_plan(settings, Options())
    lock_output(plan)
    shutil.rmtree(here)
    with pytest.raises(CheckpointError, match="No model folder at") as raised:
        annotate_corpus(plan)
    assert len(str(raised.value).splitlines()) == 1


@pytest.mark.long
def test_round_gives_back_its_cpus_when_it_ends_whatever_died_in_it(tmp_path, models):
    """Those of the next round would wait for them, and python collects nothing while it waits."""
    corpus = make_corpus(30, ["POISON-KILL"])
    source = write_local(corpus, tmp_path / "in")
    settings = make_settings(source, str(tmp_path / "out"), models, actors=2, unit_rows=5)
    plan = make_plan(settings, Options())
    lock_output(plan)
    gc.collect()
    gc.disable()
    try:
        request = Request.of_actors(settings.runtime, len(plan.open_units))
        with reserved(request) as room:
            receipts = list(annotate_units(plan.open_units, plan.job, room, never, in_flight=2))
        deadline = time.monotonic() + 60
        while free_cpus() < ray.cluster_resources()["CPU"] and time.monotonic() < deadline:
            time.sleep(0.5)
    finally:
        gc.enable()
    assert len(receipts) < len(plan.open_units), "nothing died"
    assert DataContext.get_current().custom_execution_callback_classes == []
    assert free_cpus() == ray.cluster_resources()["CPU"]


def free_cpus() -> float:
    return float(ray.available_resources().get("CPU", 0))


def test_retry_of_an_earlier_run_are_annotated_apart(tmp_path, models):
    corpus = make_corpus(32)
    settings = make_settings(write_local(corpus, tmp_path / "in"), str(tmp_path / "out"), models)
    plan = make_plan(settings, Options())
    retry_list.add(plan.store, plan.units)

    done, result = run(settings)

    assert sorted(done) == sorted(unit.unit_id for unit in plan.units)
    assert_timed(result.records)
    assert_complete(settings.output.uri, corpus["id"].to_pylist())
    assert retry_list.listed(plan.store) == frozenset()


def test_file_with_a_broken_footer_is_refused_or_left_out(tmp_path, models):
    corpus = make_corpus(20)
    folder = Path(write_local(corpus, tmp_path / "in"))
    (folder / "broken.parquet").write_bytes(b"PAR1 nothing of the kind PAR1")
    settings = make_settings(str(folder), str(tmp_path / "out"), models)

    with pytest.raises(InputError, match=r"broken\.parquet.*--allow-bad-files"):
        run(settings)

    run(settings, allow_bad_files=True)
    assert_complete(settings.output.uri, corpus["id"].to_pylist())


def test_file_with_broken_pages_fails_its_unit_and_is_quarantined_if_allowed(tmp_path, models):
    corpus = make_corpus(40)
    folder = Path(write_local(corpus, tmp_path / "in"))
    whole = (folder / "1.parquet").read_bytes()
    (folder / "1.parquet").write_bytes(whole[:4] + b"\xff" * 200 + whole[204:])
    settings = make_settings(str(folder), str(tmp_path / "out"), models, max_attempts=1)
    ids = corpus["id"].to_pylist()

    with pytest.raises(IncompleteError, match=r"1\.parquet"):
        run(settings)
    assert [row["record_id"] for row in output_rows(settings.output.uri)] == sorted(ids[:20])

    run(settings, allow_bad_files=True)
    places = [f"file://{folder}/1.parquet#{row}" for row in range(20)]
    assert_complete(settings.output.uri, [*ids[:20], *places], quarantined=places)
