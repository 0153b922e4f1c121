"""Numbers of a run, as JSON and as tables."""

import io
import json
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from rich.console import Console
from rich.table import Table
from transformers.models.xmod.modeling_xmod import XmodModel

from pipeline.config import JobSettings
from pipeline.output.changes import Changes
from pipeline.output.commit import LanguageCounts
from pipeline.output.output_lock import REPORT
from pipeline.output.publish import Publisher
from pipeline.output.reconcile import Reconciliation, reconcile
from pipeline.planning.plan import Options, Plan, make_plan
from pipeline.reporting.run_report import RunReport, keep_report
from pipeline.reporting.run_stats import RunStats
from pipeline.reporting.summary import (
    plan_table,
    routing_table,
    run_report,
    stages_table,
    summary_table,
)
from pipeline.stages.measures import MicroBatches, StageSeconds
from pipeline.storage import Store
from tests.helpers.checkpoints import save_checkpoint
from tests.helpers.languages import SWISSBERT
from tests.helpers.outputs import DECLARED, make_block, make_unit
from tests.helpers.parquet_files import write


def shown(table: Table) -> str:
    console = Console(file=io.StringIO(), width=200)
    console.print(table)
    text: str = console.file.getvalue()
    return text


@pytest.fixture
def plan(tmp_path: Path, models: Path) -> Plan:
    """A plan over a folder whose name rich would take for markup."""
    folder = tmp_path / "corpus [bold]"
    write(
        folder / "a.parquet", {"text": ["x"] * 1500, "[/red]": [1] * 1500, "language": [2] * 1500}
    )
    (folder / "b.parquet").write_text("no Parquet")
    settings = JobSettings.model_validate(
        {
            "input": {"uri": str(folder)},
            "output": {"uri": str(tmp_path / "out [/]")},
            "tasks": [
                {"type": "ner", "model": {"path": str(models / "ner")}},
                {"type": "embeddings", "model": {"path": str(models / "ner")}},
            ],
            "runtime": {"unit_rows": 1000},
        }
    )
    return make_plan(settings, Options(allow_bad_files=True))


def test_plan_table_counts_what_is_left_out_and_says_how_files_differ(tmp_path: Path, models: Path):
    folder = tmp_path / "corpus"
    for name in ("b.parquet", "c.parquet", "_d.parquet", "e.PARQUET", "f.parq"):
        write(folder / name, {"text": ["x"] * 9})
    write(folder / "a.parquet", {"text": ["x"], "[/red]": [1]})
    settings = JobSettings.model_validate(
        {
            "input": {"uri": str(folder)},
            "output": {"uri": str(tmp_path / "out")},
            "tasks": [{"type": "ner", "model": {"path": str(models / "ner")}}],
        }
    )
    text = " ".join(shown(plan_table(make_plan(settings, Options(allow_bad_files=True)))).split())
    assert "1 file named _* or .*, 2 files not named *.parquet" in text
    assert "a.parquet has" in text
    assert "[/red]:" in text
    for path in folder.iterdir():
        if path.name not in {"b.parquet", "c.parquet"}:
            path.unlink()
    assert "left out │ none" in " ".join(shown(plan_table(make_plan(settings, Options()))).split())


def test_plan_table_says_what_the_detector_does_not_know(tmp_path: Path):
    model = save_checkpoint(
        tmp_path / "swissbert", XmodModel, languages=SWISSBERT, default_language="de_CH"
    )
    write(tmp_path / "corpus" / "a.parquet", {"text": ["Grüezi"]})
    tree = {
        "input": {"uri": str(tmp_path / "corpus")},
        "output": {"uri": str(tmp_path / "out")},
        "tasks": [{"type": "embeddings", "model": {"path": str(model)}}],
    }
    plan = make_plan(JobSettings.model_validate(tree), Options())
    text = " ".join(shown(plan_table(plan)).split())
    assert "detector │ cascade. It does not know gsw. Records in these languages" in text
    known = {"language": {"candidates": ["de_CH", "rm_CH"]}}
    plan = make_plan(JobSettings.model_validate(tree | known), Options())
    assert "detector │ cascade │" in " ".join(shown(plan_table(plan)).split())


@pytest.fixture
def result(local_store: Store) -> Reconciliation:
    """Two units: five German and French records each, one French one in quarantine."""
    units = [make_unit(0, 6), make_unit(6, 10)]
    for unit, failed in zip(units, ((1,), ()), strict=True):
        Publisher(local_store, DECLARED)(make_block(unit, failed))
    return reconcile(local_store, units, "f" * 64)


def test_run_report_counts_add_up(plan: Plan, result: Reconciliation):
    report = run_report(plan, result, RunStats(units=1, records=4, tokens=16, seconds=2.0))
    assert (report.rows_in, report.rows_out, report.rows_quarantined) == (10, 9, 1)
    assert (report.units, report.units_done_here, report.rows_done_here) == (2, 1, 4)
    assert (report.tokens, report.tokens_done_here, report.tokens_per_second) == (36, 16, 8.0)
    assert report.languages == {
        "de": LanguageCounts(records=5, entities=5, tokens=20, detected=5),
        "fr": LanguageCounts(records=4, tokens=16, quarantined=1, detected=4),
    }
    assert report.quarantine_reasons == {"ValueError": 1}


def test_run_report_and_plan_count_what_became_of_the_corpus(plan: Plan, result: Reconciliation):
    rows = result.records[0].unit
    changed = replace(
        plan,
        changes=Changes(
            new=("a",), gone=("b", "c"), changed=("d",), kept={"0": rows}, retired=frozenset("12")
        ),
    )
    report = run_report(changed, result, RunStats())
    assert (report.files_new, report.files_gone, report.files_changed) == (1, 2, 1)
    assert (report.units_kept, report.units_retired) == (1, 2)
    assert "1 new, 1 changed, 2 deleted" in shown(plan_table(changed))
    assert "keep 1, remove 2" in shown(plan_table(changed))
    assert "1 new, 0 changed, 0 deleted" in shown(plan_table(plan))


@pytest.fixture
def stats() -> RunStats:
    """The first unit, and where its time went."""
    stages = {"tokenize": (0.5, 0.25), "annotate": (1500.0, 0.75)}
    return RunStats(
        units=1,
        records=6,
        tokens=20,
        seconds=5000.0,
        seconds_to_first_unit=1.23456,
        stages={
            name: StageSeconds(wall=wall, cpu=cpu, waited=7) for name, (wall, cpu) in stages.items()
        },
        batches=MicroBatches(number=2, tokens=30, room=40),
    )


def test_run_report_has_a_line_for_each_stage(plan: Plan, result: Reconciliation, stats: RunStats):
    report = run_report(plan, result, stats)
    assert list(report.stages) == ["read", "identify", "tokenize", "annotate", "publish"]
    tokenize, annotate = report.stages["tokenize"], report.stages["annotate"]
    assert (tokenize.records_per_second, tokenize.tokens_per_second) == (12.0, 40.0)
    assert (annotate.seconds, annotate.cpu_seconds, annotate.cpu_share) == (1500.0, 0.75, 0.75)
    assert (annotate.waited_seconds, report.batch_fill) == (7.0, 0.75)
    assert RunReport.model_validate_json(report.model_dump_json()) == report


def test_run_report_says_when_the_first_unit_was_there(
    plan: Plan, result: Reconciliation, stats: RunStats
):
    assert run_report(plan, result, stats).seconds_to_first_unit == 1.235
    assert run_report(plan, result, RunStats(seconds=1.0)).seconds_to_first_unit is None


def test_run_report_names_run_input_output_and_files_left_out(plan: Plan, result: Reconciliation):
    report = run_report(plan, result, RunStats(units=2, tokens=36, seconds=1.0))
    assert report.fingerprint == plan.job.fingerprint
    assert report.input_uri == plan.job.settings.input.uri
    assert report.output_uri == plan.store.uri
    (bad,) = report.bad_files
    assert bad.uri.endswith("b.parquet")
    assert "cannot be read as Parquet" in bad.reason


def test_run_report_json_gives_it_back(plan: Plan, result: Reconciliation):
    report = run_report(plan, result, RunStats(units=2, tokens=36, seconds=1.0))
    body = report.model_dump_json(indent=1)
    assert RunReport.model_validate_json(body) == report
    assert json.loads(body)["languages"]["de"]["records"] == 5


def test_keep_report_of_a_run_that_did_nothing_leaves_that_of_the_one_that_did(
    plan: Plan, result: Reconciliation, stats: RunStats, local_store: Store
):
    keep_report(local_store, run_report(plan, result, stats))
    first = local_store.read(REPORT)
    keep_report(local_store, run_report(plan, result, RunStats(seconds=1.0)))
    assert local_store.read(REPORT) == first
    keep_report(local_store, run_report(plan, result, stats))
    assert local_store.read(REPORT) != first


@pytest.mark.parametrize("earlier", [None, b"", b"{}", b"no JSON"], ids=str)
def test_keep_report_is_written_where_none_stands_that_can_be_read(
    plan: Plan, result: Reconciliation, local_store: Store, earlier: bytes | None
):
    if earlier is not None:
        local_store.replace(REPORT, earlier)
    report = run_report(plan, result, RunStats(seconds=1.0))
    keep_report(local_store, report)
    assert RunReport.model_validate_json(local_store.read(REPORT) or b"") == report


def test_keep_report_is_written_where_what_stands_says_otherwise_of_the_output(
    plan: Plan, result: Reconciliation, stats: RunStats, local_store: Store
):
    keep_report(local_store, run_report(plan, result, stats))
    nothing = run_report(plan, result, RunStats(seconds=1.0))
    other = nothing.model_copy(update={"bad_files": []})
    keep_report(local_store, other)
    assert RunReport.model_validate_json(local_store.read(REPORT) or b"") == other


def test_run_report_holds_no_text_of_records(plan: Plan, result: Reconciliation):
    report = run_report(plan, result, RunStats(units=2, tokens=36, seconds=1.0))
    assert "Berlin" not in report.model_dump_json()


def test_run_report_nothing_done_in_no_time_has_no_speed(plan: Plan, result: Reconciliation):
    report = run_report(plan, result, RunStats(units=0, tokens=0, seconds=0.0))
    assert report.tokens_per_second == 0.0
    assert "all" in shown(summary_table(report))


def languages(plan: Plan, result: Reconciliation, **counts: LanguageCounts) -> list[list[str]]:
    """The cells of the summary with ``counts`` by language tag, without the line of the total."""
    report = run_report(plan, result, RunStats(units=1, tokens=10, seconds=1.0))
    tags = {tag.replace("_", "-"): count for tag, count in counts.items()}
    table = summary_table(report.model_copy(update={"languages": tags}))
    columns = [list(column.cells) for column in table.columns]
    return [[str(cell) for cell in row] for row in zip(*columns, strict=True)][:-1]


def test_summary_table_most_frequent_language_comes_first(plan: Plan, result: Reconciliation):
    rows = languages(
        plan,
        result,
        de=LanguageCounts(records=5),
        en=LanguageCounts(records=1234, entities=7, quarantined=2),
    )
    assert [row[0] for row in rows] == ["English (en)", "German (de)"]
    assert rows[0][1:4] == ["1,234", "7", "2"]


def test_summary_table_regions_of_a_language_are_one_line(plan: Plan, result: Reconciliation):
    rows = languages(plan, result, pt_BR=LanguageCounts(records=2), pt_PT=LanguageCounts(records=3))
    assert [row[:2] for row in rows] == [["Portuguese (pt)", "5"]]


def test_summary_table_scripts_and_unknown_have_lines_of_their_own(
    plan: Plan, result: Reconciliation
):
    rows = languages(
        plan,
        result,
        zh_Hant=LanguageCounts(records=2),
        zh_Hans=LanguageCounts(records=1),
        und=LanguageCounts(quarantined=4),
    )
    names = [row[0] for row in rows]
    assert names[0] == "Chinese (Traditional) (zh-Hant)"
    assert names[1] == "Chinese (Simplified) (zh-Hans)"
    assert names[2].endswith("(und)")


def test_routing_table_counts_sources_fallbacks_and_reasons(plan: Plan, result: Reconciliation):
    report = run_report(plan, result, RunStats(units=1, tokens=16, seconds=2.0))
    counts = {"gl": LanguageCounts(records=4, related=3, none=1), **report.languages}
    table = routing_table(report.model_copy(update={"languages": counts}))
    cells = [[str(cell) for cell in column.cells] for column in table.columns]
    assert dict(zip(*cells, strict=True)) == {
        "language detector": "9",
        "fallback: related language": "3",
        "fallback: no adapter": "1",
        "quarantine: ValueError": "1",
    }


def test_stages_table_is_the_report_line_by_line(
    plan: Plan, result: Reconciliation, stats: RunStats
):
    table = stages_table(run_report(plan, result, stats))
    rows = list(zip(*[list(column.cells) for column in table.columns], strict=True))
    assert rows[2:4] == [
        ("tokenize", "0.50", "0.25", "25%", "7.00", "12", "40"),
        ("annotate", "1,500.00", "0.75", "75%", "7.00", "0", "0"),
    ]
    assert [row[0] for row in rows] == ["read", "identify", "tokenize", "annotate", "publish"]


def test_summary_table_total_is_the_last_line(plan: Plan, result: Reconciliation):
    report = run_report(plan, result, RunStats(units=2, tokens=36, seconds=1.0))
    columns = [list(column.cells)[-1] for column in summary_table(report).columns]
    assert columns == ["all", "9", "5", "1", "36", "36"]


def test_plan_table_shows_what_a_run_will_do(plan: Plan):
    text = shown(plan_table(plan))
    for part in (
        "1, unreadable 1",
        "1,500",
        "2, committed 0",
        "ner, embeddings; forward passes per window: 1",
        "language → input_language",
        plan.job.fingerprint,
        plan.job.workloads[0].checkpoints[0].digest,
        "en_XX",
    ):
        assert part in text


def test_plan_table_shows_a_digest_whole_on_a_narrow_terminal(plan: Plan):
    console = Console(width=60)
    with console.capture() as capture:
        console.print(plan_table(plan))
    lines = [line.split("│")[2].strip() for line in capture.get().splitlines() if "│" in line]
    assert plan.job.workloads[0].checkpoints[0].digest in "".join(lines)
    assert plan.job.fingerprint in "".join(lines)


def test_plan_table_shows_names_with_brackets_as_they_are(plan: Plan):
    text = shown(plan_table(plan))
    assert "/corpus [bold]" in text
    assert "/out [/]" in text


def test_plan_table_of_a_plan_without_renamed_columns_says_none(tmp_path: Path, models: Path):
    write(tmp_path / "in" / "a.parquet", {"text": pa.array(["x"])})
    settings = JobSettings.model_validate(
        {
            "input": {"uri": str(tmp_path / "in")},
            "output": {"uri": str(tmp_path / "out")},
            "tasks": [{"type": "ner", "model": {"path": str(models / "ner")}}],
        }
    )
    assert "none" in shown(plan_table(make_plan(settings, Options())))
