"""Lanes: forwards side by side."""

import threading

import pytest
import torch

from pipeline.xmod.lanes import Lanes


def test_lanes_give_results_in_order_whichever_is_done_first():
    second_is_done = threading.Event()

    def forward(batch: int) -> int:
        if batch == 0:
            assert second_is_done.wait(30)
        if batch == 1:
            second_is_done.set()
        return batch * 10

    assert list(Lanes(2).map(forward, range(5))) == [0, 10, 20, 30, 40]


def test_lanes_have_one_thread_each_and_leave_the_caller_its_own():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        inside = list(Lanes(2).map(lambda _: torch.get_num_threads(), range(4)))
        assert inside == [1] * 4
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_lanes_take_subnormal_numbers_for_zero_and_leave_the_caller_its_own():
    torch.set_flush_denormal(False)  # as a process has it until it says otherwise
    tiny = torch.tensor([1e-39])
    assert (tiny / 2).item() != 0
    assert list(Lanes(1).map(lambda _: (tiny / 2).item(), range(2))) == [0, 0]
    assert (tiny / 2).item() != 0


def test_lanes_raise_what_a_forward_raises():
    with pytest.raises(ZeroDivisionError):
        list(Lanes(2).map(lambda batch: 1 // batch, [1, 0, 1]))
