"""``sb-sma licences``: under which licences all that is installed may be used."""

import argparse
import json
import re
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

HELP = "List the licences of this package and of all that it needs."

_PACKAGE = "sb_sma"
UNKNOWN = "unknown"
_CLASSIFIER = "License :: "
_COPYLEFT = re.compile(r"GPL|General Public|Mozilla|\bMPL|\bEUPL|\bCDDL")
_LONGEST = 60
# how the texts of licences begin, for packages that say nothing else
_TEXTS = {
    "Apache-2.0": r"Apache License\s+Version 2\.0",
    "MIT": r"Permission is hereby granted, free of charge",
    "BSD-3-Clause": r"Neither the name",
    "BSD-2-Clause": r"Redistribution and use in source and binary forms",
    "GPL-3.0": r"GNU GENERAL PUBLIC LICENSE\s+Version 3",
    "PSF-2.0": r"PYTHON SOFTWARE FOUNDATION LICENSE",
    "ISC": r"Permission to use, copy, modify, and/?(or)? distribute",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options.

    Arguments
    ---------
    parser : argparse.ArgumentParser
        Of this command.
    """
    parser.add_argument(
        "--json", action="store_true", help="JSON in place of a table"
    )


def run(arguments: argparse.Namespace) -> None:
    """Print what is installed.

    Arguments
    ---------
    arguments : argparse.Namespace
        What `add_arguments` declared.
    """
    rows = list_licences()
    if arguments.json:
        print(json.dumps(rows, indent=1))
        return
    print("| package | version | licence | to note |\n|---|---|---|---|")
    for row in rows:
        print(f"| {' | '.join(row.values())} |")


def list_licences(package: str = _PACKAGE) -> list[dict[str, str]]:
    """List a package and all that it and its extras need, if it is installed.

    Arguments
    ---------
    package : str
        Its name.

    Returns
    -------
    rows : list of dict
        Each ``package``, ``version``, ``licence``, and what there is ``to
        note``: ``copyleft`` or ``unknown``.

    Example
    -------
    >>> rows = list_licences("filelock")
    >>> rows[0]["package"], rows[0]["licence"]
    ('filelock', 'MIT')
    """
    found = {name: dist for name, dist in _needed(package)}
    rows = []
    for name, dist in sorted(found.items()):
        licence = licence_of(dist)
        note = "copyleft" if _COPYLEFT.search(licence) else ""
        rows.append(
            {
                "package": name,
                "version": dist.version,
                "licence": licence,
                "to note": UNKNOWN if licence == UNKNOWN else note,
            }
        )
    return rows


def licence_of(dist: Distribution) -> str:
    """Tell the licence of an installed package.

    Arguments
    ---------
    dist : Distribution
        Of ``importlib.metadata``.

    Returns
    -------
    licence : str
        By its expression, or else its classifiers, its field or the text of
        its files.

    Example
    -------
    >>> licence_of(distribution("filelock"))
    'MIT'
    """
    told = dist.metadata.get("License-Expression")
    if told:
        return _in_a_line(told)
    classified = [
        classifier.rpartition(" :: ")[2]
        for classifier in dist.metadata.get_all("Classifier") or ()
        if classifier.startswith(_CLASSIFIER) and classifier.count(" :: ") > 1
    ]
    field = _in_a_line(dist.metadata.get("License") or "")
    if field and len(field) <= _LONGEST and field.upper() != "UNKNOWN":
        return field
    if classified:
        return ", ".join(classified)
    return _read_texts(dist) or UNKNOWN


def _needed(package: str) -> Iterator[tuple[str, Distribution]]:
    """Yield what is installed of a package, its extras and what they need."""
    waiting, seen = [(package, None)], set()
    while waiting:
        name, extras = waiting.pop()
        try:
            dist = distribution(name)
        except PackageNotFoundError:
            continue
        name = canonicalize_name(name)
        if extras is None:
            extras = dist.metadata.get_all("Provides-Extra") or []
        wanted = {(name, extra) for extra in ("", *extras)} - seen
        if (name, "") in wanted:
            yield name, dist
        seen |= wanted
        for line in dist.requires or () if wanted else ():
            requirement = Requirement(line)
            if requirement.marker is None or any(
                requirement.marker.evaluate({"extra": extra})
                for _, extra in wanted
            ):
                waiting.append((requirement.name, sorted(requirement.extras)))


def _read_texts(dist: Distribution) -> str | None:
    """Recognize the text of a licence among a package's files."""
    for path in dist.files or ():
        if not re.match(r"(LICEN[CS]E|COPYING)", path.name, re.IGNORECASE):
            continue
        file = path.locate()
        if not file.is_file():
            continue
        text = file.read_text(encoding="utf-8", errors="replace")
        for licence, pattern in _TEXTS.items():
            if re.search(pattern, text):
                return licence
    return None


def _in_a_line(text: str) -> str:
    return " ".join(text.split()).replace("|", "/")
