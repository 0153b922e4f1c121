"""Suspects: units whose annotation failed once, remembered in the output folder.

Enters: units. Leaves: ``_suspects/<unit_id>.json``. What holds: a job that starts again runs its
suspects last and apart, so that it makes progress whatever they do to it.
"""

from collections.abc import Iterable

from pipeline.contract.unit import Unit
from pipeline.storage import Store

_FOLDER = "_suspects"


def suspected(store: Store) -> frozenset[str]:
    """The ids of the units under suspicion."""
    paths = store.listing(_FOLDER)
    return frozenset(path.removeprefix(f"{_FOLDER}/").removesuffix(".json") for path in paths)


def suspect(store: Store, units: Iterable[Unit]) -> None:
    """Remember ``units``."""
    for unit in units:
        store.create(_path(unit.unit_id), unit.to_json().encode())


def clear(store: Store, unit_ids: Iterable[str]) -> None:
    """Forget units, which are committed now."""
    store.delete([_path(unit_id) for unit_id in unit_ids])


def _path(unit_id: str) -> str:
    return f"{_FOLDER}/{unit_id}.json"
