"""Damaged Parquet files through plan and read: an InputError or a block, and nothing else.

The files are made in this process and read in another: where pyarrow crashes, a test fails instead
of the session.
"""

import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from tests.helpers.parquet_files import write

MUTATIONS = [pytest.param(110, 1), pytest.param(1000, 2, marks=pytest.mark.long)]
"""How many damaged files for each kind of damage, and from which seed."""

READER = """
import sys, traceback
from pathlib import Path
from tests.helpers.parquet_files import read_file, units_of
from pipeline.errors import InputError
from pipeline.corpus.survey import survey_corpus
from pipeline.config import InputSettings

for path in sorted(Path(sys.argv[1]).iterdir()):
    print(path.name, end=" ", flush=True)
    try:
        read_file(path, unit_bytes=1 << 16, id_column="id", language_column="language")
        print("read")
    except InputError:
        print("refused")
    except BaseException:
        print("failed", traceback.format_exc().replace("\\n", "|"))
"""

Damage = Callable[[random.Random, bytes], bytes]


def flip_bits(chance: random.Random, whole: bytes) -> bytes:
    damaged = bytearray(whole)
    for _ in range(chance.randint(1, 8)):
        damaged[chance.randrange(4, len(whole) - 8)] ^= 1 << chance.randrange(8)
    return bytes(damaged)


def cut_off(chance: random.Random, whole: bytes) -> bytes:
    return whole[: chance.randrange(len(whole))]


def damage_footer(chance: random.Random, whole: bytes) -> bytes:
    damaged = bytearray(whole)
    start = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
    for _ in range(chance.randint(1, 4)):
        damaged[chance.randrange(start, len(whole) - 4)] = chance.randrange(256)
    return bytes(damaged)


def damage_pages(chance: random.Random, whole: bytes) -> bytes:
    damaged = bytearray(whole)
    end = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
    for _ in range(chance.randint(1, 4)):
        damaged[chance.randrange(4, end)] = chance.randrange(256)
    return bytes(damaged)


def move_bytes(chance: random.Random, whole: bytes) -> bytes:
    start, length = chance.randrange(4, len(whole) - 40), chance.randint(1, 32)
    if chance.random() < 0.5:
        return whole[:start] + whole[start + length :]
    return whole[:start] + chance.randbytes(length) + whole[start:]


@pytest.fixture(scope="module")
def valid(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    table = pa.table(
        {
            "id": list(range(60)),
            "text": [f"record {row} Zürich 北京" for row in range(60)],
            "language": pa.array(["de", "zh", None] * 20).dictionary_encode(),
            "tags": pa.array([["a", "b"], [], None] * 20),
        }
    )
    path = tmp_path_factory.mktemp("valid") / "a.parquet"
    return write(path, table, row_group_size=25, compression="zstd").read_bytes()


@pytest.mark.parametrize(("mutations", "seed"), MUTATIONS)
@pytest.mark.parametrize("damage", [flip_bits, cut_off, damage_footer, damage_pages, move_bytes])
def test_damaged_file_is_read_or_refused(
    tmp_path: Path, valid: bytes, damage: Damage, mutations: int, seed: int
):
    chance = random.Random(f"{damage.__name__} {seed}")
    for number in range(mutations):
        (tmp_path / f"{number:04}.parquet").write_bytes(damage(chance, valid))
    ended = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.append({TESTS!r}){READER}", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    lines = [line.split(" ", 2) for line in ended.stdout.splitlines()]
    assert ended.returncode == 0, f"crashed at {lines[-1]}: {ended.stderr[-2000:]}"
    assert [line for line in lines if line[1] not in ("read", "refused")] == []
    assert len(lines) == mutations
    assert "refused" in {line[1] for line in lines}


TESTS = str(Path(__file__).parents[2])
