"""What a model reads of a record: its text in windows, alone or with what stands beside it.

A question, choice or second text is never cut off, and each window of the text contains it whole.
Neither torch nor transformers is imported: processes that tokenize start faster and stay smaller
without them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate, chain, groupby, islice

from tokenizers import Encoding, Tokenizer

from pipeline.tasks.cutter import cutter
from pipeline.xmod.windows import WindowTokenizer

_BATCH_CHARACTERS = 1 << 20
"""Takes a tokenizer a second or two, and at most a gigabyte of memory."""


class Beside(StrEnum):
    """What is in a window with the text, in the order that transformers' heads are trained with."""

    NOTHING = "nothing"
    QUESTION = "question"
    """``<s> question </s></s> text </s>``, for question answering."""
    CHOICES = "choices"
    """``<s> text </s></s> choice </s>`` for each choice, after the question if there is one."""
    SECOND_AFTER = "second after"
    """``<s> text </s></s> second text </s>``, as for a premise and its hypothesis."""
    SECOND_BEFORE = "second before"
    """``<s> second text </s></s> text </s>``, as for a query and what may answer it."""


_SECOND = (Beside.SECOND_AFTER, Beside.SECOND_BEFORE)
_TEXT_LAST = (Beside.QUESTION, Beside.SECOND_BEFORE)


@dataclass(frozen=True)
class ModelInput:
    """How to read a record; ``asked`` is the question, choices or second text of all records.

    Where ``asked`` is empty, each record has its own. Control tokens such as ``</s>`` in a text are
    encoded as text, except the mask token with ``masks``. The ``prefix`` stands before the text, in
    each of its windows, and has no spans.
    """

    tokenizer: WindowTokenizer
    beside: Beside = Beside.NOTHING
    asked: tuple[str, ...] = ()
    masks: bool = False
    prefix: str = ""


@dataclass(frozen=True)
class Asked:
    """A record's own question, choices and second text."""

    question: str | None
    choices: Sequence[str | None] | None
    second: str | None = None


@dataclass(frozen=True)
class Piece:
    """A window: its tokens, and its number among those of the same text and ``choice``.

    ``text_sequence`` says which of the encoding's two sequences is the text.
    """

    encoding: Encoding
    number: int
    choice: int = 0
    text_sequence: int = 0

    @property
    def spans(self) -> list[tuple[int, int]]:
        """Each token's span in the text; (0, 0) for special tokens and what is beside it."""
        offsets = self.encoding.offsets
        if self.encoding.n_sequences == 1:
            return offsets
        return [
            span if sequence == self.text_sequence else (0, 0)
            for span, sequence in zip(offsets, self.encoding.sequence_ids, strict=True)
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
    """The windows of each of ``texts``, which overlap by ``stride`` tokens."""
    inputs: list[Sequence[str | tuple[str, str]] | Unreadable]
    if reading.beside is Beside.NOTHING:
        inputs = [[text] for text in texts]
    else:
        inputs = list(_pairs(reading, texts, asked, stride))
    text_last = reading.beside in _TEXT_LAST
    kept = reading.tokenizer.mask if reading.masks else None
    strategy = "only_second" if text_last else "only_first"
    tokenizer = cutter(reading.tokenizer, kept, stride, strategy, reading.prefix)
    readable = [one for one in inputs if not isinstance(one, Unreadable)]
    encodings = chain.from_iterable(
        map(tokenizer.encode_batch, _batches(list(chain.from_iterable(readable))))
    )
    for one in inputs:
        if isinstance(one, Unreadable):
            yield one
        else:
            own = enumerate(islice(encodings, len(one)))
            yield [
                Piece(window, number, choice, text_sequence=int(text_last))
                for choice, encoding in own
                for number, window in enumerate((encoding, *encoding.overflowing))
            ]


def _batches(inputs: Sequence[str | tuple[str, str]]) -> Iterator[list[str | tuple[str, str]]]:
    """``inputs`` in order, in batches of about ``_BATCH_CHARACTERS``.

    All tokens of a batch are in memory before the caller can refuse a record.
    """
    ends = accumulate(len(one) if isinstance(one, str) else sum(map(len, one)) for one in inputs)
    placed = zip(ends, inputs, strict=True)
    for _, batch in groupby(placed, key=lambda one: one[0] // _BATCH_CHARACTERS):
        yield [one for _, one in batch]


def _pairs(
    reading: ModelInput, texts: Sequence[str], asked: Sequence[Asked], stride: int
) -> Iterator[list[tuple[str, str]] | Unreadable]:
    """The sequences of each record's windows, where they leave half of a window to the text."""
    others = [_beside(reading, one) for one in asked]
    plain = cutter(reading.tokenizer)
    limit = (reading.tokenizer.length - plain.num_special_tokens_to_add(is_pair=True) - stride) // 2
    readable = (one for one in others if not isinstance(one, Unreadable))
    distinct = list(dict.fromkeys(chain.from_iterable(readable)))
    encodings = plain.encode_batch(distinct, add_special_tokens=False)
    lengths = dict(zip(distinct, map(len, encodings), strict=True))
    for text, own in zip(texts, others, strict=True):
        if isinstance(own, Unreadable):
            yield own
        elif (longest := max(lengths[other] for other in own)) > limit and not (
            reading.beside in _SECOND and _fits(plain, reading.tokenizer.length, text, longest)
        ):
            yield _too_long(reading.beside, longest, limit)
        elif reading.beside in _TEXT_LAST:
            yield [(other, text) for other in own]
        else:
            yield [(text, other) for other in own]


def _fits(plain: Tokenizer, length: int, text: str, second: int) -> bool:
    """Whether ``text`` and a second one of so many tokens are whole in one window."""
    own = len(plain.encode(text, add_special_tokens=False))
    return own + second + plain.num_special_tokens_to_add(is_pair=True) <= length


def _too_long(beside: Beside, tokens: int, limit: int) -> Unreadable:
    second = beside in _SECOND
    return Unreadable(
        "SecondTextTooLong" if second else "QuestionTooLong",
        f"The {'second text' if second else 'question or choice'} has {tokens} tokens; expected at "
        f"most {limit}, so that half of a window is left to the text. Set runtime.max_length "
        "higher or runtime.stride lower.",
    )


def _beside(reading: ModelInput, asked: Asked) -> list[str] | Unreadable:
    """The question, the second text, or each choice."""
    if reading.beside in _SECOND:
        second = reading.asked[0] if reading.asked else asked.second
        if second is None:
            return Unreadable("NoSecondText", "The second text is null; expected a string.")
        return [second]
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
