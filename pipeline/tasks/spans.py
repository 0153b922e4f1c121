"""Where words and entities begin and end in a text of any script.

Enters: a text and code-point offsets. Leaves: decisions about them. What holds: a character that
people see as one (a letter with its marks, an emoji of several code points) is never cut.
"""

import regex

_NO_SPACES = regex.compile(
    r"[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}"
    r"\p{Script=Khmer}\p{Script=Myanmar}\p{Script=Tibetan}]"
)
_GRAPHEME = regex.compile(r"\X")
_REACH = 64
"""Code points before an offset that decide whether a grapheme spans it; an even number, so that
pairs of regional indicators (flags) keep their parity."""


def is_word_start(text: str, start: int) -> bool:
    """Whether a token at ``start`` begins a word.

    After a space, as transformers' pipeline has it (any white space here); and on both sides of a
    character of a script that is written without spaces, where a space says nothing.
    """
    if start == 0:
        return True
    around = text[start - 1 : start + 1]
    return any(character.isspace() or _NO_SPACES.match(character) for character in around)


def fitted(text: str, start: int, end: int) -> tuple[int, int]:
    """``start`` and ``end`` moved off white space and out of the middle of a character.

    A cut character belongs to the span that holds its beginning.
    """
    start, end = _grapheme_end(text, start), _grapheme_end(text, end)
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    return start, end


def _grapheme_end(text: str, position: int) -> int:
    """``position``, or where the grapheme that spans it ends (UAX 29, extended clusters)."""
    for grapheme in _GRAPHEME.finditer(text, max(0, position - _REACH)):
        if grapheme.end() >= position:
            return int(grapheme.end()) if grapheme.start() < position else position
    return position
