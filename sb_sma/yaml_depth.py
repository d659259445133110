"""A bound on the depth of a YAML file, before it is read.

Nobody nests as deep, and YAML's reader takes seconds to find that it cannot.
"""

import re

MOST_DEPTH = 64
_TOO_DEEP = re.compile(
    rf"(?:[\[{{]\s*){{{MOST_DEPTH}}}|(?:[-?] ){{{MOST_DEPTH}}}"
)


def check_depth(text: str) -> None:
    """Refuse a text that is nested too deep.

    Arguments
    ---------
    text : str
        YAML.

    Raises
    ------
    ValueError
        If it begins so many lists or mappings at once.

    Example
    -------
    >>> check_depth("a: [[1]]")
    """
    if _TOO_DEEP.search(text):
        raise ValueError(f"it is nested deeper than {MOST_DEPTH}. Mend it.")
