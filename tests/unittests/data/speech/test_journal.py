"""What is finished is remembered, and what is cut is not."""

import pytest

from sb_sma.data.speech.journal import Journal


@pytest.fixture
def path(tmp_path):
    return tmp_path / "journal.jsonl"


def write(path, results):
    with Journal(path, set(results)) as journal:
        for key, result in results.items():
            journal.add(key, result)


def finished(path, *wanted):
    with Journal(path, set(wanted)) as journal:
        return journal.finished


def test_a_new_journal_is_empty(path):
    assert finished(path, "a") == {}


def test_results_come_back_as_they_were(path):
    results = {"a": ["train", "x\ny", {"ʒ": 1 / 3}], "b": None}
    write(path, results)
    assert finished(path, *results) == results


def test_a_result_is_kept_at_once(path):
    with Journal(path, {"a"}) as journal:
        journal.add("a", 1)
        assert finished(path, "a") == {"a": 1}


@pytest.mark.parametrize("n_lost", [1, 3, 9])
def test_a_cut_line_is_forgotten(path, n_lost):
    write(path, {"a": "ʒ" * 4, "b": "ʒ" * 4})
    path.write_bytes(path.read_bytes()[:-n_lost])
    assert finished(path, "a", "b") == {"a": "ʒ" * 4}
    # and the next line stands alone
    with Journal(path, {"a", "b"}) as journal:
        journal.add("b", 2)
    assert finished(path, "a", "b") == {"a": "ʒ" * 4, "b": 2}


def test_what_is_not_wanted_is_forgotten_for_good(path):
    write(path, {"a": 1, "b": 2})
    assert finished(path, "b") == {"b": 2}
    assert finished(path, "a", "b") == {"b": 2}
