"""How long a model usually lets each of its tokens last."""

from collections.abc import Mapping, Sequence
from itertools import product
from statistics import median

from sb_sma.inference.arguments import check_number
from sb_sma.metrics.word_times import FAR_FROM_PAUSE, UsualSeconds

_PLACES = list(product((False, True), range(FAR_FROM_PAUSE + 1)))
_MOST_SECONDS = 1000


class TokenSeconds(UsualSeconds):
    """Usual times as the folder of an exported model holds them.

    By them, a model knows of a single sentence whether it has said it well.

    Arguments
    ---------
    by_token : dict of str to list of float
        Eight durations of each token, in seconds: where it is a pause, one, two,
        and three or more tokens before one, in a phrase of more than four
        tokens; then the same in a shorter one.

    Raises
    ------
    ValueError
        If there is no token, or one with something else than eight durations,
        each of 1000 seconds at most.

    Example
    -------
    >>> durations = [0.1, 0.3, 0.2, 0.1, 0.1, 0.4, 0.2, 0.1]
    >>> usual = TokenSeconds({"a": durations, "<end>": [0.15] * 8})
    >>> usual.of(["a", "a", "<end>"])
    [0.2, 0.4, 0.15]
    """

    def __init__(self, by_token: Mapping[str, Sequence[float]]):
        if not isinstance(by_token, Mapping) or not by_token:
            raise ValueError(
                "usual seconds must be of at least one token; got "
                f"{by_token!r:.80}."
            )
        self._found = {}
        for token, durations in by_token.items():
            name = f"usual seconds of {token!r:.40}"
            if not isinstance(durations, Sequence) or len(durations) != len(
                _PLACES
            ):
                raise ValueError(
                    f"{name} must be {len(_PLACES)} numbers above 0; got "
                    f"{durations!r:.80}."
                )
            for (is_short, near), seconds in zip(_PLACES, durations):
                check_number(name, seconds, _MOST_SECONDS)
                self._found[token, near, is_short] = seconds
            self._found[token] = median(durations)
        self._found[None] = median(self._found.values())

    @staticmethod
    def describe(
        usual: UsualSeconds, symbols: Sequence[str]
    ) -> dict[str, list[float]]:
        """Tell what is usual of each token of a model.

        Arguments
        ---------
        usual : UsualSeconds
            Of what the model has said.
        symbols : sequence of str
            The token table.

        Returns
        -------
        by_token : dict of str to list of float
            As of the class.

        Example
        -------
        >>> usual = UsualSeconds([(["a", "<end>"], [0.25, 0.5])] * 3)
        >>> TokenSeconds.describe(usual, ["a"])["a"][:2]
        [0.25, 0.25]
        """
        return {
            token: [
                round(usual.by_place(token, near, is_short), 3)
                for is_short, near in _PLACES
            ]
            for token in symbols
        }
