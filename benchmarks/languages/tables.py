"""The figures as tables.

Enters: a report. Leaves: ``Sheet``s, and each of them for the terminal or for Markdown. What holds:
detectors stand in the order of their accuracy on the first corpus.
"""

from collections import Counter
from collections.abc import Sequence

from langcodes import Language

from benchmarks.harness.sheet import Sheet
from benchmarks.languages.figures import BINS
from benchmarks.languages.footprint import TEXTS
from benchmarks.languages.report import Report
from benchmarks.languages.runs import MIN_SCORE, SIXTEEN
from pipeline.language.tags import bcp47
from pipeline.language.xmod_base import XMOD_BASE

DEFAULT = "cascade"
"""The default detector, of which confusions are told."""

_MISSING = "–"
_CORPORA = {
    "sentences": "Sentences: SIB-200 test",
    "short": "Short texts: NTREX, 25 characters or fewer",
    "noisy": "Noisy: sentences with an address, an emoji and a hashtag in each",
    "latin": "Serbian in Latin script, and Croatian: NTREX from line 1,101",
}
_TERMS = f"""*By code*: the mean over languages of the share of texts that get their X-MOD code,
zh_CN and zh_TW apart. *By language*: the same where zh_CN will do for zh_TW. *Covered*: by
language, the mean over languages that the detector knows; *unknown* counts the others of all
{len(XMOD_BASE)}. *ECE*: expected calibration error over languages that it knows, {BINS} bins:
how far scores are from the share that is right. *Texts/s*: one thread, the median of three passes.
49 of all short texts are a quotation left in French ("Il faut bien le faire.") and labelled as the
language around it, so that nobody can be right in them.
"""


def summary(report: Report) -> list[Sheet]:
    """One sheet a corpus, and what detectors cost and let in."""
    return [*(_accuracy(report, name) for name in report.corpora), _cost(report), _strays(report)]


def markdown(report: Report) -> str:
    """All sheets, and what they were measured with."""
    machine = report.machine
    head = (
        f"# Language detectors over X-MOD's {len(XMOD_BASE)} languages\n\n"
        f"{report.date}, {machine.cpus} CPUs ({machine.architecture}), Python {machine.python}"
        f"{f', each {report.every}th text' if report.every > 1 else ''}; written by\n"
        f"`python -m benchmarks.language_detectors`.\n\n{_TERMS}"
    )
    sheets = [*summary(report), _by_language(report)]
    return "\n".join([head, *(sheet.markdown() for sheet in sheets), _versions(report)])


def display_name(code: str) -> str:
    """The English name of an X-MOD language."""
    return Language.get(bcp47(code, XMOD_BASE)).display_name()


def _accuracy(report: Report, corpus: str) -> Sheet:
    measured = report.corpora[corpus]
    columns = ("unknown", "by code", "by language", "covered", "ECE", "texts/s")
    rows = []
    for name in report.ranked:
        own = measured.figures[name]
        shares = (own.by_code, own.by_language, own.covered, own.calibration_error)
        cells = [*(f"{share:.4f}" for share in shares), f"{measured.speeds[name]:,.0f}"]
        rows.append((name, str(len(report.detectors[name].unknown)), *cells))
    some = next(iter(measured.figures.values()))
    title = f"{_CORPORA[corpus]}, {some.texts:,} texts in {len(some.accuracy)} languages"
    return Sheet(title, ("detector", *columns), rows)


def _cost(report: Report) -> Sheet:
    rows = [
        (name, f"{own.ready:.1f}", f"{own.answered:.1f}", f"{own.megabytes:,.0f}")
        for name, own in report.footprints.items()
    ]
    columns = ("process", "ready\ns", f"{TEXTS:,} texts\ns", "peak\nMB")
    return Sheet(
        "Start, until the detector is made and has answered, and memory: a fresh process each",
        columns,
        rows,
    )


def _strays(report: Report) -> Sheet:
    corpora = [name for name in report.corpora if name != "latin"]
    columns = [f"{name}\n{what}" for name in corpora for what in ("right", "let in")]
    rows = []
    for name in report.ranked:
        found = [report.corpora[corpus].strays[name] for corpus in corpora]
        cells = [f"{share:.4f}" for one in found for share in (one.own, one.let_in)]
        rows.append((name, *cells))
    title = (
        f"Strays: adapters for {len(SIXTEEN)} languages, routed from a score of {MIN_SCORE:g} on"
    )
    return Sheet(title, ("detector", *columns), rows)


def _by_language(report: Report) -> Sheet:
    names, corpora = report.ranked, [c for c in ("sentences", "short") if c in report.corpora]
    heads = [f"{name} {corpus}" for name in names for corpus in corpora]
    rows = [
        (
            f"{code} {display_name(code)}",
            *(_share(report, corpus, name, code) for name in names for corpus in corpora),
            _confusion(report, corpora, code),
        )
        for code in XMOD_BASE
    ]
    title = f"By language, with what `{DEFAULT}` most often says instead"
    return Sheet(title, ("language", *heads, "taken for"), rows)


def _share(report: Report, corpus: str, name: str, code: str) -> str:
    share = report.corpora[corpus].figures[name].accuracy.get(code)
    return _MISSING if share is None else f"{share:.3f}"


def _confusion(report: Report, corpora: Sequence[str], code: str) -> str:
    said: Counter[str] = Counter()
    for corpus in corpora:
        own = report.corpora[corpus].figures.get(DEFAULT)
        said.update(own.confusions.get(code, {}) if own else {})
    return ", ".join(f"{other} {count}×" for other, count in said.most_common(1))


def _versions(report: Report) -> str:
    lines = [f"- {name}: {about.version}" for name, about in report.detectors.items()]
    return "\n".join(["## Versions", "", *lines, ""])
