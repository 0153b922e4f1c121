"""Training data: what is read, and what is refused before a value is touched."""

import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.errors import InputError
from pipeline.training.corpus import (
    capped,
    code_of,
    of_languages,
    read_corpus,
    read_labelled,
    with_codes,
    with_drawn_dev,
)
from pipeline.training.data_settings import UNDRAWN, Assumed, DataFile

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


def test_read_labelled_says_what_the_data_do_not(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(
        pa.table({"text": ["a", "b"], "label": ["x", "y"], "language": ["en", None]}), path
    )
    table = read_labelled(path, ("text", "label"), (), Assumed("de_DE", "train"))
    assert table["language"].to_pylist() == ["en", "de_DE"]
    assert table["split"].to_pylist() == ["train", "train"]
    with pytest.raises(InputError, match=r"1 rows of .* have no language\. Set language in"):
        read_labelled(path, ("text", "label"), (), Assumed(None, "train"))


def test_read_labelled_parquet_in_a_list_has_the_files_language_and_split(tmp_path):
    for name in ("one", "two"):
        pq.write_table(pa.table({"text": [name], "label": [name]}), tmp_path / f"{name}.parquet")
    files = [
        DataFile(path=tmp_path / "one.parquet", language="de_DE", split="train"),
        DataFile(path=tmp_path / "two.parquet", split="dev"),
    ]
    rows = read_labelled(files, ("text", "label"), (), Assumed("fr_XX")).to_pylist()
    assert [(row["text"], row["language"], row["split"]) for row in rows] == [
        ("one", "de_DE", "train"),
        ("two", "fr_XX", "dev"),
    ]


def test_read_labelled_takes_other_names_of_splits(tmp_path):
    splits = ["train", "validation", "val", "testing", "holdout"]
    table = pa.table({"text": splits, "language": ["de"] * 5, "split": splits})
    pq.write_table(table, tmp_path / "a.parquet")
    found = read_labelled(tmp_path / "a.parquet", ("text",))["split"].to_pylist()
    assert found == ["train", "dev", "dev", "test", "holdout"]


def test_with_drawn_dev_takes_a_share_of_each_language_and_leaves_the_rest():
    table = pa.table(
        {
            "language": ["a"] * 20 + ["b"] * 3 + ["c"] * 2,
            "split": [UNDRAWN] * 23 + ["train", "dev"],
        }
    )
    drawn = with_drawn_dev(table, 0.1, seed=1)
    splits = drawn["split"].to_pylist()
    assert (splits[:20].count("dev"), splits[20:23].count("dev")) == (2, 1)
    assert splits[:23].count("train") == 20
    assert splits[23:] == ["train", "dev"]
    assert with_drawn_dev(table, 0.1, seed=1).equals(drawn)


def test_with_codes_reads_tags_as_annotating_does():
    known = ("en_XX", "de_DE", "zh_CN", "zh_TW")
    tags = ["de", "deu", "German", "zh", "zh", "en_XX", "fr", None]
    texts = ["", "", "", "国家经济发展", "國家經濟發展", "", "", ""]
    table = pa.table({"language": tags, "text": texts})
    expected = ["de_DE", "de_DE", "de_DE", "zh_CN", "zh_TW", "en_XX", "fr", None]
    assert with_codes(table, known)["language"].to_pylist() == expected


def test_with_codes_of_translations_and_of_words():
    known = ("en_XX", "zh_CN", "zh_TW")
    table = pa.table(
        {
            "tokens": [["國", "家", "經濟"]],
            "language": ["zh"],
            "translation": ["the country"],
            "translation_language": ["en"],
        }
    )
    (row,) = with_codes(table, known).to_pylist()
    assert (row["language"], row["translation_language"]) == ("zh_TW", "en_XX")
    assert code_of("en", known) == "en_XX"
    assert code_of("fr", known) == "fr"
