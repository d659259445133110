"""Reads English for eSpeak NG: money, dates, numerals, abbreviations, addresses.

eSpeak NG reads most of what is written by itself, numbers and ordinals among
it. What it gets wrong is put into words here, and nothing else, so that all
other texts sound as they did: $5.50 is "dollar five point five zero" to it,
1984 "nineteen hundred eighty four", Henry VIII "Henry roman eight".
"""

from sb_sma.data.text.english import (
    abbreviations,
    addresses,
    dates,
    money,
    numbers,
    roman,
    units,
)

# each reads what those before it have left
_RULES = {
    day_first: (
        *dates.rules(day_first),
        *units.RULES,
        *numbers.RULES,
        *money.RULES,
        *roman.RULES,
        *abbreviations.RULES,
    )
    for day_first in (False, True)
}


def write_out(text: str, day_first: bool = False) -> str:
    """Put into words what eSpeak NG's English voices would read wrong.

    Arguments
    ---------
    text : str
        As `plain_text` returns it.
    day_first : bool
        Whether 1/2/2020 is in February, as it is outside of America.

    Returns
    -------
    str
        The same where there is nothing of the kind.

    Example
    -------
    >>> write_out("Henry VIII paid $5.50 on 12/25/2020.")
    'Henry the eighth paid 5 dollars 50 cents on December twenty fifth, 2020.'
    >>> write_out("Dr. Smith has 3 cats, 50% of them since 2:30 p.m.")
    'Dr. Smith has 3 cats, 50% of them since 2:30 p.m.'
    """
    for pattern, replacement in (*addresses.RULES, *_RULES[day_first]):
        text = pattern.sub(replacement, text)
    return text
