"""Items go through several threads, and come back in order."""

import threading
import time

import pytest
import torch

from sb_sma.inference.threads import map_in_threads


def threads_of_new_threads():
    counts = []
    thread = threading.Thread(
        target=lambda: counts.append(torch.get_num_threads())
    )
    thread.start()
    thread.join()
    return counts[0]


@pytest.fixture(autouse=True)
def three_threads():
    n_threads = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(n_threads)


def test_threads_work_at_the_same_time_and_each_alone():
    barrier = threading.Barrier(3, timeout=60)

    def compute(item):
        barrier.wait()  # passed by three threads only
        return item, torch.get_num_threads()

    assert map_in_threads(compute, range(6)) == [(i, 1) for i in range(6)]
    assert torch.get_num_threads() == threads_of_new_threads() == 3


def test_one_item_has_all_cores():
    assert map_in_threads(lambda _: torch.get_num_threads(), [0]) == [3]
    assert map_in_threads(lambda _: 0, []) == []


def test_an_error_ends_it_all():
    taken = []

    def fail(item):
        taken.append(item)
        time.sleep(0.01)
        raise ValueError(f"item {item}")

    with pytest.raises(ValueError, match="item 0"):
        map_in_threads(fail, range(1000))
    assert len(taken) < 1000
    assert torch.get_num_threads() == threads_of_new_threads() == 3
