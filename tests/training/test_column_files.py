"""CoNLL and TSV files."""

import gzip

import pytest

from pipeline.errors import InputError
from pipeline.training.column_files import read_file
from pipeline.training.data_settings import DataFile

NER = ("tokens", "tags", "spaces")


def data_file(path, **changes) -> DataFile:
    return DataFile(path=path, language="de_DE", split="train", **changes)


def written(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def test_conll_sentences_are_parted_by_empty_lines(tmp_path):
    path = written(tmp_path / "a.conll", "-DOCSTART- O\n\nKarl B-PER\nschläft O\n\n\nBonn B-LOC\n")
    rows = read_file(data_file(path), NER).to_pylist()
    assert [row["tokens"] for row in rows] == [["Karl", "schläft"], ["Bonn"]]
    assert [row["tags"] for row in rows] == [["B-PER", "O"], ["B-LOC"]]
    assert rows[0]["spaces"] == [True, True]
    assert {(row["language"], row["split"]) for row in rows} == {("de_DE", "train")}


def test_conll_columns_are_chosen_and_the_text_gives_the_spaces(tmp_path):
    text = "# sent_id = 1\n# text = Karl, komm!\n1\tKarl\tB-PER\n2\t,\tO\n3\tkomm\tO\n4\t!\tO\n"
    path = written(tmp_path / "a.iob2", text)
    (row,) = read_file(data_file(path, token_column=1, tag_column=2), NER).to_pylist()
    assert row["tokens"] == ["Karl", ",", "komm", "!"]
    assert row["spaces"] == [False, True, False, False]


def test_conll_without_spaces_between_words(tmp_path):
    path = written(tmp_path / "a.conll", "北京 B-LOC\n很 O\n")
    (row,) = read_file(data_file(path, spaces=False), NER).to_pylist()
    assert row["spaces"] == [False, False]


def test_conll_may_be_gzipped(tmp_path):
    path = tmp_path / "a.conll.gz"
    path.write_bytes(gzip.compress(b"Bonn B-LOC\n"))
    assert read_file(data_file(path), NER)["tokens"].to_pylist() == [["Bonn"]]


@pytest.mark.parametrize("line", ["Karl", "Karl PER", "Karl B-PER extra-column"])
def test_conll_line_without_a_tag_is_named(tmp_path, line):
    path = written(tmp_path / "a.conll", f"Bonn B-LOC\n{line}\n")
    with pytest.raises(InputError, match=r"a\.conll, line 2: .*Set token_column") as caught:
        read_file(data_file(path), NER)
    assert "Karl" not in str(caught.value)  # text stays out of logs


def test_conll_of_a_task_that_is_not_ner_is_refused(tmp_path):
    path = written(tmp_path / "a.conll", "Bonn B-LOC\n")
    with pytest.raises(InputError, match=r"Give a \.tsv with a header"):
        read_file(data_file(path), ("text", "label"))


def test_tsv_quotes_are_characters_like_others(tmp_path):
    path = written(tmp_path / "a.tsv", 'label\ttext\nx\t"Nein", sagt er\ny\tNA\n')
    table = read_file(data_file(path), ("text", "label"))
    assert table["text"].to_pylist() == ['"Nein", sagt er', "NA"]
    assert table["label"].to_pylist() == ["x", "y"]


def test_tsv_without_a_column_says_which(tmp_path):
    path = written(tmp_path / "a.tsv", "text\ttopic\na\tb\n")
    with pytest.raises(InputError, match=r"lacks the columns \['label'\].*\['text', 'topic'\]"):
        read_file(data_file(path), ("text", "label"))


def test_a_file_that_is_not_there_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match="No training data at"):
        read_file(data_file(tmp_path / "none.conll"), NER)


def test_tsv_cells_are_text_whatever_they_look_like(tmp_path):
    path = written(tmp_path / "a.tsv", "text\tlabel\n1\t01\ntrue\tTrue\n2020-01-01\t1.0\n")
    table = read_file(data_file(path), ("text", "label"))
    assert table["label"].to_pylist() == ["01", "True", "1.0"]
    assert table["text"].to_pylist() == ["1", "true", "2020-01-01"]


def test_tsv_line_with_more_cells_is_told_without_its_text(tmp_path):
    path = written(tmp_path / "a.tsv", "text\tlabel\nsecret words\ta\tb\n")
    with pytest.raises(InputError, match="more or fewer cells than the 2") as caught:
        read_file(data_file(path), ("text", "label"))
    assert "secret" not in str(caught.value)


def test_tsv_of_a_task_with_lists_is_refused(tmp_path):
    path = written(tmp_path / "a.tsv", "text\tchoices\tlabel\na\tbc\t0\n")
    with pytest.raises(InputError, match=r"\['choices'\] are lists. Give Parquet"):
        read_file(data_file(path), ("text", "choices", "label"))
