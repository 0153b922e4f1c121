"""One vector a token."""

import numpy as np
import pytest
import torch
from transformers.models.xmod.modeling_xmod import XmodModel

from pipeline.config import ModelSettings, TokenVectorsSettings
from pipeline.xmod.checkpoint import Checkpoint
from tests.helpers.checkpoints import SENTENCES
from tests.helpers.stages import annotated

CODES = ("en_XX", "de_DE", "zh_CN", "ja_XX", "th_TH", "hi_IN", "en_XX")


def settings(checkpoint: Checkpoint, dtype: str = "float32") -> TokenVectorsSettings:
    model = ModelSettings(path=str(checkpoint.folder))
    return TokenVectorsSettings(type="token_vectors", model=model, dtype=dtype)


@torch.inference_mode()
def test_token_vectors_equal_the_plain_encoder(ner):
    model = XmodModel.from_pretrained(ner.folder, add_pooling_layer=False).eval()
    table = annotated(settings(ner), ner, SENTENCES, CODES)
    for text, code, row in zip(SENTENCES, CODES, table.to_pylist(), strict=True):
        model.set_default_language(code)
        inputs = ner.tokenizer(text, return_tensors="pt", return_offsets_mapping=True)
        spans = inputs.pop("offset_mapping")[0, 1:-1].tolist()
        hidden = model(**inputs).last_hidden_state[0, 1:-1]
        np.testing.assert_allclose(np.stack(row["token_vectors"]), hidden, atol=1e-4)
        assert [
            list(span) for span in zip(row["token_starts"], row["token_ends"], strict=True)
        ] == spans


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_token_vectors_of_a_long_text_are_one_a_token(ner, dtype):
    long = " ".join(SENTENCES[:2] * 4)
    table = annotated(settings(ner, dtype), ner, [long, ""], runtime={"max_length": 40})
    assert [len(row) for row in table["token_vectors"].to_pylist()] == table["n_tokens"].to_pylist()
    assert str(table.schema.field("token_vectors").type.value_type.value_type) in (
        "halffloat",
        "float",
    )
