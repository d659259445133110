"""The checks see the checkout, and nothing of this package."""

import subprocess

import pytest

from sb_sma.upstream.sandbox import Sandbox

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    root = tmp_path_factory.mktemp("checkout")
    (root / "speechbrain").mkdir()
    (root / "speechbrain" / "__init__.py").write_text("")
    return root


@pytest.fixture(scope="module", params=[True, False], ids=["bare", "full"])
def sandbox(request, checkout, tmp_path_factory):
    sandbox = Sandbox(tmp_path_factory.mktemp("s"), checkout, request.param)
    sandbox.is_bare = request.param
    return sandbox


@pytest.mark.parametrize(
    "command",
    [
        ["python", "-c", "{}"],
        # as SpeechBrain's recipe tests start a script
        ["sh", "-c", 'PYTHONPATH=/tmp/elsewhere python -c "{}"'],
    ],
    ids=["directly", "by a shell"],
)
def test_speechbrain_is_that_of_the_checkout(
    command, sandbox, checkout, monkeypatch
):
    pytest.importorskip("numba", reason="needs numba: pip install numba")
    monkeypatch.setenv("PYTHONPATH", "/tmp/elsewhere")
    look = (
        "import speechbrain, torch\n"
        "print(speechbrain.__file__)\n"
        "for name in ('sb_sma', 'sb_sma.walk', 'numba'):\n"
        "    try:\n"
        "        __import__(name)\n"
        "    except ModuleNotFoundError:\n"
        "        print('no', name)\n"
    )
    status, output = sandbox.run([c.format(look) for c in command], 60.0)
    assert status == 0, output
    lines = output.splitlines()
    assert lines[0] == str(checkout / "speechbrain" / "__init__.py")
    assert lines[1:3] == ["no sb_sma", "no sb_sma.walk"]
    assert (lines[3:] == ["no numba"]) == sandbox.is_bare


def test_what_does_not_end_is_ended_with_what_it_started(sandbox, tmp_path):
    command = f"sleep 60 & echo $! > {tmp_path / 'pid'}; wait"
    with pytest.raises(subprocess.TimeoutExpired):
        sandbox.run(["sh", "-c", command], 1.0)
    pid = (tmp_path / "pid").read_text().strip()
    done = subprocess.run(["ps", "-o", "stat=", "-p", pid], capture_output=True)
    assert done.stdout.strip()[:1] in (b"", b"Z")
