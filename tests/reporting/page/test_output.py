"""What is read of an output's folder."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.contract import schema
from pipeline.errors import OutputError
from pipeline.output.publish import Publisher
from pipeline.reporting.page.output import RowFiles, read_output, spread
from pipeline.storage import Store
from tests.helpers.finished import finish
from tests.helpers.outputs import DECLARED, make_block, make_unit

ROW = pa.schema([pa.field("row", pa.int64())])


def numbered(store: Store, files: int, rows: int) -> tuple[str, ...]:
    """Files of ``rows`` numbers each, counted through."""
    paths = []
    for file in range(files):
        sink = pa.BufferOutputStream()
        first = file * rows
        pq.write_table(pa.table({"row": range(first, first + rows), "other": ["x"] * rows}), sink)
        paths.append(f"data/{file:04}.parquet")
        store.replace(paths[-1], sink.getvalue().to_pybytes())
    return tuple(paths)


def test_read_output_lists_what_a_job_left(local_store: Store):
    output = read_output(finish(local_store, failed=[1]))
    assert (len(output.parts.paths), len(output.quarantine.paths), len(output.commits)) == (1, 1, 1)
    assert output.report.rows_quarantined == 1
    assert output.parts.schema().field("record_id") == schema.RECORD_ID


def test_read_output_leaves_out_units_that_the_manifest_does_not_list(local_store: Store):
    finished = read_output(finish(local_store, failed=[1]))
    Publisher(local_store, DECLARED)(make_block(make_unit(0, 6, content="newer"), failed=[2]))
    assert read_output(local_store) == finished


def test_read_output_of_no_finished_job_says_what_is_missing(local_store: Store):
    with pytest.raises(OutputError, match=r"has no run_report\.json; expected the folder of a"):
        read_output(local_store)


def test_read_output_of_another_version_says_where_it_differs(local_store: Store):
    finish(local_store).replace("run_report.json", b'{"seconds": "long"}')
    with pytest.raises(OutputError, match=r"wrong at: package_version, .*Run the job again"):
        read_output(local_store)


def test_row_files_read_takes_all_of_few(local_store: Store):
    paths = numbered(local_store, files=3, rows=4)
    assert RowFiles(local_store, paths, 12).read(ROW, 100)["row"].to_pylist() == list(range(12))


def test_row_files_read_takes_leading_rows_of_files_far_apart(local_store: Store):
    paths = numbered(local_store, files=80, rows=3)
    rows = RowFiles(local_store, paths, 240).read(ROW, 64)["row"].to_pylist()
    assert len(rows) == 64
    assert all(row % 3 == 0 for row in rows)
    assert max(rows) > 230


def test_row_files_read_takes_all_of_few_rows_in_files_of_any_number_and_size(local_store: Store):
    paths = [*numbered(local_store, files=80, rows=1)]
    for name, numbers in {"none": range(0), "long": range(100, 1500)}.items():
        sink = pa.BufferOutputStream()
        pq.write_table(pa.table({"row": pa.array(numbers, pa.int64())}), sink)
        paths.append(f"data/{name}.parquet")
        local_store.replace(paths[-1], sink.getvalue().to_pybytes())
    rows = RowFiles(local_store, tuple(paths), 1480).read(ROW, 1600)
    assert rows["row"].to_pylist() == [*range(80), *range(100, 1500)]


def test_row_files_read_goes_on_past_a_batch(local_store: Store):
    paths = numbered(local_store, files=1, rows=3000)
    assert RowFiles(local_store, paths, 3000).read(ROW, 2500)["row"].to_pylist() == list(
        range(2500)
    )


def test_row_files_read_of_no_files_has_the_columns(local_store: Store):
    assert RowFiles(local_store, (), 0).read(ROW, 5).schema == ROW


def test_row_files_read_refuses_a_column_of_another_type(local_store: Store):
    paths = numbered(local_store, files=1, rows=1)
    wanted = pa.schema([pa.field("row", pa.string())])
    with pytest.raises(OutputError, match="has no column row of type string"):
        RowFiles(local_store, paths, 9).read(wanted, 5)


def test_row_files_read_of_what_is_no_parquet_names_the_file(local_store: Store):
    local_store.replace("data/a.parquet", b"not at all")
    with pytest.raises(OutputError, match=r"data/a\.parquet"):
        RowFiles(local_store, ("data/a.parquet",), 9).read(ROW, 5)


def test_row_files_read_of_strings_that_are_none_names_the_file(local_store: Store):
    broken = pa.Array.from_buffers(
        pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\1\0\0\0"), pa.py_buffer(b"\xff")]
    )
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"text": broken}), sink)
    local_store.replace("data/a.parquet", sink.getvalue().to_pybytes())
    wanted = pa.schema([pa.field("text", pa.string())])
    with pytest.raises(OutputError, match=r"data/a\.parquet cannot be read as Parquet"):
        RowFiles(local_store, ("data/a.parquet",), 9).read(wanted, 5)


def test_output_names_input_files_by_their_path_in_the_corpus(local_store: Store):
    output = read_output(finish(local_store))
    assert output.path_in_corpus("file:///corpus/2026/a.parquet") == "2026/a.parquet"
    assert output.path_in_corpus("file:///corpus") == "corpus"
    assert output.path_in_corpus("s3://elsewhere/a.parquet") == "s3://elsewhere/a.parquet"


@pytest.mark.parametrize(("count", "most"), [(0, 3), (3, 3), (10, 3), (7, 1)])
def test_spread_is_bounded_and_in_order(count: int, most: int):
    values = [str(value) for value in range(count)]
    found = list(spread(values, most))
    assert len(found) == min(count, most)
    assert found == sorted(set(found), key=int)
