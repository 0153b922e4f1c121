"""What the characters of a text tell by themselves.

Enters: any string. Leaves: the part that a language can be told from, and the script of Chinese.
What holds: no library is asked, and nothing raises, whatever the characters are; patterns of
addresses, markup and code are ASCII, so that Chinese that follows one without a space stays.
"""

import re
from collections.abc import Callable
from typing import Literal
from unicodedata import normalize

import regex

LONGEST_EVIDENCE = 4000
"""Characters that are looked at: more do not change the answer and cost time."""
_LONGEST_READ = 4 * LONGEST_EVIDENCE
"""Characters among which they are looked for, noise and all."""

_NOISE = tuple(
    (tuple(signs.split()), regex.compile(f"(?ai){pattern}"))
    for signs, pattern in (
        ("://", r"(?<![a-z])[a-z]{2,12}://[!-~]+"),
        ("www.", r"(?<!\w)www\.[!-~]+"),
        ("@", r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+"),
        ("`", r"```[^`]*```|`[^`\n]{1,300}`"),
        ("<", r"</?[a-z!][^<>]{0,300}>"),
        ("&", r"&#?\w{1,8};"),
        ("@ #", r"[@#](?u:\w)+"),  # mentions and hashtags, in any script
        # A line of code: a sign or a call in it, and a semicolon or brace at its end.
        ("; {", r"(?m)^(?=[^\n]*(?:[{}=<>\[\]]|\w\())[\t -~]+[{;][ \t\r]*$"),
        ("()", r"(?<![\w.])[\w.]+\(\)"),
        ("/", r"(?:/[\w.-]+){2,}"),
        # names_of_things, {}, a=b
        ("_ { } = < > \\ |", r"(?<![!-~])[!-:<-~]*[_{}=<>\\|][!-~]*"),
    )
)
"""Signs, and what is no language around one of them; ASCII but for names."""
_A_SIGN = re.compile(r"[@#`;{}<&/_=>\\|]|[(]\)|www[.]")
"""Most texts have none, and the standard library is quickest to say so."""
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
    seen = _without_noise(text[:_LONGEST_READ], " ")
    if len(seen) > LONGEST_EVIDENCE:
        seen = _beginning(seen)
    if not seen.isprintable():
        seen = _UNSEEN.sub(" ", seen)
    seen = normalize("NFC", seen).strip()
    return seen if _LETTER.search(seen) else ""


def blanked(text: str) -> str:
    """``text`` with blanks for noise, as long as it was: for those who cut it."""
    return _without_noise(text, lambda found: " " * len(found.group()))


def _without_noise(text: str, instead: str | Callable[[regex.Match[str]], str]) -> str:
    if not _A_SIGN.search(text):
        return text
    for signs, noise in _NOISE:
        if any(sign in text for sign in signs):
            text = noise.sub(instead, text)
    return text


def _beginning(text: str) -> str:
    """``text`` to the last space before it is too long: half a word, or half a tag, is no evidence.

    What has no spaces is cut anywhere.
    """
    text = text.strip()
    space = text.rfind(" ", LONGEST_EVIDENCE // 2, LONGEST_EVIDENCE)
    return text[: space if space > 0 else LONGEST_EVIDENCE]


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
