"""What the characters of a text tell by themselves.

Enters: any string. Leaves: the part that a language can be told from, and the script of Chinese.
What holds: no library is asked, and nothing raises, whatever the characters are.
"""

from typing import Literal

import regex

LONGEST_EVIDENCE = 4000
"""Characters that are looked at: more do not change the answer and cost time."""

_ADDRESS = regex.compile(
    r"(?ai)(?:[a-z]{2,12}://|www\.)[!-~]+|[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+|@\w+"
)
"""URLs, e-mail addresses, mentions: ASCII, so that the Chinese that follows one is not eaten."""
_UNSEEN = regex.compile(r"(?V1)[\p{C}--[\t\n\r\u200c\u200d]]+")
"""Control, format, private, unassigned and lone surrogate characters, but not the joiners, which
Persian and the scripts of India spell with. pycld2 refuses control characters."""
_LETTER = regex.compile(r"\p{L}")
_NOT_HAN = regex.compile(r"\P{Han}+")


def legible(text: str) -> str:
    """The beginning of ``text`` without addresses, mentions and unseen characters.

    Empty where no letter is left: numbers, emoji, a lone URL.
    """
    seen = _UNSEEN.sub(" ", _ADDRESS.sub(" ", text[:LONGEST_EVIDENCE])).strip()
    return seen if _LETTER.search(seen) else ""


def chinese_script(text: str) -> Literal["Hans", "Hant"] | None:
    """Simplified or traditional; None where the characters of ``text`` are the same in both.

    Python's codecs hold the table: GB 2312 has the simplified characters and no traditional ones,
    Big5 the reverse, so that the characters which only one of them can encode decide.
    """
    han = _NOT_HAN.sub("", text[:LONGEST_EVIDENCE])
    simplified, traditional = (len(han.encode(codec, "ignore")) for codec in ("gb2312", "big5"))
    if simplified == traditional:
        return None
    return "Hans" if simplified > traditional else "Hant"
