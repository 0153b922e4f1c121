"""Training data: what is read, and what is refused before a value is touched."""

import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.errors import InputError
from pipeline.training.corpus import capped, of_languages, read_corpus, read_labelled

HOSTILE = """
import sys
from pathlib import Path
import ray.data
import pyarrow as pa, pyarrow.parquet as pq
from ray.data._internal.object_extensions.arrow import ArrowPythonObjectArray

class Payload:
    def __reduce__(self):
        return open, (sys.argv[2], "w")

column = ArrowPythonObjectArray.from_objects([Payload()])
pq.write_table(pa.table({"text": ["a"], "label": column}), sys.argv[1])

from pipeline.errors import InputError
from pipeline.training.corpus import read_corpus
try:
    read_corpus(Path(sys.argv[1]), ("text", "label")).to_pylist()
except InputError as error:
    assert "the extension type 'ray.data.arrow_pickled_object'" in str(error), error
    sys.exit(7)
"""


def test_read_corpus_pickle_of_ray_data_is_refused_and_never_loaded(tmp_path):
    """The training commands import ray.data, with which reading such a column runs code."""
    files = [str(tmp_path / "hostile.parquet"), str(tmp_path / "ran")]
    ended = subprocess.run(
        [sys.executable, "-c", HOSTILE, *files], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 7, ended.stderr
    assert not (tmp_path / "ran").exists()


def test_read_corpus_optional_columns_are_read_where_they_are(tmp_path):
    pq.write_table(pa.table({"text": ["a"], "question": ["b"], "x": [1]}), tmp_path / "a.parquet")
    table = read_corpus(tmp_path / "a.parquet", ("text",), ("question", "other"))
    assert table.column_names == ["text", "question"]


def test_read_labelled_needs_language_and_split(tmp_path):
    pq.write_table(pa.table({"text": ["a"], "language": ["de_DE"]}), tmp_path / "a.parquet")
    with pytest.raises(InputError, match=r"lacks the columns \['split'\]"):
        read_labelled(tmp_path / "a.parquet", ("text",))


def test_read_corpus_that_is_no_parquet_is_an_input_error(tmp_path):
    (tmp_path / "a.parquet").write_text("text\n")
    with pytest.raises(InputError, match="is no Parquet"):
        read_corpus(tmp_path / "a.parquet", ("text",))


def test_of_languages_names_those_without_rows(tmp_path):
    table = pa.table({"language": ["de_DE", "en_XX", "de_DE"]})
    with pytest.raises(InputError, match=r"no rows in \['fr_XX'\]"):
        of_languages(table, ["de_DE", "fr_XX"], tmp_path)
    assert of_languages(table, ["de_DE"], tmp_path).num_rows == 2


def test_capped_takes_rows_of_each_language_in_their_order():
    table = pa.table({"language": ["a"] * 9 + ["b"] * 2, "n": list(range(11))})
    taken = capped(table, 3, seed=1)
    assert taken["language"].to_pylist() == ["a"] * 3 + ["b"] * 2
    assert taken["n"].to_pylist() == sorted(taken["n"].to_pylist())
    assert capped(table, 3, seed=1).equals(taken)
    assert capped(table.slice(0, 0), 3, seed=1).num_rows == 0
