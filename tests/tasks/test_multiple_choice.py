"""The choice that goes best with a text."""

import numpy as np
import pytest
import torch
from transformers.models.xmod.modeling_xmod import XmodForMultipleChoice

from pipeline.config import ModelSettings, MultipleChoiceSettings
from pipeline.xmod.checkpoint import Checkpoint
from tests.helpers.checkpoints import SENTENCES
from tests.helpers.stages import annotated

CODES = ("en_XX", "de_DE", "zh_CN", "ja_XX", "th_TH", "hi_IN", "en_XX")
CHOICES = [list(SENTENCES[k:] + SENTENCES[:k])[: 2 + k % 3] for k in range(len(SENTENCES))]
QUESTIONS = ["Why?", None, "何", None, None, "Was?", None]


def settings(checkpoint: Checkpoint, **options: object) -> MultipleChoiceSettings:
    model = ModelSettings(path=str(checkpoint.folder))
    return MultipleChoiceSettings(
        type="multiple_choice", name="best", model=model, probs=True, **options
    )


@torch.inference_mode()
def by_transformers(checkpoint: Checkpoint, text: str, choices: list[str], code: str) -> np.ndarray:
    """Probabilities of the choices, with one language for all: transformers takes no others."""
    model = XmodForMultipleChoice.from_pretrained(checkpoint.folder).eval()
    model.set_default_language(code)
    inputs = checkpoint.tokenizer([text] * len(choices), choices, return_tensors="pt", padding=True)
    logits = model(**{name: values.unsqueeze(0) for name, values in inputs.items()}).logits[0]
    return logits.softmax(-1).numpy()


def test_multiple_choice_equals_transformers_in_each_records_language(chooser):
    asked = {"choices": CHOICES, "questions": QUESTIONS}
    rows = annotated(settings(chooser), chooser, SENTENCES, CODES, **asked).to_pylist()
    for text, code, question, choices, row in zip(
        SENTENCES, CODES, QUESTIONS, CHOICES, rows, strict=True
    ):
        read = [f"{question} {choice}" if question else choice for choice in choices]
        expected = by_transformers(chooser, text, read, code)
        np.testing.assert_allclose(row["best_probs"], expected, atol=1e-5)
        assert row["best_choice"] == expected.argmax()
        assert row["best_score"] == pytest.approx(expected.max(), abs=1e-5)


def test_multiple_choice_of_one_list_for_all_records(chooser):
    choices = SENTENCES[:3]
    table = annotated(settings(chooser, choices=choices), chooser, SENTENCES[3:5])
    for text, row in zip(SENTENCES[3:5], table.to_pylist(), strict=True):
        expected = by_transformers(chooser, text, list(choices), "en_XX")
        np.testing.assert_allclose(row["best_probs"], expected, atol=1e-5)


@pytest.mark.parametrize("choices", [None, [], ["a"], ["a", None]])
def test_multiple_choice_record_without_choices_goes_to_quarantine_alone(chooser, choices):
    asked = {"choices": [choices, ["a", "b"]]}
    table = annotated(settings(chooser), chooser, SENTENCES[:2], **asked)
    first, second = table["_error"].to_pylist()
    assert (first["stage"], first["error_type"]) == ("tokenize", "NoChoices")
    assert second is None
    assert table["best_choice"].null_count == 1


def test_multiple_choice_long_text_is_read_to_its_end_with_each_choice(chooser):
    text = " ".join(SENTENCES[:2] * 4)
    rows = [
        annotated(
            settings(chooser),
            chooser,
            [one],
            choices=[["in Prague", "Berlin"]],
            runtime={"max_length": 64},
        ).to_pylist()[0]
        for one in (text, text + " Anna Anna Anna")
    ]
    assert rows[0]["n_windows"] > 1
    assert rows[0]["best_probs"] != pytest.approx(rows[1]["best_probs"], abs=1e-6)
