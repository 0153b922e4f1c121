"""Records that do harm among many that do none: these alone are in quarantine."""

import sys
import time

import pytest

from tests.helpers.corpora import assert_complete, output_rows
from tests.helpers.whole_jobs import WholeJob

pytestmark = [pytest.mark.ray, pytest.mark.slow]

HARM = ("POISON-KILL", "POISON-RAISE", "POISON-EAT", "POISON-HANG")
REASONS = {
    "POISON-KILL": {"ProcessDied"},
    "POISON-RAISE": {"ZeroDivisionError"},
    "POISON-EAT": {"ProcessDied", "MemoryError"},
    "POISON-HANG": {"Timeout"},
}


@pytest.mark.long
def test_twenty_of_a_hundred_thousand_records_do_harm(tmp_path, models, capsys):
    """Each kind five times, spread over the corpus; beside the same corpus without them."""
    rows, every = 100_000, 5_000
    runtime = {
        "unit_rows": 2_000,
        "actors": 2,
        "unit_timeout": 15,
        "row_timeout": 15,
        "max_attempts": 1,
    }
    sound = WholeJob.over(tmp_path / "sound", models, rows, **runtime)
    harmed = WholeJob.over(tmp_path / "harmed", models, rows, **runtime)
    guilty = harmed.poison({number * every + 7: HARM[number % 4] for number in range(20)})

    seconds = []
    for job in (sound, harmed):
        start = time.monotonic()
        result = job.run(timeout=3600)
        seconds.append(time.monotonic() - start)
        assert result.returncode == 0, result.stderr
    assert_complete(str(harmed.output), harmed.ids, quarantined=list(guilty))
    for row in output_rows(str(harmed.output), "quarantine"):
        assert row["error_type"] in REASONS[guilty[row["record_id"]]]
    with capsys.disabled():  # a figure to be read: tests assert nothing of time
        sys.stdout.write(f"\nsound: {seconds[0]:.0f} s; 20 do harm: {seconds[1]:.0f} s\n")
