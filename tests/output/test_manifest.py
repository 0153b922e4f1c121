"""The manifest as readers and runs go by it."""

import json

import pytest

from pipeline.errors import OutputError
from pipeline.output.commit import CommittedRows, part_path
from pipeline.output.manifest import Kept, listed, manifest_of, read_manifest
from pipeline.output.publish import Publisher
from pipeline.output.reconcile import reconcile
from pipeline.storage import Store
from tests.helpers.outputs import DECLARED, FINGERPRINT, make_block, make_unit

UNIT, OTHER = make_unit(0, 6), make_unit(6, 9)


@pytest.fixture
def output(local_store: Store) -> Store:
    """A finished output of one unit."""
    Publisher(local_store, DECLARED)(make_block(UNIT))
    reconcile(local_store, [UNIT], FINGERPRINT)
    return local_store


def test_manifest_lists_the_units_that_make_up_the_output(output: Store):
    manifest = read_manifest(output)
    assert manifest is not None
    assert {one.unit_id: one.unit for one in manifest.units} == {
        UNIT.unit_id: CommittedRows.of(UNIT)
    }
    assert (manifest.kept, manifest.retired) == ({}, ())


def test_manifest_says_which_files_are_kept_and_which_units_retired(local_store: Store):
    body = manifest_of((), FINGERPRINT, {}, {"a": Kept.GONE}, [OTHER.unit_id])
    local_store.replace("_manifest.json", body)
    manifest = read_manifest(local_store)
    assert manifest is not None
    assert (manifest.kept, manifest.retired) == ({"a": Kept.GONE}, (OTHER.unit_id,))


def test_manifest_of_no_output_is_none_and_every_unit_counts(local_store: Store):
    assert read_manifest(local_store) is None
    assert listed(local_store)(part_path(OTHER.unit_id))


def test_listed_are_the_files_of_the_units_in_the_manifest(output: Store):
    is_listed = listed(output)
    paths = [path for path in output.listing() if is_listed(path)]
    assert paths == [f"_commit/{UNIT.unit_id}.json", part_path(UNIT.unit_id)]
    assert not is_listed(part_path(OTHER.unit_id))


@pytest.mark.parametrize("name", ["../../other", "0" * 31, "0" * 32 + "\n", "G" * 32])
def test_manifest_that_retires_what_is_no_unit_is_refused(output: Store, name: str):
    manifest = json.loads(output.read("_manifest.json") or b"")
    output.replace("_manifest.json", json.dumps(manifest | {"retired": [name]}).encode())
    with pytest.raises(OutputError, match="is no manifest of this version"):
        read_manifest(output)
