"""What a process apart makes of a unit's pieces, without Ray; with it, test_run.py."""

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from corpora import make_settings

from pipeline.errors import IncompleteError, TooLargeError
from pipeline.isolation import Isolation, _Apart
from pipeline.run import Options, make_plan
from pipeline.unit import Unit

ROWS = 12
DOUBTFUL = "Hotel Restaurant Computer"
"""English as well as German."""


def apart(folder: Path, models: Path, tag: str) -> tuple[_Apart, Unit]:
    """A process's stages, and a unit of records told to be in ``tag``; the last is doubtful."""
    texts = [*(f"Anna met Karl {row}." for row in range(ROWS - 1)), DOUBTFUL]
    tags = [*[tag] * (ROWS - 1), None]
    folder.mkdir()
    pq.write_table(
        pa.table({"id": [f"r{row}" for row in range(ROWS)], "text": texts, "language": tags}),
        folder / "0.parquet",
    )
    settings = make_settings(str(folder), str(folder) + "-out", models)
    language = settings.language.model_copy(update={"majority": True})
    plan = make_plan(settings.model_copy(update={"language": language}), Options())
    job = plan.job
    return _Apart(job.reader, [job.identify, job.tokenize], job.annotate), plan.units[0]


def in_pieces(stages: _Apart, unit: Unit, rows: int) -> pa.Table:
    """``unit`` after all stages, ``rows`` at a time."""
    starts = range(unit.start, unit.stop, rows)
    return pa.concat_tables(
        stages.annotate(replace(unit, start=start, stop=min(start + rows, unit.stop)))
        for start in starts
    )


@pytest.mark.parametrize(("tag", "code"), [("de", "de_DE"), ("en", "en_XX")])
def test_pieces_of_a_held_unit_are_what_the_whole_unit_is(tmp_path, models, tag, code):
    stages, unit = apart(tmp_path / "in", models, tag)
    whole = in_pieces(stages, unit, ROWS)
    stages.hold(unit)
    held = in_pieces(stages, unit, 5)
    assert held["xmod_language"][-1].as_py() == code, "the unit's majority"
    for name in ("record_id", "_row", "language", "language_score", "lang_id", "n_tokens"):
        assert held[name].to_pylist() == whole[name].to_pylist()
    for one, other in zip(
        held["embedding"].to_pylist(), whole["embedding"].to_pylist(), strict=True
    ):
        assert one == pytest.approx(other, abs=1e-5)


def test_pieces_that_are_prepared_alone_have_no_majority_of_the_unit(tmp_path, models):
    """Or the test above would show nothing."""
    codes = set()
    for tag in ("de", "en"):
        alone = in_pieces(*apart(tmp_path / tag, models, tag), 1)
        codes.add(alone["xmod_language"][-1].as_py())
    assert len(codes) == 1


def test_unit_that_cannot_be_held_is_prepared_piece_by_piece(tmp_path, models, monkeypatch):
    stages, unit = apart(tmp_path / "in", models, "de")
    stages.hold(unit)
    read = stages._reader

    def refuse_all(part: Unit) -> pa.Table:
        if part.rows > 1:
            raise TooLargeError("too much at once")
        return read(part)

    stages._reader = refuse_all
    with pytest.raises(TooLargeError):
        stages.hold(unit)
    rows = in_pieces(stages, unit, 1)
    assert rows["record_id"].to_pylist() == [f"r{row}" for row in range(ROWS)]


def test_isolation_that_is_closed_starts_no_other_process(tmp_path):
    closed = Isolation(None)
    closed.close()
    with pytest.raises(IncompleteError, match="The run ended"):
        closed._ready_actor()
