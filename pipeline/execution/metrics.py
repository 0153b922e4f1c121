"""Prometheus counters of a run, through Ray's metrics.

Each node exports them as ``ray_<name>``, counters with ``_total``. Committed records are counted
once. Labels are X-MOD languages, stages, reasons and the run, never an id or a text.
"""

from ray.util.metrics import Counter, Gauge, Histogram

from pipeline.output.commit import CommitRecord

_RUN = "run"
_SECONDS = [0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000]
"""Bounds of a stage's seconds with a unit, and of a unit's before a stage."""


class Metrics:
    """A run's metrics; ``fingerprint`` tells runs apart, and ``records`` are what it has to do.

    A connection to Ray must stand when it is made.
    """

    def __init__(self, fingerprint: str, records: int) -> None:
        self._left = records
        run = {_RUN: fingerprint[:12]}

        def counter(name: str, of: str, *labels: str) -> Counter:
            made = Counter(f"xmod_{name}", of, (_RUN, *labels))
            made.set_default_tags(run)
            return made

        self._by_language = {
            "records": counter("records", "Records annotated.", "language"),
            "tokens": counter("tokens", "Tokens of their texts.", "language"),
            "entities": counter("entities", "Entities found.", "language"),
        }
        self._quarantined = counter("quarantined", "Records in quarantine.", "reason")
        self._units = counter("units", "Units committed.")
        self._cpu = counter("stage_cpu_seconds", "CPU seconds of a stage.", "stage")
        self._batches = {
            "number": counter("micro_batches", "Micro-batches of the models."),
            "tokens": counter("micro_batch_tokens", "Tokens in them, windows' overlaps too."),
            "room": counter("micro_batch_room", "Tokens that they had room for."),
        }

        def histogram(name: str, of: str) -> Histogram:
            made = Histogram(f"xmod_{name}", of, _SECONDS, (_RUN, "stage"))
            made.set_default_tags(run)
            return made

        self._wall = histogram("stage_seconds", "A stage's seconds with a unit.")
        self._queue = histogram("queue_seconds", "A unit's seconds at hand before a stage.")
        self._to_do = Gauge(
            "xmod_records_left", "Records that are not committed.", (_RUN,)
        ).set_default_tags(run)
        self._to_do.set(self._left)

    def count(self, record: CommitRecord) -> None:
        """Count a unit that was committed."""
        for language, counts in (record.adapters or record.counts).items():
            for name, counter in self._by_language.items():
                _add(counter, getattr(counts, name), language=language)
        for reason, rows in record.reasons.items():
            _add(self._quarantined, rows, reason=reason)
        for stage, took in record.stages.items():
            _add(self._cpu, took.cpu, stage=stage)
            self._wall.observe(took.wall, {"stage": stage})
            self._queue.observe(took.waited, {"stage": stage})
        for name, number in record.batches.model_dump().items():
            _add(self._batches[name], number)
        _add(self._units, 1)
        self._left -= record.rows_in
        self._to_do.set(self._left)


def _add(counter: Counter, value: float, **labels: str) -> None:
    """Count ``value``; Ray refuses zeros."""
    if value:
        counter.inc(value, labels)
