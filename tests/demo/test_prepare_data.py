"""The demo model's data: what the readers make of each format, and that no split leaks."""

import gzip
import importlib
import unicodedata
from pathlib import Path

import pyarrow.parquet as pq
import pytest

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"


@pytest.fixture
def corpora_module(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "demo"))
    return importlib.import_module("ner_formats")


@pytest.fixture
def prepare(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "demo"))
    return importlib.import_module("prepare_data")


def written(path: Path, text: str) -> Path:
    path.write_bytes(gzip.compress(text.encode()))
    return path


def test_to_bio_iob1_becomes_iob2(corpora_module):
    tags = ["I-PER", "I-PER", "I-LOC", "O", "I-MISC"]
    assert corpora_module.to_bio(tags, corpora_module.UNER_TYPES) == (
        "B-PER",
        "I-PER",
        "B-LOC",
        "O",
        "O",
    )


def test_to_bio_germeval_derivations_and_parts_are_outside(corpora_module):
    tags = ["B-LOCderiv", "B-ORGpart", "B-OTH", "B-ORG"]
    assert corpora_module.to_bio(tags, corpora_module.UNER_TYPES) == ("O", "O", "O", "B-ORG")


def test_read_columns_chinese_text_comment_gives_no_spaces(corpora_module, tmp_path):
    path = written(
        tmp_path / "a.gz", "# text = 李明在北京\n1\t李明\tB-PER\n2\t在\tO\n3\t北京\tB-LOC\n"
    )
    (sentence,) = corpora_module.read_columns(
        path, corpora_module.UNER_TYPES, token_column=1, tag_column=2
    )
    assert sentence.text == "李明在北京"
    assert sentence.tags == ("B-PER", "O", "B-LOC")


def test_read_klue_spaces_belong_to_the_character_before(corpora_module, tmp_path):
    path = written(
        tmp_path / "k.gz", "## id\t<박:PS> 씨\n박\tB-PS\n \tO\n씨\tO\n\n## id\tx\n가\tO\n"
    )
    first, second = corpora_module.read_klue(path)
    assert (first.text, first.tags) == ("박 씨", ("B-PER", "O"))
    assert second.text == "가"


def test_guess_spaces_sets_punctuation_as_print_does(corpora_module):
    tokens = ["He", "said", "(", "twice", ")", ":", '"', "No", "!", '"']
    spaces = corpora_module.guess_spaces(tokens)
    sentence = corpora_module.NerSentence(
        tokens=tuple(tokens), tags=("O",) * len(tokens), spaces=spaces
    )
    assert sentence.text == 'He said (twice): "No!"'


@pytest.mark.slow
@pytest.mark.skipif(not DATA.exists(), reason=f"the data folder {DATA} is not here")
def test_prepare_data_no_text_is_in_training_and_in_a_test_part(prepare, tmp_path):
    prepare.main(DATA, tmp_path)
    ner = [
        row
        for name in ("ner", "ner_pud")
        for row in pq.read_table(tmp_path / f"{name}.parquet").to_pylist()
    ]
    topic = pq.read_table(tmp_path / "topic.parquet").to_pylist()
    keys = {
        split: {
            (row["language"], plain("".join(row["tokens"]))) for row in ner if row["split"] == split
        }
        for split in ("train", "dev", "test")
    }
    assert not keys["train"] & (keys["dev"] | keys["test"])
    assert not keys["dev"] & keys["test"]
    pretrained = {
        (row["language"], plain(row["text"]))
        for row in pq.read_table(tmp_path / "pretrain.parquet").to_pylist()
    }
    tested = {(row["language"], plain(row["text"])) for row in topic if row["split"] != "train"}
    heldout = pq.read_table(tmp_path / "heldout.parquet").to_pylist()
    retrieval = pq.read_table(tmp_path / "retrieval.parquet").to_pylist()
    pairs = pq.read_table(tmp_path / "translations.parquet").to_pylist()
    for row in (row for row in pairs if row["split"] == "train"):
        pretrained |= {(row["language"], plain(row["text"])), ("en_XX", plain(row["translation"]))}
    assert not pretrained & (keys["dev"] | keys["test"])
    assert not pretrained & tested
    assert not pretrained & {
        (row["language"], plain(row["text"])) for row in [*heldout, *retrieval]
    }
    assert not pretrained & {("en_XX", plain(row["translation"])) for row in retrieval}
    assert len(topic) == len(prepare.LANGUAGES) * (701 + 99 + 204)
    added = pq.read_table(tmp_path / "added" / "pretrain.parquet")
    assert set(added["language"].to_pylist()) == set(prepare.ADDED)


def plain(text: str) -> str:
    """The characters without spaces, normalised."""
    return "".join(unicodedata.normalize("NFKC", text).split())
