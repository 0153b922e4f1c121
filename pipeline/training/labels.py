"""Word-level BIO tags to labels of sub-tokens and back, by character offsets.

Nothing is inferred from spaces, so Chinese, Japanese and Korean characters work as words.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

IGNORED = -100
"""The label that the loss passes over: special tokens have no character."""

Span = tuple[int, int]


@dataclass(frozen=True)
class Entity:
    """A typed span of characters, half-open."""

    label: str
    start: int
    end: int


def bio_labels(types: Iterable[str]) -> tuple[str, ...]:
    """O, then B- and I- of each of the entity `types`, in alphabetical order."""
    return "O", *(f"{prefix}-{name}" for name in sorted(set(types)) for prefix in "BI")


def rebuild(words: Sequence[str], spaces: Sequence[bool]) -> tuple[str, list[Span]]:
    """The text of a sentence and each word's place in it."""
    text = ""
    spans: list[Span] = []
    for word, space in zip(words, spaces, strict=True):
        spans.append((len(text), len(text) + len(word)))
        text += word + " " * space
    return text.rstrip(" "), spans


def entities(tags: Sequence[str], spans: Sequence[Span]) -> list[Entity]:
    """Entities of IOB2 tags as spans of characters."""
    found: list[Entity] = []
    for tag, (start, end) in zip(repair(tags), spans, strict=True):
        if tag.startswith("B-"):
            found.append(Entity(tag[2:], start, end))
        elif tag.startswith("I-"):
            found[-1] = Entity(found[-1].label, found[-1].start, end)
    return found


def token_labels(
    offsets: Sequence[Span], found: Sequence[Entity], names: Sequence[str]
) -> list[int]:
    """Label ids of sub-tokens: B- for the first that touches an entity, I- for those after it.

    `found` is in text order; ids are positions in `names`. A sub-token that touches two entities
    belongs to the first.
    """
    ids = {name: position for position, name in enumerate(names)}
    labels: list[int] = []
    begun: set[Entity] = set()
    for start, end in offsets:
        touched = next((e for e in found if e.start < end and start < e.end), None)
        if start == end:
            labels.append(IGNORED)
        elif touched is None:
            labels.append(ids["O"])
        else:
            prefix = "I" if touched in begun else "B"
            labels.append(ids[f"{prefix}-{touched.label}"])
            begun.add(touched)
    return labels


def word_tags(
    offsets: Sequence[Span], predicted: Sequence[str], spans: Sequence[Span]
) -> list[str]:
    """A tag a word, taken from the first sub-token that touches it; O where none does.

    `predicted` has a tag for each of `offsets`. Words that share their first sub-token with the
    word before continue its entity.
    """
    tags: list[str] = []
    token, previous = 0, -1
    for start, end in spans:
        while token < len(offsets) and offsets[token][1] <= start:
            token += 1
        inside = token < len(offsets) and offsets[token][0] < end
        tag = predicted[token] if inside else "O"
        tags.append(tag.replace("B-", "I-") if inside and token == previous else tag)
        previous = token
    return repair(tags)


def repair(tags: Sequence[str]) -> list[str]:
    """IOB2 tags: an I- that continues nothing of its type begins an entity."""
    repaired: list[str] = []
    for position, tag in enumerate(tags):
        name = tag[2:]
        continues = position > 0 and repaired[-1][2:] == name
        repaired.append(f"B-{name}" if tag.startswith("I-") and not continues else tag)
    return repaired
