"""Copies of mapped weights: their values, and the pages that they leave behind."""

from pathlib import Path

import psutil
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

from pipeline.xmod.mapped import CastEmbedding, Conversion, Pages, cast

ROWS, WIDTH = 4099, 512


@pytest.fixture
def weight(tmp_path) -> torch.Tensor:
    """A matrix of 8 MB, mapped from a file."""
    path = tmp_path / "weights.safetensors"
    torch.manual_seed(0)
    save_file({"before": torch.ones(7), "weight": torch.randn(ROWS, WIDTH)}, path)
    with safe_open(path, framework="pt") as file:
        mapped: torch.Tensor = file.get_tensor("weight")
    return mapped


@pytest.fixture
def pages(weight, tmp_path) -> Pages:
    return Pages([tmp_path / "weights.safetensors"], [weight])


def resident(tmp_path: Path) -> int:
    """Bytes of the file that are in this process's memory."""
    maps = psutil.Process().memory_maps(grouped=False)
    return sum(one.rss for one in maps if one.path.startswith(str(tmp_path)))


def test_release_gives_pages_back_and_later_reads_see_the_same(weight, pages, tmp_path):
    total = weight.sum()
    assert resident(tmp_path) > 0.9 * weight.nbytes
    pages.release(weight)
    assert resident(tmp_path) < 0.01 * weight.nbytes
    assert torch.equal(weight.sum(), total)


def test_release_all_gives_every_page_back(weight, pages, tmp_path):
    total = weight.sum()
    pages.release_all()
    assert resident(tmp_path) < 0.01 * weight.nbytes
    assert torch.equal(weight.sum(), total)


def test_release_leaves_weights_in_own_memory_alone(pages):
    weight = torch.randn(1000, 1000)
    expected = weight.clone()
    pages.release(weight)
    assert torch.equal(weight, expected)


def linear_of(weight: torch.Tensor) -> nn.Linear:
    linear = nn.Linear(WIDTH, ROWS)
    linear.weight = nn.Parameter(weight, requires_grad=False)
    return linear


def test_cast_copies_values_once(weight):
    linear = linear_of(weight)
    copied = cast(linear, torch.bfloat16)
    assert torch.equal(copied.weight, weight.bfloat16())
    assert torch.equal(copied.bias, linear.bias.bfloat16())
    assert cast(copied, torch.bfloat16) is copied


def test_cast_draws_nothing_at_random(weight):
    linear, before = linear_of(weight), torch.get_rng_state()
    cast(linear, torch.float16)
    assert torch.equal(torch.get_rng_state(), before)


@torch.inference_mode()
def test_cast_embedding_has_the_rows_of_a_table_that_is_cast_at_once(weight, pages, tmp_path):
    source = nn.Embedding.from_pretrained(weight)
    words = CastEmbedding(source, Conversion(torch.bfloat16, pages))
    for ids in (torch.tensor([[0, ROWS - 1, 31, 32]]), torch.arange(ROWS).view(1, -1)):
        pages.release(weight)
        found = words(ids)
        assert resident(tmp_path) < 0.01 * weight.nbytes
        assert torch.equal(found, weight.bfloat16()[ids])


def test_cast_embedding_reads_the_rows_of_its_tokens_and_few_others(weight, pages, tmp_path):
    words = CastEmbedding(nn.Embedding.from_pretrained(weight), Conversion(torch.bfloat16, pages))
    pages.release(weight)
    words(torch.tensor([5, 2000]))
    assert int(words._ready.sum()) == 2
    assert resident(tmp_path) < 0.01 * weight.nbytes
