"""A record's language and the X-MOD adapter that it goes through, or why there is none.

``stages.identify`` calls this package::

    names                    a language's name, in any language → its tag
    tags                     a language column's value → BCP 47 and X-MOD language
    evidence                 a text without addresses, markup and code
    detector                 the table of detectors, which answer with a ``detection``; each
                             library's labels become X-MOD languages in ``library``, and
                             ``calibration`` makes the scores of all comparable
    cascade                  the default, by ``experts``: ``scripts``, then ``naive_bayes`` over
                             ``ngrams``, then an ``ensemble`` with two libraries
    coverage                 the candidates that a detector never answers with
    candidates               the languages that the settings allow
    detection_with_priors    detections of a unit, reweighted by priors
    mixture                  mixed-language texts
    routing                  the adapter; ``language_distance`` finds a related one
"""
