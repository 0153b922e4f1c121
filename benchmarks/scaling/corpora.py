"""Corpora to plan and to annotate.

Enters: a folder and how much to put there. Leaves: Parquet files. What holds: a corpus of ten times
the copies has ten times the records of each text, so that nothing but their number differs.
"""

from itertools import cycle, islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

DEMO = Path("demo/corpus")
DEMO_FILES = ("asia.parquet", "europe.parquet")
DEMO_RECORDS = 368
"""In those files."""

_A_FOLDER = 4000
"""Files, as writers that roll over leave them."""
_PATTERNS = 100
"""Files that differ; the others are copies of them."""
_ROWS, _GROUPS = 8, 2


def small_files(folder: Path, files: int) -> None:
    """``files`` Parquet files of 8 records in two row groups, in folders of a few thousand."""
    bodies = cycle([_body(number) for number in range(min(_PATTERNS, files))])
    for number, body in enumerate(islice(bodies, files)):
        path = folder / f"{number // _A_FOLDER:03}" / f"{number:06}.parquet"
        if number % _A_FOLDER == 0:
            path.parent.mkdir(parents=True)
        path.write_bytes(body)


def demo_copies(folder: Path, copies: int) -> None:
    """One file with the demo corpus ``copies`` times, each record with an id of its own."""
    once = pa.concat_tables([pq.read_table(DEMO / name) for name in DEMO_FILES])
    whole = pa.concat_tables([once] * copies)
    ids = pa.array([f"r{number}" for number in range(whole.num_rows)])
    place = whole.schema.get_field_index("doc_id")
    folder.mkdir(parents=True)
    pq.write_table(whole.set_column(place, "doc_id", ids), folder / "corpus.parquet")


def _body(number: int) -> bytes:
    rows = range(number * _ROWS, (number + 1) * _ROWS)
    table = pa.table(
        {
            "doc_id": [f"document {row}" for row in rows],
            "url": [f"https://example.org/{row}" for row in rows],
            "text": [f"Ada Lovelace met Charles Babbage in London, {row}." for row in rows],
            "language": ["en" for _ in rows],
            "words": [7 + row % 3 for row in rows],
            "score": [row / (row + 1) for row in rows],
            "tags": [["history", "science"][: row % 3] for row in rows],
        }
    )
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, row_group_size=_ROWS // _GROUPS)
    return bytes(sink.getvalue())
