"""What ``runtime.dtype: int8`` costs in quality on the demonstration model's test parts.

    pip install 'xmod-pipeline[bench]'
    python -m benchmarks.int8_quality

Enters: the corpora below ``--data``, laid out as ``demo/prepare_data.py`` names them. Leaves:
tables on the terminal, and in ``--out`` the record (``int8_quality.json``, ``int8_quality.md``) and
a picture. What holds: float32, int8 and bfloat16 annotate the same texts in one run through the
pipeline's own stages; nothing is timed.
"""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from transformers.utils import logging as transformers_logging

from benchmarks.harness.record import RESULTS
from benchmarks.harness.surroundings import surroundings
from benchmarks.quality.answers import Answers, answers, languages
from benchmarks.quality.measured import BASE, OWN, Measured
from benchmarks.quality.tables import picture, record
from benchmarks.quality.texts import Heldout, heldout
from pipeline.config import DType

_NAME = "int8_quality"
_SIDES = (BASE, OWN, DType.BFLOAT16)

console = Console()


def main(
    data: Annotated[Path, typer.Option(help="Folder of the corpora.")] = Path("../shared/data"),
    sentences: Annotated[
        int, typer.Option(min=1, help="With entities, of each language at most.")
    ] = 1000,
    pairs: Annotated[int, typer.Option(min=1, help="Of Tatoeba, of each language at most.")] = 200,
    out: Annotated[Path, typer.Option(help="Folder for results.")] = RESULTS,
) -> None:
    """Annotate with all sides, print the tables and write the results to ``out``."""
    if not data.is_dir():
        console.print(f"Skipped: no folder {data}. Set --data.")
        raise typer.Exit
    around = surroundings()
    transformers_logging.disable_progress_bar()
    texts = heldout(data, languages(), sentences, pairs)
    measured = Measured.of(texts, {side: _answers(texts, side) for side in _SIDES})
    found = record(measured, around)
    found.print(console)
    found.write(out, _NAME)
    picture(measured, out / f"{_NAME}.png")
    _tell(f"Written to {out}")


def _answers(texts: Heldout, side: DType) -> Answers:
    _tell(f"{side} annotates {len(texts.marked) + len(texts.filed):,} texts")
    return answers(texts, side)


def _tell(message: str) -> None:
    console.print(message, style="dim", highlight=False, markup=False)


if __name__ == "__main__":
    typer.run(main)
