"""What may stand where a text has a mask."""

import pytest
from transformers import FillMaskPipeline
from transformers.models.xmod.modeling_xmod import XmodForMaskedLM

from pipeline.config import FillMaskSettings, ModelSettings
from pipeline.xmod.checkpoint import Checkpoint
from tests.helpers.checkpoints import SENTENCES
from tests.helpers.stages import annotated

TEXTS = (
    "Anna Schmidt visited <mask> in Prague.",
    "The <mask> rises near the <mask>.",
    "Das Ministerium in <mask> hat neue Regeln vorgestellt.",
)
CODES = ("en_XX", "en_XX", "de_DE")


def settings(checkpoint: Checkpoint) -> FillMaskSettings:
    model = ModelSettings(path=str(checkpoint.folder))
    return FillMaskSettings(type="fill_mask", model=model, top_k=4)


def test_fill_mask_equals_the_transformers_pipeline(masked):
    model = XmodForMaskedLM.from_pretrained(masked.folder).eval()
    pipe = FillMaskPipeline(model=model, tokenizer=masked.tokenizer, top_k=4)
    table = annotated(settings(masked), masked, TEXTS, CODES)
    for text, code, fills in zip(TEXTS, CODES, table["mask_predictions"].to_pylist(), strict=True):
        model.set_default_language(code)
        expected = pipe(text)
        expected = expected if isinstance(expected[0], list) else [expected]
        assert len(fills) == len(expected)
        for fill, answers in zip(fills, expected, strict=True):
            # Before a mask a tokenizer of XLM-R's kind takes the space to it.
            assert text[fill["start"] : fill["end"]].strip() == "<mask>"
            assert [one["token"] for one in fill["tokens"]] == [one["token_str"] for one in answers]
            scores = [one["score"] for one in answers]
            assert [one["score"] for one in fill["tokens"]] == pytest.approx(scores, abs=1e-5)


def test_fill_mask_of_a_text_without_one_is_empty(masked):
    (row,) = annotated(settings(masked), masked, SENTENCES[:1]).to_pylist()
    assert row["mask_predictions"] == []
