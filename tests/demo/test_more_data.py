"""Translated paragraphs that the demo's model adds to its own data."""

import importlib
from itertools import combinations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.demo.test_prepare_data import DATA, ROOT


@pytest.fixture
def demo(monkeypatch):
    """Imports a module of demo/."""
    monkeypatch.syspath_prepend(str(ROOT / "demo"))
    return importlib.import_module


def test_best_path_is_the_best_of_all_that_do_not_cross(demo):
    align = demo("align_manuals")
    generator = np.random.default_rng(5)

    def worth(scores, path):
        alone = sum(scores.shape) - 2 * len(path)
        return sum(scores[place] for place in path) + align.SKIP * alone

    for rows, columns in ((1, 1), (1, 4), (4, 1), (3, 4), (4, 3)):
        for _ in range(20):
            scores = generator.normal(size=(rows, columns)).astype(np.float32)
            found = align.best_path(scores)
            assert found == sorted(found)
            every = (
                list(zip(left, right, strict=True))
                for size in range(min(rows, columns) + 1)
                for left in combinations(range(rows), size)
                for right in combinations(range(columns), size)
            )
            best = max(worth(scores, path) for path in every)
            assert worth(scores, found) == pytest.approx(best, abs=1e-4)


def test_scores_are_higher_for_what_shares_rare_marks(demo):
    align = demo("align_manuals")
    texts = ["Edit /etc/fstab now.", "Run dpkg now.", "Nothing to see now."]
    others = ["Jetzt dpkg starten.", "Jetzt /etc/fstab ändern.", "Hier gibt es nichts."]
    scores = align.scores(texts, others, np.zeros((3, 3), np.float32))
    assert scores.argmax(axis=1)[:2].tolist() == [1, 0]
    assert scores.max() <= 1.0 + 1e-6


def test_scores_without_marks_are_of_the_nearest_vectors(demo):
    align = demo("align_manuals")
    cosines = np.full((10, 10), 0.5, np.float32) + np.eye(10, dtype=np.float32) * 0.3
    texts = ["a"] * 10
    assert (align.scores(texts, texts, cosines).argmax(axis=1) == np.arange(10)).all()


@pytest.mark.long
@pytest.mark.skipif(not DATA.exists(), reason=f"the data folder {DATA} is not here")
def test_align_manuals_pairs_follow_the_manuals_and_leave_the_rest_as_it_is(demo, tmp_path):
    align, corpora = demo("align_manuals"), demo("text_corpora")
    known = [
        corpora.pair("Hallo", "Hello", "de_DE", "train"),
        corpora.pair("Gut", "Good", "de_DE", "dev"),
    ]
    pq.write_table(pa.Table.from_pylist(known), tmp_path / "translations.parquet")
    out = tmp_path / "more.parquet"
    align.main(DATA, tmp_path, ROOT / "demo" / "model" / "base", out)
    rows = pq.read_table(out).to_pylist()
    assert rows[:2] == known
    assert {row["split"] for row in rows[2:]} == {"train"}
    assert all(row["translation_language"] == "en_XX" for row in rows)
    manuals = {(row["language"], row["text"]) for row in corpora.manual_rows(DATA, ["de_DE"])}
    german = [row for row in rows[2:] if row["language"] == "de_DE"]
    assert len(german) > 1000
    assert manuals & {("de_DE", row["text"]) for row in german}
