"""Whether a text can be what is said in a recording, by how long both are."""

from collections.abc import Mapping
from statistics import median

# as "seven" for "7"
_LETTERS_OF_A_DIGIT = 4
# eSpeak NG says 38 at its fastest, people about 13
_MOST_LETTERS_PER_SECOND = 50
# people who speak slowly need a third of it, also in scripts of syllables
_MOST_SECONDS_PER_LETTER = 0.5
_MOST_SECONDS_MORE = 10
# in two corpora of single speakers, texts as long as that are all within 1.76
_UNUSUAL_FACTOR = 1.8
_FEWEST_LETTERS = 30
_FEWEST_UTTERANCES = 10


def count_letters(text: str) -> int:
    """Tell how long a text is when it is said.

    Arguments
    ---------
    text : str
        What is said.

    Returns
    -------
    int
        Number of letters; a digit counts as a short word.

    Example
    -------
    >>> count_letters("In 1969.")
    18
    """
    n_digits = sum(map(str.isdigit, text))
    return sum(map(str.isalpha, text)) + _LETTERS_OF_A_DIGIT * n_digits


def pace_fault(text: str, seconds: float) -> str | None:
    """Find a text that cannot be what is said in a recording.

    Arguments
    ---------
    text : str
        What is said.
    seconds : float
        From the first sound of the recording to the last.

    Returns
    -------
    str or None
        What the recording must be, what it is, and how to mend it.

    Example
    -------
    >>> pace_fault("Yes, you.", 1.0)
    >>> pace_fault("Yes, you.", 60)[:54]
    'must be the recording of its text alone; got 6 letters'
    """
    fault = short_fault(text, seconds)
    if fault:
        return fault
    letters = count_letters(text)
    if seconds > _MOST_SECONDS_PER_LETTER * letters + _MOST_SECONDS_MORE:
        return (
            "must be the recording of its text alone; "
            f"{_got(letters, seconds)}. Give all that is said as the text, or "
            "cut the recording to it."
        )
    return None


def short_fault(text: str, seconds: float) -> str | None:
    """Find a text that no one can say in so short a time.

    Arguments
    ---------
    text : str
        What is said.
    seconds : float
        Of the recording, or of its sound.

    Returns
    -------
    str or None
        What the recording must be, what it is, and how to mend it.

    Example
    -------
    >>> short_fault("Yes, you.", 60)
    >>> short_fault("Yes, you.", 0.1)[:54]
    'must be the recording of the whole text; got 6 letters'
    """
    letters = count_letters(text)
    if letters > _MOST_LETTERS_PER_SECOND * seconds:
        return (
            "must be the recording of the whole text; "
            f"{_got(letters, seconds)}. Give the whole recording, or the text "
            "that is said in it."
        )
    return None


def _got(letters: int, seconds: float) -> str:
    return f"got {letters} letters for {seconds:.1f} s of sound"


def remarks_by_name(
    utterances: Mapping[str, tuple[str, float, Mapping[str, str]]],
) -> dict[str, dict[str, str]]:
    """Add to the remarks which utterances are much faster or slower than most.

    Their text may be incomplete, or the sample rate in the header wrong.

    Arguments
    ---------
    utterances : mapping
        By name, the text, the seconds of sound and the remarks on the
        recording.

    Returns
    -------
    dict
        Of utterances with remarks, what they are, and how much so.

    Example
    -------
    >>> text = "A text of more than thirty letters is needed."
    >>> utterances = {f"u{i}": (text, 3.0, {}) for i in range(10)}
    >>> remarks_by_name({**utterances, "last": (text, 1.0, {})})
    {'last': {'much faster than most': '36 letters per second for 12'}}
    """
    letters = {
        name: count_letters(text) for name, (text, *_) in utterances.items()
    }
    rates = {
        name: letters[name] / seconds
        for name, (_, seconds, _) in utterances.items()
        if letters[name] >= _FEWEST_LETTERS
    }
    usual = median(rates.values()) if len(rates) >= _FEWEST_UTTERANCES else None
    found = {}
    for name, (_, _, remarks) in utterances.items():
        pace = _pace_remark(rates.get(name), usual)
        if remarks or pace:
            found[name] = {**remarks, **pace}
    return found


def _pace_remark(rate: float | None, usual: float | None) -> dict[str, str]:
    if not rate or not usual:
        return {}
    if max(rate / usual, usual / rate) <= _UNUSUAL_FACTOR:
        return {}
    kind = "faster" if rate > usual else "slower"
    detail = f"{rate:.0f} letters per second for {usual:.0f}"
    return {f"much {kind} than most": detail}
