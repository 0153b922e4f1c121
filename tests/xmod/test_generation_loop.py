"""Token by token: who goes on, and who has ended."""

import numpy as np
import torch

from pipeline.xmod.generation import greedy


class Counting:
    """An encoder whose states are the last token's id plus one, and that counts its windows."""

    def __init__(self) -> None:
        self.windows: list[int] = []

    def pack(self, rows, lang_ids):
        self.windows.append(len(rows))
        assert len(rows) == len(lang_ids)
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
    assert first.tolist() == [8]  # then comes the end, which is not part of it
    assert second.tolist() == [4, 5, 6, 7]
    assert encoder.windows == [2, 2, 1, 1]


def test_greedy_ends_when_all_have():
    encoder = Counting()
    (found,) = greedy(encoder, lambda states: states, [np.array([8])], [0], new_tokens=50, end=9)
    assert found.tolist() == []
    assert len(encoder.windows) == 1
