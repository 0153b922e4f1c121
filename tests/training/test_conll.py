"""CoNLL files."""

import gzip

import pytest

from pipeline.errors import InputError
from pipeline.training.conll import read_conll
from pipeline.training.data_settings import DataFile


def data_file(path, **changes) -> DataFile:
    return DataFile(path=path, language="de_DE", split="train", **changes)


def written(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def test_conll_sentences_are_parted_by_empty_lines(tmp_path):
    path = written(tmp_path / "a.conll", "-DOCSTART- O\n\nKarl B-PER\nschläft O\n\n\nBonn B-LOC\n")
    rows = read_conll(data_file(path)).to_pylist()
    assert [row["tokens"] for row in rows] == [["Karl", "schläft"], ["Bonn"]]
    assert [row["tags"] for row in rows] == [["B-PER", "O"], ["B-LOC"]]
    assert rows[0]["spaces"] == [True, True]


def test_conll_columns_are_chosen_and_the_text_gives_the_spaces(tmp_path):
    text = "# sent_id = 1\n# text = Karl, komm!\n1\tKarl\tB-PER\n2\t,\tO\n3\tkomm\tO\n4\t!\tO\n"
    path = written(tmp_path / "a.iob2", text)
    (row,) = read_conll(data_file(path, token_column=1, tag_column=2)).to_pylist()
    assert row["tokens"] == ["Karl", ",", "komm", "!"]
    assert row["spaces"] == [False, True, False, False]


def test_conll_without_spaces_between_words(tmp_path):
    path = written(tmp_path / "a.conll", "北京 B-LOC\n很 O\n")
    (row,) = read_conll(data_file(path, spaces=False)).to_pylist()
    assert row["spaces"] == [False, False]


def test_conll_may_be_gzipped(tmp_path):
    path = tmp_path / "a.conll.gz"
    path.write_bytes(gzip.compress(b"Bonn B-LOC\n"))
    assert read_conll(data_file(path))["tokens"].to_pylist() == [["Bonn"]]


@pytest.mark.parametrize("line", ["Karl", "Karl PER", "Karl B-PER extra-column"])
def test_conll_line_without_a_tag_is_named(tmp_path, line):
    path = written(tmp_path / "a.conll", f"Bonn B-LOC\n{line}\n")
    with pytest.raises(InputError, match=r"a\.conll, line 2: .*Set token_column") as caught:
        read_conll(data_file(path))
    assert "Karl" not in str(caught.value)  # text stays out of logs


def test_a_file_that_is_not_there_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match="No training data at"):
        read_conll(data_file(tmp_path / "none.conll"))
