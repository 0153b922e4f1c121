"""Build the sample corpus: the records written in ``corpus/source/*.jsonl`` → Parquet files.

    python demo/build_corpus.py [--output demo/corpus]

Enters: one JSON object a line. Leaves: ``europe.parquet``, ``asia.parquet``, ``hostile.parquet``.
What holds: the same source gives the same records in the same order.
"""

import json
from pathlib import Path
from typing import Annotated

import pyarrow as pa
import pyarrow.parquet as pq
import typer

SOURCE = Path(__file__).parent / "corpus" / "source"

SCHEMA = pa.schema(
    [
        pa.field("doc_id", pa.string()),
        pa.field("published", pa.date32()),
        pa.field("outlet", pa.string()),
        pa.field("language", pa.string()),
        pa.field("text", pa.string()),
    ]
)

FILES = {
    "europe": ("en", "de", "es", "pt", "sv", "fi", "hr", "ru"),
    "asia": ("tr", "ar", "id", "hi", "bn", "zh", "ja", "ko"),
    "hostile": ("hostile",),
}


def read_records(names: tuple[str, ...]) -> pa.Table:
    """The records of the source files ``names``, in that order."""
    lines = [line for name in names for line in _lines(SOURCE / f"{name}.jsonl")]
    published = pa.array([line["published"] for line in lines]).cast(pa.date32())
    columns = [published if name == "published" else _column(lines, name) for name in SCHEMA.names]
    return pa.Table.from_arrays(columns, schema=SCHEMA)


def main(output: Annotated[Path, typer.Option()] = SOURCE.parent) -> None:
    """Write the Parquet files of the sample corpus to the folder ``output``."""
    output.mkdir(parents=True, exist_ok=True)
    for file, names in FILES.items():
        pq.write_table(read_records(names), output / f"{file}.parquet", compression="zstd")


def _lines(path: Path) -> list[dict[str, str | None]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _column(lines: list[dict[str, str | None]], name: str) -> pa.Array:
    return pa.array([line[name] for line in lines], pa.string())


if __name__ == "__main__":
    typer.run(main)
