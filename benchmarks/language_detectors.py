"""Detectors side by side over X-MOD's 81 languages: accuracy, calibration, speed, memory, strays.

    pip install 'xmod-pipeline[bench,fasttext,lingua]'
    python -m benchmarks.language_detectors --fasttext-model lid.176.ftz

Enters: the corpora below ``--data``, see ``languages.texts``. Leaves: tables on the terminal, and
in ``--out`` all figures (``language_detectors.json``), the tables (``language_detectors.md``) and
pictures. What holds: all detectors see the same texts in one run, on one thread.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks.languages.confusion import confusion
from benchmarks.languages.figures import figures
from benchmarks.languages.footprint import BASELINE, TEXTS, Footprint, footprint
from benchmarks.languages.pictures import languages, reliability
from benchmarks.languages.report import Measured, Report, report
from benchmarks.languages.runs import SIXTEEN, answers, made, speeds, strays
from benchmarks.languages.tables import DEFAULT, markdown, summary
from benchmarks.languages.texts import Corpus, corpora
from pipeline.language.detection import Detector
from pipeline.language.detector import DETECTORS, make_detector

RIVAL = "py3langid"
"""What the default detector is drawn against."""

console = Console()


def main(
    data: Annotated[Path, typer.Option(help="Folder with sib200/ and lid_eval/.")] = Path(
        "../shared/data"
    ),
    out: Annotated[Path, typer.Option(help="Folder for results.")] = Path("benchmarks/results"),
    every: Annotated[int, typer.Option(min=1, help="Use each n-th text only.")] = 1,
    detector: Annotated[list[str] | None, typer.Option(help="Default: all.")] = None,
    fasttext_model: Annotated[Path | None, typer.Option(help="Such as lid.176.ftz.")] = None,
) -> None:
    """Measure detectors, print the tables and write the results to ``out``."""
    if not (data / "sib200").is_dir():
        console.print(f"Skipped: no sib200 below {data}. Set --data.")
        raise typer.Exit
    detectors = made(
        _makeable(detector or sorted(DETECTORS), fasttext_model), fasttext_model, _tell
    )
    if not detectors:
        raise typer.Exit(2)
    texts = [corpus.thinned(every) for corpus in corpora(data)]
    footprints = _footprints([*detectors], texts[0], fasttext_model)
    measured = {corpus.name: _measured(detectors, corpus, fasttext_model) for corpus in texts}
    found = report(detectors, footprints, measured, every)
    for sheet in summary(found):
        console.print(sheet.rich(), "")
    _write(found, out)


def _makeable(names: list[str], fasttext_model: Path | None) -> list[str]:
    if fasttext_model is not None or "fasttext" not in names:
        return names
    _tell("Skipped fasttext: no --fasttext-model.")
    return [name for name in names if name != "fasttext"]


def _footprints(
    detectors: Sequence[str], corpus: Corpus, model: Path | None
) -> dict[str, Footprint]:
    step = max(1, len(corpus.texts) // TEXTS)
    texts = corpus.texts[::step][:TEXTS]
    found = {}
    for name in (BASELINE, *detectors):
        _tell(f"Starting {name}")
        found[name] = footprint(name, texts, model)
    return found


def _measured(detectors: dict[str, Detector], corpus: Corpus, model: Path | None) -> Measured:
    own, let_in = {}, {}
    for name, one in detectors.items():
        _tell(f"{name} answers {len(corpus.texts):,} texts: {corpus.name}")
        own[name] = figures(corpus, answers(one, corpus.texts), one.known)
        let_in[name] = strays(make_detector(name, SIXTEEN, model), corpus)
    _tell(f"All against the clock: {corpus.name}")
    return Measured(own, speeds(detectors, corpus), let_in)


def _write(found: Report, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    (out / "language_detectors.json").write_text(found.json(), encoding="utf-8")
    (out / "language_detectors.md").write_text(markdown(found), encoding="utf-8")
    reliability(found, out / "reliability.png")
    if DEFAULT in found.detectors:
        for corpus in ("sentences", "short"):
            own = found.corpora[corpus].figures[DEFAULT]
            if own.confusions:
                confusion(own, f"{DEFAULT}, {corpus}", out / f"confusion_{corpus}.png")
    if {DEFAULT, RIVAL} <= found.detectors.keys():
        languages(found, (DEFAULT, RIVAL), out / "languages_short.png")
    _tell(f"Written to {out}")


def _tell(message: str) -> None:
    console.print(message, style="dim", highlight=False, markup=False)


if __name__ == "__main__":
    typer.run(main)
