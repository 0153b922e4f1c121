"""Tables in files: what is read of each kind, and what is refused before a value is touched."""

import gzip
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.errors import InputError
from pipeline.training.table_files import read_corpus
from tests.helpers.saved_datasets import save_to_disk

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
from pipeline.training.table_files import read_corpus
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


def test_read_corpus_that_is_no_parquet_is_an_input_error(tmp_path):
    (tmp_path / "a.parquet").write_text("text\n")
    with pytest.raises(InputError, match="is no Parquet"):
        read_corpus(tmp_path / "a.parquet", ("text",))


def written(path, text):
    path.write_text(text, encoding="utf-8")
    return path


CONTENT = {
    "csv": 'text,label,n\n"Nein, ""sagt"" er\nlaut",01,1\n,NA,2\nx,,3\n',
    "tsv": 'text\tlabel\n"Nein", sagt er\t01\n\tNA\nx\t\n',
    "jsonl": '{"text": "Nein", "label": "01"}\n{"label": "NA", "n": []}\n{"text": "x"}\n',
}
TEXTS = {"csv": 'Nein, "sagt" er\nlaut', "tsv": '"Nein", sagt er', "jsonl": "Nein"}


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gz"])
@pytest.mark.parametrize("kind", CONTENT)
def test_read_corpus_of_each_ending(tmp_path, kind, packed):
    """Nothing but an empty cell, or a key that is not there, is null."""
    content = CONTENT[kind].encode()
    path = tmp_path / f"a.{kind}{'.gz' * packed}"
    path.write_bytes(gzip.compress(content) if packed else content)
    table = read_corpus(path, ("label", "text"))
    assert table["text"].to_pylist() == [TEXTS[kind], None, "x"]
    assert table["label"].to_pylist() == ["01", "NA", None]


@pytest.mark.parametrize(
    ("values", "expected"),
    [("0 1", ["0", "1"]), ("true false", ["true", "false"]), ('"a" null', ["a", None])],
)
def test_read_corpus_labels_of_json_are_strings(tmp_path, values, expected):
    lines = [f'{{"text": "a", "label": {value}}}' for value in values.split()]
    path = written(tmp_path / "a.jsonl", "\n".join(lines))
    assert read_corpus(path, ("text", "label"))["label"].to_pylist() == expected


def test_read_corpus_lists_of_json_are_kept(tmp_path):
    path = written(tmp_path / "a.jsonl", '{"words": ["a", "b"], "tags": ["O", "B-X"]}\n')
    table = read_corpus(path, ("tokens", "tags"), (), {"tokens": "words"})
    assert table.to_pylist() == [{"tokens": ["a", "b"], "tags": ["O", "B-X"]}]


def test_read_corpus_column_by_another_name(tmp_path):
    path = written(tmp_path / "a.csv", "utterance,intent,label\na,b,c\n")
    table = read_corpus(path, ("text", "label"), (), {"text": "utterance", "label": "intent"})
    assert table.to_pylist() == [{"text": "a", "label": "b"}]


def test_read_corpus_wrong_column_is_told_with_those_there_and_the_key(tmp_path):
    path = written(tmp_path / "a.csv", "utterance,intent\na,b\n")
    found = r"lacks the columns \['topic'\]; it has \['utterance', 'intent'\]\. Set columns: "
    with pytest.raises(InputError, match=found + r"\{label: …\} in the config"):
        read_corpus(path, ("text", "label"), (), {"text": "utterance", "label": "topic"})


def test_read_corpus_two_columns_of_one_name_are_refused(tmp_path):
    path = written(tmp_path / "a.csv", "text,text\na,b\n")
    with pytest.raises(InputError, match="several columns of the name 'text'"):
        read_corpus(path, ("text",))


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.csv", b"text,label\nsecret,a,b\n", "no CSV .* as many cells"),
        ("a.csv", "text,label\nsecret Müll,a\n".encode("latin-1"), "no CSV in UTF-8"),
        ("a.tsv", b"text\tlabel\nsecret\ta\tb\n", "no TSV .* as many cells"),
        ("a.csv", b"", "no CSV"),
        ("a.json", b'[{"text": "secret"}]', "no JSON with an object a line"),
        ("a.txt", b"secret", r"no Parquet: .*by their endings: \.parquet, \.csv"),
    ],
)
def test_read_corpus_what_is_no_such_file_is_told_without_its_text(tmp_path, name, content, told):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=told) as caught:
        read_corpus(tmp_path / name, ("text", "label"))
    assert "secret" not in str(caught.value)


def test_read_corpus_cells_are_no_lists(tmp_path):
    path = written(tmp_path / "a.tsv", "tokens\ttags\na b\tO O\n")
    with pytest.raises(InputError, match="'tokens' has text; tokens are lists"):
        read_corpus(path, ("tokens", "tags"))


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({"text": [1], "label": ["a"]}, "'text' has values of type int64; expected strings"),
        (
            {"text": ["a"], "label": [["a"]]},
            "'label' has values of type list.*; expected strings,",
        ),
    ],
)
def test_read_corpus_column_of_another_type_is_refused(tmp_path, columns, told):
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    with pytest.raises(InputError, match=told):
        read_corpus(tmp_path / "a.parquet", ("text", "label"))


def test_read_corpus_of_save_to_disk_has_the_names_of_classes(tmp_path):
    features = {
        "intent": {"names": ["no", "yes"], "_type": "ClassLabel"},
        "ner_tags": {"feature": {"names": ["O", "B-PER"], "_type": "ClassLabel"}, "_type": "List"},
    }
    shards = [
        pa.table({"words": [["a", "Karl"]], "ner_tags": [[0, 1]], "intent": [label]})
        for label in (1, 0, -1)
    ]
    folder = save_to_disk(tmp_path / "saved", *shards, features=features)
    # What `map` leaves beside the data is not the data.
    (folder / "cache-1.arrow").write_bytes(b"")
    names = {"tokens": "words", "tags": "ner_tags", "label": "intent"}
    table = read_corpus(folder, ("tokens", "tags", "label"), (), names)
    assert table["label"].to_pylist() == ["yes", "no", None]
    assert table["tags"].to_pylist() == [["O", "B-PER"]] * 3
    assert table["tokens"].to_pylist() == [["a", "Karl"]] * 3


def test_read_corpus_of_save_to_disk_with_a_file_missing_is_an_input_error(tmp_path):
    table = pa.table({"text": ["a"]})
    folder = save_to_disk(tmp_path / "saved", table, table, features={})
    (folder / "data-00001-of-00002.arrow").unlink()
    with pytest.raises(InputError, match="no folder of save_to_disk: FileNotFoundError"):
        read_corpus(folder, ("text",))
