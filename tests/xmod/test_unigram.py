"""Tokenizers of a SentencePiece model alone, as SwissBERT's."""

import io

import pytest
import sentencepiece
from transformers import AutoTokenizer

from pipeline.errors import CheckpointError
from pipeline.xmod.files import digest_of, stamp_of
from pipeline.xmod.tokenizer import load_tokenizer
from tests.helpers.checkpoints import SENTENCES
from tests.xmod.test_tokenizer import ODD


@pytest.fixture(scope="module")
def sentencepiece_body() -> bytes:
    """A SentencePiece model in the layout of XLM-R's: <unk>, <s>, </s>, then the pieces."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([*SENTENCES, *ODD] * 3),
        model_writer=model,
        vocab_size=1000,
        hard_vocab_limit=False,
        minloglevel=2,
    )
    return model.getvalue()


def test_tokenizer_of_sentencepiece_alone_is_that_of_transformers(copied, sentencepiece_body):
    (copied / "tokenizer.json").unlink()
    (copied / "tokenizer_config.json").write_text('{"tokenizer_class": "XLMRobertaTokenizer"}')
    (copied / "sentencepiece.bpe.model").write_bytes(sentencepiece_body)
    expected = AutoTokenizer.from_pretrained(copied)
    found = load_tokenizer(copied, stamp_of(copied))
    assert len(found) == len(expected)
    for text in (*SENTENCES, *ODD):
        assert found(text)["input_ids"] == expected(text)["input_ids"]
    (copied / "sentencepiece.bpe.model").write_bytes(b"pieces")
    with pytest.raises(CheckpointError, match="no tokenizer that can encode"):
        load_tokenizer(copied, stamp_of(copied))


def test_digest_covers_the_file(copied, sentencepiece_body):
    (copied / "tokenizer.json").unlink()
    (copied / "sentencepiece.bpe.model").write_bytes(sentencepiece_body)
    before = digest_of(copied)
    (copied / "sentencepiece.bpe.model").write_bytes(sentencepiece_body + b"\n")
    assert digest_of(copied) != before
