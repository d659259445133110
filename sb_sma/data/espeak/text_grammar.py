"""Invents texts to speak: a seeded grammar over a word list of our own.

Attention fails on what a corpus of plain sentences lacks: words alone, words
repeated, letters and digits, long paragraphs, pauses in unusual places. All of
them are kinds of text here, in the shares of ``KINDS``. Some words are
invented from syllables, so that rare phonemes are heard, too.
"""

from collections.abc import Callable

from sb_sma.data.espeak.phrases import MODALS, PhraseGrammar

LONGEST_PARAGRAPH = 350

_CONJUNCTIONS = "and but so because while although until before after".split()
_QUESTION_WORDS = "why when where how".split()
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_SEPARATORS = (";", ",", "...", " ... ", " -- ", "/", "?! ", "!! ", "; ", ": ")
_BRACKETS = (
    ("( ", " )"),
    ("[ ", " ]"),
    ("{ ", " }"),
    ('"', '"'),
    ("'", "'"),
    ("(", ")"),
    ("*", "*"),
)
_MARKS = ("!!!", "???", "...", "--", "***", "!", "?!")
_DRAWS_PER_TEXT = 1000
_FULL_PARAGRAPH = 0.7
_MOST_REPEATED = 20


class TextGrammar(PhraseGrammar):
    """Draws texts of all kinds, and never the same one twice.

    Two texts that differ only in case or punctuation count as the same.

    Arguments
    ---------
    seed : int
        The same seed gives the same texts.

    Example
    -------
    >>> grammar = TextGrammar(seed=1)
    >>> grammar.draw() == TextGrammar(seed=1).draw()
    True
    """

    # share of each kind among the texts
    KINDS = {
        "word": 0.12,
        "repetition": 0.09,
        "code": 0.10,
        "syllables": 0.05,
        "punctuation": 0.05,
        "sentence": 0.24,
        "question": 0.06,
        "exclamation": 0.05,
        "enumeration": 0.07,
        "sentences": 0.11,
        "paragraph": 0.06,
    }

    def __init__(self, seed: int):
        super().__init__(seed)
        self.drawn = set()
        self.makers: dict[str, Callable[[], str]] = {
            kind: getattr(self, f"_{kind}") for kind in self.KINDS
        }

    def draw(self, kind: str | None = None) -> str:
        """Invent the next text.

        Arguments
        ---------
        kind : str, optional
            One of ``KINDS``; drawn by its share if absent.

        Returns
        -------
        str
            A text that this grammar has not given before.

        Raises
        ------
        ValueError
            If the kind is unknown, or if it has no new text left.
        """
        if kind is not None and kind not in self.KINDS:
            raise ValueError(
                f"kind must be one of {', '.join(self.KINDS)}; got {kind!r}."
            )
        for _ in range(_DRAWS_PER_TEXT):
            chosen = kind or self._weighted_kind()
            text = self.makers[chosen]()
            key = "".join(c for c in text.casefold() if c.isalnum() or c == " ")
            key = " ".join(key.split())
            if key not in self.drawn:
                self.drawn.add(key)
                return text
        raise ValueError(
            f"The grammar must still have a new text of the kind {kind!r}; "
            f"got only known ones after {len(self.drawn)} texts. Draw other "
            "kinds, too."
        )

    def _weighted_kind(self) -> str:
        return self.random.choices(
            list(self.KINDS), weights=list(self.KINDS.values())
        )[0]

    def _statement(self) -> str:
        """Give a sentence without its final mark."""
        form = self.random.random()
        if form < 0.33:
            return self._clause()
        if form < 0.38:
            knew = self._pick(("said", "knew", "thought", "hoped", "saw"))
            return f"{self._subject()} {knew} that {self._clause()}"
        if form < 0.48:
            return f"{self._adverbial()}, {self._clause()}"
        if form < 0.60:
            conjunction = self._pick(_CONJUNCTIONS)
            comma = self._pick((",", ",", ""))
            return f"{self._clause()}{comma} {conjunction} {self._clause()}"
        if form < 0.66:
            return f"{self._clause()}; {self._clause()}"
        if form < 0.71:
            return f"{self._clause()}: {self._noun_phrase()}"
        if form < 0.78:
            dash = self._pick((" - ", " -- ", "--", " – ", "—"))
            return f"{self._clause()}{dash}{self._noun_phrase()}"
        if form < 0.83:
            return f"{self._noun_phrase()} ({self._clause()}) {self._action()}"
        if form < 0.88:
            said = self._pick(("said", "asked", "cried", "whispered"))
            mark = self._pick(",,?!")
            return (
                f'"{self._capitalized(self._clause())}{mark}" {said} '
                f"{self._named()}"
            )
        if form < 0.92:
            ellipsis = self._pick(("...", "…", " ... "))
            return f"{self._clause()}{ellipsis} {self._clause()}"
        if form < 0.96:
            return f"{self._named()}, {self._noun_phrase()}, {self._action()}"
        return f"if {self._clause()}, then {self._clause()}"

    def _sentence(self) -> str:
        mark = self._pick((".",) * 12 + ("", "", "...", "…", ";", ","))
        return self._capitalized(self._statement()) + mark

    def _question(self) -> str:
        form = self.random.random()
        subject = self._subject()
        if form < 0.35:
            text = f"did {subject} {self._infinitive()}"
        elif form < 0.7:
            text = (
                f"{self._pick(_QUESTION_WORDS)} did {subject} "
                f"{self._infinitive()}"
            )
        elif form < 0.8:
            text = f"{self._pick(MODALS[:6])} {subject} {self._infinitive()}"
        elif form < 0.9:
            text = f"{self._clause()}, {self._pick(('right', 'yes', 'no'))}"
        else:
            text = f"who {self._action()}"
        return self._capitalized(text) + self._pick("?????" + "!") * (
            2 if self._chance(0.05) else 1
        )

    def _exclamation(self) -> str:
        form = self.random.random()
        called = self._pick(self.words["exclamation"])
        if form < 0.3:
            text = f"{called}, {self._clause()}"
        elif form < 0.5:
            text = f"what {self._determined('a')}"
        elif form < 0.75:
            text = f"{self._infinitive()}, {self._named()}"
        else:
            text = f"{called}! {self._capitalized(self._infinitive())}"
        return self._capitalized(text) + self._pick(
            ("!", "!", "!", "!!", "!!!")
        )

    def _sentences(self) -> str:
        count = self._pick((2, 2, 2, 2, 3))
        return " ".join(self._closed_sentence() for _ in range(count))

    def _closed_sentence(self) -> str:
        kind = self.random.random()
        if kind < 0.1:
            return self._question()
        if kind < 0.18:
            return self._exclamation()
        mark = self._pick((".",) * 12 + ("...", "…"))
        return self._capitalized(self._statement()) + mark

    def _paragraph(self) -> str:
        length = self.random.randint(170, LONGEST_PARAGRAPH)
        text = ""
        while True:
            space = "\n" if self._chance(0.1) else " "
            longer = (text + space + self._closed_sentence()).strip()
            if len(longer) <= length:
                text = longer
            elif len(text) > _FULL_PARAGRAPH * length:
                return text

    def _alone(self) -> str:
        """Give a word, or one that is seldom without others."""
        if self._chance(0.6):
            return self._any()
        return self._pick((*self.words["function"], *_LETTERS))

    def _word(self) -> str:
        word = self._alone()
        if self._chance(0.5):
            word = self._capitalized(word)
        return word + self._pick(("", "", "", ".", ".", "?", "!", "..."))

    def _repetition(self) -> str:
        form = self.random.random()
        space = self._pick((" ", " ", ", ", ". "))
        if form < 0.45:
            word = self._alone()
            most = self._pick((7, 7, 7, _MOST_REPEATED))
            if space == ". ":
                word = self._capitalized(word)
            text = space.join([word] * self.random.randint(2, most))
        elif form < 0.75:
            strong = self._pick(("very", "so", "much", "more", "far", "long"))
            strong = space.join([strong] * self.random.randint(2, 6))
            text = f"{strong} {self._pick(self.adjectives)}"
        else:
            pair = f"{self._any()} {self._any()}"
            text = space.join([pair] * self.random.randint(2, 3))
        return text + self._pick(("", ".", ".", "!", "?"))

    def _code(self) -> str:
        form = self.random.random()
        length = self.random.randint(2, 8)
        if form < 0.2:
            text = " ".join(self._pick("0123456789") for _ in range(length))
        elif form < 0.4:
            text = " ".join(self._pick(_LETTERS) for _ in range(length))
        elif form < 0.6:
            text = " ".join(
                self._pick(_LETTERS + "0123456789" * 3) for _ in range(length)
            )
        elif form < 0.68:
            text = "".join(self._pick(_LETTERS) for _ in range(length))
        elif form < 0.76:
            text = self._join(self._time(), self._pick(("", "A M", "P M")))
        elif form < 0.84:
            month = self._pick(self.words["month"])
            day = self.random.randint(1, 28)
            text = f"{month} {day}, {self.random.randint(1500, 2050)}"
        elif form < 0.9:
            text = str(self.random.randint(10, 10 ** self._pick((2, 3, 4, 6))))
        elif form < 0.95:
            text = f"{self.random.randint(1, 99)}.{self.random.randint(1, 99)}"
        else:
            parts = [
                f"{self.random.randint(0, 999):03d}"
                for _ in range(self._pick((2, 3)))
            ]
            text = "-".join(parts)
        return text + self._pick(("", "", "", "."))

    def _syllables(self) -> str:
        space = self._pick((" ", " ", ", ", "; ", "-"))
        count = self.random.randint(2, 7)
        text = space.join(self._syllable() for _ in range(count))
        return self._capitalized(text) + self._pick(("", "", ".", "!", "?"))

    def _punctuation(self) -> str:
        count = self.random.randint(1, 5)
        words = [self._any() for _ in range(count)]
        form = self.random.random()
        if form < 0.4:
            text = self._pick(_SEPARATORS).join(words)
        elif form < 0.7:
            text = " ".join(
                left + word + right
                for word in words
                for left, right in [self._pick(_BRACKETS)]
            )
        else:
            marks = self._pick(_MARKS)
            text = f"{marks} {' '.join(words)} {marks}"
        return text + self._pick(("", ".", "!!", "?!", "...", "!?!"))

    def _enumeration(self) -> str:
        make = self._pick(
            (
                self._noun_phrase,
                self._plural,
                self._any,
                self._named,
                lambda: str(self.random.randint(1, 99)),
            )
        )
        items = [make() for _ in range(self.random.randint(3, 6))]
        last = self._pick((" and ", ", and ", " or ", ", "))
        text = ", ".join(items[:-1]) + last + items[-1]
        if self._chance(0.3):
            text = f"{self._clause()}: {text}"
        return self._capitalized(text) + self._pick((".", ".", ".", "", "?"))


def generate_texts(count: int, seed: int) -> list[str]:
    """Invent texts, all different.

    Arguments
    ---------
    count : int
        How many.
    seed : int
        The same seed gives the same texts; a larger count continues them.

    Returns
    -------
    list of str
        The texts, in random order of kinds.

    Raises
    ------
    ValueError
        If count is negative.

    Example
    -------
    >>> len(set(generate_texts(count=50, seed=1)))
    50
    """
    if count < 0:
        raise ValueError(
            f"count must be at least 0; got {count}. Ask for 1 or more texts."
        )
    grammar = TextGrammar(seed)
    return [grammar.draw() for _ in range(count)]
