"""What tables lack, told without Ray: nothing has been written to them, or states alone."""

from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import ConfigError, SchemaError
from pipeline.tables.columns import DOCUMENTS, SCHEMAS, TABLES
from pipeline.tables.iceberg import commit
from pipeline.tables.planning import Plan, TablePlan, make_plan
from tests.helpers.enriched import make_settings, write_output


def output(folder: Path, name: str = "a", **values: Any) -> dict[str, object]:
    uri = write_output(folder / name, **values)
    return {"uri": uri, "name": name, "date": "2026-01-01"}


def of(plan: Plan, name: str) -> TablePlan:
    return next(table for table in plan.open if table.name == name)


def remembered(plan: Plan) -> None:
    """Let the tables remember what the plan would build, without any rows."""
    for table in plan.open:
        commit(plan.tables.begin(table.name, table.seen, table.schema), table.states, (), ())


def test_make_plan_of_new_tables_lacks_every_output_and_writes_nothing(tmp_path: Path):
    outputs = [output(tmp_path, "a"), output(tmp_path, "b", fingerprint="b" * 64)]
    plan = make_plan(make_settings(tmp_path, outputs))
    assert [table.name for table in plan.open] == list(TABLES)
    assert all([source.name for source in t.changed] == ["a", "b"] for t in plan.open)
    assert not (tmp_path / "wh").exists()


def test_make_plan_of_what_tables_have_lacks_nothing(tmp_path: Path):
    settings = make_settings(tmp_path, [output(tmp_path)])
    remembered(make_plan(settings))
    plan = make_plan(settings)
    assert (plan.open, plan.changed) == ((), ())


@pytest.mark.parametrize(
    ("sections", "lacking"),
    [
        ({"documents": {"text": True}}, {DOCUMENTS}),
        ({"documents": {"task_columns": ["embedding"]}}, {DOCUMENTS}),
        ({"layout": {"dates": "month", "min_rows": 99}}, set[str]()),
    ],
    ids=str,
)
def test_make_plan_with_other_settings_lacks_what_they_change(
    tmp_path: Path, sections: dict[str, Any], lacking: set[str]
):
    outputs = [output(tmp_path)]
    remembered(make_plan(make_settings(tmp_path, outputs)))
    plan = make_plan(make_settings(tmp_path, outputs, **sections))
    assert {table.name for table in plan.open} == lacking


def test_make_plan_with_another_date_lacks_the_output_everywhere(tmp_path: Path):
    outputs = [output(tmp_path, "a"), output(tmp_path, "b", fingerprint="b" * 64)]
    remembered(make_plan(make_settings(tmp_path, outputs)))
    outputs[1]["date"] = "2026-01-02"
    plan = make_plan(make_settings(tmp_path, outputs))
    assert [source.name for source in plan.changed] == ["b"]
    assert len(plan.open) == len(TABLES)


def test_make_plan_remembers_outputs_that_are_not_named(tmp_path: Path):
    remembered(make_plan(make_settings(tmp_path, [output(tmp_path, "a")])))
    plan = make_plan(make_settings(tmp_path, [output(tmp_path, "b")]))
    assert [sorted(table.states) for table in plan.open] == [["a", "b"]] * 4
    assert all(table.replaced == frozenset() for table in plan.open), "b is new"


def test_make_plan_of_a_task_that_came_later_has_its_column_at_the_end(tmp_path: Path):
    remembered(make_plan(make_settings(tmp_path, [output(tmp_path, "a")])))
    later = make_settings(tmp_path, [output(tmp_path, "b", perplexity=True, topic=False)])
    schema = of(make_plan(later), DOCUMENTS).schema
    assert schema.names[-3:] == ["topic_label", "topic_score", "perplexity"]
    assert schema.names[: len(SCHEMAS[DOCUMENTS])] == SCHEMAS[DOCUMENTS].names


def test_make_plan_of_columns_that_do_not_fit_is_refused(tmp_path: Path):
    first = make_plan(make_settings(tmp_path, [output(tmp_path, "a")]))
    strange = of(first, DOCUMENTS).schema.field("visits").with_name("outlet")
    place = of(first, DOCUMENTS).schema.get_field_index("outlet")
    schema = of(first, DOCUMENTS).schema.set(place, strange)
    commit(first.tables.begin(DOCUMENTS, None, schema), {}, (), ())
    with pytest.raises(SchemaError, match="outlet is string in output a and int64 in the table"):
        make_plan(make_settings(tmp_path, [output(tmp_path, "a")]))


def test_make_plan_of_columns_that_no_output_has_is_refused(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"documents\.keep_columns names nothing"):
        make_plan(
            make_settings(tmp_path, [output(tmp_path)], documents={"keep_columns": ["nothing"]})
        )


def test_make_plan_of_one_output_under_two_names_is_refused(tmp_path: Path):
    first = output(tmp_path)
    (tmp_path / "linked").symlink_to(tmp_path / "a")
    for uri in (f"{first['uri']}/", f"{tmp_path}/linked", f"{first['uri']}/data"):
        outputs = [first, {**first, "uri": uri, "name": "b"}]
        with pytest.raises(ConfigError, match=r"outputs\.\d\.uri .* is in the output"):
            make_plan(make_settings(tmp_path, outputs))


def test_make_plan_of_tables_in_an_output_is_refused(tmp_path: Path):
    settings = make_settings(tmp_path, [output(tmp_path, "wh")])
    with pytest.raises(ConfigError, match=r"destination\.catalog\.warehouse"):
        make_plan(settings)
