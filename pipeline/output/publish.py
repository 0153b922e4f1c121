"""The publish stage: a unit's block becomes files, each created once.

Enters: the annotated block of one whole unit. Leaves: its part, its quarantine if it has any, its
commit record, and one row of ``RECEIPT``. What holds: each record of the unit is in exactly one of
part and quarantine, however often, by however many writers, and after whatever crash the unit is
published again.

The order is part, quarantine, commit record; nothing is overwritten. Creating the part is the
decision: its footer names the rows that it leaves out, and every later writer puts exactly those in
quarantine, whether or not it could annotate them. (With the quarantine first, a slow writer with a
failure of its own would leave a quarantine beside a part that holds the same record.) A unit whose
rows all failed has a part without rows.

Nothing is written to an output that another run has taken over with ``--new-run``. A writer that
finds out only afterwards deletes its files again: their names depend on its fingerprint, so that
they belong to no other run.
"""

from dataclasses import dataclass

import pyarrow as pa

from pipeline.contract import schema
from pipeline.contract.unit import Unit
from pipeline.errors import OutputError, PublishError
from pipeline.output.blocks import (
    adapter_counts,
    batches_of,
    divided,
    failed_rows,
    language_counts,
    quarantined,
    whole_unit,
)
from pipeline.output.commit import (
    CommitRecord,
    CommittedRows,
    commit_path,
    file_entry,
    parse_commit,
    part_path,
    quarantine_path,
)
from pipeline.output.output_lock import is_left_to, require_owner
from pipeline.output.parts import (
    Part,
    Quarantine,
    build_part,
    build_quarantine,
    published,
    read_part,
    read_quarantine,
)
from pipeline.stages.stage import not_failed
from pipeline.stages.stopwatch import Stopwatch, seconds_by_stage
from pipeline.storage import Store


@dataclass(frozen=True)
class Publisher:
    """Publishes blocks to ``store`` as parts of schema ``declared``.

    ``text`` is the column of ``declared`` that a block has as ``_text`` alone, if there is one;
    ``run`` is the id of the run that ``store`` belonged to when this one began.
    """

    store: Store
    declared: pa.Schema
    text: str | None = None
    run: str = ""

    def __call__(self, block: pa.Table) -> pa.Table:
        """One row of ``RECEIPT`` for the unit that ``block`` is.

        Raises PublishError where the block is not one whole unit with the declared columns, and
        where what stands in the output cannot be reconciled with it; OutputError from the store,
        and where another run has taken it.
        """
        watch = Stopwatch.at(block)
        unit = whole_unit(block)
        if self.text is not None and schema.TEXT.name in block.column_names:
            block = block.append_column(self.text, block[schema.TEXT.name])
        require_owner(self.store, unit.fingerprint, self.run)
        try:
            record = _UnitWriter(self.store, self.declared, unit, block, watch).commit()
        finally:
            self._require_owner_still(unit)
        row = {"unit_id": unit.unit_id, "commit": record.model_dump_json(), "failure": None}
        return pa.Table.from_pylist([row], schema.RECEIPT)

    def _require_owner_still(self, unit: Unit) -> None:
        """Delete the files of ``unit`` where they no longer belong in the output.

        They do in a new run of the same configuration, which adopts them.
        """
        try:
            require_owner(self.store, unit.fingerprint, self.run)
        except OutputError:
            if not is_left_to(self.store, unit.fingerprint):
                names = (commit_path, quarantine_path, part_path)
                self.store.delete([path_of(unit.unit_id) for path_of in names])
            raise


@dataclass(frozen=True)
class _UnitWriter:
    """One unit, its block, and what stands of it in the store."""

    store: Store
    declared: pa.Schema
    unit: Unit
    block: pa.Table
    watch: Stopwatch

    def commit(self) -> CommitRecord:
        """The unit's commit record: the one that stands, or one for the files that now stand."""
        record = self._standing_commit()
        if record:
            return record
        quarantine = self._standing_quarantine()
        part = self._standing_part() or self._decide(quarantine)
        if part.left_out or quarantine:
            quarantine = quarantine or self._create_quarantine(part)
            self._check_together(part, quarantine)
        record = self._record(part, quarantine)
        body = record.model_dump_json().encode()
        created = self.store.create(commit_path(self.unit.unit_id), body)
        return record if created else self._standing_commit() or record

    def _decide(self, standing: Quarantine | None) -> Part:
        """The part, created, or that of a writer that was faster."""
        failed = failed_rows(self.block)
        left_out = standing.rows if standing else failed
        if not set(failed) <= set(left_out):
            raise PublishError(
                f"{self._quarantine_uri} holds rows {_listed(left_out)} without a part beside it, "
                f"and now rows {_listed(failed)} failed. Delete it and run the job again."
            )
        kept, _ = divided(self.block, left_out)
        part = build_part(published(kept, self.declared), self.unit, left_out)
        created = self.store.create(part_path(self.unit.unit_id), part.body)
        return part if created else self._standing_part() or part

    def _create_quarantine(self, part: Part) -> Quarantine:
        """The quarantine that ``part`` calls for, created, or that of a faster writer."""
        quarantine = build_quarantine(self._left_out_by(part))
        created = self.store.create(quarantine_path(self.unit.unit_id), quarantine.body)
        return quarantine if created else self._standing_quarantine() or quarantine

    def _record(self, part: Part, quarantine: Quarantine | None) -> CommitRecord:
        unit, (_, others) = self.unit, divided(self.block, part.left_out)
        return CommitRecord(
            unit_id=unit.unit_id,
            unit=CommittedRows.of(unit),
            fingerprint=unit.fingerprint,
            schema_version=schema.SCHEMA_VERSION,
            version=unit.source.version,
            rows_in=unit.rows,
            rows_out=part.table.num_rows,
            rows_quarantined=others.num_rows,
            part=file_entry(part_path(unit.unit_id), part.body),
            quarantine=(
                file_entry(quarantine_path(unit.unit_id), quarantine.body) if quarantine else None
            ),
            counts=language_counts(part.table, others),
            adapters=adapter_counts(part.table),
            reasons=quarantine.reasons if quarantine else {},
            stages={**seconds_by_stage(self.block), "publish": self.watch.seconds()},
            batches=batches_of(self.block),
        )

    def _standing_part(self) -> Part | None:
        path = part_path(self.unit.unit_id)
        body = self.store.read(path)
        if body is None:
            return None
        part = read_part(body, self.store.uri_of(path), self.unit, self.declared)
        kept, _ = divided(self.block, part.left_out)
        if not _same_records(part.table, kept):
            raise PublishError(
                f"{self.store.uri_of(path)} holds other records than rows {self.unit.start} to "
                f"{self.unit.stop - 1} of {self.unit.source.uri}. Delete it and run the job again."
            )
        return part

    def _standing_quarantine(self) -> Quarantine | None:
        body = self.store.read(quarantine_path(self.unit.unit_id))
        return None if body is None else read_quarantine(body, self._quarantine_uri)

    def _standing_commit(self) -> CommitRecord | None:
        """The commit record that is there, once what it names is found to be there too.

        A record without its part was left by a slow writer in an output that was started over: it
        is deleted, and the unit is published again.
        """
        path = commit_path(self.unit.unit_id)
        body = self.store.read(path)
        if body is None:
            return None
        record = parse_commit(body, self.store.uri_of(path))
        bodies = {entry.path: self.store.read(entry.path) for entry in record.files}
        entries = {file_entry(name, found) for name, found in bodies.items() if found is not None}
        if record.is_of(self.unit) and bodies[record.part.path] is None:
            self.store.delete([path])
            return None
        if not record.is_of(self.unit) or entries != set(record.files):
            raise PublishError(
                f"{self.store.uri_of(path)} does not describe unit {self.unit.unit_id} and what is "
                f"in {', '.join(bodies)}. Delete it and run the job again."
            )
        return record

    def _check_together(self, part: Part, quarantine: Quarantine) -> None:
        """Raise PublishError unless the two hold each record of the unit once."""
        pointers = ["record_id", "file", "row"]
        expected = self._left_out_by(part).select(pointers)
        if not quarantine.table.select(pointers).equals(expected):
            raise PublishError(
                f"{self.store.uri_of(part_path(self.unit.unit_id))} leaves out rows "
                f"{_listed(part.left_out)} and {self._quarantine_uri} holds rows "
                f"{_listed(quarantine.rows)}; expected the same records. Delete the quarantine "
                "file and run the job again, which writes it anew."
            )

    def _left_out_by(self, part: Part) -> pa.Table:
        return quarantined(self.unit, divided(self.block, part.left_out)[1])

    @property
    def _quarantine_uri(self) -> str:
        return self.store.uri_of(quarantine_path(self.unit.unit_id))


def _same_records(part: pa.Table, kept: pa.Table) -> bool:
    """Whether ids agree row by row; those of rows that failed here may be known by place alone."""
    if part.num_rows != kept.num_rows:
        return False
    good = not_failed(kept)
    theirs, ours = (table["record_id"].filter(good).to_pylist() for table in (part, kept))
    return bool(theirs == ours)


def _listed(rows: tuple[int, ...]) -> str:
    return f"{', '.join(map(str, rows[:5]))}{', …' if len(rows) > 5 else ''}" or "none"
