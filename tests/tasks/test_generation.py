"""How texts go on, by a model that reads from left to right."""

import pytest
import torch
from checkpoints import SENTENCES
from stages import annotated
from transformers.models.xmod.modeling_xmod import XmodForCausalLM

from pipeline.errors import CheckpointError
from pipeline.settings import GenerationSettings, ModelSettings
from pipeline.tasks.generation import GenerationTask
from pipeline.xmod.checkpoint import Checkpoint

CODES = ("en_XX", "de_DE", "zh_CN", "ja_XX", "th_TH", "hi_IN", "en_XX")


def settings(checkpoint: Checkpoint, **options: int) -> GenerationSettings:
    model = ModelSettings(path=str(checkpoint.folder))
    return GenerationSettings(type="generation", model=model, **options)


@torch.inference_mode()
def by_transformers(checkpoint: Checkpoint, ids: list[int], code: str, count: int) -> str:
    """The likeliest token, taken ``count`` times, with the whole text read anew each time."""
    model = XmodForCausalLM.from_pretrained(checkpoint.folder).eval()
    model.set_default_language(code)
    text = list(ids)
    for _ in range(count):
        text.append(int(model(torch.tensor([text])).logits[0, -1].argmax()))
        if text[-1] == checkpoint.tokenizer.eos_token_id:
            break
    return checkpoint.tokenizer.decode(text[len(ids) :], skip_special_tokens=True)


def test_generation_equals_transformers(decoder):
    table = annotated(settings(decoder, max_new_tokens=6), decoder, SENTENCES, CODES)
    found = table["continuation"].to_pylist()
    for text, code, continuation in zip(SENTENCES, CODES, found, strict=True):
        ids = decoder.tokenizer(text)["input_ids"][:-1]  # without </s>
        assert continuation == by_transformers(decoder, ids, code, 6)
    assert len(set(found)) > 1


def test_generation_of_a_long_text_reads_its_end(decoder):
    text = " ".join(SENTENCES[:2] * 12)
    task = settings(decoder, max_new_tokens=5)
    runtime = {"max_length": 128, "stride": 9}
    (row,) = annotated(task, decoder, [text], ["de_DE"], runtime=runtime).to_pylist()
    windows = decoder.tokenizer(
        text, truncation=True, max_length=128, stride=9, return_overflowing_tokens=True
    )["input_ids"]
    assert len(windows) > 1
    assert row["continuation"] == by_transformers(decoder, windows[-1][:-1], "de_DE", 5)


def test_generation_prompt_leaves_room_for_what_follows(decoder):
    """A full window and its continuation are no longer than the model's positions."""
    positions = decoder.window_length(decoder.config.max_position_embeddings)
    text = " ".join(SENTENCES[:2] * 40)
    task = settings(decoder, max_new_tokens=positions // 2)
    runtime = {"max_length": positions, "stride": 9, "max_windows": 1}
    (row,) = annotated(task, decoder, [text], runtime=runtime).to_pylist()
    ids = decoder.tokenizer(text, truncation=True, max_length=positions)["input_ids"]
    room = positions - positions // 2
    prompt = [ids[0], *ids[1:-1][-(room - 1) :]]
    assert row["continuation"] == by_transformers(decoder, prompt, "en_XX", positions // 2)


def test_generation_of_more_than_half_a_window_is_refused(decoder):
    with pytest.raises(CheckpointError, match="Set max_new_tokens lower"):
        GenerationTask(settings(decoder, max_new_tokens=100_000), decoder)


def test_generation_by_an_encoder_is_refused(masked):
    with pytest.raises(CheckpointError, match="is_decoder false"):
        GenerationTask(settings(masked), masked)
