"""Tokenizers that cut windows, with a prefix before each text."""

from itertools import chain

import pytest

from pipeline.errors import ConfigError
from pipeline.tasks.cutter import cutter, prefix_tokens
from pipeline.xmod.windows import WindowTokenizer
from tests.helpers.checkpoints import SENTENCES, tiny_tokenizer

TOKENIZER = tiny_tokenizer()
WINDOWS = WindowTokenizer(TOKENIZER.backend_tokenizer.to_str(), 24, "<mask>")


def test_cutter_without_a_stride_cuts_nothing():
    text = " ".join(SENTENCES)
    encoding = cutter(WINDOWS).encode(text)
    assert encoding.ids == TOKENIZER(text)["input_ids"]
    assert encoding.overflowing == []


def test_cutter_finds_no_control_token_but_the_one_it_keeps():
    assert cutter(WINDOWS, "<mask>").encode("<mask></s>").ids.count(TOKENIZER.mask_token_id) == 1
    assert cutter(WINDOWS).encode("<mask></s>").ids.count(TOKENIZER.mask_token_id) == 0


def test_cutter_puts_the_prefix_into_each_window_and_the_text_once():
    text = " ".join(SENTENCES[:2])
    first = cutter(WINDOWS, None, 4, prefix="in Prague ").encode(text)
    before = prefix_tokens(WINDOWS, "in Prague ")
    windows = [window.ids for window in (first, *first.overflowing)]
    assert len(windows) > 2
    assert {tuple(ids[: len(before) + 1]) for ids in windows} == {(0, *before)}
    parts = [ids[len(before) + 1 + (4 if place else 0) : -1] for place, ids in enumerate(windows)]
    assert [*chain.from_iterable(parts)] == TOKENIZER(text, add_special_tokens=False)["input_ids"]


def test_prefix_tokens_are_those_before_any_text():
    for text in SENTENCES:
        own = TOKENIZER(text, add_special_tokens=False)["input_ids"]
        both = TOKENIZER(f"query: {text}", add_special_tokens=False)["input_ids"]
        assert prefix_tokens(WINDOWS, "query: ") + own == both


@pytest.mark.parametrize("prefix", ["query:", "为这个句子", "x"])
def test_prefix_that_would_be_one_word_with_the_text_is_refused(prefix):
    with pytest.raises(ConfigError, match="expected a prefix that ends with a space"):
        prefix_tokens(WINDOWS, prefix)
