"""One error for many problems."""

import pytest

from sb_sma.data.problems import raise_problems


def test_many_problems_are_counted_not_all_shown():
    with pytest.raises(ValueError, match=r"500 problem\(s\)") as e:
        raise_problems([f"problem {i}" for i in range(500)])
    assert len(str(e.value).splitlines()) < 30
    assert str(e.value).endswith("\n- ... and 480 more")


def test_the_command_that_lists_all_problems_is_named_where_some_are_left():
    problems = [f"problem {i}" for i in range(21)]
    lists = r"`list all` lists those of lines and recordings\.$"
    with pytest.raises(ValueError, match=f"and 1 more; {lists}"):
        raise_problems(problems, list_command="list all")
    with pytest.raises(ValueError, match="problem 19$"):
        raise_problems(problems[:20], list_command="list all")
