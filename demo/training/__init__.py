"""How the demo model and the language identifier were trained; the product needs none of it.

settings     of what a grown model learns, and the identifier's
objectives   masked words, the meaning of texts, entities
growth       all three in one training; growth.yaml, then topic.yaml for the head for topics
identifier   texts of each language → counts of n-grams and words; calibration fits trust in scores
"""
