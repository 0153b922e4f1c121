"""Languages of a small checkpoint."""

FEW = ("en_XX", "de_DE", "es_XX", "sv_SE", "hr_HR", "zh_CN", "zh_TW", "ar_AR", "ru_RU")
"""No Norwegian, no Greek."""

SWISSBERT = ("de_CH", "fr_CH", "it_CH", "rm_CH", "gsw")
"""ZurichNLP/swissbert's, with the adapter of Swiss German that came later."""

XMOD_75 = tuple(
    (
        "en_XX id_ID vi_VN ru_RU fa_IR sv_SE ja_XX fr_XX de_DE ro_RO ko_KR hu_HU es_XX fi_FI uk_UA "
        "da_DK pt_XX no_XX th_TH pl_PL bg_BG nl_XX zh_CN he_IL el_GR it_IT sk_SK hr_HR tr_TR ar_AR "
        "as_IN br_FR bs_BA fy_NL gd_GB jv_ID mg_MG om_KE sd_PK su_ID xh_ZA yi_DE"
    ).split()
)
"""Some languages of facebook/xmod-base-75-125k; the second half of them xmod-base lacks."""
