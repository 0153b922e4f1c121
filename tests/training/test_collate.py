"""Rows to batches: padding, languages beside each other, shifted positions."""

from types import SimpleNamespace

import torch

from pipeline.training.collate import Collator, padded, shift_positions

SHORT = SimpleNamespace(window=10, padding=1)
LONG = SimpleNamespace(window=1000, padding=1)
MASK = torch.tensor([[1, 1, 1, 0], [1, 1, 0, 0]])


def test_shift_positions_are_consecutive_and_inside_the_window():
    seen = set()
    for _ in range(200):
        positions = shift_positions({"attention_mask": MASK}, SHORT)["position_ids"]
        first, second = positions[0, :3].tolist(), positions[1, :2].tolist()
        assert first == list(range(first[0], first[0] + 3))
        assert second == list(range(second[0], second[0] + 2))
        assert positions[0, 3] == 1
        seen |= {*first, *second}
    assert seen == set(range(2, 12))  # all ten, after the padding id


def test_shift_positions_full_row_starts_at_the_first():
    mask = torch.ones(2, 10, dtype=torch.long)
    positions = shift_positions({"attention_mask": mask}, SHORT)["position_ids"]
    assert positions.tolist() == [list(range(2, 12))] * 2


def test_shift_positions_half_of_the_rows_start_at_the_first():
    torch.manual_seed(0)
    mask = torch.ones(2000, 3, dtype=torch.long)
    positions = shift_positions({"attention_mask": mask}, LONG)["position_ids"]
    at_first = float((positions[:, 0] == 2).double().mean())
    assert 0.45 < at_first < 0.55


def test_padded_fills_up_at_the_right():
    assert padded([[5], [6, 7]], 1).tolist() == [[5, 1], [6, 7]]


def test_collator_rows_are_sorted_by_language_with_their_targets():
    rows = [{"input_ids": [0, 5, 2], "lang_id": 1}, {"input_ids": [0, 6, 7, 2], "lang_id": 0}]
    collate = Collator(
        SHORT, lambda rows: {"labels": torch.tensor([len(r["input_ids"]) for r in rows])}
    )
    batch = collate(rows)
    assert batch["lang_ids"].tolist() == [0, 1]
    assert batch["input_ids"].tolist() == [[0, 6, 7, 2], [0, 5, 2, 1]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1, 1], [1, 1, 1, 0]]
    assert batch["labels"].tolist() == [4, 3]


def test_collator_unfolds_a_row_into_its_sequences():
    rows = [{"input_ids": [0, 2], "lang_id": 1, "more": [0, 8, 2]}]
    collate = Collator(
        SHORT, lambda _: {}, lambda rows: [*rows, {"input_ids": rows[0]["more"], "lang_id": 0}]
    )
    batch = collate(rows)
    assert batch["input_ids"].tolist() == [[0, 2, 1], [0, 8, 2]]
    assert batch["lang_ids"].tolist() == [1, 0]
