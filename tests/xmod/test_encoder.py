"""The packed encoder gives the numbers of transformers' own, for every option and head."""

import copy
from collections import Counter
from functools import partial
from itertools import pairwise, product

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from transformers.models.xmod.modeling_xmod import (
    XmodForCausalLM,
    XmodForMaskedLM,
    XmodForMultipleChoice,
    XmodForQuestionAnswering,
    XmodForSequenceClassification,
    XmodForTokenClassification,
    XmodModel,
    XmodPreTrainedModel,
)

from pipeline.xmod import encoder as encoder_module
from pipeline.xmod.adapters import BlockedAdapters
from pipeline.xmod.attention import padded_attention
from pipeline.xmod.encoder import PackedEncoder
from pipeline.xmod.packed import Packed
from tests.helpers.checkpoints import BIO_LABELS, LANGUAGES, tiny_config, tiny_model

CPU = torch.device("cpu")
OPTIONS = ("pre_norm", "adapter_layer_norm", "adapter_reuse_layer_norm", "ln_before_adapter")
COMBINATIONS = list(product([False, True], repeat=len(OPTIONS)))
LENGTHS = (11, 4, 7, 1, 9, 11, 2)
LANG_IDS = [3, 0, 3, 5, 0, 1, 1]


def windows() -> list[np.ndarray]:
    """Token ids of windows of several lengths."""
    generator = np.random.default_rng(3)
    return [generator.integers(5, 500, length) for length in LENGTHS]


def batch(lang_ids: list[int]) -> dict[str, torch.Tensor]:
    """The windows as transformers wants them, padded."""
    ids = torch.ones(len(LENGTHS), max(LENGTHS), dtype=torch.int64)
    for row, window in zip(ids, windows(), strict=True):
        row[: len(window)] = torch.from_numpy(window)
    mask = torch.arange(max(LENGTHS)) < torch.tensor(LENGTHS).unsqueeze(1)
    return {
        "input_ids": ids,
        "attention_mask": mask.long(),
        "lang_ids": torch.tensor(lang_ids),
    }


@torch.inference_mode()
def expected(model: XmodModel, lang_ids: list[int]) -> torch.Tensor:
    """transformers' hidden states without those of padding, [tokens, hidden]."""
    inputs = batch(lang_ids)
    hidden = model(**inputs, use_cache=False).last_hidden_state
    return hidden[inputs["attention_mask"].bool()]


@torch.inference_mode()
def packed(model: XmodModel, lang_ids: list[int], **options: bool) -> torch.Tensor:
    encoder = PackedEncoder(copy.deepcopy(model), CPU, **options)
    return encoder(encoder.pack(windows(), lang_ids))


def options(values: tuple[bool, ...]) -> dict[str, bool]:
    return dict(zip(OPTIONS, values, strict=True))


@pytest.fixture
def as_on_a_gpu(monkeypatch) -> None:
    """The adapters and attention of a GPU, on this machine."""

    class OfGpu(BlockedAdapters):
        def __init__(self, _, activation, adapters) -> None:
            super().__init__(True, activation, adapters)

    def attention_for(*_, causal):
        return partial(padded_attention, causal=causal)

    monkeypatch.setattr(encoder_module, "attention_for", attention_for)
    monkeypatch.setattr(encoder_module, "SlicedAdapters", OfGpu)


@pytest.mark.parametrize("changes", [{}, {"is_decoder": True}, {"adapter_reduction_factor": 4}])
@pytest.mark.parametrize("values", COMBINATIONS, ids=str)
def test_packed_encoder_any_option_equals_transformers(values, changes):
    model = tiny_model(XmodModel, **changes, **options(values))
    for lang_ids in (LANG_IDS, sorted(LANG_IDS)):
        found = packed(model, lang_ids)
        torch.testing.assert_close(found, expected(model, lang_ids), rtol=0, atol=1e-5)


@pytest.mark.usefixtures("as_on_a_gpu")
@pytest.mark.parametrize("changes", [{}, {"is_decoder": True}])
@pytest.mark.parametrize("values", COMBINATIONS, ids=str)
def test_packed_encoder_steps_of_a_gpu_equal_transformers(values, changes):
    model = tiny_model(XmodModel, **changes, **options(values))
    found = packed(model, LANG_IDS)
    torch.testing.assert_close(found, expected(model, LANG_IDS), rtol=0, atol=1e-5)


@pytest.mark.parametrize("activation", ["relu", "gelu_new", "silu", "tanh"])
def test_packed_encoder_any_activation_equals_transformers(activation):
    model = tiny_model(XmodModel, hidden_act=activation)
    found = packed(model, LANG_IDS)
    torch.testing.assert_close(found, expected(model, LANG_IDS), rtol=0, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_packed_encoder_half_precision_is_near_float32(dtype):
    model = tiny_model(XmodModel)
    found = packed(model.to(dtype), LANG_IDS)
    assert found.dtype == dtype
    likeness = torch.cosine_similarity(found.float(), expected(model.float(), LANG_IDS))
    assert likeness.min() > 0.999


@pytest.mark.parametrize("values", COMBINATIONS, ids=str)
def test_packed_encoder_int8_is_near_float32(values):
    model = tiny_model(XmodModel, **options(values))
    found = packed(model, LANG_IDS, int8=True)
    likeness = torch.cosine_similarity(found, expected(model, LANG_IDS))
    assert likeness.min() > 0.999
    assert not torch.equal(found, packed(model, LANG_IDS))


@torch.inference_mode()
@pytest.mark.parametrize(("dtype", "near"), [("float32", 1e-5), ("int8", 0), ("bfloat16", 0)])
def test_packed_encoder_window_has_the_same_numbers_beside_any_other(dtype, near):
    model = tiny_model(XmodModel)
    if dtype == "bfloat16":
        model = model.to(torch.bfloat16)
    encoder = PackedEncoder(model, CPU, int8=dtype == "int8")
    order = np.random.default_rng(1).permutation(len(LENGTHS))
    alone = [encoder(encoder.pack([w], [i])) for w, i in zip(windows(), LANG_IDS, strict=True)]
    mixed = encoder(encoder.pack([windows()[i] for i in order], [LANG_IDS[i] for i in order]))
    parts = torch.split(mixed, [LENGTHS[i] for i in order])
    for position, part in zip(order, parts, strict=True):
        torch.testing.assert_close(part, alone[position], rtol=0, atol=near)


@pytest.mark.parametrize("gpu", [False, True])
@pytest.mark.parametrize("values", COMBINATIONS, ids=str)
def test_packed_encoder_bypass_equals_transformers_without_adapter(values, gpu, request):
    """transformers adds nothing for an id that no adapter has."""
    if gpu:
        request.getfixturevalue("as_on_a_gpu")
    model = tiny_model(XmodModel, **options(values))
    lang_ids = [0, len(LANGUAGES), 3, len(LANGUAGES), 1, 0, 2]
    found = packed(model, lang_ids, bypass=True)
    torch.testing.assert_close(found, expected(model, lang_ids), rtol=0, atol=1e-5)


def test_packed_encoder_each_language_has_its_own_adapter():
    model = tiny_model(XmodModel)
    results = [packed(model, [i] * len(LENGTHS)) for i in range(len(LANGUAGES))]
    for first, second in pairwise(results):
        assert (first - second).abs().max() > 1e-3


def test_packed_encoder_padding_token_in_a_text_is_a_token_as_in_transformers():
    """It has the position of padding, and may be looked at."""
    model = tiny_model(XmodModel)
    ids = np.array([0, 9, 1, 30, 2])
    encoder = PackedEncoder(copy.deepcopy(model), CPU)
    with torch.inference_mode():
        found = encoder(encoder.pack([ids], [2]))
        hidden = model(torch.tensor(ids).unsqueeze(0), lang_ids=torch.tensor([2]))[0]
    torch.testing.assert_close(found, hidden[0], rtol=0, atol=1e-5)


@torch.inference_mode()
@pytest.mark.parametrize(
    ("model_class", "head"),
    [
        (XmodForTokenClassification, lambda model, hidden, _: model.classifier(hidden)),
        (XmodForQuestionAnswering, lambda model, hidden, _: model.qa_outputs(hidden)),
        (XmodForMaskedLM, lambda model, hidden, _: model.lm_head(hidden)),
        (XmodForCausalLM, lambda model, hidden, _: model.lm_head(hidden)),
        (
            XmodForSequenceClassification,
            lambda model, hidden, found: model.classifier(found.first_tokens(hidden).unsqueeze(1)),
        ),
        (
            XmodForMultipleChoice,
            lambda model, hidden, found: model.classifier(
                model.roberta.pooler(found.first_tokens(hidden).unsqueeze(1))
            ),
        ),
    ],
)
def test_packed_encoder_any_head_equals_transformers(model_class, head):
    labels = ("start", "end") if model_class is XmodForQuestionAnswering else BIO_LABELS
    model = tiny_model(model_class, labels=labels, is_decoder=model_class is XmodForCausalLM)
    reference = logits(copy.deepcopy(model))
    encoder = PackedEncoder(model.roberta, CPU)
    found = encoder.pack(windows(), LANG_IDS)
    scores = head(model, encoder(found), found)
    torch.testing.assert_close(scores.reshape(reference.shape), reference, rtol=0, atol=1e-4)


def logits(model: XmodPreTrainedModel) -> torch.Tensor:
    """transformers' results: by window, or by token without those of padding."""
    inputs = batch(LANG_IDS)
    if isinstance(model, XmodForMultipleChoice):
        # Row by row: with more of them transformers repeats lang_ids too often, and fails.
        rows = zip(inputs["input_ids"], inputs["attention_mask"], LANG_IDS, strict=True)
        results = [
            model(
                input_ids=ids[None, None],
                attention_mask=mask[None, None],
                lang_ids=torch.tensor([lang_id]),
            )
            for ids, mask, lang_id in rows
        ]
        return torch.cat([result.logits for result in results])
    output = model(**inputs)
    real = inputs["attention_mask"].bool()
    if isinstance(model, XmodForQuestionAnswering):
        return torch.stack([output.start_logits[real], output.end_logits[real]], -1)
    by_window = isinstance(model, XmodForSequenceClassification)
    return output.logits if by_window else output.logits[real]


class Counted(TorchDispatchMode):
    """Counts what is dispatched."""

    def __init__(self) -> None:
        super().__init__()
        self.operations: Counter[str] = Counter()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.operations[str(function)] += 1
        return function(*args, **(kwargs or {}))


@torch.no_grad()
def operations(monkeypatch, loaded: int, present: int) -> Counter[str]:
    """What a forward of a base-size model does on a GPU in bfloat16, on tensors without data.

    Such tensors raise where an operation needs to know a value.
    """
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (9, 0))
    config = tiny_config(
        hidden_size=768,
        num_hidden_layers=12,
        num_attention_heads=12,
        intermediate_size=3072,
        max_position_embeddings=514,
        languages=[f"language {i}" for i in range(loaded)],
        default_language=None,
    )
    nowhere = torch.device("meta")
    with nowhere:
        model = XmodModel(config, add_pooling_layer=False).to(torch.bfloat16)
    encoder = PackedEncoder(model, nowhere)
    found: Packed = encoder.pack([np.arange(5, 40 + i) for i in range(32)], _languages(present))
    with Counted() as counted:
        encoder(found)
    return counted.operations


def _languages(present: int) -> list[int]:
    return [i % present for i in range(32)]


def test_packed_encoder_on_a_gpu_never_waits_and_does_as_much_for_any_languages(monkeypatch):
    many = operations(monkeypatch, 81, 32)
    assert many.total() <= 450
    assert many == operations(monkeypatch, 81, 1) == operations(monkeypatch, 4, 4)
    waiting = ("item", "nonzero", "_local_scalar_dense", "index.Tensor", "masked", "_to_copy")
    assert not [name for name in many if any(word in name for word in waiting)]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_packed_encoder_on_a_real_gpu_equals_transformers():
    model = tiny_model(XmodModel)
    encoder = PackedEncoder(copy.deepcopy(model), torch.device("cuda"))
    with torch.inference_mode():
        found = encoder(encoder.pack(windows(), LANG_IDS)).cpu()
    torch.testing.assert_close(found, expected(model, LANG_IDS), rtol=0, atol=1e-4)
