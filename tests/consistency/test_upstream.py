"""What goes to SpeechBrain stays fit to go, as far as it can be seen here."""

from collections import Counter
from pathlib import Path, PurePosixPath

import pytest

from sb_sma.upstream.difference import ChangedFile, Difference
from sb_sma.upstream.rewriting import Rewriting, add_author
from sb_sma.upstream.rules import RULES
from sb_sma.upstream.table import branches_below, read_table

REPOSITORY = Path(__file__).resolve().parents[2]
TABLE = read_table(REPOSITORY)


def difference_of(branch):
    """What a branch adds, but for links and rows."""
    rewrite = Rewriting(branches_below(TABLE, branch.name))
    files = []
    for here, there in [
        *branch.copies.items(),
        *branch.appends.items(),
        *((section.text, section.file) for section in branch.sections),
    ]:
        text = rewrite((REPOSITORY / here).read_text(encoding="utf-8"))
        text = text.rstrip() + "\n"
        if here in branch.copies and there.endswith(".py"):
            text = add_author(text, "Ada Lovelace 1843")
        files.append(ChangedFile(there, "", text, text.splitlines()))
    for patch in branch.patches:
        lines = rewrite(patch.read_text(encoding="utf-8")).splitlines()
        added = [a[1:] for a in lines if a[:1] == "+" and a[:4] != "+++ "]
        files.append(ChangedFile(patch.name, "", "", added))
    message = f"{branch.title}\n\n{rewrite(branch.pull_request)}"
    return Difference(REPOSITORY, files, message=message)


@pytest.mark.parametrize("rule", ["lines", "names", "docstrings", "whitespace"])
@pytest.mark.parametrize("branch", TABLE.values(), ids=TABLE)
def test_a_branch_keeps_the_rules(branch, rule):
    assert list(RULES[rule](branch, difference_of(branch))) == []


def test_tests_have_names_of_their_own():
    """SpeechBrain's pytest cannot collect two files of the same name."""
    names = Counter(
        PurePosixPath(there).name
        for branch in TABLE.values()
        for there in branch.copies.values()
        if PurePosixPath(there).name.startswith("test_")
    )
    assert [name for name, n in names.items() if n > 1] == []


@pytest.mark.parametrize("branch", TABLE.values(), ids=TABLE)
def test_rows_name_files_of_the_branch(branch):
    new = {*branch.copies.values(), *branch.links}
    for rows in branch.rows.values():
        for row in rows:
            assert {row["Script_file"], row["Hparam_file"]} <= new
            assert row["test_debug_flags"]
