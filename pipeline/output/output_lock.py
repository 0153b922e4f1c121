"""Whose output this is: one run's, named by its fingerprint in ``_run.json``.

Enters: the output folder, the run's fingerprint, and an echo of what it hashes (without
credentials). Leaves: a folder that is this run's to write, or an error that says whose it is. What
holds: results of two fingerprints never stand side by side.

``--new-run`` starts over: whatever the folder's earlier run left is deleted, whether its
fingerprint is the same or not. ``_SUCCESS`` and the manifest go first, commit records before the
files that they name, ``_run.json`` last. A crash on the way thus leaves the earlier run's folder,
with fewer units committed: the earlier configuration can resume it, ``--new-run`` can be said
again, and nothing else may write to it. A folder without ``_run.json`` that holds results is not
ours: it is never deleted from.
"""

from collections.abc import Iterator, Mapping

from pydantic import JsonValue, ValidationError

from pipeline.contract.record import Record
from pipeline.contract.schema import SCHEMA_VERSION
from pipeline.errors import FingerprintError, OutputError
from pipeline.output.commit import COMMIT, DATA, QUARANTINE
from pipeline.storage import Store

RUN, MANIFEST, SUCCESS = "_run.json", "_manifest.json", "_SUCCESS"

_REPORTS = ("run_report.json", "report.html")


class RunIdentity(Record):
    """What ``_run.json`` holds; ``echo`` is there to tell a person what differs."""

    fingerprint: str
    schema_version: int
    echo: dict[str, JsonValue]


def acquire_lock(
    store: Store, fingerprint: str, echo: Mapping[str, JsonValue], new_run: bool = False
) -> None:
    """Make ``store`` this run's, or find that it is already: then the run resumes.

    Raises FingerprintError where it is another run's and ``new_run`` is false, and OutputError
    where it holds results of nobody we know.
    """
    ours = RunIdentity(fingerprint=fingerprint, schema_version=SCHEMA_VERSION, echo=dict(echo))
    if new_run and store.exists(RUN):
        _start_over(store)
    standing = _standing(store)
    if standing is None:
        _refuse_foreign(store)
        if store.create(RUN, ours.model_dump_json(indent=1).encode()):
            return
        standing = _standing(store) or ours
    if standing.fingerprint != fingerprint:
        raise FingerprintError(
            f"{store.uri} holds another run's results:\n{_difference(standing, ours)}\n"
            "Go back to that configuration to resume it, name another output.uri, or say "
            "--new-run to delete those results and start over."
        )


def is_locked_by(store: Store, fingerprint: str) -> bool:
    """Whether ``store`` is the output of the run that ``fingerprint`` names."""
    standing = _standing(store)
    return standing is not None and standing.fingerprint == fingerprint


def _standing(store: Store) -> RunIdentity | None:
    body = store.read(RUN)
    if body is None:
        return None
    try:
        return RunIdentity.model_validate_json(body)
    except ValidationError:
        raise OutputError(
            f"{store.uri_of(RUN)} is not a run's identity of this version. Name another "
            "output.uri, or say --new-run to delete what is there and start over."
        ) from None


def _refuse_foreign(store: Store) -> None:
    found = [path for folder in (DATA, QUARANTINE, COMMIT) for path in store.listing(folder)]
    if found:
        raise OutputError(
            f"{store.uri} holds {len(found)} files such as {found[0]}, and no {RUN} that says "
            "whose they are. Name another output.uri, or take them away."
        )


def _start_over(store: Store) -> None:
    store.delete([SUCCESS, MANIFEST])
    store.delete(store.listing(COMMIT))
    state = [path for path in store.listing() if path.startswith("_") and path != RUN]
    results = [path for folder in (QUARANTINE, DATA) for path in store.listing(folder)]
    store.delete([*state, *results, *_REPORTS])
    store.delete([RUN])


def _difference(old: RunIdentity, new: RunIdentity) -> str:
    """One line for each value of the echo that differs."""
    before, now = dict(_leaves(old.echo)), dict(_leaves(new.echo))
    changed = [name for name in sorted(before | now) if before.get(name) != now.get(name)]
    lines = [
        f"  {name}: there {before.get(name, 'not set')!r}, here {now.get(name, 'not set')!r}"
        for name in changed
    ]
    return "\n".join(lines) or (
        f"  its fingerprint is {old.fingerprint}, this run's is {new.fingerprint}; what a config "
        "shows is the same"
    )


def _leaves(value: JsonValue, name: str = "") -> Iterator[tuple[str, JsonValue]]:
    children = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else None
    )
    if children is None:
        yield name, value
        return
    for key, child in children:
        yield from _leaves(child, f"{name}.{key}" if name else str(key))
