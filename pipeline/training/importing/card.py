"""The card of an imported checkpoint: what it is and what it came from, in ``README.md``."""

from collections.abc import Sequence
from dataclasses import dataclass

import pipeline


@dataclass(frozen=True)
class Origin:
    """Where a checkpoint and its tokenizer came from, by name, and the sha256 of each file."""

    source: str
    on_hub: bool
    tokenizer: str
    digests: Sequence[tuple[str, str]]
    notes: Sequence[str]


def card_of(origin: Origin, architecture: str, languages: Sequence[str], sha256: str) -> str:
    """The card's text; `sha256` is what `model.sha256` of a config may pin."""
    base = [f"base_model: {origin.source.partition('@')[0]}"] if origin.on_hub else []
    lines = [
        *("---", "library_name: transformers", *base, "---", "", "# An imported X-MOD", ""),
        f"`{architecture}`, written by `xmod-pipeline import` {pipeline.__version__} from",
        f"`{origin.source}`, with the tokenizer of `{origin.tokenizer}`.",
        "Its licence is that of the source.",
        "",
        f"- Languages, in the order of `lang_id`: {', '.join(languages)}.",
        f"- `model.sha256`: `{sha256}`.",
        *(f"- {note}" for note in origin.notes),
        *("", "| file read | sha256 |", "|---|---|"),
        *(f"| `{name}` | `{digest}` |" for name, digest in origin.digests),
    ]
    return "\n".join(lines) + "\n"
