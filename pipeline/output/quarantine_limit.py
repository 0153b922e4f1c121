"""How many records a job may lose to quarantine: ``runtime.max_quarantined``.

Enters: commit records as units end. Leaves: LossError once too many of their records are in
quarantine, with the reason that most have and three places to look. What holds: a job is stopped
only where it would end with too many, whatever its other records are, so that a bad file at its
beginning stops none that is within its share. A single record is always allowed, unless the share
is 0. Records of damaged files, which are in quarantine only where ``--allow-bad-files`` asked for
it, do not count.
"""

from collections import Counter
from contextlib import suppress

import pyarrow.compute as pc

from pipeline.errors import DamagedError, LossError, PipelineError
from pipeline.output.commit import CommitRecord
from pipeline.output.parts import read_quarantine
from pipeline.storage import Store

_PLACES = 3


class QuarantineLimit:
    """Counts units of a job over ``records`` records, of which ``share`` may be in quarantine.

    ``counted`` are their ids: a unit counts once.
    """

    def __init__(self, store: Store, share: float, records: int) -> None:
        self._store = store
        self._share = share
        self._records = records
        self.counted: set[str] = set()
        self._done = self._quarantined = 0
        self._reasons: Counter[str] = Counter()
        self._examples: dict[str, list[str]] = {}

    def add(self, record: CommitRecord) -> None:
        """Count a committed unit."""
        if record.unit_id in self.counted:
            return
        self.counted.add(record.unit_id)
        self._done += record.rows_in
        reasons = Counter(record.reasons)
        del reasons[DamagedError.__name__]
        self._quarantined += reasons.total()
        self._reasons.update(reasons)
        for reason in reasons:
            paths = self._examples.setdefault(reason, [])
            if record.quarantine and len(paths) < _PLACES:
                paths.append(record.quarantine.path)

    def require(self) -> None:
        """Raise LossError where more is in quarantine than the share allows."""
        allowed = max(self._share * self._records, 1) if self._share else 0
        if self._quarantined <= allowed:
            return
        reason, count = self._reasons.most_common(1)[0]
        raise LossError(
            f"{self._quarantined:,} of {self._done:,} records are in quarantine, more than "
            f"runtime.max_quarantined ({self._share:g}) allows of {self._records:,}. "
            f"{count:,} of them for {reason}"
            f"{self._shown(reason)}\nMend the cause and start over with --new-run. If so many may "
            "be lost, raise runtime.max_quarantined and run the same command again: it goes on."
        )

    def _shown(self, reason: str) -> str:
        """Up to three records that are in quarantine for ``reason``, and what is said of them."""
        lines: list[str] = []
        for path in self._examples.get(reason, []):
            with suppress(PipelineError):  # what is lost is said in any case
                table = read_quarantine(self._store.read(path) or b"", path).table
                rows = table.filter(pc.equal(table["error_type"], reason)).slice(0, _PLACES)
                lines += [
                    f"\n  {row['file']} row {row['row']}, {row['stage']}: {row['message']}"
                    for row in rows.to_pylist()
                ]
        return f", such as:{''.join(lines[:_PLACES])}" if lines else "."
