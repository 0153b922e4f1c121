"""Windows of a text, and one result of theirs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.xmod.windows import Window, stitched, text_tokens, weighted_mean
from tests.helpers.checkpoints import tiny_tokenizer

SPECIAL = -1


def cut(tokens: list[int], content: int, stride: int) -> list[np.ndarray]:
    """Windows as Hugging Face's fast tokenizers cut them, ``content`` tokens each."""
    windows = []
    for start in range(0, max(len(tokens), 1), content - stride):
        windows.append(np.array([SPECIAL, *tokens[start : start + content], SPECIAL]))
        if start + content >= len(tokens):
            break
    return windows


@given(st.integers(0, 200), st.integers(2, 40), st.data())
def test_stitched_any_cut_gives_the_text_back(length, content, data):
    stride = data.draw(st.integers(0, content - 1))
    tokens = list(range(length))
    windows = cut(tokens, content, stride)
    assert stitched(windows, stride).tolist() == tokens
    assert text_tokens([len(window) for window in windows], stride) == length


@pytest.mark.parametrize("stride", [0, 1, 4, 5])
def test_stitched_windows_of_the_real_tokenizer_give_the_text_back(stride):
    tokenizer, text = tiny_tokenizer(), "the river in Prague " * 9
    whole = tokenizer(text, add_special_tokens=False)["input_ids"]
    encoding = tokenizer(
        text, truncation=True, max_length=16, stride=stride, return_overflowing_tokens=True
    )
    windows = [np.array(ids) for ids in encoding["input_ids"]]
    assert len(windows) > 5
    assert stitched(windows, stride).tolist() == whole
    assert text_tokens([len(window) for window in windows], stride) == len(whole)


def test_stitched_overlap_is_halved_between_its_windows():
    first = np.array([[9.0, 9.0], [1.0, 1.0], [2.0, 2.0], [3.0, 3.0], [4.0, 4.0], [9.0, 9.0]])
    values = stitched([first, first + 10], stride=3)
    assert values[:, 0].tolist() == [1.0, 2.0, 12.0, 13.0, 14.0]


def test_text_tokens_one_window_counts_all_but_the_special():
    assert text_tokens([2], 5) == 0
    assert text_tokens([12], 5) == 10


def test_weighted_mean_weighs_windows_by_their_tokens():
    windows = [Window(*[np.zeros(size, dtype=np.int32)] * 3) for size in (1, 3)]
    mean = weighted_mean([np.float32([4.0, 0.0]), np.float32([0.0, 8.0])], windows)
    assert mean.tolist() == [1.0, 6.0]
    assert mean.dtype == np.float32
