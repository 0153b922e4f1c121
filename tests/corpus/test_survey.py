"""The corpus as it is found, and the units that it is cut into."""

import os
from pathlib import Path

import pyarrow as pa
import pytest

from pipeline.config import InputSettings, RuntimeSettings
from pipeline.contract.unit import Unit
from pipeline.corpus.survey import BadFile, Survey, cut, survey_corpus
from pipeline.errors import InputError
from tests.helpers.parquet_files import write


def survey(uri: Path | str, *, allow_bad_files: bool = False, **values: object) -> Survey:
    settings = InputSettings.model_validate({"uri": str(uri), **values})
    return survey_corpus(settings, allow_bad_files=allow_bad_files)


def units(
    uri: Path | str, limit: int | None = None, fingerprint: str = "f", **runtime: int
) -> list[Unit]:
    settings = RuntimeSettings.model_validate(runtime)
    return list(cut(survey(uri), settings, fingerprint, limit))


def ranges(found: list[Unit]) -> list[tuple[str, int, int]]:
    return [(unit.source.uri.rpartition("/")[2], unit.start, unit.stop) for unit in found]


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "corpus"
    write(folder / "b.parquet", {"text": ["x"] * 3})
    write(folder / "a.parquet", {"text": ["x"] * 5})
    write(folder / "deep" / "c.parquet", {"text": ["x"] * 2})
    return folder


def test_survey_folder_finds_files_below_it_in_order(corpus: Path):
    found = survey(corpus)
    assert [file.source.uri for file in found.files] == [
        f"file://{corpus}/{name}" for name in ("a.parquet", "b.parquet", "deep/c.parquet")
    ]
    assert [file.rows for file in found.files] == [5, 3, 2]
    assert found.rows == 10
    assert found.bad_files == ()
    assert found.planned == pa.schema({"text": pa.string()})


def test_survey_file_and_glob_find_what_they_name(corpus: Path):
    assert survey(corpus / "a.parquet").rows == 5
    assert survey(f"file://{corpus}/[ab].parquet").rows == 8
    assert survey(corpus / "*.parquet").rows == 8


def test_survey_hidden_and_other_files_are_skipped(corpus: Path):
    for name in ("_x.parquet", ".x.parquet", "_tmp/x.parquet", "deep/.x/x.parquet", "x.txt"):
        write(corpus / name, {"text": ["x"]})
    assert survey(corpus).rows == 10
    assert survey(corpus / "*").rows == 9


def test_survey_same_corpus_is_equal_each_time(corpus: Path):
    assert survey(corpus) == survey(corpus)


@pytest.mark.parametrize("name", ["", "none", "none/*.parquet", "none.parquet"])
def test_survey_nothing_there_is_an_error_that_names_the_place(tmp_path: Path, name: str):
    with pytest.raises(InputError, match=r"input\.uri") as caught:
        survey(tmp_path / name)
    assert str(tmp_path) in str(caught.value)


def damaged(path: Path) -> None:
    whole = path.read_bytes()
    footer = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
    path.write_bytes(whole[:footer] + bytes(12) + whole[footer + 12 :])


def text_file(path: Path) -> None:
    path.write_text("id,text\n1,words of a record\n")


def empty(path: Path) -> None:
    path.write_bytes(b"")


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-10])


def drifted(path: Path) -> None:
    write(path, {"text": ["x"], "more": [1]})


def without_text(path: Path) -> None:
    write(path, {"body": ["x"]})


BREAKERS = [damaged, text_file, empty, truncated, drifted, without_text]


@pytest.mark.parametrize("damage", BREAKERS)
def test_survey_bad_file_fails_the_job_and_is_listed(corpus: Path, damage):
    damage(corpus / "b.parquet")
    with pytest.raises(InputError) as caught:
        survey(corpus)
    message = str(caught.value)
    assert message.startswith("1 of 3 input files cannot be read:\n")
    assert f"file://{corpus}/b.parquet" in message
    assert message.endswith("leave them out with --allow-bad-files.")
    assert "words of a record" not in message


@pytest.mark.parametrize("damage", BREAKERS)
def test_survey_bad_file_that_is_allowed_is_left_out(corpus: Path, damage):
    damage(corpus / "b.parquet")
    found = survey(corpus, allow_bad_files=True)
    assert [file.rows for file in found.files] == [5, 2]
    (bad,) = found.bad_files
    assert isinstance(bad, BadFile)
    assert bad.source.uri.endswith("b.parquet")


def test_survey_all_files_bad_is_an_error_even_if_they_are_allowed(corpus: Path):
    for path in corpus.rglob("*.parquet"):
        text_file(path)
    with pytest.raises(InputError, match="3 of 3 input files"):
        survey(corpus, allow_bad_files=True)


def test_survey_many_bad_files_lists_the_first_ten(tmp_path: Path):
    for number in range(12):
        text_file(tmp_path / f"{number:02}.parquet")
    with pytest.raises(InputError) as caught:
        survey(tmp_path)
    assert "09.parquet" in str(caught.value)
    assert "10.parquet" not in str(caught.value)
    assert "and 2 more" in str(caught.value)


def test_survey_schema_drift_lists_each_file_with_its_columns(corpus: Path):
    write(corpus / "b.parquet", {"text": ["x"], "n": [1]})
    write(corpus / "deep" / "c.parquet", {"text": pa.array(["x"], pa.large_string())})
    with pytest.raises(InputError) as caught:
        survey(corpus)
    assert "n: int64, expected no such column" in str(caught.value)
    assert "text: large_string, expected string" in str(caught.value)


def test_survey_order_of_columns_stays_where_files_of_another_come(tmp_path: Path):
    write(tmp_path / "a.parquet", {"text": ["x"], "n": [1]})
    before = survey(tmp_path).planned
    write(tmp_path / "b.parquet", {"n": [1] * 9, "text": ["x"] * 9})
    assert survey(tmp_path).planned.equals(before)


def test_survey_schema_is_that_of_most_records_wherever_they_are(corpus: Path):
    write(corpus / "0000.parquet", {"text": ["x"] * 2, "stray": [1, 2]})
    with pytest.raises(InputError) as caught:
        survey(corpus)
    assert str(caught.value).startswith("1 of 4 input files cannot be read:")
    assert "0000.parquet has other columns than most records of the corpus: stray: int64" in str(
        caught.value
    )
    found = survey(corpus, allow_bad_files=True)
    assert (found.rows, len(found.bad_files)) == (10, 1)
    write(corpus / "0000.parquet", {"text": ["x"] * 11, "stray": [1] * 11})
    found = survey(corpus, allow_bad_files=True)
    assert (found.rows, len(found.bad_files)) == (11, 3)


def test_survey_counts_what_it_leaves_out(corpus: Path):
    for name in ("_x.parquet", ".x.parquet", "a.PARQUET", "b.parquet.gz"):
        write(corpus / name, {"text": ["x"]})
    assert survey(corpus).left_out == {"files named _* or .*": 2, "files not named *.parquet": 2}


def test_survey_drift_in_columns_that_are_not_kept_passes(corpus: Path):
    write(corpus / "b.parquet", {"text": ["x"], "n": [1]})
    assert survey(corpus, keep_columns=["text"]).rows == 8


def test_cut_by_rows_covers_each_file_in_order(corpus: Path):
    assert ranges(units(corpus, unit_rows=2)) == [
        ("a.parquet", 0, 2),
        ("a.parquet", 2, 4),
        ("a.parquet", 4, 5),
        ("b.parquet", 0, 2),
        ("b.parquet", 2, 3),
        ("c.parquet", 0, 2),
    ]


def test_cut_by_bytes_bounds_a_unit_by_what_it_unfolds_to(tmp_path: Path):
    table = pa.table({"text": [f"{row:04}" * 250 for row in range(100)]})
    path = write(tmp_path / "a.parquet", table, use_dictionary=False)
    found = units(path, unit_bytes=10_300)
    assert ranges(found)[:2] == [("a.parquet", 0, 10), ("a.parquet", 10, 20)]
    assert sum(unit.rows for unit in found) == 100


def test_cut_rows_larger_than_unit_bytes_come_one_by_one(tmp_path: Path):
    path = write(tmp_path / "a.parquet", {"text": ["x" * 100, "y" * 100]})
    assert ranges(units(path, unit_bytes=10)) == [("a.parquet", 0, 1), ("a.parquet", 1, 2)]


def test_cut_file_without_rows_has_no_unit(corpus: Path):
    write(corpus / "b.parquet", pa.table({"text": pa.array([], pa.string())}))
    assert ranges(units(corpus)) == [("a.parquet", 0, 5), ("c.parquet", 0, 2)]


def test_cut_corpus_without_rows_has_no_unit(tmp_path: Path):
    path = write(tmp_path / "a.parquet", pa.table({"text": pa.array([], pa.string())}))
    assert units(path) == []


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        (1, [("a.parquet", 0, 1)]),
        (4, [("a.parquet", 0, 4)]),
        (5, [("a.parquet", 0, 4), ("a.parquet", 4, 5)]),
        (6, [("a.parquet", 0, 4), ("a.parquet", 4, 5), ("b.parquet", 0, 1)]),
        (0, []),
    ],
)
def test_cut_limit_takes_the_first_records(
    corpus: Path, limit: int, expected: list[tuple[str, int, int]]
):
    assert ranges(units(corpus, limit, unit_rows=4)) == expected


def test_cut_limit_beyond_the_corpus_takes_it_whole(corpus: Path):
    assert units(corpus, 1000) == units(corpus)


def test_cut_unit_ids_are_distinct_and_the_same_each_time(corpus: Path):
    first = [unit.unit_id for unit in units(corpus, unit_rows=1)]
    assert len(set(first)) == 10
    assert [unit.unit_id for unit in units(corpus, unit_rows=1)] == first


def test_cut_unit_ids_follow_the_fingerprint(corpus: Path):
    assert units(corpus)[0].unit_id != units(corpus, fingerprint="g")[0].unit_id


def test_cut_unit_ids_follow_the_files_content_and_place_and_not_their_time(corpus: Path):
    before = units(corpus)
    os.utime(corpus / "a.parquet", (1, 1))
    write(corpus / "b.parquet", {"text": ["y"] * 3})
    (corpus / "deep" / "c.parquet").rename(corpus / "c.parquet")
    after = units(corpus)
    assert [unit.rows for unit in after] == [5, 3, 2]
    shared = {unit.unit_id for unit in before} & {unit.unit_id for unit in after}
    assert shared == {before[0].unit_id}


def test_cut_new_file_leaves_the_ids_of_the_others(corpus: Path):
    before = units(corpus)
    write(corpus / "0.parquet", {"text": ["new"]})
    assert units(corpus)[1:] == before
