"""A corpus's tags of words to labels of the tokens that begin words, and back, by offsets."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pipeline.tasks.words import Word

IGNORED = -100
"""The label that the loss passes over."""

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


def word_labels(
    words: Sequence[Word], found: Sequence[Entity], names: Sequence[str], tokens: int
) -> list[int]:
    """Label ids of a text's `tokens`: its word's for the token that begins one, else IGNORED.

    B- is for the first word that touches an entity, I- for those after it. `found` is in text
    order; ids are positions in `names`. A word that touches two entities belongs to the first.
    """
    ids = {name: position for position, name in enumerate(names)}
    labels = [IGNORED] * tokens
    begun: set[Entity] = set()
    for word in words:
        touched = next((e for e in found if e.start < word.end and word.start < e.end), None)
        if touched is None:
            labels[word.token] = ids["O"]
            continue
        prefix = "I" if touched in begun else "B"
        labels[word.token] = ids[f"{prefix}-{touched.label}"]
        begun.add(touched)
    return labels


def tags_of(spans: Sequence[Span], words: Sequence[Word], predicted: Sequence[str]) -> list[str]:
    """A tag for each of a corpus's own words, from the first word that touches it; else O.

    `spans` are their places, `predicted` has a tag for each of `words`. Those that share their
    first word with the one before continue its entity.
    """
    tags: list[str] = []
    place, previous = 0, -1
    for start, end in spans:
        while place < len(words) and words[place].end <= start:
            place += 1
        inside = place < len(words) and words[place].start < end
        tag = predicted[place] if inside else "O"
        tags.append(tag.replace("B-", "I-") if inside and place == previous else tag)
        previous = place
    return repair(tags)


def repair(tags: Sequence[str]) -> list[str]:
    """IOB2 tags: an I- that continues nothing of its type begins an entity."""
    repaired: list[str] = []
    for position, tag in enumerate(tags):
        name = tag[2:]
        continues = position > 0 and repaired[-1][2:] == name
        repaired.append(f"B-{name}" if tag.startswith("I-") and not continues else tag)
    return repaired
