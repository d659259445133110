"""docs/licences.md lists what constraints.txt installs."""

import email.message
import json
import re
from pathlib import Path

import pytest
from packaging.markers import Marker
from packaging.utils import canonicalize_name

from sb_sma.cli import licences, main

REPOSITORY = Path(__file__).resolve().parents[2]
# what docs/licences.md was made with
WHERE = {
    "python_full_version": "3.11.7",
    "python_version": "3.11",
    "sys_platform": "linux",
    "platform_system": "Linux",
    "platform_machine": "x86_64",
}
ROW = re.compile(r"\| (\S+) \| (\S+) \| (.+) \| (\w*) \|")


def constrained():
    """Versions by name, of one Python and platform."""
    versions = {}
    lines = (REPOSITORY / "constraints.txt").read_text().splitlines()
    for line in lines:
        requirement, _, marker = line.partition(" ; ")
        if "==" in requirement and (
            not marker or Marker(marker).evaluate(WHERE)
        ):
            name, _, version = requirement.partition("==")
            versions[canonicalize_name(name)] = version
    return versions


def test_the_list_is_that_of_the_constraints():
    text = (REPOSITORY / "docs" / "licences.md").read_text(encoding="utf-8")
    listed = {row[1]: row[2] for row in ROW.finditer(text)}
    assert listed.pop("sb-sma")
    assert constrained() == listed


def test_the_command_lists_what_is_installed(capsys):
    assert main(["licences", "--json"]) == 0
    rows = {row["package"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["filelock"]["licence"] == "MIT"
    assert rows["tqdm"]["to note"] == "copyleft"
    assert rows["espeakng-loader"]["to note"] == licences.UNKNOWN
    assert main(["licences"]) == 0
    assert "| filelock | " in capsys.readouterr().out


class Package:
    """A distribution with the metadata that it is given."""

    files = ()

    def __init__(self, *pairs):
        self.metadata = email.message.Message()
        for key, value in pairs:
            self.metadata.add_header(key, value)


MIT = ("Classifier", "License :: OSI Approved :: MIT License")


@pytest.mark.parametrize(
    "pairs, licence",
    [
        ([("License-Expression", "MIT"), ("License", "BSD")], "MIT"),
        ([("License", "BSD"), MIT], "BSD"),
        ([("License", "a long text " * 20), MIT], "MIT License"),
        ([("License", "UNKNOWN")], "unknown"),
        ([("Classifier", "License :: OSI Approved")], "unknown"),
        ([], "unknown"),
    ],
)
def test_where_a_licence_is_told(pairs, licence):
    assert licences.licence_of(Package(*pairs)) == licence
