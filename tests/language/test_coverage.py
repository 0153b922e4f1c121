"""Which candidates each detector never answers with, in checkpoints that exist."""

import pytest

from pipeline.language.coverage import Coverage, coverage_of
from pipeline.language.detector import make_detector
from tests.helpers.languages import SWISSBERT, XMOD_75

UNKNOWN = {
    "cascade": (("gsw",), ()),
    "fasttext": ((), ("om_KE", "xh_ZA")),
    "py3langid": (("rm_CH", "gsw"), ("sd_PK", "su_ID", "yi_DE")),
    "pycld2": (("gsw",), ()),
    "langdetect": (
        ("rm_CH", "gsw"),
        (
            *("as_IN", "br_FR", "fy_NL", "gd_GB", "jv_ID", "mg_MG"),
            *("om_KE", "sd_PK", "su_ID", "xh_ZA", "yi_DE"),
        ),
    ),
    "lingua": (
        ("rm_CH", "gsw"),
        (
            *("as_IN", "br_FR", "fy_NL", "gd_GB", "jv_ID", "mg_MG"),
            *("om_KE", "sd_PK", "su_ID", "yi_DE"),
        ),
    ),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_coverage_of_each_detector_names_what_it_does_not_know(name, fasttext_model):
    swiss, more = UNKNOWN[name]
    known = make_detector(name, SWISSBERT, fasttext_model).known
    assert coverage_of(known, SWISSBERT) == Coverage(unknown=swiss)
    known = make_detector(name, XMOD_75, fasttext_model).known
    assert coverage_of(known, XMOD_75) == Coverage(more, (("bs_BA", "hr_HR"),))


@pytest.mark.parametrize(
    ("candidates", "taken"),
    [
        (("pt_BR", "pt_PT", "en_XX"), (("pt_PT", "pt_BR"),)),
        (("de_DE", "de_CH", "fr_CH"), (("de_CH", "de_DE"),)),
        (("zh_CN", "zh_TW"), ()),
    ],
)
def test_coverage_of_adapters_of_one_language_says_which_answers(candidates, taken):
    known = make_detector("pycld2", candidates).known
    assert coverage_of(known, candidates) == Coverage(taken=taken)


def test_coverage_is_told_with_the_way_out_and_only_where_something_is_missing():
    coverage = Coverage(("gsw", "rm_CH"), (("bs_BA", "hr_HR"),))
    assert "It does not know gsw, rm_CH. It cannot tell bs_BA from hr_HR" in str(coverage)
    assert coverage.advice.startswith(str(coverage))
    assert coverage.advice.endswith("Set input.language_column.")
    assert str(Coverage()) == Coverage().advice == ""
