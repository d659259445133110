"""Names of tests are read from what pytest prints."""

import subprocess
import sys

from sb_sma.upstream.regressions import results_of

TESTS = """\
import pytest

@pytest.mark.parametrize("a", ["x", "1 - 2", "[b]", "d]"])
@pytest.mark.parametrize("good", [True, False])
def test_a(a, good):
    print("FAILED test_a.py::test_b - no")
    assert good, "why - [so]"

@pytest.fixture
def broken():
    raise ValueError("no - no")

def test_error(broken):
    pass
"""


def test_results_are_read_whatever_the_parameters(tmp_path):
    (tmp_path / "test_a.py").write_text(TESTS)
    (tmp_path / "test_b.py").write_text("import none_such\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    output = subprocess.run(
        [sys.executable, *"-m pytest -q -rfEp -p no:cacheprovider".split()]
        + ["--continue-on-collection-errors", "test_a.py", "test_b.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    ).stdout
    assert results_of(output) == {
        **{
            f"test_a.py::test_a[{good}-{a}]": good
            for a in ("x", "1 - 2", "[b]", "d]")
            for good in (True, False)
        },
        "test_a.py::test_error": False,
        "test_b.py": False,
    }
