"""The part of a text that its language is detected from: without addresses, markup and code."""

import re
from collections.abc import Callable
from unicodedata import normalize

import regex

LONGEST_EVIDENCE = 4000
"""Maximum number of characters; more cost time and do not change the answer."""
_LONGEST_READ = 4 * LONGEST_EVIDENCE
"""Characters that are read, noise included."""

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
"""Signs, and the pattern of noise around any of them.

Patterns are ASCII, but for names: Chinese that follows an address without a space stays.
"""
_ANY_SIGN = re.compile(r"[@#`;{}<&/_=>\\|]|[(]\)|www[.]")
"""Most texts have no sign, which ``re`` finds out faster than ``regex``."""
_INVISIBLE = regex.compile(r"(?V1)[\p{C}--[\t\n\r\u200c\u200d]]+")
"""Control (which pycld2 refuses), format, private, unassigned and lone surrogate characters.

Not the joiners, with which Persian and the scripts of India are spelt.
"""
_LETTER = regex.compile(r"\p{L}")


def legible(text: str) -> str:
    """The beginning of ``text``, in NFC, without URLs, addresses, hashtags, markup and code.

    Empty where no letter is left: numbers, emoji, a lone URL. Never raises.
    """
    cleaned = _without_noise(text[:_LONGEST_READ], " ")
    if len(cleaned) > LONGEST_EVIDENCE:
        cleaned = _beginning(cleaned)
    if not cleaned.isprintable():
        cleaned = _INVISIBLE.sub(" ", cleaned)
    cleaned = normalize("NFC", cleaned).strip()
    return cleaned if _LETTER.search(cleaned) else ""


def blanked(text: str) -> str:
    """``text`` with noise replaced by as many spaces, so that positions stay."""
    return _without_noise(text, lambda found: " " * len(found.group()))


def _without_noise(text: str, replacement: str | Callable[[regex.Match[str]], str]) -> str:
    if not _ANY_SIGN.search(text):
        return text
    for signs, noise in _NOISE:
        if any(sign in text for sign in signs):
            text = noise.sub(replacement, text)
    return text


def _beginning(text: str) -> str:
    """``text`` cut at the last space before the limit, or at the limit where it has no spaces."""
    text = text.strip()
    space = text.rfind(" ", LONGEST_EVIDENCE // 2, LONGEST_EVIDENCE)
    return text[: space if space > 0 else LONGEST_EVIDENCE]
