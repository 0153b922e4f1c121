"""What one process makes of a unit's pieces, without Ray."""

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.contract.unit import Unit
from pipeline.errors import TooLargeError
from pipeline.planning.plan import Options, make_plan
from pipeline.stages.local_pipeline import LocalPipeline
from tests.helpers.corpora import make_settings

ROWS = 12
DOUBTFUL = "Hotel Restaurant Computer"
"""English as well as German."""
KINDS = [letter * 1000 for letter in "abcdefghijkl"]


def apart(folder: Path, models: Path, tag: str, first: int = 0) -> tuple[LocalPipeline, Unit]:
    """A process's stages, and a unit of records told to be in ``tag``; the last is doubtful.

    ``first`` is the number of the first record.
    """
    texts = [*(f"Anna met Karl {row}." for row in range(ROWS - 1)), DOUBTFUL]
    tags = [*[tag] * (ROWS - 1), None]
    kinds = pa.array(KINDS).dictionary_encode()
    folder.mkdir()
    pq.write_table(
        pa.table(
            {
                "id": [f"r{first + row}" for row in range(ROWS)],
                "text": texts,
                "language": tags,
                "kind": kinds,
            }
        ),
        folder / "0.parquet",
    )
    settings = make_settings(str(folder), str(folder) + "-out", models)
    language = settings.language.model_copy(update={"unit_prior": True})
    plan = make_plan(settings.model_copy(update={"language": language}), Options())
    job = plan.job
    return LocalPipeline(job.reader, [job.identify, job.tokenize], job.annotate), plan.units[0]


def in_pieces(stages: LocalPipeline, unit: Unit, rows: int) -> pa.Table:
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


def test_pieces_that_are_prepared_alone_have_no_unit_prior(tmp_path, models):
    """Or the test above would show nothing."""
    codes = set()
    for tag in ("de", "en"):
        alone = in_pieces(*apart(tmp_path / tag, models, tag), 1)
        codes.add(alone["xmod_language"][-1].as_py())
    assert len(codes) == 1


@pytest.mark.parametrize("held", [True, False])
def test_pieces_carry_no_more_of_a_dictionary_than_is_theirs(tmp_path, models, held):
    stages, unit = apart(tmp_path / "in", models, "de")
    if held:
        stages.hold(unit)
    pieces = [stages.annotate(replace(unit, start=row, stop=row + 1)) for row in range(ROWS)]
    assert pa.types.is_dictionary(pieces[0].schema.field("kind").type)
    assert [piece["kind"][0].as_py() for piece in pieces] == KINDS
    assert all(piece["kind"].nbytes < 2 * len(KINDS[0]) for piece in pieces)


def test_unit_that_cannot_be_held_is_prepared_piece_by_piece(tmp_path, models):
    stages, unit = apart(tmp_path / "in", models, "de")
    _, other = apart(tmp_path / "other", models, "de", first=100)
    stages.hold(other)
    read = stages._reader

    def refuse_many(part: Unit) -> pa.Table:
        if part.rows > 1:
            raise TooLargeError("too much at once")
        return read(part)

    stages._reader = refuse_many
    with pytest.raises(TooLargeError):
        stages.hold(unit)
    rows = in_pieces(stages, unit, 1)
    assert rows["record_id"].to_pylist() == [f"r{row}" for row in range(ROWS)]
