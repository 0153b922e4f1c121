"""What is read of an output's folder."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.contract import schema
from pipeline.errors import OutputError
from pipeline.output.publish import Publisher
from pipeline.reporting.page.output import Sought, read_output, read_rows, spread
from pipeline.storage import Store
from tests.helpers.finished import finish
from tests.helpers.outputs import DECLARED, make_block, make_unit

ROW = pa.schema([pa.field("row", pa.int64())])


def numbered(store: Store, files: int, rows: int) -> list[str]:
    """Files of ``rows`` numbers each, counted through."""
    paths = []
    for file in range(files):
        sink = pa.BufferOutputStream()
        first = file * rows
        pq.write_table(pa.table({"row": range(first, first + rows), "other": ["x"] * rows}), sink)
        paths.append(f"data/{file:04}.parquet")
        store.replace(paths[-1], sink.getvalue().to_pybytes())
    return paths


def test_read_output_lists_what_a_job_left(local_store: Store):
    output = read_output(finish(local_store, failed=[1]))
    assert (len(output.parts), len(output.quarantines), len(output.commits)) == (1, 1, 1)
    assert output.report.rows_quarantined == 1
    assert output.schema.field("record_id") == schema.RECORD_ID


def test_read_output_leaves_out_units_that_the_manifest_does_not_list(local_store: Store):
    finished = read_output(finish(local_store, failed=[1]))
    Publisher(local_store, DECLARED)(make_block(make_unit(0, 6, content="newer"), failed=[2]))
    assert read_output(local_store) == finished


def test_read_output_of_no_finished_job_says_what_is_missing(local_store: Store):
    with pytest.raises(OutputError, match=r"has no run_report\.json; expected the folder of a job"):
        read_output(local_store)


def test_read_output_of_another_version_says_where_it_differs(local_store: Store):
    finish(local_store).replace("run_report.json", b'{"seconds": "long"}')
    with pytest.raises(OutputError, match=r"wrong at: package_version, .*Run the job again"):
        read_output(local_store)


def test_read_rows_takes_all_of_few(local_store: Store):
    paths = numbered(local_store, files=3, rows=4)
    assert read_rows(local_store, paths, ROW, Sought(100, 12))["row"].to_pylist() == list(range(12))


def test_read_rows_takes_leading_rows_of_files_far_apart(local_store: Store):
    paths = numbered(local_store, files=80, rows=3)
    rows = read_rows(local_store, paths, ROW, Sought(64, 240))["row"].to_pylist()
    assert len(rows) == 64
    assert all(row % 3 == 0 for row in rows)
    assert max(rows) > 230


def test_read_rows_takes_all_of_few_rows_in_files_of_any_number_and_size(local_store: Store):
    paths = numbered(local_store, files=80, rows=1)
    for name, numbers in {"none": range(0), "long": range(100, 1500)}.items():
        sink = pa.BufferOutputStream()
        pq.write_table(pa.table({"row": pa.array(numbers, pa.int64())}), sink)
        paths.append(f"data/{name}.parquet")
        local_store.replace(paths[-1], sink.getvalue().to_pybytes())
    rows = read_rows(local_store, paths, ROW, Sought(1600, 1480))
    assert rows["row"].to_pylist() == [*range(80), *range(100, 1500)]


def test_read_rows_goes_on_past_a_batch(local_store: Store):
    paths = numbered(local_store, files=1, rows=3000)
    assert read_rows(local_store, paths, ROW, Sought(2500, 3000))["row"].to_pylist() == list(
        range(2500)
    )


def test_read_rows_of_no_files_has_the_columns(local_store: Store):
    assert read_rows(local_store, [], ROW, Sought(5, 0)).schema == ROW


def test_read_rows_refuses_a_column_of_another_type(local_store: Store):
    paths = numbered(local_store, files=1, rows=1)
    wanted = pa.schema([pa.field("row", pa.string())])
    with pytest.raises(OutputError, match="has no column row of type string"):
        read_rows(local_store, paths, wanted, Sought(5, 9))


def test_read_rows_of_what_is_no_parquet_names_the_file(local_store: Store):
    local_store.replace("data/a.parquet", b"not at all")
    with pytest.raises(OutputError, match=r"data/a\.parquet"):
        read_rows(local_store, ["data/a.parquet"], ROW, Sought(5, 9))


def test_read_rows_of_strings_that_are_none_names_the_file(local_store: Store):
    broken = pa.Array.from_buffers(
        pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\1\0\0\0"), pa.py_buffer(b"\xff")]
    )
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"text": broken}), sink)
    local_store.replace("data/a.parquet", sink.getvalue().to_pybytes())
    wanted = pa.schema([pa.field("text", pa.string())])
    with pytest.raises(OutputError, match=r"data/a\.parquet cannot be read as Parquet"):
        read_rows(local_store, ["data/a.parquet"], wanted, Sought(5, 9))


def test_output_names_input_files_by_their_path_in_the_corpus(local_store: Store):
    output = read_output(finish(local_store))
    assert output.named("file:///corpus/2026/a.parquet") == "2026/a.parquet"
    assert output.named("file:///corpus") == "corpus"
    assert output.named("s3://elsewhere/a.parquet") == "s3://elsewhere/a.parquet"


@pytest.mark.parametrize(("count", "most"), [(0, 3), (3, 3), (10, 3), (7, 1)])
def test_spread_is_bounded_and_in_order(count: int, most: int):
    values = [str(value) for value in range(count)]
    found = spread(values, most)
    assert len(found) == min(count, most)
    assert found == sorted(set(found), key=int)
