"""A checkpoint's tokenizer as one that cuts windows, with what stands before each text.

Neither torch nor transformers is imported, as in ``model_inputs``.
"""

from functools import cache

from tokenizers import Tokenizer
from tokenizers.processors import TemplateProcessing

from pipeline.errors import ConfigError
from pipeline.xmod.tokenizer import without_control_tokens
from pipeline.xmod.windows import WindowTokenizer


@cache
def cutter(
    tokenizer: WindowTokenizer,
    kept: str | None = None,
    stride: int | None = None,
    strategy: str = "only_first",
    prefix: str = "",
) -> Tokenizer:
    """A tokenizer that cuts windows which overlap by ``stride``; with None it cuts nothing.

    ``kept`` is the only control token that it finds in a text.
    """
    loaded = Tokenizer.from_str(without_control_tokens(tokenizer.definition, kept))
    loaded.no_padding()
    loaded.no_truncation()
    loaded.encode_special_tokens = True  # as text, that is
    if prefix.strip():
        _put_before(loaded, prefix_tokens(tokenizer, prefix))
    if stride is not None:
        loaded.enable_truncation(tokenizer.length, stride=stride, strategy=strategy)
    return loaded


def prefix_tokens(tokenizer: WindowTokenizer, prefix: str) -> list[int]:
    """The ids of ``prefix`` before any text.

    Raises ConfigError where they would depend on the text: where it and a word would be one word.
    """
    plain = cutter(tokenizer)
    own, word, both = (
        plain.encode(text, add_special_tokens=False).ids
        for text in (prefix.rstrip(), "a", f"{prefix}a")
    )
    if not prefix[-1].isspace() or own + word != both:
        raise ConfigError(
            f"The prefix {prefix!a:.100} and the first word of a text would be one word to the "
            "tokenizer; expected a prefix that ends with a space. Set the task's prefix so."
        )
    return own


def _put_before(loaded: Tokenizer, ids: list[int]) -> None:
    """Have ``ids`` in each window of a text, between its first special token and the text."""
    first, last = loaded.encode("").ids
    loaded.post_processor = TemplateProcessing(
        single=["first", "prefix", "$A", "last"],
        special_tokens=[
            ("first", first),
            {"id": "prefix", "ids": ids, "tokens": ["prefix"] * len(ids)},
            ("last", last),
        ],
    )
