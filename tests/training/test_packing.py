"""Windows of pre-training."""

from pipeline.training.heads.masked_lm import pack


class Words:
    """A tokenizer whose ids are the numbers in the text."""

    bos_token_id = 0
    eos_token_id = 2

    def __call__(self, texts, **_):
        return {"input_ids": [[int(word) for word in text.split()] for text in texts]}


def test_pack_windows_are_full_and_texts_end_with_the_separator():
    windows = pack(["5 6", "7", "8 9 10"], Words(), window=5)
    assert [window.tolist() for window in windows] == [[0, 5, 6, 2, 7], [0, 2, 8, 9, 10], [0, 2]]
