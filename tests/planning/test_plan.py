"""What a plan refuses before anything is written."""

from pathlib import Path

import pytest

from pipeline.config import JobSettings
from pipeline.errors import ConfigError, InputError, LossError
from pipeline.planning.plan import Options, Plan, make_plan
from tests.helpers.parquet_files import write


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    for number in range(9):
        write(tmp_path / "in" / f"{number}.parquet", {"text": ["x"]})
    return tmp_path / "in"


def plan(source: Path, target: Path, models: Path, **options: object) -> Plan:
    share = options.pop("share", None)
    settings = {
        "input": {"uri": str(source)},
        "output": {"uri": str(target)},
        "tasks": [{"type": "ner", "model": {"path": str(models / "ner")}}],
        "runtime": {} if share is None else {"max_bad_files": share},
    }
    return make_plan(JobSettings.model_validate(settings), Options(**options))


def spoil(corpus: Path, count: int) -> None:
    for number in range(count):
        (corpus / f"{number}.parquet").write_bytes(b"no Parquet")


@pytest.mark.parametrize(
    ("bad", "share", "is_done"),
    [
        (1, None, True),
        (2, None, False),
        (2, 0.3, True),
        (5, 0.3, False),
        (8, 1, True),
        (1, 0.01, True),
        (1, 0, False),
        (0, 0, True),
    ],
)
def test_plan_leaves_out_no_more_bad_files_than_it_may(
    corpus: Path, tmp_path: Path, models: Path, bad: int, share: float | None, is_done: bool
):
    spoil(corpus, bad)
    options = {"share": share, "allow_bad_files": True}
    if is_done:
        found = plan(corpus, tmp_path / "out", models, **options)
        assert len(found.survey.bad_files) == bad
        return
    with pytest.raises(LossError, match=r"runtime\.max_bad_files") as refused:
        plan(corpus, tmp_path / "out", models, **options)
    assert str(refused.value).startswith(f"{bad} of 9 input files cannot be read:\n")
    assert "0.parquet" in str(refused.value)


def test_plan_without_leave_to_leave_out_files_refuses_one(
    corpus: Path, tmp_path: Path, models: Path
):
    spoil(corpus, 1)
    with pytest.raises(InputError, match="--allow-bad-files"):
        plan(corpus, tmp_path / "out", models, share=1)


def test_max_bad_files_is_no_part_of_the_fingerprint(corpus: Path, tmp_path: Path, models: Path):
    prints = {
        plan(corpus, tmp_path / "out", models, share=share).job.fingerprint for share in (0, 1)
    }
    assert len(prints) == 1


@pytest.mark.parametrize("new_run", [False, True])
@pytest.mark.parametrize(
    ("source", "target"),
    [("in", "."), ("in", "in"), ("in", "in/out"), ("in/*", "."), ("**/*.parquet", "out")],
)
def test_plan_of_an_output_that_shares_files_with_the_input_is_refused(
    corpus: Path, tmp_path: Path, models: Path, source: str, target: str, new_run: bool
):
    with pytest.raises(ConfigError, match="beside the corpus") as refused:
        plan(tmp_path / source, tmp_path / target, models, new_run=new_run)
    assert "say --new-run" not in str(refused.value)
    assert len(list(corpus.iterdir())) == 9
