"""Blocks that come of units, and units that give none."""

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.config import InputSettings
from pipeline.contract import schema
from pipeline.contract.unit import Unit
from pipeline.errors import InputError, SchemaError
from pipeline.stages.read import read_unit
from tests.helpers.parquet_files import (
    MAX_BYTES,
    columns_of,
    raw_strings,
    read_file,
    units_of,
    write,
)


def errors_of(block: pa.Table) -> list[str | None]:
    return [error and error["error_type"] for error in block["_error"].to_pylist()]


def read_all(path: Path, unit_rows: int, **values: object) -> list[pa.Table]:
    settings = InputSettings.model_validate({"uri": str(path), **values})
    columns = columns_of(path, settings)
    units = units_of(path, settings, unit_rows)
    return [read_unit(unit, columns, settings, MAX_BYTES) for unit in units]


def test_read_unit_gives_kept_columns_and_the_declared_ones(tmp_path: Path):
    path = write(tmp_path / "a.parquet", {"n": [1, 2], "text": ["a", "b"], "language": ["x", "y"]})
    block = read_file(path)
    assert block.column_names[:3] == ["n", "input_language", "record_id"]
    assert block.schema.field("n").type == pa.int64()
    declared = [block.schema.field(field.name) for field in schema.READ_FIELDS]
    assert tuple(declared) == schema.READ_FIELDS
    assert block["_text"].to_pylist() == ["a", "b"]
    assert block["_tag"].to_pylist() == [None, None]
    assert errors_of(block) == [None, None]


@pytest.mark.parametrize(
    "values", [["de", None, "de,fr"], [["de"], None, ["de", "fr"]]], ids=["strings", "lists"]
)
def test_read_unit_prior_is_a_string_of_tags(tmp_path: Path, values: list):
    path = write(tmp_path / "a.parquet", {"text": ["a", "b", "c"], "likely": values})
    block = read_file(path, language_prior_column="likely", keep_columns=[])
    joined = "de,fr" if values[2] == "de,fr" else "de|fr"
    assert block["_prior"].to_pylist() == ["de", None, joined]
    assert block["_tag"].to_pylist() == [None] * 3


def test_read_unit_prior_list_with_nulls_and_bad_bytes_costs_no_record(tmp_path: Path):
    lists = pa.array([[b"de", None], [b"\xff"], [], None], pa.list_(pa.binary()))
    table = pa.table({"text": ["a", "b", "c", "d"], "likely": lists})
    path = write(tmp_path / "a.parquet", table)
    block = read_file(path, language_prior_column="likely", keep_columns=[])
    assert block["_prior"].to_pylist() == ["de", "", "", None]
    assert errors_of(block) == [None] * 4


def test_read_unit_without_id_column_names_records_by_file_and_row(tmp_path: Path):
    path = write(tmp_path / "a.parquet", {"text": ["a", "b", "c"]})
    first, second = read_all(path, 2)
    assert first["record_id"].to_pylist() == [f"file://{path}#0", f"file://{path}#1"]
    assert second["record_id"].to_pylist() == [f"file://{path}#2"]
    assert second["_row"].to_pylist() == [2]


def test_read_unit_block_says_which_unit_it_is(tmp_path: Path):
    path = write(tmp_path / "a.parquet", {"text": ["a", "b", "c"]})
    for block, unit in zip(read_all(path, 2), units_of(path, unit_rows=2), strict=True):
        assert {Unit.from_json(text) for text in block["_unit"].to_pylist()} == {unit}


@pytest.mark.parametrize("group_rows", [1, 2, 3, 7, 100])
@pytest.mark.parametrize("unit_rows", [1, 3, 4, 100])
def test_read_unit_row_ranges_across_row_groups_give_each_row_once(
    tmp_path: Path, group_rows: int, unit_rows: int
):
    table = pa.table({"text": [f"t{row}" for row in range(20)], "n": list(range(20))})
    path = write(tmp_path / "a.parquet", table, row_group_size=group_rows)
    blocks = read_all(path, unit_rows)
    assert [n for block in blocks for n in block["n"].to_pylist()] == list(range(20))
    assert [row for block in blocks for row in block["_row"].to_pylist()] == list(range(20))
    assert all(
        block["_text"].to_pylist() == [f"t{n}" for n in block["n"].to_pylist()] for block in blocks
    )


def test_read_unit_more_rows_than_a_batch_keeps_their_order(tmp_path: Path):
    path = write(tmp_path / "a.parquet", {"text": ["x"] * 5000, "n": list(range(5000))})
    (block,) = read_all(path, 5000)
    assert block["n"].to_pylist() == list(range(5000))


@pytest.mark.parametrize(
    "kind",
    [
        pa.string(),
        pa.large_string(),
        pa.string_view(),
        pa.dictionary(pa.int32(), pa.string()),
        pa.dictionary(pa.int32(), pa.large_string()),
    ],
    ids=str,
)
def test_read_unit_each_string_type_gives_the_same_texts(tmp_path: Path, kind: pa.DataType):
    texts = ["ä", None, "北京", "ä", ""]
    path = write(tmp_path / "a.parquet", {"text": pa.array(texts).cast(kind)})
    block = read_file(path, language_column="text")
    assert block["_text"].to_pylist() == texts
    assert block["_tag"].to_pylist() == texts
    assert block["_text"].type == pa.string()
    assert errors_of(block) == [None, "NullText", None, None, None]


def test_read_unit_kept_columns_have_their_types_and_values(tmp_path: Path):
    columns = {
        "text": pa.array(["a", "b"]),
        "tags": pa.array([["x"], None]),
        "meta": pa.array([{"k": 1}, {"k": 2}]),
        "raw": pa.array([b"\xff", b""]),
        "kind": pa.array(["p", "q"]).dictionary_encode(),
        "left": pa.array([1, 2]),
    }
    path = write(tmp_path / "a.parquet", columns)
    block = read_file(path, keep_columns=["tags", "meta", "raw", "kind"])
    for name in ("tags", "meta", "raw", "kind"):
        assert block[name].combine_chunks().to_pylist() == columns[name].to_pylist()
    assert "left" not in block.column_names
    assert "text" not in block.column_names


def test_read_unit_kept_views_become_types_that_a_block_can_be_divided_by(tmp_path: Path):
    columns = {
        "text": pa.array(["a", "b"], pa.string_view()),
        "note": pa.array(["x", None], pa.string_view()),
        "tags": pa.array([["x"], None], pa.list_(pa.string_view())),
    }
    path = write(tmp_path / "a.parquet", columns)
    block = read_file(path)
    assert block.schema.field("note").type == pa.string()
    assert block.schema.field("tags").type.value_type == pa.string()
    taken = block.filter(pa.array([False, True]))
    assert taken.select(["_text", "note"]).to_pylist() == [{"_text": "b", "note": None}]


def test_read_unit_bad_texts_fail_in_their_rows_alone(tmp_path: Path):
    secret = b"secret-words"
    texts = [b"good", None, secret + b"\xff", b"x" * 101, secret * 8, b"fine"]
    path = write(tmp_path / "a.parquet", {"text": raw_strings(texts), "n": list(range(6))})
    block = read_file(path, max_text_bytes=100, keep_columns=["n"])
    assert errors_of(block) == [None, "NullText", "NotUtf8", "TextTooLarge", None, None]
    assert block["_text"].to_pylist() == ["good", None, None, None, "secret-words" * 8, "fine"]
    assert block["_row"].to_pylist() == list(range(6))
    failures = [error for error in block["_error"].to_pylist() if error]
    assert {failure["stage"] for failure in failures} == {"read"}
    assert failures[1]["message"].startswith("Byte 12 of the text is not UTF-8")
    assert failures[2]["message"].startswith("The text has 101 bytes; expected at most 100.")
    assert not any("secret" in failure["message"] for failure in failures)


def test_read_unit_of_a_record_that_fails_keeps_nothing_that_may_be_large(tmp_path: Path):
    columns = {
        "text": ["x" * 1000, "fine", None],
        "id": ["a", "b", "c"],
        "tags": [["t" * 1000], ["u"], ["v"]],
        "kind": pa.array(["p", "q", "p"]).dictionary_encode(),
        "meta": [{"n": 1}, {"n": 2}, {"n": 3}],
        "lang": ["l" * 1000, "de", "de"],
        "question": ["q" * 1000, "who", "why"],
        "choices": [["c" * 1000], ["d"], ["e"]],
    }
    path = write(tmp_path / "a.parquet", columns)
    asked = {"language_column": "lang", "question_column": "question", "choices_column": "choices"}
    block = read_file(path, max_text_bytes=100, id_column="id", **asked)
    for name in ("tags", "kind", "meta"):
        kept = columns[name].to_pylist() if name == "kind" else columns[name]
        assert block[name].combine_chunks().to_pylist() == [None, kept[1], None]
    for name in ("_text", "_tag", "_question", "_choices"):
        assert [value is None for value in block[name].to_pylist()] == [True, False, True]
    assert block["record_id"].to_pylist() == ["a", "b", "c"]
    assert block.nbytes < 1000 + 3 * len(block["_unit"][0].as_py())


def test_read_unit_text_of_exactly_the_most_bytes_is_taken(tmp_path: Path):
    path = write(tmp_path / "a.parquet", {"text": ["äää", "ääää"]})
    assert errors_of(read_file(path, max_text_bytes=6)) == [None, "TextTooLarge"]


@pytest.mark.parametrize(
    ("question", "choices", "bytes_read"),
    [
        ("q" * 97, None, 101),
        ("q", ["ä", "b", ""], 18),
        (None, [""] * 26, 104),
        (None, ["c" * 93, None], 101),
    ],
)
def test_read_unit_what_is_asked_counts_with_the_text_once_a_choice(
    tmp_path: Path, question: str | None, choices: list[str | None] | None, bytes_read: int
):
    """A list of empty strings is small, and a window of the text for each."""
    columns = {
        "text": ["text", "text"],
        "question": pa.array([question, None], pa.string()),
        "choices": pa.array([choices, None], pa.list_(pa.string())),
    }
    path = write(tmp_path / "a.parquet", columns)
    asked = {"question_column": "question", "choices_column": "choices"}
    assert errors_of(read_file(path, max_text_bytes=bytes_read, **asked)) == [None, None]
    block = read_file(path, max_text_bytes=bytes_read - 1, **asked)
    assert errors_of(block) == ["QuestionTooLarge", None]
    assert f"have {bytes_read} bytes" in block["_error"].to_pylist()[0]["message"]


def test_read_unit_bad_texts_in_a_dictionary_fail_in_each_of_their_rows(tmp_path: Path):
    values = raw_strings([b"good", b"bad\xff"])
    indices = pa.array([0, 1, 0, 1], pa.int32())
    text = pa.DictionaryArray.from_arrays(indices, values, safe=False)
    path = write(tmp_path / "a.parquet", {"text": text})
    assert errors_of(read_file(path, keep_columns=[])) == [None, "NotUtf8", None, "NotUtf8"]


def test_read_unit_null_ids_are_replaced_and_double_ones_kept(tmp_path: Path):
    path = write(tmp_path / "a.parquet", {"text": ["a"] * 4, "id": ["x", None, "x", ""]})
    block = read_file(path, id_column="id")
    assert block["record_id"].to_pylist() == ["x", f"file://{path}#1", "x", ""]
    assert block["id"].to_pylist() == ["x", None, "x", ""]


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        (pa.array([7, None], pa.int32()), ["7", None]),
        (pa.array(["a", "b"], pa.large_string()), ["a", "b"]),
        (pa.array(["a", "b"]).dictionary_encode(), ["a", "b"]),
        (pa.array([b"a", b"\xff"]), ["a", None]),
        (raw_strings([b"a", b"\xff"]), ["a", None]),
        (pa.array([None, None], pa.string()), [None, None]),
        (raw_strings([b"\xfe", b"\xff"]), [None, None]),
    ],
    ids=["int", "large", "dictionary", "binary", "not utf8", "null", "none utf8"],
)
def test_read_unit_ids_and_tags_are_strings(
    tmp_path: Path, ids: pa.Array, expected: list[str | None]
):
    path = write(tmp_path / "a.parquet", {"text": ["a", "b"], "id": ids})
    block = read_file(path, id_column="id", language_column="id", keep_columns=[])
    places = [f"file://{path}#{row}" for row in range(2)]
    assert block["record_id"].to_pylist() == [
        value or place for value, place in zip(expected, places, strict=True)
    ]
    assert block["_tag"].to_pylist() == expected
    assert errors_of(block) == [None, None]


def test_read_unit_kept_strings_that_are_not_utf8_go_to_quarantine_by_row(tmp_path: Path):
    author = raw_strings([b"good", b"\xffsecret", b"good", None])
    tags = pa.ListArray.from_arrays([0, 1, 1, 3, 4], raw_strings([b"a", b"b", b"\xfe", b"c"]))
    path = write(tmp_path / "a.parquet", {"text": list("abcd"), "author": author, "tags": tags})
    block = read_file(path)
    assert errors_of(block) == [None, "NotUtf8", "NotUtf8", None]
    messages = [error and error["message"] for error in block["_error"].to_pylist()]
    assert "Column 'author' is not UTF-8" in messages[1]
    assert "Column 'tags' is not UTF-8" in messages[2]
    assert "secret" not in str(messages)
    assert block["author"].to_pylist() == ["good", None, None, None]
    block.validate(full=True)
    assert errors_of(read_file(path, keep_columns=[])) == [None] * 4


def test_read_unit_leaves_a_dictionary_that_readers_take(tmp_path: Path):
    strings = raw_strings([b"good", b"\xff", b"\xfe: no row has it"])
    outlet = pa.DictionaryArray.from_arrays(pa.array([0, 1, 0], pa.int32()), strings)
    path = write(tmp_path / "a.parquet", {"text": list("abc"), "outlet": outlet})
    block = read_file(path)
    assert errors_of(block) == [None, "NotUtf8", None]
    write(tmp_path / "kept.parquet", block.select(["outlet"]))
    read = duckdb.sql(f"from '{tmp_path}/kept.parquet'").fetchall()
    assert read == [("good",), (None,), ("good",)]


def test_read_unit_id_column_called_record_id_is_the_record_id(tmp_path: Path):
    path = write(tmp_path / "a.parquet", {"record_id": [5, 6], "text": ["a", "b"]})
    block = read_file(path, id_column="record_id")
    assert block["record_id"].to_pylist() == ["5", "6"]
    assert "input_record_id" not in block.column_names


def test_read_unit_of_a_copy_or_after_a_change_of_mode_is_read(tmp_path: Path):
    path = write(tmp_path / "a.parquet", {"text": ["a", "b"]})
    settings = InputSettings(uri=str(path))
    columns, (unit,) = columns_of(path, settings), units_of(path)
    path.chmod(0o600)
    os.link(path, tmp_path / "backup")
    assert path.stat().st_ctime_ns != int(unit.source.version.partition(".")[2])
    assert read_unit(unit, columns, settings, MAX_BYTES)["_text"].to_pylist() == ["a", "b"]
    shutil.copy2(path, tmp_path / "copy")
    (tmp_path / "copy").replace(path)
    assert read_unit(unit, columns, settings, MAX_BYTES)["_text"].to_pylist() == ["a", "b"]


def test_read_unit_file_replaced_after_planning_is_refused(tmp_path: Path):
    path = write(tmp_path / "a.parquet", {"text": ["a", "b"]})
    settings = InputSettings(uri=str(path))
    columns, (unit,) = columns_of(path, settings), units_of(path)
    write(path, {"text": ["other", "texts"]})
    with pytest.raises(InputError, match="has changed since the job was planned"):
        read_unit(unit, columns, settings, MAX_BYTES)


def test_read_unit_file_gone_after_planning_is_refused(tmp_path: Path):
    path = write(tmp_path / "a.parquet", {"text": ["a", "b"]})
    settings = InputSettings(uri=str(path))
    columns, (unit,) = columns_of(path, settings), units_of(path)
    path.unlink()
    with pytest.raises(InputError, match="nothing is there"):
        read_unit(unit, columns, settings, MAX_BYTES)


def test_read_unit_file_of_another_schema_is_refused(tmp_path: Path):
    path = write(tmp_path / "a.parquet", {"text": ["a"], "n": [1]})
    other = write(tmp_path / "b.parquet", {"text": ["a"], "n": ["1"]})
    settings = InputSettings(uri=str(path))
    with pytest.raises(SchemaError, match="n: string, expected int64"):
        read_unit(units_of(other)[0], columns_of(path, settings), settings, MAX_BYTES)


def test_read_unit_beyond_the_file_is_refused(tmp_path: Path):
    path = write(tmp_path / "a.parquet", {"text": ["a", "b"]})
    settings = InputSettings(uri=str(path))
    unit = replace(units_of(path)[0], stop=3)
    with pytest.raises(InputError, match="has 2 rows; the plan expected 3"):
        read_unit(unit, columns_of(path, settings), settings, MAX_BYTES)


def test_read_unit_of_columns_in_another_order_gives_the_planned_order(tmp_path: Path):
    path = write(tmp_path / "a.parquet", {"text": ["a"], "n": [1]})
    other = write(tmp_path / "b.parquet", {"n": [2], "text": ["b"]})
    settings = InputSettings(uri=str(tmp_path))
    block = read_unit(units_of(other)[0], columns_of(path, settings), settings, MAX_BYTES)
    assert block.column_names[:2] == ["n", "record_id"]
    assert block["_text"].to_pylist() == ["b"]
    assert block["n"].to_pylist() == [2]


BOMB = """
import sys, resource
sys.path.insert(0, sys.argv[2])
from tests.helpers.parquet_files import read_file
from pipeline.errors import InputError
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    read_file(sys.argv[1], unit_bytes=1 << 20)
except InputError as error:
    assert "take more than 16777216 bytes in memory" in str(error), error
    print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) >> 10)
"""


def bomb(kind: str, path: Path) -> Path:
    """A file of a few hundred bytes whose 4096 texts have a MiB each."""
    text = pa.array(["a" * (1 << 20)])
    if kind == "dictionary":
        column = pa.DictionaryArray.from_arrays(pa.array([0] * 4096, pa.int32()), text)
        options: dict[str, object] = {"dictionary_pagesize_limit": 1 << 30}
    else:
        column = text.take(pa.array([0] * 256))
        options = {"use_dictionary": False, "column_encoding": {"text": "DELTA_BYTE_ARRAY"}}
    return write(path, {"text": column}, compression="zstd", store_schema=False, **options)


@pytest.mark.parametrize("kind", ["dictionary", "delta"])
def test_read_unit_bomb_is_refused_before_it_fills_the_memory(tmp_path: Path, kind: str):
    path = bomb(kind, tmp_path / "a.parquet")
    assert path.stat().st_size < 1000
    ended = subprocess.run(
        [sys.executable, "-c", BOMB, str(path), str(Path(__file__).parents[2])],
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(ended.stdout) < 160  # MiB; all of it would be 256 or 4096


def test_read_unit_of_a_fourth_of_a_large_file_is_no_bomb(tmp_path: Path):
    table = pa.table({"text": [f"{row:05}" * 200 for row in range(40_000)]})
    path = write(tmp_path / "a.parquet", table, compression="none", use_dictionary=False)
    assert pq.read_metadata(path).row_group(0).total_byte_size > 32 << 20
    assert sum(len(block) for block in read_all(path, 10_000)) == 40_000


def test_read_unit_questions_and_choices_are_strings(tmp_path: Path):
    lists = pa.array([["a", "b"], None, [], ["c", None]], pa.large_list(pa.string()))
    table = pa.table({"text": ["w", "x", "y", "z"], "q": ["Who?", None, "", "Why?"], "c": lists})
    path = write(tmp_path / "a.parquet", table)
    block = read_file(path, question_column="q", choices_column="c", keep_columns=[])
    assert block["_question"].to_pylist() == ["Who?", None, "", "Why?"]
    assert block["_choices"].to_pylist() == [["a", "b"], None, [], ["c", None]]


def test_read_unit_second_texts_are_strings(tmp_path: Path):
    seconds = pa.array(["a", None, "", "b"]).dictionary_encode()
    path = write(tmp_path / "a.parquet", pa.table({"text": ["w", "x", "y", "z"], "s": seconds}))
    block = read_file(path, second_text_column="s", keep_columns=[])
    assert block["_second"].to_pylist() == ["a", None, "", "b"]
    assert block.schema.field("_second") == schema.SECOND


def test_read_unit_text_too_large_with_its_second_one_is_refused(tmp_path: Path):
    columns = {"text": ["aaaa", "aaaa", "aaaaaaa"], "s": ["ää", "äää", None]}
    path = write(tmp_path / "a.parquet", columns)
    block = read_file(path, max_text_bytes=8, second_text_column="s")
    assert errors_of(block) == [None, "SecondTextTooLarge", None]
    assert block["_second"].to_pylist() == ["ää", None, None]


@pytest.mark.parametrize(
    ("column", "name", "expected"),
    [
        ("n", "second_text_column", "second text column 'n' is int64; expected string"),
        ("n", "question_column", "question column 'n' is int64; expected string"),
        ("n", "choices_column", "choices column 'n' is int64; expected a list of strings"),
        ("numbers", "choices_column", "choices column .* is int64; expected string"),
    ],
)
def test_read_unit_question_or_choices_of_another_type_is_refused(
    tmp_path: Path, column: str, name: str, expected: str
):
    values = {"text": ["a"], "n": [1], "numbers": [[1, 2]]}
    path = write(tmp_path / "a.parquet", values)
    with pytest.raises(InputError, match=expected):
        read_file(path, **{name: column})
