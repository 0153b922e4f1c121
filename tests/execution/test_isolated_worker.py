"""Records that kill the process they are in, while their unit is prepared or by the model."""

import logging

import pytest

from pipeline.execution.run import annotate_corpus, lock_output
from pipeline.planning.plan import Options, make_plan
from tests.helpers.corpora import (
    assert_complete,
    make_corpus,
    make_settings,
    output_rows,
    write_local,
)

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.usefixtures("ray_cluster")]


@pytest.mark.parametrize(
    ("harmful", "in_pieces"),
    [
        ("POISON-KILL", False),
        pytest.param("POISON-EARLY-KILL", True, marks=pytest.mark.long),
    ],
)
def test_record_that_kills_its_process_is_quarantined_alone(
    tmp_path, models, caplog, harmful: str, in_pieces: bool
):
    """A unit that can be prepared stays prepared; one that cannot is prepared piece by piece."""
    corpus = make_corpus(7, [harmful])
    source, output = write_local(corpus, tmp_path / "in", files=1), str(tmp_path / "out")
    plan = make_plan(make_settings(source, output, models, max_attempts=1), Options())
    lock_output(plan)

    with caplog.at_level(logging.WARNING):
        annotate_corpus(plan)

    (row,) = output_rows(output, "quarantine")
    assert row["error_type"] == "ProcessDied"
    assert_complete(output, corpus["id"].to_pylist(), quarantined=[row["record_id"]])
    assert row["row"] == 7
    assert ("is prepared in pieces" in caplog.text) == in_pieces


def test_whatever_a_library_raises_costs_its_record_alone(tmp_path, models):
    """One that cannot be sent from process to process, one that exits, panics or interrupts."""
    harm = {
        "POISON-MUTE": "MuteError",
        "POISON-EXIT": "SystemExit",
        "POISON-PANIC": "Panic",
        "POISON-INTERRUPT": "KeyboardInterrupt",
    }
    corpus = make_corpus(7, [*harm])
    source, output = write_local(corpus, tmp_path / "in", files=1), str(tmp_path / "out")
    plan = make_plan(make_settings(source, output, models, max_attempts=1), Options())
    lock_output(plan)

    annotate_corpus(plan)

    rows = {row["record_id"]: row["error_type"] for row in output_rows(output, "quarantine")}
    assert rows == {f"r{7 + place}": name for place, name in enumerate(harm.values())}
    assert_complete(output, corpus["id"].to_pylist(), quarantined=list(rows))
