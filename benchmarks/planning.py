"""Planning a corpus of many small files: seconds and memory, against the plain way to read footers.

All sides read the same real Parquet files, each in a fresh process, in turns. The files have just
been written and so are in the page cache: what is timed is the work, not the disk.
"""

import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from pathlib import Path
from typing import Annotated

import pyarrow as pa
import pyarrow.parquet as pq
import typer

from benchmarks import harness
from benchmarks.fresh import fresh, peak_megabytes

LABELS = {
    "plan": "the whole plan, as --dry-run makes it",
    "survey": "its footers alone",
    "plain": "footers the plain way: 32 threads, fsspec",
}
_A_FOLDER = 4000
"""Files, as writers that roll over leave them."""
_PATTERNS = 100
"""Files that differ; the others are copies of them."""
_ROWS, _GROUPS = 8, 2
_THREADS = 32


def main(
    files: Annotated[int, typer.Option(min=1, help="Files of the corpus.")] = 100_000,
    rounds: harness.RoundCount = 3,
    out: harness.Out = harness.RESULTS,
) -> None:
    """Make a corpus, plan it, print and write."""
    around = harness.surroundings(["fsspec"])
    found: dict[str, list[dict[str, float]]] = {side: [] for side in LABELS}
    with tempfile.TemporaryDirectory(prefix="planning-") as folder:
        corpus = Path(folder, "corpus")
        harness.note(f"Writing {files:,} files below {folder}")
        small_files(corpus, files)
        footer = pq.read_metadata(next(corpus.rglob("*.parquet"))).serialized_size
        for side in harness.turns(LABELS, rounds):
            found[side].append(fresh("benchmarks.planning:measure", side, corpus))
            harness.note(f"{side}: {found[side][-1]['seconds']:.1f} s")
    seconds = {side: [one["seconds"] for one in own] for side, own in found.items()}
    times = harness.Rounds(seconds, {side: files for side in LABELS})
    memory = {
        side: harness.Spread.of(one["megabytes"] for one in own) for side, own in found.items()
    }
    rows = [
        (label, f"{times.spread(side):.1f}", f"{times.rate(side):,.0f}", f"{memory[side]:,.0f}")
        for side, label in LABELS.items()
    ]
    harness.Record(
        title="Planning",
        about=(
            f"{files:,} Parquet files of {_ROWS} records, 7 columns and {_GROUPS} row groups on a "
            f"local disk; a footer has {footer:,} bytes. The plan lists the files, reads all "
            "footers, checks their schemas, cuts units and names each; the plain way lists and "
            "reads footers, and does nothing else."
        ),
        surroundings=around,
        figures=[
            harness.Figure(f"to plan {files:,} files", times.spread("plan"), "s", 1),
            harness.Figure("most memory while planning", memory["plan"], "MB", 0),
            harness.Figure("footers, over the plain way", times.ratio("survey", over="plain")),
        ],
        sheets=[harness.Sheet("Sides", ("side", "s", "files/s", "MB at most"), rows)],
        samples=found,
    ).keep(out, "planning")


def small_files(folder: Path, files: int) -> None:
    """``files`` Parquet files in folders of a few thousand."""
    bodies = cycle([_body(number) for number in range(min(_PATTERNS, files))])
    for number, body in enumerate(islice(bodies, files)):
        path = folder / f"{number // _A_FOLDER:03}" / f"{number:06}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)


def measure(side: str, corpus: str) -> dict[str, float]:
    """Seconds without imports, most megabytes and files found; to be run in a fresh process."""
    work = _SIDES[side](corpus)
    start = time.perf_counter()
    files = work()
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "megabytes": peak_megabytes(), "files": files}


def _whole_plan(corpus: str) -> Callable[[], int]:
    from pipeline.config import JobSettings, load
    from pipeline.planning.plan import Options, make_plan

    overrides = [f"input.uri={corpus}", f"output.uri={corpus}-annotated"]
    config = Path("configs/ner.yaml")
    return lambda: len(make_plan(load(config, overrides, JobSettings), Options()).open_units)


def _survey(corpus: str) -> Callable[[], int]:
    from pipeline.config import InputSettings
    from pipeline.corpus.survey import survey_corpus

    settings = InputSettings(uri=corpus, id_column="doc_id", language_column="language")
    return lambda: len(survey_corpus(settings, allow_bad_files=False).files)


def _plain(corpus: str) -> Callable[[], int]:
    """A file a task, as one does it with pyarrow and fsspec."""
    import fsspec

    files = fsspec.filesystem("file")

    def footer(path: str) -> tuple[object, ...]:
        with files.open(path, "rb", block_size=1 << 20, cache_type="readahead") as file:
            parquet = pq.ParquetFile(file)
            metadata = parquet.metadata
            groups = [metadata.row_group(group) for group in range(metadata.num_row_groups)]
            unfolded = sum(group.total_byte_size for group in groups)
            return files.info(path), metadata.num_rows, unfolded, parquet.schema_arrow

    def footers() -> int:
        with ThreadPoolExecutor(_THREADS) as readers:
            return len(list(readers.map(footer, sorted(files.find(corpus)))))

    return footers


_SIDES = {"plan": _whole_plan, "survey": _survey, "plain": _plain}


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


if __name__ == "__main__":
    typer.run(main)
