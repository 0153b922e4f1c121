"""Which run an output folder belongs to, by ``_run.json``.

Results of two runs never stand side by side: a writer checks before and after each unit that the
folder still belongs to its run (``require_owner``).

``--new-run`` first writes its own id to ``_run.json``, so that writers of the earlier run stop.
Then it deletes ``_SUCCESS`` and the manifest, then commit records, then other results by their
exact names, and writes its identity last. After a crash in between, the earlier configuration can
resume the folder or ``--new-run`` can be repeated; nothing else may write to it. A folder with
results but no ``_run.json`` is refused. Other files, and reports that this package did not write,
are never deleted.
"""

import json
import re
import uuid
from collections.abc import Iterator, Mapping
from typing import TypeGuard

from pydantic import Field, JsonValue, ValidationError

from pipeline.contract.record import Record
from pipeline.contract.schema import SCHEMA_VERSION
from pipeline.errors import FingerprintError, OutputError
from pipeline.output.commit import COMMIT, DATA, QUARANTINE, unit_of
from pipeline.storage import Store

RUN, MANIFEST, SUCCESS = "_run.json", "_manifest.json", "_SUCCESS"
REPORT, PAGE = "run_report.json", "report.html"

PAGE_MARK = '<meta name="generator" content="xmod-pipeline">'
"""In the head of each page that this package writes, which tells it from a user's."""

_STATE = re.compile(r"_retry/[0-9a-f]+\.json|_tmp/[0-9a-f]{32}")
_DELETED_AT_ONCE = 1000


class RunIdentity(Record):
    """What ``_run.json`` holds; ``echo`` is there to tell a person what differs.

    ``run`` is an id that each ``--new-run`` draws anew. ``clearing`` is true while ``--new-run``
    deletes the results of the run that the other fields describe.
    """

    fingerprint: str
    schema_version: int = 0
    echo: dict[str, JsonValue] = Field(default_factory=dict)
    run: str = ""
    clearing: bool = False


def acquire_lock(
    store: Store, fingerprint: str, echo: Mapping[str, JsonValue], new_run: bool = False
) -> None:
    """Make ``store`` this run's, or find that it is already: then the run resumes.

    Raises FingerprintError where it is another run's and ``new_run`` is false, and OutputError
    where it holds results of nobody we know, or another ``--new-run`` is faster.
    """
    ours = RunIdentity(
        fingerprint=fingerprint,
        schema_version=SCHEMA_VERSION,
        echo=dict(echo),
        run=uuid.uuid4().hex,
    )
    if new_run and store.exists(RUN):
        _start_over(store, ours)
    standing = _standing(store)
    if standing is None:
        _refuse_foreign(store)
        if store.create(RUN, _json(ours)):
            return
        standing = _standing(store) or ours
    if standing.fingerprint != fingerprint:
        raise FingerprintError(
            f"{store.uri} holds another run's results:\n{_difference(standing, ours)}\n"
            "Go back to that configuration to resume it, name another output.uri, or say "
            "--new-run to delete those results and start over."
        )
    if standing.clearing:  # a --new-run ended half way; one that is still at work finds out
        store.replace(RUN, _json(ours))


def is_locked_by(store: Store, fingerprint: str) -> bool:
    """Whether ``store`` is the output of the run that ``fingerprint`` names."""
    standing = _standing(store)
    return standing is not None and standing.fingerprint == fingerprint


def owner_of(store: Store) -> str:
    """The id of the run that ``store`` belongs to; empty where it has none."""
    owner = _identity(store)
    return owner.run if owner else ""


def require_owner(store: Store, fingerprint: str, run: str = "") -> None:
    """Raise OutputError unless ``store`` is still the output of the run that began to write to it.

    ``run`` is the id that it had then. Without one, any run of ``fingerprint`` passes, and so does
    a folder without a run.
    """
    owner = _identity(store)
    if owner is None and not run:
        return
    if not _is_of(owner, fingerprint) or run not in ("", owner.run):
        raise OutputError(
            f"{store.uri} is another run's since this one began: someone said --new-run. Nothing "
            "more is written to it. Name another output.uri, or say --new-run to start over."
        )


def is_left_to(store: Store, fingerprint: str) -> bool:
    """Whether files of units with ``fingerprint`` belong in ``store``.

    They do not while ``--new-run`` deletes them, nor in the output of another configuration.
    """
    return _is_of(_identity(store), fingerprint)


def is_own_report(path: str, body: bytes) -> bool:
    """Whether ``body`` at ``path`` is a run report or a page that this package wrote."""
    if path == PAGE:
        return PAGE_MARK.encode() in body[:4096]
    try:
        values = json.loads(body)
    except (ValueError, RecursionError):
        return False
    return isinstance(values, dict) and {"package_version", "fingerprint"} <= values.keys()


def require_own_page(store: Store) -> None:
    """Raise OutputError where a page stands that this package did not write."""
    body = store.read(PAGE)
    if body is not None and not is_own_report(PAGE, body):
        raise OutputError(
            f"{store.uri_of(PAGE)} was not written by this package, and is left as it is. Move it "
            "away, and run jobs/report.py to have the page written."
        )


_UNREADABLE = RunIdentity(fingerprint="", clearing=True)
"""Stands for a ``_run.json`` that is not valid: no run has its fingerprint."""


def _identity(store: Store) -> RunIdentity | None:
    """What ``_run.json`` says; None where there is none."""
    body = store.read(RUN)
    try:
        return None if body is None else RunIdentity.model_validate_json(body)
    except ValidationError:
        return _UNREADABLE


def _is_of(owner: RunIdentity | None, fingerprint: str) -> TypeGuard[RunIdentity]:
    return owner is not None and not owner.clearing and owner.fingerprint == fingerprint


def _standing(store: Store) -> RunIdentity | None:
    standing = _identity(store)
    if standing is _UNREADABLE:
        raise OutputError(
            f"{store.uri_of(RUN)} is not a run's identity of this version. Name another "
            "output.uri, or say --new-run to delete what is there and start over."
        )
    return standing


def _refuse_foreign(store: Store) -> None:
    found = [path for folder in (DATA, QUARANTINE, COMMIT) for path in store.listing(folder)]
    found += [path for path in (SUCCESS, MANIFEST, REPORT) if store.exists(path)]
    if found:
        raise OutputError(
            f"{store.uri} holds {len(found)} files such as {found[0]}, and no {RUN} that says "
            "whose they are. Name another output.uri, or take them away."
        )


def _start_over(store: Store, ours: RunIdentity) -> None:
    """Delete what the earlier run left, and make ``store`` ours."""
    standing = _identity(store) or _UNREADABLE
    store.replace(RUN, _json(standing.model_copy(update={"run": ours.run, "clearing": True})))
    _delete(store, ours, [SUCCESS, MANIFEST])
    _delete(store, ours, list(filter(unit_of, store.listing(COMMIT))))
    _delete(store, ours, [path for path in store.listing() if _is_result(store, path)])
    _require_clearing(store, ours)
    store.replace(RUN, _json(ours))


def _delete(store: Store, ours: RunIdentity, paths: list[str]) -> None:
    for start in range(0, len(paths), _DELETED_AT_ONCE):
        _require_clearing(store, ours)
        store.delete(paths[start : start + _DELETED_AT_ONCE])


def _require_clearing(store: Store, ours: RunIdentity) -> None:
    if owner_of(store) != ours.run:
        raise OutputError(
            f"{store.uri} is being started over by another run too, which was faster. Wait for it, "
            "or name another output.uri."
        )


def _is_result(store: Store, path: str) -> bool:
    """Whether a run writes files of this name, and where users may have one too, wrote this."""
    if path in (REPORT, PAGE):
        return is_own_report(path, store.read(path) or b"")
    return unit_of(path) is not None or _STATE.fullmatch(path) is not None


def _json(identity: RunIdentity) -> bytes:
    return identity.model_dump_json(indent=1).encode()


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
