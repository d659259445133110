"""Items are worked on until there is enough."""

import time

from sb_sma.data.processes import mapped


def test_what_is_not_asked_for_is_not_begun():
    begun = []

    def call(item):
        begun.append(item)
        time.sleep(0.005)
        return item

    with mapped(call, range(2000), n_processes=1) as results:
        for result in results:
            if result == 9:
                break
    count = len(begun)
    assert 10 <= count < 500
    time.sleep(0.05)
    assert len(begun) == count


def test_processes_give_results_in_order():
    with mapped(abs, range(-30, 0), n_processes=2) as results:
        assert [*results] == [*range(30, 0, -1)]
