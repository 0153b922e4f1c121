"""Labelled data: their columns, languages and splits."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.errors import ConfigError, InputError
from pipeline.training.corpus import (
    capped,
    code_of,
    of_languages,
    read_labelled,
    require_values,
    tell_left_out,
    with_codes,
    with_drawn_dev,
)
from pipeline.training.data_settings import UNDRAWN, Assumed, DataFile
from tests.helpers.saved_datasets import save_to_disk


def test_read_labelled_needs_language_and_split(tmp_path):
    pq.write_table(pa.table({"text": ["a"], "language": ["de_DE"]}), tmp_path / "a.parquet")
    with pytest.raises(InputError, match=r"lacks the columns \['split'\]"):
        read_labelled(tmp_path / "a.parquet", ("text",))


def test_of_languages_names_those_without_rows(tmp_path):
    table = pa.table({"language": ["de_DE", "en_XX", "de_DE"]})
    with pytest.raises(InputError, match=r"no rows in \['fr_XX'\]"):
        of_languages(table, ["de_DE", "fr_XX"], tmp_path)
    assert of_languages(table, ["de_DE"], tmp_path).num_rows == 2


def test_languages_that_the_config_does_not_name_are_told_with_their_rows(caplog):
    table = pa.table({"language": ["de_DE", "en_XX", "de_DE", "xx", None]})
    with caplog.at_level("INFO"):
        tell_left_out(table, ["en_XX"])
    assert "de_DE 2, xx 1" in caplog.text
    caplog.clear()
    with caplog.at_level("INFO"):
        tell_left_out(table.slice(1, 1), ["en_XX"])
    assert not caplog.text


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


def test_with_drawn_dev_takes_train_rows_where_none_is_dev():
    table = pa.table({"language": ["a"] * 10, "split": ["train"] * 8 + ["test"] * 2})
    splits = with_drawn_dev(table, 0.25, seed=1)["split"].to_pylist()
    assert (splits[:8].count("dev"), splits[:8].count("train")) == (2, 6)
    assert splits[8:] == ["test", "test"]


def test_read_labelled_files_of_all_kinds_in_one_list(tmp_path):
    (tmp_path / "a.csv").write_text("utterance,intent\na,x\n")
    (tmp_path / "b.jsonl").write_text('{"utterance": "b", "intent": 7, "language": "fr"}\n')
    pq.write_table(
        pa.table({"utterance": pa.array(["c"], pa.large_string()), "intent": [True]}),
        tmp_path / "c.parquet",
    )
    files = [DataFile(path=tmp_path / name) for name in ("a.csv", "b.jsonl", "c.parquet")]
    assumed = Assumed("de_DE", UNDRAWN, {"text": "utterance", "label": "intent"})
    rows = read_labelled(files, ("text", "label"), (), assumed).to_pylist()
    assert [tuple(row.values()) for row in rows] == [
        ("a", "x", "de_DE", UNDRAWN),
        ("b", "7", "fr", UNDRAWN),
        ("c", "true", "de_DE", UNDRAWN),
    ]


def test_read_labelled_folder_of_splits_has_their_names(tmp_path):
    """As `DatasetDict.save_to_disk` writes it."""
    for split in ("train", "validation", "test"):
        table = pa.table({"text": [split], "label": [0]})
        features = {"label": {"names": ["no"], "_type": "ClassLabel"}}
        save_to_disk(tmp_path / split, table, features=features)
    table = read_labelled(tmp_path, ("text", "label"), (), Assumed("de_DE", UNDRAWN))
    found = {(row["text"], row["split"], row["label"]) for row in table.to_pylist()}
    assert found == {("train", "train", "no"), ("validation", "dev", "no"), ("test", "test", "no")}


def test_read_labelled_key_of_columns_that_the_task_does_not_read_is_refused(tmp_path):
    assumed = Assumed("de_DE", UNDRAWN, {"lable": "intent"})
    with pytest.raises(ConfigError, match=r"keys \['lable'\]; this task reads \['text', 'label'"):
        read_labelled(tmp_path, ("text", "label"), (), assumed)


def test_require_values_counts_rows_without_one_and_names_column_and_file(tmp_path):
    table = pa.table({"text": ["a", "b", None], "label": ["x", None, None]})
    path = tmp_path / "a.csv"
    with pytest.raises(InputError, match=r"2 of 3 rows have no label \(column 'intent' of .*csv"):
        require_values(table, ("label", "text"), {"label": "intent"}, path)
    with pytest.raises(InputError, match="1 of 3 rows have no text"):
        require_values(table, ("text",), {}, path)
