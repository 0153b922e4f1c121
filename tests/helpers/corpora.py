"""Small corpora, and what a finished output must be."""

import io
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from transformers import XmodForSequenceClassification, XmodForTokenClassification

from pipeline.config import JobSettings
from pipeline.output.verify import verify
from pipeline.storage import Store
from tests.helpers.checkpoints import SENTENCES, save_checkpoint

TAGS = ("en", "de_DE", "zh-Hans", "jpn", "th", "hi-Deva", None)


def make_corpus(rows: int, texts: Sequence[str | None] = ()) -> pa.Table:
    """``rows`` records in the languages of the tiny checkpoints, then one for each of ``texts``."""
    every = [
        f"{SENTENCES[row % len(SENTENCES)]} {row}." if row % 5 else SENTENCES[row % len(SENTENCES)]
        for row in range(rows)
    ]
    tags = [TAGS[row % len(TAGS)] for row in range(rows)]
    return pa.table(
        {
            "id": [f"r{row}" for row in range(rows + len(texts))],
            "text": pa.array([*every, *texts], pa.string()),
            "language": pa.array([*tags, *("en" for _ in texts)], pa.string()),
            "note": list(range(rows + len(texts))),
        }
    )


def write_local(table: pa.Table, folder: Path, files: int = 2) -> str:
    """``table`` in ``files`` Parquet files; returns the folder."""
    folder.mkdir(parents=True)
    step = -(-len(table) // files)
    for file in range(files):
        pq.write_table(table.slice(file * step, step), folder / f"{file}.parquet")
    return str(folder)


def write_s3(table: pa.Table, uri: str, files: int = 2) -> str:
    """``table`` in ``files`` Parquet files on S3; returns a glob that finds them."""
    step = -(-len(table) // files)
    for file in range(files):
        body = io.BytesIO()
        pq.write_table(table.slice(file * step, step), body)
        Store.open(uri).create(f"{file}.parquet", body.getvalue())
    return f"{uri}/*.parquet"


def make_settings(source: str, output: str, models: Path, **runtime: object) -> JobSettings:
    """A job with all three tasks over ``source``."""
    ner, topic = models / "ner", models / "topic"
    return JobSettings.model_validate(
        {
            "input": {"uri": source, "id_column": "id", "language_column": "language"},
            "output": {"uri": output},
            "language": {"fallback": "default", "fallback_language": "en_XX"},
            "tasks": [
                {"type": "ner", "model": {"path": str(ner)}},
                {"type": "classification", "name": "topic", "model": {"path": str(topic)}},
                {"type": "embeddings", "model": {"path": str(topic)}},
            ],
            "runtime": {"unit_rows": 16, "max_quarantined": 1, **runtime},
        }
    )


def save_models(folder: Path) -> Path:
    """A NER and a topic checkpoint below ``folder``."""
    save_checkpoint(folder / "ner", XmodForTokenClassification)
    save_checkpoint(folder / "topic", XmodForSequenceClassification, labels=("news", "sports"))
    return folder


def output_rows(output: str, folder: str = "data") -> list[dict[str, object]]:
    """All rows below ``folder`` of an output, sorted by their id."""
    store = Store.open(output)
    bodies = store.read_all(store.listing(folder)).values()
    rows = [row for body in bodies for row in pq.read_table(io.BytesIO(body)).to_pylist()]
    return sorted(rows, key=lambda row: str(row["record_id"]))


def assert_complete(output: str, ids: Sequence[str], quarantined: Sequence[str] = ()) -> None:
    """Every record is in the output exactly once, those of ``quarantined`` in quarantine."""
    annotated = [row["record_id"] for row in output_rows(output)]
    refused = [row["record_id"] for row in output_rows(output, "quarantine")]
    assert refused == sorted(quarantined)
    assert sorted(annotated + refused) == sorted(ids)
    assert verify(Store.open(output)).problems == ()
