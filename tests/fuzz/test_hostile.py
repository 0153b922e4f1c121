"""A corpus of files that would run code in whoever trusts them: nothing runs.

The files are made without Ray and read in a process that has imported ``ray.data``, which registers
types whose values are pickles.
"""

import itertools
import pickle
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from tests.helpers.parquet_files import foreign, write

READER = """
import sys, traceback
from pathlib import Path
import ray.data
from tests.helpers.parquet_files import read_file, units_of
from pipeline.errors import InputError

for path in sorted(Path(sys.argv[1]).glob("*.parquet")):
    try:
        read_file(path)
        print(path.stem, "kept")
    except InputError as error:
        print(path.stem, "refused", str(error).replace("\\n", " "))
    except BaseException:
        print(path.stem, "failed", traceback.format_exc().replace("\\n", "|"))
    try:
        block = read_file(path, keep_columns=["text"])
        assert block["_text"].to_pylist() == ["a"], block
        print(path.stem, "left")
    except InputError:  # a registered type that fails at its metadata lets nobody open the file
        print(path.stem, "closed")
    except BaseException:
        print(path.stem, "failed", traceback.format_exc().replace("\\n", "|"))
"""
TESTS = str(Path(__file__).parents[2])
NAMES = (
    "ray.data.arrow_pickled_object",
    "ray.data.arrow_tensor_v2",
    "ray.data.arrow_variable_shaped_tensor",
    "arrow.py_extension_type",
    "nobody.knows",
)


class Payload:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return open, (str(self.path), "w")


def _offsets() -> pa.Array:
    return pa.array([0, 1], pa.int32())


NESTINGS = {
    "top": lambda values: values,
    "list": lambda values: pa.ListArray.from_arrays(_offsets(), values),
    "large list": lambda values: pa.LargeListArray.from_arrays(pa.array([0, 1]), values),
    "struct": lambda values: pa.StructArray.from_arrays([values], ["inner"]),
    "map": lambda values: pa.MapArray.from_arrays(_offsets(), pa.array(["k"]), values),
    "list of structs": lambda values: pa.ListArray.from_arrays(
        _offsets(), pa.StructArray.from_arrays([values], ["inner"])
    ),
}


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """A file for each name and nesting; the payload is in the values and in the type's metadata."""
    for number, (name, nesting) in enumerate(itertools.product(NAMES, NESTINGS)):
        payload = pickle.dumps(Payload(tmp_path / "ran"))
        column = foreign(pa.array([payload], pa.binary()), name, payload)
        columns = {"text": pa.array(["a"]), "x": NESTINGS[nesting](column)}
        write(tmp_path / f"{number:02}.parquet", columns)
    return tmp_path


def test_corpus_of_payloads_executes_nothing(corpus: Path):
    pytest.importorskip("ray")
    code = f"import sys; sys.path.append({TESTS!r}){READER}"
    ended = subprocess.run(
        [sys.executable, "-c", code, str(corpus)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    assert not (corpus / "ran").exists()
    lines = [line.split(" ", 2) for line in ended.stdout.splitlines() if line[:2].isdigit()]
    outcomes = [line[1] for line in lines]
    assert [line for line in lines if line[1] == "failed"] == []
    assert outcomes.count("refused") == len(NAMES) * len(NESTINGS) >= 20


def test_the_payload_would_run(tmp_path: Path):
    """What the corpus holds is no blank: unpickled, it does what it says."""
    pickle.loads(pickle.dumps(Payload(tmp_path / "ran"))).close()
    assert (tmp_path / "ran").exists()
