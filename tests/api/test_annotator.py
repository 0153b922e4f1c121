"""The pipeline as a callable: alone, and in a Ray Dataset of one's own."""

from pathlib import Path

import pyarrow as pa
import pytest

from pipeline import Annotator
from pipeline.config import Fallback, JobSettings
from pipeline.errors import DamagedError, SchemaError
from tests.helpers.corpora import make_settings

TABLE = pa.table(
    {
        "id": ["a", "b", "c"],
        "text": ["Anna lebt in Graz.", None, "Karl lives in York."],
        "language": ["de", "de", "qq"],
        "score": [1, 2, 3],
    }
)


@pytest.fixture
def settings(tmp_path: Path, models: Path) -> JobSettings:
    made = make_settings(str(tmp_path / "in"), str(tmp_path / "out"), models)
    language = made.language.model_copy(update={"fallback": Fallback.QUARANTINE})
    return made.model_copy(update={"language": language})


def test_annotator_gives_every_row_back_with_the_columns_of_the_contract(settings):
    table = Annotator(settings)(TABLE)
    assert table["input_language"].to_pylist() == TABLE["language"].to_pylist()
    assert table["record_id"].to_pylist() == ["a", "b", "c"]
    assert table.select(TABLE.column_names[:2]) == TABLE.select(TABLE.column_names[:2])
    assert table["xmod_language"].to_pylist() == ["de_DE", None, None]
    assert table["entities"][0].as_py() is not None
    assert [error and error["error_type"] for error in table["error"].to_pylist()] == [
        None,
        "NullText",
        "UnknownLanguageTag",
    ]
    assert not [name for name in table.column_names if name.startswith("_")]


def test_annotator_annotates_one_batch_after_another_alike(settings):
    annotator = Annotator(settings)
    whole = annotator(TABLE)
    parts = [annotator(TABLE.slice(row, 1)) for row in range(len(TABLE))]
    assert pa.concat_tables(parts).drop_columns(["embedding"]) == whole.drop_columns(["embedding"])


def test_annotator_without_an_id_column_has_none_to_give(settings):
    nameless = settings.input.model_copy(update={"id_column": None})
    table = Annotator(settings.model_copy(update={"input": nameless}))(TABLE)
    assert table["record_id"].null_count == 3


def test_annotator_of_a_table_without_the_text_column_says_so(settings):
    with pytest.raises(SchemaError, match="the batch has no column 'text'"):
        Annotator(settings)(TABLE.drop_columns(["text"]))


def test_annotator_of_a_damaged_dictionary_says_what_to_mend(settings):
    beyond = pa.DictionaryArray.from_arrays(pa.array([0, 9, 0]), pa.array(["x"]), safe=False)
    with pytest.raises(DamagedError, match=r"indices of kind point .* input\.keep_columns"):
        Annotator(settings)(TABLE.append_column("kind", beyond))


@pytest.mark.ray
@pytest.mark.usefixtures("ray_cluster")
def test_annotator_runs_in_a_ray_dataset(settings):
    import ray.data

    dataset = ray.data.from_arrow(TABLE).map_batches(
        Annotator, fn_constructor_args=(settings,), batch_format="pyarrow", concurrency=1
    )
    rows = sorted(dataset.take_all(), key=lambda row: row["record_id"])
    assert [row["xmod_language"] for row in rows] == ["de_DE", None, None]
