"""Suspects that the output folder remembers."""

import json

from pipeline.contract.unit import Unit
from pipeline.output import retry_list
from pipeline.storage import Store
from tests.helpers.outputs import make_unit

UNITS = [make_unit(0, 3), make_unit(3, 6)]
IDS = [unit.unit_id for unit in UNITS]


def test_suspected_new_folder_has_none(store: Store):
    assert retry_list.listed(store) == frozenset()


def test_suspect_units_are_remembered_by_their_ids(store: Store):
    retry_list.add(store, UNITS)
    assert retry_list.listed(store) == set(IDS)


def test_suspect_twice_is_no_error(store: Store):
    retry_list.add(store, UNITS)
    retry_list.add(store, UNITS[:1])
    assert retry_list.listed(store) == set(IDS)


def test_suspect_nobody_writes_nothing(store: Store):
    retry_list.add(store, [])
    assert store.listing() == {}


def test_suspect_file_says_which_unit_it_is(store: Store):
    retry_list.add(store, UNITS[:1])
    body = store.read(f"_retry/{IDS[0]}.json") or b""
    assert Unit.from_json(json.dumps(json.loads(body))) == UNITS[0]


def test_clear_forgets_those_named_and_no_others(store: Store):
    retry_list.add(store, UNITS)
    retry_list.remove(store, [IDS[0], "never there"])
    assert retry_list.listed(store) == {IDS[1]}
