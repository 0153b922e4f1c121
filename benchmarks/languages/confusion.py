"""Which languages are taken for which: a heat map of the wrong answers.

Enters: figures of a detector on a corpus. Leaves: a PNG file, at most 1,200 pixels wide. What
holds: only languages with a confusion are shown, as said or as meant; relatives stand together.
"""

from itertools import groupby
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from numpy.typing import NDArray

from benchmarks.harness.picture import canvas
from benchmarks.languages.figures import NO_ANSWER, Figures

_FAMILIES = {
    "Germanic": "en_XX nl_XX af_ZA de_DE da_DK no_XX sv_SE is_IS",
    "Italic": "la_VA it_IT ro_RO fr_XX ca_ES es_XX gl_ES pt_XX",
    "Celtic": "ga_IE cy_GB",
    "Baltic": "lt_LT lv_LV",
    "Slavic": "pl_PL cs_CZ sk_SK sl_SI hr_HR sr_RS mk_MK bg_BG ru_RU uk_UA be_BY",
    "Albanian": "sq_AL",
    "Greek": "el_GR",
    "Armenian": "hy_AM",
    "Iranian": "ku_TR fa_IR ps_AF",
    "Indo-Aryan": "ur_PK hi_IN mr_IN ne_NP sa_IN bn_IN or_IN pa_IN gu_IN si_LK",
    "constructed": "eo_EO",
    "Basque": "eu_ES",
    "Uralic": "et_EE fi_FI hu_HU",
    "Kartvelian": "ka_GE",
    "Turkic": "tr_TR az_AZ uz_UZ kk_KZ ky_KG",
    "Mongolic": "mn_MN",
    "Afro-Asiatic": "ar_AR he_IL am_ET ha_NG so_SO",
    "Bantu": "sw_KE",
    "Dravidian": "ta_IN te_IN kn_IN ml_IN",
    "Austronesian": "tl_XX ms_MY id_ID",
    "Austroasiatic": "vi_VN km_KH",
    "Tai": "th_TH lo_LA",
    "Sino-Tibetan": "my_MM zh_CN zh_TW",
    "Japonic": "ja_XX",
    "Koreanic": "ko_KR",
    "": NO_ANSWER,
}
"""Families, nearest ones side by side, and within them X-MOD's languages likewise."""

_FAMILY_OF = {code: family for family, codes in _FAMILIES.items() for code in codes.split()}


def confusion(figures: Figures, title: str, path: Path) -> None:
    """Rows are the texts' languages, columns what was said; cells count texts."""
    cells = figures.confusions
    seen = cells.keys() | {said for row in cells.values() for said in row}
    codes = [code for code in _FAMILY_OF if code in seen]
    counts = np.array([[cells.get(code, {}).get(said, 0) for said in codes] for code in codes])
    side = min(12.0, 6 + len(codes) / 8)
    picture = canvas(side - 0.5, side)
    axis = picture.subplots()
    axis.imshow(np.ma.masked_equal(counts, 0), cmap="Blues", norm=LogNorm(0.5, counts.max()))
    _write_counts(axis, counts)
    _name_axes(axis, codes)
    axis.set_title(f"{title}: {counts.sum():,} of {figures.texts:,} texts are taken for another")
    picture.savefig(path)


def _write_counts(axis: Axes, counts: NDArray[np.int64]) -> None:
    size = _font_size(len(counts))
    for row, column in np.argwhere(counts):
        count = counts[row, column]
        colour = "white" if count**2 > counts.max() else "black"
        axis.text(column, row, str(count), ha="center", va="center", fontsize=size, color=colour)


def _name_axes(axis: Axes, codes: list[str]) -> None:
    places, size = range(len(codes)), _font_size(len(codes))
    axis.set_xticks(places, codes, rotation=90, fontsize=size)
    axis.set_yticks(places, codes, fontsize=size)
    axis.set(xlabel="what is said", ylabel="the language of the text")
    axis.plot(places, places, color="#dddddd", linewidth=1, zorder=0)
    first = 0
    for family, own in groupby(codes, key=_FAMILY_OF.__getitem__):
        last = first + len(list(own))
        axis.text(len(codes) - 0.2, (first + last - 1) / 2, family, va="center", fontsize=size)
        for line in (axis.axhline, axis.axvline):
            line(last - 0.5, color="#bbbbbb", linewidth=0.6)
        first = last


def _font_size(codes: int) -> float:
    """Points: what fits a row, and no more than is usual."""
    return min(10.0, 560 / codes)
