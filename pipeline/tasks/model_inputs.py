"""What a model reads of a record: its text in windows, alone or beside a question or choices.

Enters: texts, and what is asked of them. Leaves: the windows of each record, or why it has none.
What holds: no question and no choice is cut off; a text is, at its end, where ``max_windows`` says
so; every window of a text beside something holds all of that.

Neither torch nor transformers is imported here: the processes that read and tokenize start sooner
and stay smaller without them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from itertools import chain, islice

from tokenizers import Encoding, Tokenizer

from pipeline.xmod.windows import WindowTokenizer


class Beside(StrEnum):
    """What stands beside the text in a window, as transformers' heads were trained with it."""

    NOTHING = "nothing"
    QUESTION = "question"
    """``<s> question </s></s> text </s>``, for question answering."""
    CHOICES = "choices"
    """``<s> text </s></s> choice </s>`` for each choice, after the question if there is one."""


@dataclass(frozen=True)
class ModelInput:
    """One way to read a record; ``asked`` is the question, or the choices, of all records.

    Where ``asked`` is empty, each record has its own.
    """

    tokenizer: WindowTokenizer
    beside: Beside = Beside.NOTHING
    asked: tuple[str, ...] = ()


@dataclass(frozen=True)
class Asked:
    """What is asked of a record, beside its text."""

    question: str | None
    choices: Sequence[str | None] | None


@dataclass(frozen=True)
class Piece:
    """A window: its tokens, and its number among those of the same text and ``choice``.

    ``text_is`` says which of its two sequences is the text.
    """

    encoding: Encoding
    number: int
    choice: int = 0
    text_is: int = 0

    @property
    def spans(self) -> list[tuple[int, int]]:
        """Each token's place in the text; (0, 0) for special tokens and what is beside it."""
        offsets = self.encoding.offsets
        if self.encoding.n_sequences == 1:
            return offsets
        sequences = self.encoding.sequence_ids
        return [
            span if sequence == self.text_is else (0, 0)
            for span, sequence in zip(offsets, sequences, strict=True)
        ]


@dataclass(frozen=True)
class Unreadable:
    """Why a record has no windows."""

    error_type: str
    message: str


Read = list[Piece] | Unreadable


def read(
    reading: ModelInput, texts: Sequence[str], asked: Sequence[Asked], stride: int
) -> Iterator[Read]:
    """The windows of each of ``texts``."""
    if reading.beside is Beside.NOTHING:
        encodings = _encoder(reading.tokenizer, stride).encode_batch(texts)
        return (list(_pieces(encoding)) for encoding in encodings)
    of_each = _with_room(reading.tokenizer, [_beside(reading, one) for one in asked], stride)
    pairs = [
        _pair(reading.beside, text, other)
        for text, others in zip(texts, of_each, strict=True)
        if not isinstance(others, Unreadable)
        for other in others
    ]
    encoded = iter(_encoder(reading.tokenizer, stride, reading.beside).encode_batch(pairs))
    return (_beside_each(reading.beside, others, encoded) for others in of_each)


def _beside_each(
    beside: Beside, others: list[str] | Unreadable, encodings: Iterator[Encoding]
) -> Read:
    """The windows of one record, from its share of ``encodings``."""
    if isinstance(others, Unreadable):
        return others
    text_is = 1 if beside is Beside.QUESTION else 0
    own = islice(encodings, len(others))
    return list(
        chain.from_iterable(_pieces(one, choice, text_is) for choice, one in enumerate(own))
    )


def _pieces(encoding: Encoding, choice: int = 0, text_is: int = 0) -> Iterator[Piece]:
    windows = (encoding, *encoding.overflowing)
    return (Piece(window, number, choice, text_is) for number, window in enumerate(windows))


def _pair(beside: Beside, text: str, other: str) -> tuple[str, str]:
    return (other, text) if beside is Beside.QUESTION else (text, other)


def _beside(reading: ModelInput, asked: Asked) -> list[str] | Unreadable:
    """What the text is read beside, one a window of a short text."""
    if reading.beside is Beside.QUESTION:
        question = reading.asked[0] if reading.asked else asked.question
        if question is None:
            return Unreadable("NoQuestion", "The question is null; expected a string.")
        return [question]
    choices = list(reading.asked or asked.choices or ())
    if len(choices) < 2 or None in choices:
        return Unreadable(
            "NoChoices", f"There are {len(choices)} choices; expected two or more, none null."
        )
    before = f"{asked.question} " if asked.question else ""
    return [f"{before}{choice}" for choice in choices]


def _with_room(
    tokenizer: WindowTokenizer, of_each: Sequence[list[str] | Unreadable], stride: int
) -> list[list[str] | Unreadable]:
    """``of_each``, with why not for a record that leaves its text too little room."""
    plain = _encoder(tokenizer, None)
    limit = (tokenizer.length - plain.num_special_tokens_to_add(is_pair=True) - stride) // 2
    flat = list(chain.from_iterable(one for one in of_each if not isinstance(one, Unreadable)))
    lengths = iter(
        [len(encoding) for encoding in plain.encode_batch(flat, add_special_tokens=False)]
    )
    return [_if_short(one, lengths, limit) for one in of_each]


def _if_short(
    others: list[str] | Unreadable, lengths: Iterator[int], limit: int
) -> list[str] | Unreadable:
    if isinstance(others, Unreadable):
        return others
    longest = max(next(lengths) for _ in others)
    if longest > limit:
        return Unreadable(
            "QuestionTooLong",
            f"The question or choice has {longest} tokens; expected at most {limit}, so that half "
            "of a window is left to the text. Set runtime.max_length higher or stride lower.",
        )
    return others


@cache
def _encoder(
    tokenizer: WindowTokenizer, stride: int | None, beside: Beside = Beside.NOTHING
) -> Tokenizer:
    """What cuts texts into windows that overlap by ``stride``; with None it cuts nothing."""
    loaded = Tokenizer.from_str(tokenizer.definition)
    loaded.no_padding()
    if stride is None:
        loaded.no_truncation()
    else:
        strategy = "only_second" if beside is Beside.QUESTION else "only_first"
        loaded.enable_truncation(tokenizer.length, stride=stride, strategy=strategy)
    return loaded
