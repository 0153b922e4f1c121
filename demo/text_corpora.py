"""The text corpora of the demo model, by their languages' names.

Enters: the data folder. Leaves: rows of text, topic or translation, in file order.
Holds: parallel corpora are split by id or document, the same in every language.
"""

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

from ner_formats import read_lines

NTREX_TRAINING_LINES = 1700
HANDBOOK_CHARACTERS = 200_000
"""Cap a language on the Debian and GNOME manuals, so that they do not drown other text."""


@dataclass(frozen=True)
class Names:
    """How the corpora name one language."""

    sib: str
    ntrex: str
    udhr: str
    tatoeba: str


LANGUAGES = {
    "en_XX": Names("eng_Latn", "src.eng", "eng", ""),
    "de_DE": Names("deu_Latn", "ref.deu", "deu_1996", "deu"),
    "es_XX": Names("spa_Latn", "ref.spa", "spa", "spa"),
    "fr_XX": Names("fra_Latn", "ref.fra", "fra", "fra"),
    "pt_XX": Names("por_Latn", "ref.por", "por_BR", "por"),
    "it_IT": Names("ita_Latn", "ref.ita", "ita", "ita"),
    "nl_XX": Names("nld_Latn", "ref.nld", "nld", "nld"),
    "ca_ES": Names("cat_Latn", "ref.cat", "cat", "cat"),
    "gl_ES": Names("glg_Latn", "ref.glg", "glg", "glg"),
    "ro_RO": Names("ron_Latn", "ref.ron", "ron_2006", "ron"),
    "eu_ES": Names("eus_Latn", "ref.eus", "eus", "eus"),
    "af_ZA": Names("afr_Latn", "ref.afr", "afr", "afr"),
    "sv_SE": Names("swe_Latn", "ref.swe", "swe", "swe"),
    "da_DK": Names("dan_Latn", "ref.dan", "dan", "dan"),
    "no_XX": Names("nob_Latn", "ref.nob", "nob", "nob"),
    "is_IS": Names("isl_Latn", "ref.isl", "isl", "isl"),
    "fi_FI": Names("fin_Latn", "ref.fin", "fin", "fin"),
    "et_EE": Names("est_Latn", "ref.est", "est", "est"),
    "lv_LV": Names("lvs_Latn", "ref.lav", "lav", "lvs"),
    "lt_LT": Names("lit_Latn", "ref.lit", "lit", "lit"),
    "pl_PL": Names("pol_Latn", "ref.pol", "pol", "pol"),
    "cs_CZ": Names("ces_Latn", "ref.ces", "ces", "ces"),
    "sk_SK": Names("slk_Latn", "ref.slk", "slk", "slk"),
    "sl_SI": Names("slv_Latn", "ref.slv", "slv", "slv"),
    "hr_HR": Names("hrv_Latn", "ref.hrv", "hrv", "hrv"),
    "sr_RS": Names("srp_Cyrl", "ref.srp-Latn", "srp_cyrl", "srp"),
    "mk_MK": Names("mkd_Cyrl", "ref.mkd", "mkd", "mkd"),
    "bg_BG": Names("bul_Cyrl", "ref.bul", "bul", "bul"),
    "ru_RU": Names("rus_Cyrl", "ref.rus", "rus", "rus"),
    "uk_UA": Names("ukr_Cyrl", "ref.ukr", "ukr", "ukr"),
    "be_BY": Names("bel_Cyrl", "ref.bel", "bel", "bel"),
    "sq_AL": Names("als_Latn", "ref.sqi", "als", "sqi"),
    "hu_HU": Names("hun_Latn", "ref.hun", "hun", "hun"),
    "el_GR": Names("ell_Grek", "ref.ell", "ell_monotonic", "ell"),
    "tr_TR": Names("tur_Latn", "ref.tur", "tur", "tur"),
    "az_AZ": Names("azj_Latn", "ref.aze-Latn", "azj_latn", "aze"),
    "kk_KZ": Names("kaz_Cyrl", "ref.kaz", "kaz", "kaz"),
    "mn_MN": Names("khk_Cyrl", "ref.mon", "khk", "mon"),
    "ka_GE": Names("kat_Geor", "ref.kat", "kat", "kat"),
    "hy_AM": Names("hye_Armn", "ref.hye", "hye", "hye"),
    "he_IL": Names("heb_Hebr", "ref.heb", "heb", "heb"),
    "ar_AR": Names("arb_Arab", "ref.arb", "arb", "ara"),
    "fa_IR": Names("pes_Arab", "ref.fas", "pes_1", "pes"),
    "ur_PK": Names("urd_Arab", "ref.urd", "urd", "urd"),
    "hi_IN": Names("hin_Deva", "ref.hin", "hin", "hin"),
    "mr_IN": Names("mar_Deva", "ref.mar", "mar", "mar"),
    "ne_NP": Names("npi_Deva", "ref.nep", "nep", ""),
    "bn_IN": Names("ben_Beng", "ref.ben", "ben", "ben"),
    "gu_IN": Names("guj_Gujr", "ref.guj", "guj", ""),
    "ta_IN": Names("tam_Taml", "ref.tam", "tam", "tam"),
    "te_IN": Names("tel_Telu", "ref.tel", "tel", "tel"),
    "kn_IN": Names("kan_Knda", "ref.kan", "kan", ""),
    "ml_IN": Names("mal_Mlym", "ref.mal", "mal", "mal"),
    "si_LK": Names("sin_Sinh", "ref.sin", "sin", ""),
    "th_TH": Names("tha_Thai", "ref.tha", "tha", "tha"),
    "vi_VN": Names("vie_Latn", "ref.vie", "vie", "vie"),
    "id_ID": Names("ind_Latn", "ref.ind", "ind", "ind"),
    "ms_MY": Names("zsm_Latn", "ref.msa", "mly_latn", "zsm"),
    "tl_XX": Names("tgl_Latn", "ref.fil", "tgl", "tgl"),
    "sw_KE": Names("swh_Latn", "ref.swa", "swh", "swh"),
    "zh_CN": Names("zho_Hans", "ref.zho-CN", "cmn_hans", "cmn"),
    "zh_TW": Names("zho_Hant", "ref.zho-TW", "cmn_hant", ""),
    "ja_XX": Names("jpn_Jpan", "ref.jpn", "jpn", "jpn"),
    "ko_KR": Names("kor_Hang", "ref.kor", "kor", "kor"),
}
ADDED = {"cy_GB": Names("cym_Latn", "ref.cym", "cym", "cym")}
"""Not pre-trained: it is what jobs/add_language.py is shown with."""
NAMES = LANGUAGES | ADDED
PIVOT = "en_XX"
"""What texts are translated into."""


def topic_rows(data: Path, languages: Iterable[str]) -> Iterator[dict[str, str]]:
    """SIB-200 with its own splits, which are parallel over the languages."""
    for language in languages:
        for split in ("train", "dev", "test"):
            for row in sib_rows(data, language, split):
                yield {
                    "text": row["text"],
                    "label": row["category"],
                    "language": language,
                    "split": split,
                }


def sib_rows(data: Path, language: str, split: str) -> Iterator[dict[str, str]]:
    """Rows of SIB-200: index_id, which is the same in all languages, category, text."""
    lines = read_lines(data / "sib200" / NAMES[language].sib / f"{split}.tsv.gz")
    yield from csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)


def manual_rows(
    data: Path, languages: Iterable[str], most: float = HANDBOOK_CHARACTERS
) -> Iterator[dict[str, str]]:
    """Paragraphs of the Debian and GNOME manuals, in order, up to `most` characters a language."""
    for language in languages:
        path = data / "mlm_debian_gnome" / f"{language}.txt.gz"
        left = most
        for text in read_lines(path) if path.exists() else ():
            left -= len(text)
            if left < 0:
                break
            yield {"text": text, "language": language}


def udhr_rows(data: Path, languages: Mapping[str, Names]) -> Iterator[dict[str, str]]:
    """Paragraphs of the Universal Declaration of Human Rights."""
    for language, names in languages.items():
        for text in html_paragraphs(data / "udhr" / f"{names.udhr}.html.gz"):
            yield {"text": text, "language": language}


def html_paragraphs(path: Path) -> list[str]:
    """The text of a page's <p> elements, with single spaces."""
    parser = _Paragraphs()
    parser.feed("\n".join(read_lines(path)))
    return parser.paragraphs


def ntrex_rows(data: Path, *, training: bool, languages: Iterable[str]) -> Iterator[dict[str, str]]:
    """NTREX by document: those that hold lines 1–1700 train, the others are held out."""
    documents = (data / "ntrex128" / "DOCUMENT_IDS.tsv").read_text(encoding="utf-8").split()
    in_training = set(documents[:NTREX_TRAINING_LINES])
    for language in languages:
        name = NAMES[language].ntrex
        lines = read_lines(data / "ntrex128" / f"newstest2019-{name}.txt.gz")
        for document, line in zip(documents, lines, strict=True):
            if (document in in_training) == training:
                yield {"text": line.strip(), "language": language}


def translation_rows(data: Path, languages: Iterable[str]) -> Iterator[dict[str, str]]:
    """Sentences with their English translation, those of NTREX's training documents and SIB-200."""
    english_lines = list(ntrex_rows(data, training=True, languages=[PIVOT]))
    for language in (one for one in languages if one != PIVOT):
        lines = ntrex_rows(data, training=True, languages=[language])
        for row, english in zip(lines, english_lines, strict=True):
            yield pair(row["text"], english["text"], language, "train")
        for split in ("train", "dev"):
            translated = {row["index_id"]: row["text"] for row in sib_rows(data, PIVOT, split)}
            for row in sib_rows(data, language, split):
                yield pair(row["text"], translated[row["index_id"]], language, split)


def retrieval_rows(data: Path, languages: Mapping[str, Names]) -> Iterator[dict[str, str]]:
    """Tatoeba pairs with English."""
    for language, names in languages.items():
        if not names.tatoeba:
            continue
        name = f"tatoeba.{names.tatoeba}-eng"
        texts = read_lines(data / "tatoeba" / f"{name}.{names.tatoeba}.gz")
        english = read_lines(data / "tatoeba" / f"{name}.eng.gz")
        for text, translation in zip(texts, english, strict=True):
            yield pair(text, translation, language, "test")


def pair(text: str, translation: str, language: str, split: str) -> dict[str, str]:
    """A text and its English translation."""
    return {
        "text": text,
        "translation": translation,
        "language": language,
        "translation_language": PIVOT,
        "split": split,
    }


class _Paragraphs(HTMLParser):
    """Collects the text of the <p> elements."""

    def __init__(self) -> None:
        super().__init__()
        self.paragraphs: list[str] = []
        self._open = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "p":
            self._open = True
            self.paragraphs.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == "p":
            self._open = False

    def handle_data(self, data: str) -> None:
        if self._open:
            self.paragraphs[-1] += " ".join(data.split())
