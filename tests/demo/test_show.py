"""What the demo shows of ids and texts that steer a terminal, or that rich takes for markup."""

import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from demo import show
from pipeline.contract import schema
from pipeline.reporting.console import Console

HOSTILE = "news[/]1 \x1b[2J\u202e\x9b"
SHOWN = r"news[/]1 \x1b[2J\u202e\x9b"
TEXT = f"{HOSTILE} is thirty characters long and more"


def output_at(folder: Path) -> Path:
    """An output of one record, and one in quarantine."""
    entity = {"label": "[b]", "text": HOSTILE, "start": 0, "end": len(HOSTILE), "score": 0.9}
    record = {
        "record_id": [HOSTILE],
        "xmod_language": ["de_DE"],
        "topic_label": [HOSTILE],
        "topic_score": [0.5],
        "text": [TEXT],
        "entities": pa.array([[entity]], pa.list_(schema.ENTITY)),
    }
    lost = {name: [HOSTILE] for name in ("record_id", "stage", "error_type", "message")}
    for name, columns in (("data", record), ("quarantine", lost)):
        (folder / name).mkdir(parents=True)
        pq.write_table(pa.table(columns), folder / name / "part-0.parquet")
    return folder


def test_show_escapes_control_characters_and_reads_no_markup(tmp_path, monkeypatch):
    shown = io.StringIO()
    monkeypatch.setattr(show, "Console", lambda: Console(file=shown, width=300))
    show.main(output_at(tmp_path / "it's [/] out\x1b"))
    assert shown.getvalue().count(SHOWN) >= 5
    assert not set("\x1b\u202e\x9b") & set(shown.getvalue())
