"""A job from Python."""

import pytest

from pipeline import annotate
from pipeline.errors import FingerprintError
from tests.helpers.corpora import assert_complete, make_corpus, make_settings, write_local

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.usefixtures("ray_cluster")]


def test_annotate_runs_the_job_and_gives_its_report(tmp_path, models):
    corpus = make_corpus(20)
    write_local(corpus, tmp_path / "in")
    settings = make_settings(str(tmp_path / "in"), str(tmp_path / "out"), models)
    report = annotate(settings)
    assert (report.rows_in, report.units_done_here > 0) == (20, True)
    assert_complete(str(tmp_path / "out"), corpus["id"].to_pylist())
    assert annotate(settings).units_done_here == 0
    with pytest.raises(FingerprintError, match="--new-run"):
        annotate(settings, limit=5)
    assert annotate(settings, limit=5, new_run=True).rows_in == 5
