"""Which X-MOD language adapter a record goes through, and what happens where there is none.

``route.Identify`` is the stage::

    tags, names       what a language column says → BCP 47, X-MOD language
    evidence          a text without what no language can be told from
    detector          the table of detectors; ``detection`` is what they answer, ``trust`` makes
                      their scores comparable, ``library`` brings a library's labels to X-MOD's
    cascade           the default, by ``experts``: ``scripts``, then ``naive_bayes`` over
                      ``ngrams``, then a ``blend`` with two libraries
    candidates        the languages that the settings name
    hearing           the detector asked for a unit, in the light of priors
    prior             what is known of a record before its text is read
    mixture           texts in several languages
    outcome           an adapter, or why there is none; ``relatives`` finds the nearest one
"""
