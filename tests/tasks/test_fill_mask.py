"""What may stand where a text has a mask."""

import json
import re

import pytest
from transformers import FillMaskPipeline
from transformers.models.xmod.modeling_xmod import XmodForMaskedLM

from pipeline.config import FillMaskSettings, ModelSettings
from pipeline.xmod.checkpoint import Checkpoint
from tests.helpers.checkpoints import SENTENCES, open_folder, save_checkpoint
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
            assert text[fill["start"] : fill["end"]] == "<mask>"
            assert [one["token"] for one in fill["tokens"]] == [one["token_str"] for one in answers]
            scores = [one["score"] for one in answers]
            assert [one["score"] for one in fill["tokens"]] == pytest.approx(scores, abs=1e-5)


@pytest.fixture(scope="module", params=["lstrip", "rstrip"])
def stripping(request, tmp_path_factory) -> Checkpoint:
    """A tokenizer whose mask takes the white space on one side, as XLM-R's does on the left."""
    folder = save_checkpoint(tmp_path_factory.mktemp(request.param), XmodForMaskedLM)
    path = folder / "tokenizer.json"
    values = json.loads(path.read_text())
    (mask,) = [token for token in values["added_tokens"] if token["content"] == "<mask>"]
    mask[request.param] = True
    path.write_text(json.dumps(values))
    return open_folder(folder)


@pytest.mark.parametrize(
    "text",
    [
        "Anna Schmidt visited <mask> in Prague.",
        "<mask> \n <mask>\u3000 Berlin <mask>",
        "\U0001f30a  <mask>",
        "x<mask>y",
        " ".join(SENTENCES[:2] * 3) + " <mask>. " + " ".join(SENTENCES[:2] * 2),
    ],
)
def test_fill_mask_span_is_the_mask_alone_where_its_token_takes_spaces(stripping, text):
    """Transformers' own ids, so that the predictions are of the same tokens."""
    long = {"max_length": 64, "stride": 8}
    fills = annotated(settings(stripping), stripping, [text], runtime=long)["mask_predictions"]
    spans = [(fill["start"], fill["end"]) for fill in fills[0].as_py()]
    assert spans == [found.span() for found in re.finditer("<mask>", text)]
    masks = stripping.tokenizer(text)["input_ids"].count(stripping.mask_id)
    assert len(spans) == masks


def test_fill_mask_of_a_text_without_one_is_empty(masked):
    (row,) = annotated(settings(masked), masked, SENTENCES[:1]).to_pylist()
    assert row["mask_predictions"] == []
