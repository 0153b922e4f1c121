"""Mixed, foreign and doubtful records through all stages of a job, without Ray."""

from pathlib import Path

import pytest

from pipeline.config import JobSettings
from pipeline.output.output_lock import acquire_lock
from pipeline.output.reconcile import Reconciliation, reconcile
from pipeline.planning.plan import Options, make_plan
from tests.helpers.checkpoints import LANGUAGES
from tests.helpers.corpora import assert_complete, output_rows
from tests.helpers.parquet_files import write

ENGLISH = "The committee will publish its report on the new railway line next month. "
GERMAN = "Der Ausschuss veröffentlicht nächsten Monat seinen Bericht über die neue Bahnstrecke. "
DUTCH = "De commissie zal volgende maand haar rapport over de nieuwe spoorlijn publiceren. "
RECORDS = {
    "mixed": ENGLISH * 30 + "\n" + GERMAN * 20,
    "plain": GERMAN,
    "foreign": DUTCH,
    "nothing": "12 🙂 https://example.org",
    "noisy": "#love " + ENGLISH + "https://example.org/a 🙂",
}


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    table = {"id": list(RECORDS), "text": list(RECORDS.values())}
    write(tmp_path / "corpus.parquet", table)
    return tmp_path / "corpus.parquet"


def run(corpus: Path, models: Path, **language: object) -> Reconciliation:
    """The output of a job with the settings ``language``, its stages called one after the other."""
    settings = JobSettings.model_validate(
        {
            "input": {"uri": str(corpus), "id_column": "id"},
            "output": {"uri": str(corpus.parent / "out")},
            "language": language,
            "tasks": [{"type": "embeddings", "model": {"path": str(models / "topic")}}],
            "runtime": {"max_length": 64, "stride": 8},
        }
    )
    plan = make_plan(settings, Options())
    job = plan.job
    acquire_lock(plan.store, job.fingerprint, job.identity)
    for unit in plan.units:
        job.publisher(job.annotate(job.tokenize(job.identify(job.reader(unit)))))
    return reconcile(plan.store, plan.units, job.fingerprint)


def rows(corpus: Path) -> dict[object, dict[str, object]]:
    return {row["record_id"]: row for row in output_rows(str(corpus.parent / "out"))}


def test_job_quarantine_counts_sources_and_reasons(corpus, models):
    result = run(corpus, models)
    assert_complete(str(corpus.parent / "out"), list(RECORDS), ["foreign", "nothing"])
    assert result.reasons == {"LanguageWithoutAdapter": 1, "NoLanguage": 1}
    assert sum(count.detected for count in result.counts.values()) == 3


def test_job_none_annotates_all_and_says_which_went_without_an_adapter(corpus, models):
    result = run(corpus, models, fallback="none")
    assert_complete(str(corpus.parent / "out"), list(RECORDS))
    found = rows(corpus)
    assert (found["foreign"]["language"], found["foreign"]["language_source"]) == ("nl", "none")
    assert (found["foreign"]["xmod_language"], found["foreign"]["lang_id"]) == (None, None)
    assert all(row["embedding"] for row in found.values())
    assert sum(count.none for count in result.counts.values()) == 2


def test_job_related_takes_the_nearest_of_the_family(corpus, models):
    run(corpus, models, fallback="related")
    found = rows(corpus)
    assert found["foreign"]["xmod_language"] == "en_XX"  # German is as near, and comes later
    assert found["foreign"]["language_distance"] == pytest.approx(0.545, abs=0.001)
    assert found["plain"]["language_distance"] is None
    assert_complete(str(corpus.parent / "out"), list(RECORDS), ["nothing"])


def test_job_per_window_changes_the_mixed_record_alone(corpus, models):
    run(corpus, models)
    whole = rows(corpus)
    corpus = corpus.rename(corpus.parent / "again.parquet")
    (corpus.parent / "out").rename(corpus.parent / "first")
    run(corpus, models, per_window=True)
    pieces = rows(corpus)
    shares = {
        share["language"]: share["fraction"] for share in pieces["mixed"]["language_fractions"]
    }
    assert list(shares) == ["en", "de"]
    assert shares["de"] == pytest.approx(
        len(GERMAN * 20) / len(RECORDS["mixed"]),
        abs=0.1,
    )
    assert pieces["mixed"]["embedding"] != whole["mixed"]["embedding"]
    assert pieces["plain"]["embedding"] == whole["plain"]["embedding"]
    assert pieces["plain"]["language_fractions"] == [{"language": "de", "fraction": 1.0}]


def test_corpus_needs_a_language_that_the_model_lacks():
    assert {"en_XX", "de_DE"} <= set(LANGUAGES)
    assert "nl_XX" not in LANGUAGES
