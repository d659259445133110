"""The text of a pull request, in SpeechBrain's own template."""

import importlib.metadata
import json
import platform
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sb_sma.upstream.runner import Outcome

_TEMPLATE = Path(".github", "pull_request_template.md")
_HEADING = "## What does this PR do?"
_NO_RESULTS = "There are no results of trained models yet."
# of what a figure was measured on, what says something to others
_MACHINE = ("processor", "cores", "gpu", "memory", "python", "torch")


def read_template(root: Path) -> str:
    """Read what SpeechBrain asks of a pull request.

    Arguments
    ---------
    root : Path
        A working tree of SpeechBrain.

    Returns
    -------
    template : str
        Markdown.

    Raises
    ------
    ValueError
        If there is none, or it is another than it was.
    """
    file = root / _TEMPLATE
    template = file.read_text(encoding="utf-8") if file.is_file() else ""
    if _HEADING not in template:
        raise ValueError(
            f"the checkout has no {_TEMPLATE} with the heading {_HEADING!r}."
        )
    return template


def fill_template(template: str, said: str, builds_on: str | None) -> str:
    """Write what a pull request says.

    Arguments
    ---------
    template : str
        What SpeechBrain asks.
    said : str
        What the branch says.
    builds_on : str, optional
        The branch that must be merged first.

    Returns
    -------
    text : str
        Markdown.

    Example
    -------
    >>> template = "## What does this PR do?\\n<!-- Say. -->\\n\\n## Review"
    >>> print(fill_template(template, "It walks.", None))
    ## What does this PR do?
    <BLANKLINE>
    It walks.
    <BLANKLINE>
    ## Review
    """
    said = said.strip()
    if builds_on:
        said += f"\n\nBuilds on the branch `{builds_on}`."
    before, after = template.split(_HEADING, 1)
    # what the template asks for is in the text
    asked = r"\A\s*<!--.*?-->\s*(Fixes #<issue_number>\s*)?"
    after = re.sub(asked, "", after, count=1, flags=re.DOTALL)
    return f"{before}{_HEADING}\n\n{said}\n\n{after}"


def describe_results(path: Path | None) -> str:
    """Write stored figures as a table.

    Arguments
    ---------
    path : Path, optional
        A JSON file with ``table``, a list of rows by column, and ``machine``,
        what they were measured on. Default: there are none.

    Returns
    -------
    text : str
        Markdown, or a sentence where there are none.

    Raises
    ------
    ValueError
        If the file has no such table.

    Example
    -------
    >>> path = getfixture("tmp_path") / "walk.json"
    >>> row = {"attention": "SMA", "PER": 0.25}
    >>> _ = path.write_text(json.dumps({"table": [row], "machine": {}}))
    >>> print(describe_results(path))
    | attention | PER |
    |---|---|
    | SMA | 0.25 |
    """
    if path is None:
        return _NO_RESULTS
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        rows, machine = stored["table"], stored["machine"]
        columns = list(rows[0])
        values = [[_shown(row[column]) for column in columns] for row in rows]
    except (ValueError, LookupError, TypeError) as error:
        raise ValueError(
            f"{path} must hold `table`, a list of rows with the same columns, "
            f"and `machine`: {error!r}."
        ) from error
    lines = [f"| {' | '.join(row)} |" for row in [columns, *values]]
    lines.insert(1, "|" + "---|" * len(columns))
    where = _describe(machine)
    return "\n".join(lines) + (f"\n\nMeasured on: {where}." if where else "")


def describe_commands(base: str, outcomes: Sequence[Outcome]) -> str:
    """Write which commands showed what.

    Arguments
    ---------
    base : str
        What the branch was checked on.
    outcomes : sequence of Outcome
        What became of the checks.

    Returns
    -------
    text : str
        Markdown.

    Example
    -------
    >>> outcome = Outcome(
    ...     "unit tests", True, 2.0, "3 passed", (), "pytest a.py"
    ... )
    >>> print(describe_commands("develop", [outcome]).splitlines()[2])
    | `pytest a.py` | 3 passed |
    """
    rows = [
        f"| `{outcome.command}` | {outcome.summary or outcome.result} |"
        for outcome in outcomes
        if outcome.command
    ]
    where = f"{platform.system()} {platform.machine()}"
    versions = ", ".join(
        f"{name} {importlib.metadata.version(name)}"
        for name in ("torch", "torchaudio", "pytest", "ruff")
    )
    return "\n".join(
        [
            "| command | result |",
            "|---|---|",
            *rows,
            "",
            f"On {base}; {where}, Python {platform.python_version()}, "
            f"{versions}. Packages that SpeechBrain does not require were "
            "hidden from these tests, except from those of `integrations/` "
            "and those that needed one before.",
        ]
    )


def _shown(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _describe(machine: Mapping[str, str]) -> str:
    known = [name for name in _MACHINE if name in machine]
    return ", ".join(f"{name} {machine[name]}" for name in known)
