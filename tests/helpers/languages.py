"""Languages of a small checkpoint."""

FEW = ("en_XX", "de_DE", "es_XX", "sv_SE", "hr_HR", "zh_CN", "zh_TW", "ar_AR", "ru_RU")
"""No Norwegian, no Greek."""
