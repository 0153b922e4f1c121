"""What an actor is to load, and what goes through it.

Enters: windows of mixed texts. Leaves: an ``Order``, which travels to a process as JSON. What
holds: with few languages there are as many windows as with all, so that a forward takes as much
room.
"""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.base.texts import Windows
from pipeline.language.xmod_base import XMOD_BASE

OURS, PLAIN = "ours", "transformers"


@dataclass(frozen=True, kw_only=True)
class Order:
    """The model of ``folder`` in ``dtype``, loaded by ``engine`` with the first ``languages``.

    ``tokens`` and ``lang_ids`` are windows of these languages. With ``counted`` the random numbers
    that loading draws are counted, which takes time.
    """

    engine: str = OURS
    folder: str
    dtype: str = "float32"
    languages: int
    tokens: list[list[int]]
    lang_ids: list[int]
    counted: bool = False

    @property
    def windows(self) -> Windows:
        """As benchmarks have them."""
        return Windows([np.array(one, dtype=np.int64) for one in self.tokens], self.lang_ids)

    def changed(self, **changes: object) -> "Order":
        """The same but for ``changes``."""
        return replace(self, **changes)

    def json(self) -> str:
        """On one line."""
        return json.dumps(asdict(self))

    @classmethod
    def read(cls, line: str) -> "Order":
        """From ``json``."""
        return cls(**json.loads(line))


def order_for(folder: Path, languages: int, windows: Windows) -> Order:
    """An order for ``folder``, with the first of ``windows``, as many as X-MOD has languages.

    They are dealt out to the first ``languages``: there are no texts in Latin, and a forward costs
    the same whatever language a text is in.
    """
    some = range(len(XMOD_BASE))
    return Order(
        folder=str(folder),
        languages=languages,
        tokens=[windows.tokens[place].tolist() for place in some],
        lang_ids=[place % languages for place in some],
    )
