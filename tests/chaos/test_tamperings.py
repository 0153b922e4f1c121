"""A hundred outputs, each tampered with in a way drawn by its seed: verify finds every one."""

import io
import json
import random
from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from pipeline.output.verify import verify
from tests.chaos.test_crash_matrix import run
from tests.helpers.faulty_store import FaultyStore

Files = dict[str, bytes]
Tampering = Callable[[random.Random, Files], None]


def one_of(chance: random.Random, files: Files, folder: str) -> str:
    return chance.choice(sorted(path for path in files if path.startswith(f"{folder}/")))


def part_deleted(chance: random.Random, files: Files) -> None:
    del files[one_of(chance, files, chance.choice(["data", "quarantine"]))]


def part_doubled(chance: random.Random, files: Files) -> None:
    path = one_of(chance, files, "data")
    files[path.replace("part-", f"part-{chance.getrandbits(64):x}")] = files[path]


def parts_swapped(_: random.Random, files: Files) -> None:
    first, second = sorted(path for path in files if path.startswith("data/"))
    files[first], files[second] = files[second], files[first]


def part_truncated(chance: random.Random, files: Files) -> None:
    path = one_of(chance, files, chance.choice(["data", "quarantine"]))
    files[path] = files[path][: chance.randrange(len(files[path]))]


def byte_changed(chance: random.Random, files: Files) -> None:
    path = one_of(chance, files, chance.choice(["data", "quarantine"]))
    body = bytearray(files[path])
    body[chance.randrange(len(body))] ^= chance.randrange(1, 256)
    files[path] = bytes(body)


def value_edited(chance: random.Random, files: Files) -> None:
    """Valid Parquet with the footer that was there, and one row less, more, or another."""
    path = one_of(chance, files, "data")
    table = pq.read_table(io.BytesIO(files[path]))
    row = chance.randrange(table.num_rows)
    changed = chance.choice(
        [
            table.slice(0, table.num_rows - 1),
            pa.concat_tables([table, table.slice(row, 1)]),
            table.set_column(
                table.schema.get_field_index("n_tokens"),
                table.schema.field("n_tokens"),
                pc.add(table["n_tokens"], pa.scalar(1, pa.int32())),
            ),
        ]
    )
    sink = io.BytesIO()
    pq.write_table(changed.replace_schema_metadata(table.schema.metadata), sink)
    files[path] = sink.getvalue()


def commit_record_removed(chance: random.Random, files: Files) -> None:
    del files[one_of(chance, files, "_commit")]


def commit_record_edited(chance: random.Random, files: Files) -> None:
    path = one_of(chance, files, "_commit")
    record = json.loads(files[path])
    name = chance.choice(["rows_in", "rows_out", "rows_quarantined", "unit_id", "fingerprint"])
    record[name] = record[name] + 1 if isinstance(record[name], int) else record[name][::-1] + "x"
    files[path] = json.dumps(record).encode()


def commit_record_renamed(chance: random.Random, files: Files) -> None:
    path = one_of(chance, files, "_commit")
    files[f"_commit/{chance.getrandbits(256):064x}.json"] = files.pop(path)


def manifest_edited(chance: random.Random, files: Files) -> None:
    manifest = json.loads(files["_manifest.json"])
    name = chance.choice(["rows_in", "rows_out", "rows_quarantined", "fingerprint", "units"])
    value = manifest[name]
    manifest[name] = (
        value + 1 if isinstance(value, int) else value[1:] if isinstance(value, list) else "0" * 64
    )
    files["_manifest.json"] = json.dumps(manifest).encode()


def foreign_part_added(chance: random.Random, files: Files) -> None:
    sink = io.BytesIO()
    pq.write_table(pa.table({"record_id": ["x"]}), sink)
    folder = chance.choice(["data", "quarantine"])
    files[f"{folder}/part-{chance.getrandbits(256):064x}.parquet"] = sink.getvalue()


TAMPERINGS: tuple[Tampering, ...] = (
    part_deleted,
    part_doubled,
    parts_swapped,
    part_truncated,
    byte_changed,
    value_edited,
    commit_record_removed,
    commit_record_edited,
    commit_record_renamed,
    manifest_edited,
    foreign_part_added,
)


@pytest.fixture(scope="module")
def output() -> Files:
    """A complete output of two units, one of which has records in quarantine."""
    files: Files = {}
    run(FaultyStore(files=files), "f" * 64)
    assert verify(FaultyStore(files=files)).problems == ()
    return files


@pytest.mark.parametrize("seed", range(100))
def test_verify_finds_each_of_a_hundred_tamperings(output: Files, seed: int):
    files, chance = dict(output), random.Random(seed)
    TAMPERINGS[seed % len(TAMPERINGS)](chance, files)
    assert files != output
    assert verify(FaultyStore(files=files)).problems
