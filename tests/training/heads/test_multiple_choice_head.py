"""Choices, each read by its row's own adapter."""

import pyarrow as pa
import pytest
import torch
from transformers import XmodForMultipleChoice

from pipeline.errors import InputError
from pipeline.training.codec import Codec
from pipeline.training.heads.multiple_choice import MULTIPLE_CHOICE, ChoiceScorer

ROWS = [
    {"text": "人们", "choices": ["北京", "李明", "那里"], "label": 2, "language": "zh_CN"},
    {"text": "der fluss", "choices": ["alt", "von"], "label": 0, "language": "de_DE"},
]


@pytest.mark.parametrize("label", [None, -1, 3, "2"])
def test_checked_label_that_is_no_place_is_an_input_error(label):
    rows = [{**ROWS[0], "label": label}]
    with pytest.raises(InputError, match="label of 1 rows is no place"):
        MULTIPLE_CHOICE.checked(pa.Table.from_pylist(rows))


def test_collate_rows_may_have_any_number_of_choices(base):
    codec = Codec.of(base)
    batch = MULTIPLE_CHOICE.collator(codec)(
        MULTIPLE_CHOICE.encode(pa.Table.from_pylist(ROWS), codec)
    )
    assert batch["choices"].tolist() == [2, 3]  # in the order of lang_id
    assert batch["labels"].tolist() == [0, 2]
    assert batch["lang_ids"].tolist() == [1, 1, 2, 2, 2]


def test_loss_is_that_of_transformers_where_it_can_compute_one(base):
    """One language and one number of choices: what the class of transformers can do."""
    codec = Codec.of(base)
    rows = [{**ROWS[1], "label": label} for label in (0, 1)]
    torch.manual_seed(0)
    model = ChoiceScorer.from_pretrained(base, dtype=torch.float32).eval()
    plain = XmodForMultipleChoice(model.config).eval()
    plain.load_state_dict(model.state_dict())
    plain.set_default_language("de_DE")
    batch = MULTIPLE_CHOICE.collator(codec)(
        MULTIPLE_CHOICE.encode(pa.Table.from_pylist(rows), codec)
    )
    shaped = {
        name: batch[name].view(2, 2, -1) for name in ("input_ids", "attention_mask", "position_ids")
    }
    with torch.inference_mode():
        expected = plain(**shaped, labels=batch["labels"]).loss
        found = MULTIPLE_CHOICE.loss(None, 1.0)(model, dict(batch))
    torch.testing.assert_close(found, expected)
