"""The retry list: units whose annotation failed once, as ``_retry/<unit_id>.json`` in the output.

A job that starts again runs these last, each in a process of its own, so that it makes progress
whatever they do to it.
"""

from collections.abc import Iterable

from pipeline.contract.unit import Unit
from pipeline.storage import Store

_FOLDER = "_retry"


def listed(store: Store) -> frozenset[str]:
    """The ids of the units on the list."""
    paths = store.listing(_FOLDER)
    return frozenset(path.removeprefix(f"{_FOLDER}/").removesuffix(".json") for path in paths)


def add(store: Store, units: Iterable[Unit]) -> None:
    """Put ``units`` on the list."""
    for unit in units:
        store.create(_path(unit.unit_id), unit.to_json().encode())


def remove(store: Store, unit_ids: Iterable[str]) -> None:
    """Take units off the list, which are committed now."""
    store.delete([_path(unit_id) for unit_id in unit_ids])


def _path(unit_id: str) -> str:
    return f"{_FOLDER}/{unit_id}.json"
