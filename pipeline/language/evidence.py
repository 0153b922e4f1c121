"""What the characters of a text tell by themselves.

Enters: any string. Leaves: the part that a language can be told from, and the script of Chinese.
What holds: no library is asked, and nothing raises, whatever the characters are; patterns of
addresses, markup and code are ASCII, so that Chinese that follows one without a space stays.
"""

from typing import Literal
from unicodedata import normalize

import regex

LONGEST_EVIDENCE = 4000
"""Characters that are looked at: more do not change the answer and cost time."""

_NOISE = regex.compile(
    r"""(?aix)
    (?:[a-z]{2,12}://|www\.)[!-~]+                       # URLs
    | [\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+                  # e-mail addresses
    | </?[a-z!][^<>]{0,300}> | &(?:\#?\w{1,8});          # tags and entities
    | ```[^`]{0,4000}``` | `[^`\n]{1,300}`               # code between backticks
    | [\w.]{1,64}\(\) | (?:/[\w.-]{1,64}){2,}            # calls and paths
    | [!-:<-~]{0,64}[_{}=<>\\|][!-~]{0,64}               # names_of_things, {}, a=b
    """
)
_NAMES = regex.compile(r"[@#]\w+")
"""Mentions and hashtags, in any script."""
_STATEMENT = regex.compile(r"(?m)^(?=[^\n;]*[(){}=<>\[\]])[\t -~]+[{};][ \t\r]*$")
"""A line of code: ASCII, brackets or signs in it, and a semicolon or brace at its end."""
_SIGNS_OF_NOISE = "@#<&`_{}=|\\/"
_UNSEEN = regex.compile(r"(?V1)[\p{C}--[\t\n\r\u200c\u200d]]+")
"""Control, format, private, unassigned and lone surrogate characters, but not the joiners, which
Persian and the scripts of India spell with. pycld2 refuses control characters."""
_LETTER = regex.compile(r"\p{L}")
_NOT_HAN = regex.compile(r"\P{Han}+")


def legible(text: str) -> str:
    """The beginning of ``text`` in form NFC without what no language can be told from.

    That is URLs, addresses, mentions, hashtags, markup, code and unseen characters. Empty where no
    letter is left: numbers, emoji, a lone URL.
    """
    seen = text[:LONGEST_EVIDENCE]
    if any(sign in seen for sign in _SIGNS_OF_NOISE) or "www." in seen:
        for noise in (_STATEMENT, _NOISE, _NAMES):
            seen = noise.sub(" ", seen)
    if not seen.isprintable():
        seen = _UNSEEN.sub(" ", seen)
    seen = normalize("NFC", seen).strip()
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
