"""What is malformed is one clear error, soon, in little memory.

.ci/nightly gives every reader 10,000 files.
"""

import pytest

from tests.fuzzing.fuzz_readers import fuzz
from tests.fuzzing.readers import KINDS

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("kind", KINDS)
def test_malformed_files_are_told(kind, tmp_path):
    result = fuzz(kind, n_files=200, keep=tmp_path)
    assert result["faults"] == {}, f"see {tmp_path}"
    assert result["files"] == 200 and result["refused"] > 0
