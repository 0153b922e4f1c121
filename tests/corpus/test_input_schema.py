"""What passes the schema gate, under which name, and what does not."""

import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.config import InputSettings
from pipeline.contract.schema import RESERVED
from pipeline.corpus.input_schema import gate, input_columns, open_parquet, require_planned
from pipeline.corpus.survey import survey_corpus
from pipeline.errors import InputError, SchemaError
from tests.helpers.parquet_files import Foreign, foreign, read_file, write


def settings(**values: object) -> InputSettings:
    return InputSettings.model_validate({"uri": "corpus", **values})


def outputs(names: dict[str, pa.DataType], **values: object) -> list[tuple[str, str]]:
    chosen = settings(**values)
    planned = gate(pa.schema(names), chosen, "a.parquet")
    return list(input_columns(planned, chosen, RESERVED).kept)


@pytest.mark.parametrize(
    "kind",
    [
        pa.string(),
        pa.large_string(),
        pa.string_view(),
        pa.dictionary(pa.int32(), pa.string()),
        pa.dictionary(pa.int8(), pa.large_string()),
    ],
    ids=str,
)
def test_gate_text_of_a_string_type_passes(kind: pa.DataType):
    assert gate(pa.schema({"text": kind}), settings(), "a").field("text").type == kind


@pytest.mark.parametrize(
    "kind",
    [
        pa.int64(),
        pa.binary(),
        pa.null(),
        pa.list_(pa.string()),
        pa.struct({"text": pa.string()}),
        pa.dictionary(pa.int32(), pa.int64()),
    ],
    ids=str,
)
def test_gate_text_of_another_type_is_refused(kind: pa.DataType):
    with pytest.raises(SchemaError) as caught:
        gate(pa.schema({"text": kind}), settings(), "a.parquet")
    assert f"a.parquet: text column 'text' is {kind}; expected string" in str(caught.value)


@pytest.mark.parametrize(
    "kind",
    [
        Foreign(pa.binary(), "evil"),
        pa.uuid(),
        pa.json_(),
        pa.list_(Foreign(pa.binary(), "evil")),
        pa.large_list(pa.uuid()),
        pa.list_(pa.uuid(), 2),
        pa.list_view(pa.uuid()),
        pa.struct({"a": pa.list_(pa.struct({"b": pa.uuid()}))}),
        pa.map_(pa.string(), pa.uuid()),
        pa.map_(pa.string(), pa.struct({"a": Foreign(pa.binary(), "evil")})),
        pa.dictionary(pa.int32(), pa.uuid()),
        pa.run_end_encoded(pa.int32(), pa.uuid()),
        pa.union([pa.field("a", pa.uuid())], "sparse"),
    ],
    ids=str,
)
def test_gate_extension_type_anywhere_is_refused(kind: pa.DataType):
    with pytest.raises(SchemaError, match="has the extension type"):
        gate(pa.schema({"text": pa.string(), "x": kind}), settings(), "a.parquet")


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_gate_extension_that_nobody_registered_is_refused_by_its_name(depth: int):
    field = pa.field("x", pa.binary(), metadata={"ARROW:extension:name": "evil.kind"})
    for level in range(depth):
        field = pa.field("x", pa.list_(field) if level % 2 else pa.struct([field]))
    with pytest.raises(SchemaError, match=r"the extension type 'evil\.kind'"):
        gate(pa.schema([pa.field("text", pa.string()), field]), settings(), "a.parquet")


def test_gate_text_that_is_an_extension_type_is_refused():
    with pytest.raises(SchemaError, match="has the extension type"):
        gate(pa.schema({"text": pa.json_()}), settings(), "a.parquet")


def test_gate_extension_type_that_is_not_kept_passes():
    names = {"text": pa.string(), "id": pa.int64(), "x": pa.uuid()}
    planned = gate(pa.schema(names), settings(keep_columns=["text"], id_column="id"), "a")
    assert planned.names == ["text", "id"]


@pytest.mark.parametrize("key", ["text_column", "id_column", "language_column"])
def test_gate_missing_column_is_named_with_those_there(key: str):
    with pytest.raises(SchemaError) as caught:
        gate(pa.schema({"text": pa.string()}), settings(**{key: "nope"}), "a.parquet")
    assert "a.parquet has no column 'nope'; its columns are text" in str(caught.value)


def test_gate_missing_kept_columns_are_named():
    with pytest.raises(SchemaError, match="no column 'a', 'b'; its columns are text"):
        gate(pa.schema({"text": pa.string()}), settings(keep_columns=["b", "text", "a"]), "x")


def test_gate_file_without_columns_is_refused(tmp_path: Path):
    path = write(tmp_path / "a.parquet", pa.table({}))
    with pytest.raises(InputError, match="no column 'text'"):
        survey_corpus(InputSettings(uri=str(path)), allow_bad_files=False)


def test_gate_two_columns_of_one_name_are_refused(tmp_path: Path):
    doubled = pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"])], ["text", "text"])
    path = write(tmp_path / "a.parquet", doubled)
    with pytest.raises(InputError, match="columns of one name: text"):
        survey_corpus(InputSettings(uri=str(path)), allow_bad_files=False)


@pytest.mark.parametrize("key", ["id_column", "language_column"])
def test_gate_id_or_language_without_a_form_as_string_is_refused(key: str):
    names = {"text": pa.string(), "x": pa.list_(pa.int64())}
    with pytest.raises(SchemaError, match="column 'x' is list<item: int64>, which has no form"):
        gate(pa.schema(names), settings(**{key: "x"}), "a.parquet")


@pytest.mark.parametrize(
    "kind",
    [
        pa.int64(),
        pa.uint8(),
        pa.float64(),
        pa.string_view(),
        pa.binary(),
        pa.large_string(),
        pa.dictionary(pa.int32(), pa.string()),
        pa.decimal128(10, 2),
        pa.date32(),
        pa.timestamp("us"),
    ],
    ids=str,
)
def test_gate_id_with_a_form_as_string_passes(kind: pa.DataType):
    names = {"text": pa.string(), "x": kind}
    assert gate(pa.schema(names), settings(id_column="x"), "a").names == ["text", "x"]


def test_gate_drops_metadata_of_columns_and_file():
    field = pa.field("text", pa.string(), metadata={"note": "x"})
    assert gate(pa.schema([field], {"pandas": "{}"}), settings(), "a").field(0).metadata is None


def test_input_columns_all_keeps_each_in_its_order():
    names = {"b": pa.int64(), "text": pa.string(), "a": pa.int64()}
    assert outputs(names) == [("b", "b"), ("text", "text"), ("a", "a")]


def test_input_columns_chosen_keeps_the_order_of_the_file():
    names = {"b": pa.int64(), "text": pa.string(), "a": pa.int64()}
    assert outputs(names, keep_columns=["a", "b"]) == [("b", "b"), ("a", "a")]


def test_input_columns_none_chosen_keeps_none():
    assert outputs({"text": pa.string()}, keep_columns=[]) == []


def test_input_columns_with_names_of_the_output_are_renamed():
    names = {"text": pa.string(), "language": pa.string(), "entities": pa.int64(), "_x": pa.int8()}
    assert outputs(names, language_column="language") == [
        ("text", "text"),
        ("language", "input_language"),
        ("entities", "input_entities"),
        ("_x", "input__x"),
    ]


def test_input_columns_fields_have_output_names_and_input_types():
    chosen = settings()
    planned = gate(pa.schema({"text": pa.string(), "lang_id": pa.int8()}), chosen, "a")
    fields = input_columns(planned, chosen, RESERVED).fields
    assert fields == (pa.field("text", pa.string()), pa.field("input_lang_id", pa.int8()))


@pytest.mark.parametrize(
    "name", ["Language", "LANG_ID", "Entities", "Record_ID", "ENTITIES", "ｌanguage", "n_toKens"]
)
def test_input_columns_that_differ_from_the_outputs_in_case_alone_are_renamed(name: str):
    assert outputs({"text": pa.string(), name: pa.int64()})[1] == (name, f"input_{name}")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Note", "note"),
        ("é", "e\u0301"),
        ("É", "e\u0301"),
        ("ﬁ", "fi"),
        ("Input_Language", "language"),
    ],
)
def test_input_columns_that_differ_in_case_or_composition_alone_are_refused(
    first: str, second: str
):
    names = {"text": pa.string(), first: pa.string(), second: pa.string()}
    with pytest.raises(SchemaError, match="one name to DuckDB and Spark"):
        outputs(names)
    assert len(outputs(names, keep_columns=["text", second])) == 2


def test_input_columns_whose_new_name_is_taken_are_refused():
    names = {"text": pa.string(), "language": pa.string(), "input_language": pa.string()}
    with pytest.raises(SchemaError, match="two columns input_language"):
        outputs(names)
    kept = outputs(names, keep_columns=["language"])
    assert kept == [("language", "input_language")]


def test_input_columns_record_id_as_the_id_is_not_kept_twice():
    names = {"text": pa.string(), "record_id": pa.int64()}
    assert outputs(names, id_column="record_id") == [("text", "text")]
    assert outputs(names)[1] == ("record_id", "input_record_id")


def test_require_planned_same_columns_in_another_order_pass():
    planned = pa.schema({"text": pa.string(), "n": pa.int64()})
    require_planned(pa.schema({"n": pa.int64(), "text": pa.string()}), planned, "b.parquet")


NOT_NULL = pa.struct([pa.field("x", pa.list_(pa.field("item", pa.int8(), False)), False)])
NULLABLE = pa.struct([pa.field("x", pa.list_(pa.field("element", pa.int8())))])


def test_require_planned_differences_that_are_no_values_pass():
    planned = pa.schema([("text", pa.string()), ("s", NULLABLE), ("n", pa.int64())])
    other = pa.schema(
        [
            pa.field("n", pa.int64(), False),
            pa.field("s", NOT_NULL, False, {"PARQUET:field_id": "7"}),
            pa.field("text", pa.string_view(), False),
        ],
        {"pandas": "{}"},
    )
    require_planned(other, planned, "b.parquet")


def test_input_columns_fields_hold_nulls_at_every_depth():
    fields = outputs_of(pa.schema([pa.field("text", pa.string(), False), ("s", NOT_NULL)]))
    assert fields[0].nullable
    assert str(fields[1].type) == "struct<x: list<element: int8>>"


def outputs_of(file_schema: pa.Schema) -> tuple[pa.Field, ...]:
    return input_columns(gate(file_schema, settings(), "a"), settings(), RESERVED).fields


def test_require_planned_drift_names_each_column_that_differs():
    planned = pa.schema({"text": pa.string(), "n": pa.int64(), "old": pa.int8()})
    seen = pa.schema({"text": pa.string(), "n": pa.string(), "new": pa.bool_()})
    with pytest.raises(SchemaError) as caught:
        require_planned(seen, planned, "b.parquet")
    message = str(caught.value)
    assert message.startswith("b.parquet has other columns than most records of the corpus: ")
    assert "n: string, expected int64" in message
    assert "new: bool, expected no such column" in message
    assert "old: missing, expected int8" in message
    assert "text:" not in message


HOSTILE = """
import pickle, sys
import ray.data
import pyarrow as pa, pyarrow.parquet as pq
from ray.data._internal.object_extensions.arrow import ArrowPythonObjectArray

class Payload:
    def __reduce__(self):
        return open, (sys.argv[2], "w")

objects = ArrowPythonObjectArray.from_objects([Payload()])
{nesting}
pq.write_table(pa.table({{"text": ["a"], "x": column}}), sys.argv[1])

from pipeline.errors import InputError
from pipeline.corpus.survey import survey_corpus
from pipeline.config import InputSettings
seen = pq.ParquetFile(sys.argv[1]).schema_arrow.field("x").type
assert "ray.data.arrow_pickled_object" in str(seen), seen
try:
    survey_corpus(InputSettings(uri=sys.argv[1]), allow_bad_files=False)
except InputError as error:
    assert "the extension type 'ray.data.arrow_pickled_object'" in str(error), error
    sys.exit(7)
"""
NESTINGS = {
    "top": "column = objects",
    "list": "column = pa.ListArray.from_arrays(pa.array([0, 1], pa.int32()), objects)",
    "struct": "column = pa.StructArray.from_arrays([objects], ['inner'])",
}


@pytest.mark.parametrize("nesting", NESTINGS)
def test_gate_pickle_of_ray_data_is_refused_and_never_loaded(tmp_path: Path, nesting: str):
    pytest.importorskip("ray")
    code = HOSTILE.format(nesting=NESTINGS[nesting])
    files = [str(tmp_path / "hostile.parquet"), str(tmp_path / "ran")]
    ended = subprocess.run(
        [sys.executable, "-c", code, *files], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 7, ended.stderr
    assert not (tmp_path / "ran").exists()


class Moody(Foreign):
    """A registered type that fails at its own metadata, as Ray's tensors do at other versions'."""

    def __init__(self) -> None:
        super().__init__(pa.int64(), "test.moody")

    @classmethod
    def __arrow_ext_deserialize__(cls, storage: pa.DataType, serialized: bytes) -> "Foreign":
        raise TypeError("the metadata's text")


def test_open_parquet_type_that_fails_at_its_metadata_is_an_input_error(tmp_path: Path):
    column = foreign(pa.array([1]), "test.moody")
    path = write(tmp_path / "a.parquet", {"text": ["a"], "x": column})
    pa.register_extension_type(Moody())
    try:
        with path.open("rb") as file, pytest.raises(InputError) as caught:
            open_parquet(file, "a.parquet")
    finally:
        pa.unregister_extension_type("test.moody")
    assert str(caught.value).startswith("a.parquet cannot be read as Parquet: TypeError. Mend")


def test_open_parquet_text_file_is_an_input_error(tmp_path: Path):
    path = tmp_path / "a.parquet"
    path.write_text("id,text\n1,hello world, this is no Parquet\n")
    with path.open("rb") as file, pytest.raises(InputError, match="cannot be read as Parquet"):
        open_parquet(file, "a.parquet")


def test_gate_extension_in_a_file_is_refused_before_it_is_read(tmp_path: Path):
    column = foreign(pa.array([b"\x80\x04."]), "evil.kind")
    path = write(tmp_path / "a.parquet", {"text": ["a"], "x": column})
    with pytest.raises(InputError, match=r"the extension type 'evil\.kind'"):
        read_file(path)
    assert read_file(path, keep_columns=["text"]).num_rows == 1
    assert pq.read_metadata(path).num_rows == 1
