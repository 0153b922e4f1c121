"""A unit's name and its JSON."""

import pytest

from pipeline.contract.unit import SourceFile, Unit

VALUES: dict[str, object] = {
    "uri": "s3://corpus/a.parquet",
    "size": 10,
    "version": "etag",
    "content": "c",
    "start": 0,
    "stop": 5,
    "fingerprint": "f",
}


def make(**changes: object) -> Unit:
    values = {**VALUES, **changes}
    source = SourceFile(**{key: values.pop(key) for key in ("uri", "size", "version", "content")})
    return Unit(source=source, **values)


def test_unit_id_is_the_same_in_every_version_of_the_package():
    # A changed value here orphans every output that is there: resume would find no unit in it.
    assert make().unit_id == "a5c6b49c088da4be49aadf9d3c3aef9e"


@pytest.mark.parametrize(
    "change",
    [
        {"uri": "s3://corpus/b.parquet"},
        {"size": 11},
        {"content": "d"},
        {"start": 1},
        {"stop": 6},
        {"fingerprint": "g"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_unit_id_follows_everything_that_its_content_depends_on(change: dict[str, object]):
    assert make(**change).unit_id != make().unit_id


def test_unit_id_is_the_same_for_another_version_of_the_same_content():
    assert make(version="other").unit_id == make().unit_id


def test_unit_id_does_not_confuse_neighbouring_values():
    assert make(uri="a", content="bc").unit_id != make(uri="ab", content="c").unit_id
    assert make(start=1, stop=23).unit_id != make(start=12, stop=3).unit_id


def test_unit_rows_counts_from_start_to_stop():
    assert make(start=3, stop=5).rows == 2


@pytest.mark.parametrize("uri", ["s3://b/a.parquet", 'file:///äöü/北京 "x".parquet', "file:///a#b"])
def test_unit_json_gives_the_unit_back(uri: str):
    unit = make(uri=uri)
    assert Unit.from_json(unit.to_json()) == unit
    assert Unit.from_json(unit.to_json()).unit_id == unit.unit_id
