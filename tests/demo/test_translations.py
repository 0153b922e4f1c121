"""Translations drawn together."""

import pytest

from demo.training.objectives import translations
from demo.training.settings import TranslationObjective
from pipeline.errors import InputError
from pipeline.training.codec import Codec
from tests.helpers.demo_configs import demo_config


def settings(data) -> TranslationObjective:
    return TranslationObjective(data=data, share=0.2, batch_size=4, temperature=0.1)


def test_translations_batch_pairs_the_halves(corpora, base, tmp_path):
    codec = Codec.of(base)
    config = demo_config(corpora, tmp_path, mask_share=1e-9)
    objective, source = translations(config, settings(corpora / "pairs.parquet"), codec)
    rows = source.encode(source.rows)[:5]
    batch = objective.collate(rows)
    assert set(batch["lang_ids"][5:].tolist()) == {codec.lang_ids["en_XX"]}
    for place, row in enumerate(sorted(rows, key=lambda row: row["lang_id"])):
        for at, ids in ((place, row["input_ids"]), (5 + place, row["translation_ids"])):
            kept = batch["input_ids"][at][batch["attention_mask"][at].bool()]
            assert kept.tolist() == ids


def test_translations_of_other_languages_are_an_input_error(base, corpora, tmp_path):
    config = demo_config(corpora, tmp_path, languages=["zh_CN", "de_DE"])
    with pytest.raises(InputError, match="no pair with both languages"):
        translations(config, settings(corpora / "pairs.parquet"), Codec.of(base))
