"""Counting texts of three languages, and calibrating what is made of them."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from demo.training.identifier import counted, train_identifier
from demo.training.settings import IdentifierConfig
from pipeline.errors import InputError, PipelineError
from pipeline.language.cascade import Cascade
from pipeline.language.experts import COUNTS, ENSEMBLE
from pipeline.language.naive_bayes import load
from pipeline.language.ngrams import WORD, evidence

SENTENCES = {
    "de_DE": "der fluss ist lang und die stadt ist alt",
    "en_XX": "the river is long and the town is old",
    "fr_XX": "la rivière est longue et la ville est vieille",
}


@pytest.fixture
def config(tmp_path) -> IdentifierConfig:
    rows = [
        {"text": " ".join([text, text[: 5 + row]]), "language": language, "split": split}
        for language, text in SENTENCES.items()
        for split, count in (("train", 20), ("dev", 5))
        for row in range(count)
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "texts.parquet")
    return IdentifierConfig(
        data=tmp_path / "texts.parquet",
        out=tmp_path / "out",
        characters=10_000,
        least_count=2,
        smoothing=0.01,
        detectors=("cascade", "pycld2"),
        seed=1,
    )


def table(**texts: str) -> pa.Table:
    return pa.table({"language": list(texts), "text": list(texts.values())})


def test_train_identifier_counts_know_their_languages(config):
    train_identifier(config)
    model = load(config.out / COUNTS)
    assert model.labels == tuple(sorted(SENTENCES))
    likelihoods, _ = model.likelihoods([SENTENCES[label] for label in model.labels])
    assert likelihoods.argmax(axis=1).tolist() == [0, 1, 2]


def test_train_identifier_files_make_a_detector(config):
    train_identifier(config)
    cascade = Cascade(tuple(sorted(SENTENCES)), folder=config.out)
    answers = cascade.detect(["die alte stadt ist lang", "the old town is long"])
    assert [answer.language for answer in answers] == ["de_DE", "en_XX"]


def test_train_identifier_same_data_same_files(config):
    train_identifier(config)
    first = [(config.out / name).read_bytes() for name in (COUNTS, ENSEMBLE, "calibration.json")]
    train_identifier(config)
    assert [
        (config.out / name).read_bytes() for name in (COUNTS, ENSEMBLE, "calibration.json")
    ] == first


def test_train_identifier_keeps_the_trust_in_other_detectors(config):
    config.out.mkdir()
    (config.out / "calibration.json").write_text('{"lingua": {"base": 1.5}}')
    train_identifier(config)
    trust = json.loads((config.out / "calibration.json").read_text())
    assert trust["lingua"] == {"base": 1.5}
    assert set(trust) == {"cascade", "lingua", "pycld2"}


def test_train_identifier_serbian_is_counted_by_script(config):
    model = counted(config, table(sr_RS="комисија је рекла", hr_HR="povjerenstvo je reklo"))
    assert model.labels == ("hr_HR", "sr_RS")
    both = pa.table({"language": ["sr_RS"] * 2, "text": ["комисија", "komisija"]})
    assert counted(config, both).labels == ("sr_Latn_RS", "sr_RS")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"detectors": ("cascadde",)}, "Unknown detectors 'cascadde'"),
        ({"data": "empty"}, "no rows whose split is 'dev'"),
    ],
)
def test_train_identifier_bad_settings_are_one_clear_message(changes, message, config, tmp_path):
    rows = [{"text": "wort", "language": "de_DE", "split": "train"}]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "empty.parquet")
    if "data" in changes:
        changes = {"data": tmp_path / "empty.parquet"}
    with pytest.raises(PipelineError, match=message):
        train_identifier(config.model_copy(update=changes))


def test_counted_more_languages_than_a_byte_holds_are_refused(config):
    texts = {f"x{number}": "wort wort" for number in range(300)}
    with pytest.raises(InputError, match="300 languages; expected at most 255"):
        counted(config, table(**texts))


def test_counted_weights_are_logarithms_of_smoothed_counts(config):
    model = counted(config, table(de_DE="oft oft oft", en_XX="often"))
    (span,) = evidence(["oft"]).spans[:1]
    place = int(np.searchsorted(model.spans, span))
    first = int(model.met_in[:place].sum())
    assert model.met_in[place] == 2
    own = model.weights[first : first + 2] * model.scale
    np.testing.assert_allclose(own, np.log([3.01 / 0.01, 1.01 / 0.01]), atol=model.scale)


def test_counted_ngrams_met_once_in_all_are_forgotten_and_words_are_not(config):
    model = counted(config, table(de_DE="wald wald baum", en_XX="wald"))
    assert np.isin(evidence(["wald"]).spans, model.spans).all()
    once = evidence(["baum"])
    kept = np.isin(once.spans, model.spans)
    assert kept.tolist() == [kind == WORD for kind in once.span_kinds]


def test_counted_reads_about_as_much_of_each_language(config):
    few = config.model_copy(update={"characters": 8})
    rows = {"language": ["de_DE"] * 3, "text": ["wald wald", "baum baum", "haus haus"]}
    model = counted(few, pa.table(rows))
    assert not np.isin(evidence(["baum"]).spans, model.spans).any()
