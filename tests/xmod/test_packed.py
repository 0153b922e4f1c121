"""Windows end to end."""

import numpy as np
import torch

from pipeline.xmod.packed import Masks, Packed, Packer

CPU = torch.device("cpu")


def seen(values: np.ndarray, device: torch.device) -> list[int]:
    """A layout that is what it was made from."""
    return values.tolist()


def pack(*windows: list[int], adapter_indices: tuple[int, ...]) -> Packed:
    return Packer(seen, seen, padding_id=1, device=CPU)(windows, adapter_indices)


def test_pack_windows_stand_end_to_end_without_padding():
    packed = pack([0, 7, 2], [0, 2], adapter_indices=(4, 3))
    assert packed.ids.tolist() == [0, 7, 2, 0, 2]
    assert packed.bounds.tolist() == [0, 3, 5]
    assert packed.first_tokens(packed.ids).tolist() == [0, 0]
    assert packed.first_tokens(packed.positions).tolist() == [2, 2]
    assert packed.lengths.tolist() == [3, 2]


def test_pack_layouts_are_of_lengths_and_of_each_tokens_adapter():
    packed = pack([0, 7, 2], [0, 2], adapter_indices=(4, 3))
    assert packed.attend == [3, 2]
    assert packed.route == [4, 4, 4, 3, 3]


def test_pack_positions_begin_after_the_padding_id_in_each_window():
    assert pack([0, 7, 2], [0, 2], adapter_indices=(0, 0)).positions.tolist() == [2, 3, 4, 2, 3]


def test_pack_padding_token_in_a_text_has_no_position_of_its_own():
    assert pack([0, 1, 7, 2], adapter_indices=(0,)).positions.tolist() == [2, 1, 3, 4]


def test_pack_masks_hide_tokens_and_keep_them_as_targets():
    packer = Packer(seen, seen, padding_id=1, device=CPU)
    masks = Masks([np.array([1, 2]), np.array([], dtype=np.int64), np.array([1])], token=4)
    packed = packer([[0, 7, 8, 2], [0, 2], [0, 9, 2]], (0, 0, 0), masks)
    assert packed.ids.tolist() == [0, 4, 4, 2, 0, 2, 0, 4, 2]
    assert packed.masked.tolist() == [1, 2, 7]
    assert packed.targets.tolist() == [7, 8, 9]
