"""How texts go on, by a model that reads from left to right."""

import shutil

import numpy as np
import pytest
import torch
from transformers.models.xmod.modeling_xmod import XmodForCausalLM

from pipeline.config import GenerationSettings, ModelSettings
from pipeline.errors import CheckpointError
from pipeline.tasks import generation
from pipeline.tasks.generation import GenerationTask, greedy
from pipeline.xmod.checkpoint import Checkpoint
from tests.helpers.checkpoints import SENTENCES, open_folder
from tests.helpers.stages import annotated

CODES = ("en_XX", "de_DE", "zh_CN", "ja_XX", "th_TH", "hi_IN", "en_XX")


@pytest.fixture(scope="module")
def talker(decoder, tmp_path_factory) -> Checkpoint:
    """A decoder that has something to say: as drawn, it ends every text at once."""
    folder = tmp_path_factory.mktemp("talker") / "checkpoint"
    shutil.copytree(decoder.folder, folder)
    model = XmodForCausalLM.from_pretrained(folder)
    with torch.no_grad():
        model.roberta.embeddings.word_embeddings.weight.mul_(8)
        model.lm_head.dense.bias.zero_()
        model.lm_head.layer_norm.bias.zero_()
        model.lm_head.bias[len(decoder.tokenizer) :] = -100.0  # no tokens
    model.save_pretrained(folder)
    return open_folder(folder)


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


def test_generation_equals_transformers(talker):
    table = annotated(settings(talker, max_new_tokens=6), talker, SENTENCES, CODES)
    found = table["continuation"].to_pylist()
    for text, code, continuation in zip(SENTENCES, CODES, found, strict=True):
        ids = talker.tokenizer(text)["input_ids"][:-1]  # without </s>
        assert continuation == by_transformers(talker, ids, code, 6)
    assert len(set(found)) > 1


def test_generation_of_a_long_text_reads_its_end(talker):
    text = " ".join(SENTENCES[:2] * 12)
    task = settings(talker, max_new_tokens=5)
    runtime = {"max_length": 128, "stride": 9}
    (row,) = annotated(task, talker, [text], ["de_DE"], runtime=runtime).to_pylist()
    ids = talker.tokenizer(text)["input_ids"]
    positions = talker.window_length(talker.config.max_position_embeddings)
    assert len(ids) > positions
    prompt = [ids[0], *ids[1:-1][-(positions - 5 - 1) :]]
    assert row["continuation"] == by_transformers(talker, prompt, "de_DE", 5)


def test_generation_reads_nothing_but_the_prompt(talker, monkeypatch):
    """A long text costs as many forwards as a short one."""
    counted = []
    plain = generation.greedy

    def counting(encoder, head, prompts, adapter_indices, **options):
        counted.append(len(prompts))
        return plain(encoder, head, prompts, adapter_indices, **options)

    monkeypatch.setattr(generation, "greedy", counting)
    texts = [" ".join(SENTENCES[:2] * 12), SENTENCES[0]]
    annotated(settings(talker, max_new_tokens=2), talker, texts, ["de_DE", "en_XX"])
    assert sum(counted) == 2


def test_generation_of_more_than_half_a_window_is_refused(talker):
    with pytest.raises(CheckpointError, match="Set max_new_tokens lower"):
        GenerationTask(settings(talker, max_new_tokens=100_000), talker)


def test_generation_by_an_encoder_is_refused(masked):
    with pytest.raises(CheckpointError, match="is_decoder false"):
        GenerationTask(settings(masked), masked)


class Counting:
    """An encoder whose states are the last token's id plus one, and that counts its windows."""

    def __init__(self) -> None:
        self.windows: list[int] = []

    def pack(self, rows, adapter_indices):
        self.windows.append(len(rows))
        assert len(rows) == len(adapter_indices)
        return _Packed(torch.from_numpy(np.concatenate(rows)), np.cumsum([0, *map(len, rows)]))

    def __call__(self, packed):
        return torch.nn.functional.one_hot(packed.ids + 1, 12).float()


class _Packed:
    def __init__(self, ids, bounds) -> None:
        self.ids, self.bounds = ids, torch.from_numpy(bounds)


def test_greedy_stops_at_the_end_and_asks_no_more_of_what_has_ended():
    encoder = Counting()
    prompts = [np.array([0, 7]), np.array([0, 3])]
    first, second = greedy(encoder, lambda states: states, prompts, [0, 1], new_tokens=4, end=9)
    assert first == [8]  # then comes the end, which is not part of it
    assert second == [4, 5, 6, 7]
    assert encoder.windows == [2, 2, 1, 1]


def test_greedy_ends_when_all_have():
    encoder = Counting()
    (found,) = greedy(encoder, lambda states: states, [np.array([8])], [0], new_tokens=50, end=9)
    assert found == []
    assert len(encoder.windows) == 1
