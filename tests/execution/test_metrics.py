"""What Prometheus reads of a run from a real head, and the dashboard that asks for it."""

import json
import re
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from pipeline.contract.schema import STAGES
from pipeline.output.commit import CommitRecord, LanguageCounts
from pipeline.stages.measures import MicroBatches, StageSeconds
from tests.helpers.heads import Head, ray_head

ROOT = Path(__file__).parents[2]
DASHBOARD = ROOT / "infra" / "grafana" / "annotation.json"
NAME = re.compile(r"ray_xmod_\w+")
LABELS = ("language", "stage", "reason")
REPORTED_WITHIN = 90

COUNTS = """
import sys, ray
from pipeline.output.commit import CommitRecord
from pipeline.execution.metrics import Metrics

ray.init(log_to_driver=False)
metrics = Metrics("0123456789abcdef", 30)
for line in sys.stdin:
    metrics.count(CommitRecord.model_validate_json(line))
    print("counted", flush=True)
"""


def commit_record(name: str, reasons: dict[str, int]) -> CommitRecord:
    """Of ten records, with some in quarantine."""
    lost = sum(reasons.values())
    file = {"path": "data/a", "bytes": 1, "sha256": "0"}
    source = {"uri": "file:///a", "size": 1, "content": "c"}
    return CommitRecord.model_validate(
        {
            "unit_id": name,
            "unit": {"source": source, "start": 0, "stop": 10},
            "fingerprint": "f",
            "schema_version": 1,
            "rows_in": 10,
            "rows_out": 10 - lost,
            "rows_quarantined": lost,
            "part": file,
            "quarantine": None,
            "counts": {
                f"de-x-{name}": LanguageCounts(records=10 - lost, tokens=70, entities=3),
                "und": LanguageCounts(quarantined=lost),
            },
            "adapters": {"de_DE": LanguageCounts(records=10 - lost, tokens=70, entities=3)},
            "reasons": reasons,
            "stages": {stage: StageSeconds(wall=2, cpu=0.5, waited=2) for stage in STAGES},
            "batches": MicroBatches(number=2, tokens=90, room=200),
        }
    )


def samples(head: Head) -> dict[tuple[str, str], float]:
    """The values of our metrics, by name and by the label beside the run's."""
    with urllib.request.urlopen(f"http://127.0.0.1:{head.metrics}/metrics") as answer:
        families = list(text_string_to_metric_families(answer.read().decode()))
    return {
        (sample.name, "".join(sample.labels.get(label, "") for label in LABELS)): sample.value
        for family in families
        for sample in family.samples
        if NAME.match(sample.name) and sample.labels["run"] == "0123456789ab"
    }


def seen_once(head: Head, expected: dict[tuple[str, str], float]) -> dict[tuple[str, str], float]:
    """The samples once the ``expected`` ones are among them; Ray reports every ten seconds."""
    deadline = time.monotonic() + REPORTED_WITHIN
    found = samples(head)
    while not expected.items() <= found.items() and time.monotonic() < deadline:
        time.sleep(1)
        found = samples(head)
    return found


@pytest.mark.ray
@pytest.mark.slow
def test_metrics_of_two_units_add_up_and_the_dashboard_asks_for_no_others(tmp_path):
    # Two seconds are in the middle of a bucket: Ray takes that for each value of its sums.
    records = [commit_record("a", {}), commit_record("b", {"Timeout": 1, "NullText": 2})]
    expected = {
        ("ray_xmod_records_total", "de_DE"): 17.0,
        ("ray_xmod_tokens_total", "de_DE"): 140.0,
        ("ray_xmod_entities_total", "de_DE"): 6.0,
        ("ray_xmod_quarantined_total", "Timeout"): 1.0,
        ("ray_xmod_quarantined_total", "NullText"): 2.0,
        ("ray_xmod_units_total", ""): 2.0,
        ("ray_xmod_records_left", ""): 10.0,
        **{("ray_xmod_stage_cpu_seconds_total", stage): 1.0 for stage in STAGES},
        **{("ray_xmod_stage_seconds_sum", stage): 4.0 for stage in STAGES},
        **{("ray_xmod_stage_seconds_count", stage): 2.0 for stage in STAGES},
        **{("ray_xmod_queue_seconds_sum", stage): 4.0 for stage in STAGES},
        **{("ray_xmod_queue_seconds_count", stage): 2.0 for stage in STAGES},
        ("ray_xmod_micro_batches_total", ""): 4.0,
        ("ray_xmod_micro_batch_tokens_total", ""): 180.0,
        ("ray_xmod_micro_batch_room_total", ""): 400.0,
    }
    with ray_head(tmp_path) as head:
        run = subprocess.Popen(
            [sys.executable, "-c", COUNTS],
            env={**head.environment, "RAY_ADDRESS": f"127.0.0.1:{head.port}"},
            cwd=ROOT,
            stdin=subprocess.PIPE,
            text=True,
        )
        with run:
            assert run.stdin
            run.stdin.write("".join(f"{record.model_dump_json()}\n" for record in records))
            run.stdin.flush()
            found = seen_once(head, expected)
    assert expected.items() <= found.items(), found
    asked = set(NAME.findall(json.dumps(json.loads(DASHBOARD.read_text()))))
    assert asked <= {name for name, _ in found}
    assert asked, "the dashboard asks for nothing"
