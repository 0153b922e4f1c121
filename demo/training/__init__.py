"""How the demo model and the language identifier were trained; the product needs none of it.

settings     masked LM's settings with objectives beside it, and the identifier's
objectives   entity tags, classes and translations beside masked words
start        how a narrow new model begins, and the watch for its collapse
pretrain     several objectives in one training
identifier   texts of each language → counts of n-grams and words; calibration fits trust in scores
"""
