"""Tokenizers that give back what they read, and those that cannot be a model's own."""

import json
from pathlib import Path

import pytest
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers
from tokenizers.trainers import BpeTrainer, WordPieceTrainer
from transformers import XLMRobertaTokenizer

from pipeline.errors import CheckpointError
from pipeline.xmod.round_trip import require_round_trip
from tests.helpers.checkpoints import SENTENCES, open_folder, tiny_tokenizer

DEMO = Path(__file__).parents[2] / "demo" / "model" / "base"


def definition(**changes: object) -> Tokenizer:
    values = json.loads(tiny_tokenizer().backend_tokenizer.to_str())
    return Tokenizer.from_str(json.dumps({**values, **changes}))


def byte_level() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(SENTENCES, BpeTrainer(vocab_size=400, show_progress=False))
    return tokenizer


def lower_case() -> Tokenizer:
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    trainer = WordPieceTrainer(vocab_size=300, special_tokens=["[UNK]"], show_progress=False)
    tokenizer.train_from_iterator(SENTENCES, trainer)
    return tokenizer


@pytest.mark.parametrize(
    "tokenizer",
    [
        tiny_tokenizer().backend_tokenizer,
        Tokenizer.from_file(str(DEMO / "tokenizer.json")),
        byte_level(),
        lower_case(),
    ],
    ids=["unigram", "demo", "byte level", "lower case"],
)
def test_round_trip_of_tokenizers_of_several_kinds(tokenizer):
    require_round_trip(Path("folder"), tokenizer)


@pytest.mark.parametrize(
    "changes",
    [
        {"pre_tokenizer": None},
        {
            "decoder": None,
            "pre_tokenizer": {
                "type": "ByteLevel",
                "add_prefix_space": False,
                "trim_offsets": True,
                "use_regex": True,
            },
        },
        {"normalizer": {"type": "Replace", "pattern": {"Regex": r"\w"}, "content": "?"}},
    ],
    ids=["no pre-tokenizer", "of another kind", "normalised away"],
)
def test_round_trip_of_files_that_do_not_belong_together_is_refused(changes):
    with pytest.raises(CheckpointError, match=r"does not give back .* in the script"):
        require_round_trip(Path("folder"), definition(**changes))


def test_tokenizer_that_transformers_makes_up_is_refused(copied):
    """What it puts in the place of a tokenizer that is not there, saved beside the model."""
    XLMRobertaTokenizer().save_pretrained(copied)
    with pytest.raises(CheckpointError, match=r"special tokens only|tokens and|without a word"):
        _ = open_folder(copied).tokenizer


def test_tokenizer_without_a_word_is_refused():
    digits = Tokenizer(models.Unigram([("<unk>", 0.0), ("▁1", -1.0), ("2", -1.0)], unk_id=0))
    with pytest.raises(CheckpointError, match="without a word in any script among its 3 tokens"):
        require_round_trip(Path("folder"), digits)


def test_tokenizer_far_smaller_than_the_model_is_refused(copied):
    """As one that grew by the pieces of a new language from nothing."""
    values = json.loads((copied / "tokenizer.json").read_text())
    del values["model"]["vocab"][100:]
    (copied / "tokenizer.json").write_text(json.dumps(values))
    with pytest.raises(CheckpointError, match=r"tokenizer of 100 tokens .* vocab_size 500"):
        _ = open_folder(copied).tokenizer
