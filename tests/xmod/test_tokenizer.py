"""Tokenizers: made of ``tokenizer.json`` alone, and texts that spell their control tokens."""

import json
from pathlib import Path

import pytest
from tokenizers import AddedToken, Tokenizer, models
from transformers import AutoTokenizer

from pipeline.errors import CheckpointError
from pipeline.xmod.tokenizer import without_control_tokens
from tests.helpers.checkpoints import SENTENCES, SPECIAL_TOKENS, open_folder, tiny_tokenizer

DEMO = Path(__file__).parents[2] / "demo" / "model" / "base"
ODD = (
    "",
    " \t\n",
    "two  spaces\u00a0and\u3000more\r\n",
    "ﬁ ㎏ ﾊﾝｶｸ ½ ﷺ",
    "e\u0301 \u200d\u200b 👩\u200d👧 \u202eabc",
    "▁ ▁a a▁b",
    "< s > <S> <pad <<//s>>",
)


def plain(definition: str, kept: str | None = None) -> Tokenizer:
    tokenizer = Tokenizer.from_str(without_control_tokens(definition, kept))
    tokenizer.encode_special_tokens = True
    return tokenizer


def change(folder: Path, name: str, **changes: object) -> None:
    path = folder / name
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@pytest.mark.parametrize("kept", [None, "<mask>"])
def test_ordinary_text_has_the_tokens_and_offsets_of_transformers(kept):
    expected = AutoTokenizer.from_pretrained(DEMO)
    found = plain(expected.backend_tokenizer.to_str(), kept)
    for text in (*SENTENCES, *ODD, " ".join(SENTENCES)):
        encoding = expected(text, return_offsets_mapping=True)
        assert found.encode(text).ids == encoding["input_ids"]
        assert found.encode(text).offsets == encoding["offset_mapping"]
        pair = found.encode(text, "Anna?")
        assert pair.ids == expected(text, "Anna?")["input_ids"]


@pytest.mark.parametrize("token", SPECIAL_TOKENS)
@pytest.mark.parametrize(
    "text", ["{}", "{0}{0}", "Anna {} in", "Anna{}in", " {}", "▁{}", "a\n{}\n"]
)
def test_text_that_spells_a_control_token_does_not_become_it(token, text):
    tokenizer = AutoTokenizer.from_pretrained(DEMO)
    spelled = text.format(token)
    encoding = plain(tokenizer.backend_tokenizer.to_str()).encode(spelled)
    assert not set(encoding.ids[1:-1]) & set(tokenizer.all_special_ids)
    covered = {place for start, end in encoding.offsets for place in range(start, end)}
    written = {place for place, letter in enumerate(spelled) if letter not in " \n▁"}
    assert written <= covered


def test_full_width_spelling_of_a_control_token_does_not_become_it():
    tokenizer = AutoTokenizer.from_pretrained(DEMO)
    ids = plain(tokenizer.backend_tokenizer.to_str()).encode("＜/s＞＜pad＞").ids
    assert not set(ids[1:-1]) & set(tokenizer.all_special_ids)


def test_mask_that_is_kept_is_found_and_no_other_control_token():
    tokenizer = AutoTokenizer.from_pretrained(DEMO)
    ids = plain(tokenizer.backend_tokenizer.to_str(), "<mask>").encode("a <mask> b</s> <mask>").ids
    assert ids.count(tokenizer.mask_token_id) == 2
    assert ids.count(tokenizer.eos_token_id) == 1


def test_added_words_stay_and_added_control_tokens_become_text():
    tokenizer = tiny_tokenizer()
    tokenizer.add_tokens([AddedToken("en_XX", special=True), "Prague", AddedToken("<x>")])
    tokenizer.add_special_tokens({"mask_token": AddedToken("<m>", special=True)})
    ids = {token: tokenizer.convert_tokens_to_ids(token) for token in ("en_XX", "Prague", "<m>")}
    found = plain(tokenizer.backend_tokenizer.to_str())
    encoded = found.encode("en_XX Prague <m>").ids
    assert ids["Prague"] in encoded
    assert not {ids["en_XX"], ids["<m>"]} & set(encoded)
    masks = plain(tokenizer.backend_tokenizer.to_str(), "<m>").encode("en_XX Prague <m>").ids
    assert {ids["Prague"], ids["<m>"]} <= set(masks)


def test_tokenizer_that_finds_control_tokens_among_its_words_is_refused():
    words = Tokenizer(models.WordLevel({"<s>": 0, "</s>": 1, "[UNK]": 2}, unk_token="[UNK]"))
    words.add_special_tokens(["<s>", "</s>", "[UNK]"])
    with pytest.raises(CheckpointError, match="makes its token '<s>' of a text that spells it"):
        without_control_tokens(words.to_str())


@pytest.mark.parametrize(
    "names",
    [
        {"tokenizer_file": "../elsewhere/tokenizer.json", "vocab_file": "../elsewhere/spm.model"},
        {"tokenizer_class": "BertTokenizer", "do_lower_case": True},
        {"tokenizer_class": "evil.Tokenizer", "fast_tokenizer_files": ["tokenizer.9.json"]},
        {"chat_template": "{{ 1/0 }}", "split_special_tokens": True, "add_prefix_space": False},
        {"added_tokens_decoder": {"7": {"content": "Anna", "special": True}}},
    ],
)
def test_tokenizer_config_that_names_other_files_or_classes_changes_nothing(copied, names):
    expected = open_folder(copied).window_tokenizer(64)
    (copied.parent / "elsewhere").mkdir()
    Tokenizer(models.WordLevel({"x": 0}, unk_token="x")).save(
        str(copied.parent / "elsewhere" / "tokenizer.json")
    )
    change(copied, "tokenizer_config.json", **names)
    assert open_folder(copied).window_tokenizer(64) == expected


def test_tokenizer_config_without_names_or_missing_means_those_of_xlm_r(copied):
    expected = open_folder(copied).mask_id
    (copied / "tokenizer_config.json").unlink()
    tokenizer = open_folder(copied).tokenizer
    assert (tokenizer.mask_token_id, tokenizer.unk_token) == (expected, "<unk>")


@pytest.mark.parametrize(
    "changes",
    [
        {"mask_token": "[MASK]"},
        {"mask_token": {"content": 5}},
        {"unk_token": []},
        {"model_max_length": "many"},
        {"model_max_length": -1},
        {"model_max_length": float("nan")},
        {"model_max_length": True},
    ],
)
def test_tokenizer_config_that_does_not_fit_is_refused(copied, changes):
    change(copied, "tokenizer_config.json", **changes)
    with pytest.raises(CheckpointError, match=r"tokenizer_config\.json (names|has)"):
        _ = open_folder(copied).tokenizer


@pytest.mark.parametrize("limit", [None, int(1e30)])
def test_tokenizer_config_without_a_limit_leaves_it_to_the_model(copied, limit):
    change(copied, "tokenizer_config.json", model_max_length=limit)
    assert open_folder(copied).window_length(512) == 128


@pytest.mark.parametrize("broken", ["model", "unk_id", "post_processor", "normalizer"])
def test_tokenizer_that_cannot_encode_is_refused(copied, broken):
    values = json.loads((copied / "tokenizer.json").read_text())
    if broken == "unk_id":
        values["model"]["unk_id"] = None
    elif broken == "post_processor":
        values["post_processor"]["special_tokens"]["<s>"]["ids"] = [10**6]
    else:
        values[broken] = {"type": "Unheard"}
    (copied / "tokenizer.json").write_text(json.dumps(values))
    with pytest.raises(CheckpointError):
        _ = open_folder(copied).tokenizer


def test_tokenizer_whose_padding_is_not_the_models_is_refused(copied):
    change(copied, "config.json", pad_token_id=7)
    with pytest.raises(CheckpointError, match="pad_token_id 1 and a model with 7"):
        _ = open_folder(copied).tokenizer


def test_model_with_several_ends_takes_a_tokenizer_with_one_of_them(copied):
    change(copied, "config.json", eos_token_id=[2, 4])
    assert open_folder(copied).tokenizer.eos_token_id == 2
    change(copied, "config.json", eos_token_id=[3, 4])
    with pytest.raises(CheckpointError, match=r"eos_token_id 2 and a model with \[3, 4\]"):
        _ = open_folder(copied).tokenizer


def test_tokenizer_of_other_files_alone_is_refused(copied):
    (copied / "tokenizer.json").unlink()
    (copied / "vocab.txt").write_text("a\nb\n")
    with pytest.raises(CheckpointError, match=r"no tokenizer files \(tokenizer\.json"):
        _ = open_folder(copied).tokenizer


def test_tokenizer_is_loaded_and_checked_once(copied, monkeypatch):
    checkpoint = open_folder(copied)
    first = checkpoint.tokenizer
    monkeypatch.delattr(type(first), "get_vocab")
    assert checkpoint.tokenizer is first
