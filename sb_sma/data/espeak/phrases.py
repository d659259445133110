"""Words, phrases and clauses: the smaller half of the text grammar."""

import functools
import random
from importlib import resources

_VOWELS = "aeiou"
_ONSETS = (
    "b bl br ch d dr dw f fl fr g gl gr h j k kl kr l m n p pl pr qu r s sh "
    "shr sk sl sm sn sp spl spr st str sw t th thr tr tw v w wh y z".split()
)
_NUCLEI = (
    "a e i o u ai ay ee ea oo oa oi oy ou ow au aw ar air er ear eer ire ir "
    "or oor ur ure".split()
)
_CODAS = (
    "b ck d ff ft g k l ld lf lk lm lp lt m mp n nch nd ng nk nt p pt rd sh "
    "sk sp ss st t tch th ve x z zz".split()
)
_ENDINGS = (
    "sion tion ture sure age able ible ing ment ness ous ian ial ia io eous "
    "ual ity ery ler ton ten den tle dle ble".split()
)
_DETERMINERS = (
    "the the the the a a my your his her our their this that every each some "
    "another no one".split()
)
_PLURAL_DETERMINERS = (
    "the the these those my your his her our their some many few several two "
    "three four five six seven eight nine ten eleven twelve most all".split()
)
_PLURAL_ONLY = frozenset(_PLURAL_DETERMINERS) - frozenset(_DETERMINERS)
_SUBJECTS = "I you he she we they it everyone nobody someone".split()
_OBJECTS = "me you him her us them it everyone nobody something".split()
_PREPOSITIONS = (
    "in in in on on on on at at under behind near over above below beside "
    "beyond by with without around across through towards against inside "
    "outside past from".split()
)
MODALS = "can could will would should must shall may might cannot won't".split()
_LINKS = "of of of of for for from with on in near or and".split()
_DOUBLED = frozenset("begin cut forget hit run shut sit spin swim win".split())
_SECTIONS_ALONE = (
    "noun compound abstract adjective long adverb name place".split()
)


class PhraseGrammar:
    """Draws the parts that texts are made of.

    Arguments
    ---------
    seed : int
        The same seed gives the same parts.

    Example
    -------
    >>> PhraseGrammar(seed=1).words["weekday"][0]
    'Monday'
    """

    def __init__(self, seed: int):
        self.random = random.Random(seed)
        self.words = _load_words()
        self.any_word = [
            word for section in _SECTIONS_ALONE for word in self.words[section]
        ]
        self.any_word += [base for base, _ in self.words["verb"]]
        self.nouns = self.words["noun"] + self.words["compound"]
        self.adjectives = self.words["adjective"] + self.words["long"]
        self.plurals = dict(self.words["irregular"])

    def _pick(self, options):
        return options[self.random.randrange(len(options))]

    def _chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def _invented(self) -> str:
        word = ""
        for _ in range(self._pick((1, 1, 2, 2, 2, 3))):
            word += self._pick(_ONSETS) + self._pick(_NUCLEI)
            if self._chance(0.4):
                word += self._pick(_CODAS)
        if self._chance(0.4):
            word += self._pick(_ENDINGS)
        return word

    def _syllable(self) -> str:
        """Give a syllable or less, such as a vowel alone."""
        parts = ("v", "v", "cv", "cv", "vc", "cvc", "c")
        sounds = {"c": _ONSETS, "v": _NUCLEI}
        return "".join(self._pick(sounds[part]) for part in self._pick(parts))

    def _any(self) -> str:
        if self._chance(0.2):
            return self._invented()
        return self._pick(self.any_word)

    def _singular(self) -> str:
        if self._chance(0.06):
            return self._invented()
        return self._pick(self.nouns)

    def _plural(self) -> str:
        noun = self._singular()
        if noun in self.plurals:
            return self.plurals[noun]
        if noun.endswith("y") and noun[-2] not in _VOWELS:
            return noun[:-1] + "ies"
        if noun.endswith(("s", "x", "z", "ch", "sh")):
            return noun + "es"
        return noun + "s"

    def _adjectives(self) -> str:
        count = self._pick((0, 0, 0, 1, 1, 1, 1, 2))
        chosen = [self._pick(self.adjectives) for _ in range(count)]
        return ", ".join(chosen)

    def _named(self) -> str:
        name = self._pick(self.words["name"])
        if self._chance(0.1):
            name = self._invented().capitalize()
        if self._chance(0.12):
            name = self._pick(("Dr. ", "Professor ", "Captain ")) + name
        return name

    def _noun_phrase(self) -> str:
        phrase = self._simple_noun_phrase()
        if self._chance(0.1):
            phrase += f" {self._pick(_LINKS)} {self._simple_noun_phrase()}"
        return phrase

    def _simple_noun_phrase(self) -> str:
        form = self.random.random()
        if form < 0.1:
            return self._named()
        if form < 0.2:
            return self._join(
                self._pick(("", "the", "some", "more")),
                self._adjectives(),
                self._pick(self.words[self._pick(("mass", "abstract"))]),
            )
        if form < 0.4:
            phrase = self._join(self._adjectives(), self._plural())
            return f"{self._pick(_PLURAL_DETERMINERS)} {phrase}"
        return self._determined(self._pick(_DETERMINERS))

    def _determined(self, determiner: str) -> str:
        phrase = self._join(self._adjectives(), self._singular())
        if determiner == "a" and phrase[0] in _VOWELS:
            determiner = "an"
        return f"{determiner} {phrase}"

    def _subject(self) -> str:
        form = self.random.random()
        if form < 0.25:
            return self._pick(_SUBJECTS)
        if form < 0.45:
            return self._named()
        return self._noun_phrase()

    def _object(self) -> str:
        if self._chance(0.12):
            return self._pick(_OBJECTS)
        return self._noun_phrase()

    def _adverbial(self) -> str:
        form = self.random.random()
        if form < 0.35:
            return f"{self._pick(_PREPOSITIONS)} {self._noun_phrase()}"
        if form < 0.6:
            return self._pick(self.words["adverb"])
        if form < 0.75:
            return f"in {self._pick(self.words['place'])}"
        if form < 0.85:
            return f"on {self._pick(self.words['weekday'])}"
        if form < 0.93:
            return f"in {self._pick(self.words['month'])}"
        return f"at {self._time()}"

    def _time(self) -> str:
        hour, minute = self.random.randint(1, 12), self.random.randint(0, 59)
        form = self.random.random()
        if form < 0.4:
            return f"{hour}:{minute:02d}"
        if form < 0.7:
            return f"{hour} o'clock"
        return f"half past {hour}"

    def _action(self) -> str:
        """Give a predicate in the past tense."""
        if self._chance(0.3):
            return self._pick(self.words["intransitive"])[1]
        return f"{self._pick(self.words['verb'])[1]} {self._object()}"

    def _infinitive(self) -> str:
        if self._chance(0.3):
            return self._pick(self.words["intransitive"])[0]
        return f"{self._pick(self.words['verb'])[0]} {self._object()}"

    def _progressive(self) -> str:
        if self._chance(0.3):
            return self._present_participle(
                self._pick(self.words["intransitive"])
            )
        verb = self._present_participle(self._pick(self.words["verb"]))
        return f"{verb} {self._object()}"

    @staticmethod
    def _present_participle(forms: tuple[str, str]) -> str:
        base, past = forms
        if base.endswith("ie"):
            return base[:-2] + "ying"
        if base in _DOUBLED or past.startswith(base + base[-1]):
            return base + base[-1] + "ing"
        if base.endswith("e") and not base.endswith("ee"):
            return base[:-1] + "ing"
        return base + "ing"

    def _copula(self, subject: str) -> str:
        if subject == "I":
            return self._pick(("am", "was"))
        plural = subject in ("you", "we", "they") or subject.startswith(
            tuple(f"{word} " for word in _PLURAL_ONLY)
        )
        return self._pick(("are", "were") if plural else ("is", "was"))

    def _clause(self) -> str:
        form = self.random.random()
        subject = self._subject()
        if form < 0.55:
            clause = f"{subject} {self._action()}"
        elif form < 0.7:
            clause = f"{subject} {self._pick(MODALS)} {self._infinitive()}"
        elif form < 0.8:
            clause = f"{subject} {self._copula(subject)} {self._progressive()}"
        elif form < 0.85:
            clause = f"{subject} had {self._object()}"
        else:
            adverb = self._pick(("", "very", "not", "as", "quite", "so"))
            adjective = self._pick(self.adjectives)
            if adverb == "as":
                adjective += f" as {self._noun_phrase()}"
            clause = self._join(
                subject, self._copula(subject), adverb, adjective
            )
        if self._chance(0.4):
            clause += " " + self._adverbial()
        return clause

    @staticmethod
    def _join(*parts: str) -> str:
        return " ".join(part for part in parts if part)

    @staticmethod
    def _capitalized(text: str) -> str:
        return text[:1].upper() + text[1:]


@functools.cache
def _load_words() -> dict[str, list]:
    """Read the word list: sections of words, or of pairs with a slash."""
    text = resources.files("sb_sma.data.espeak").joinpath("words.txt")
    sections, words = {}, []
    for line in text.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            words = sections.setdefault(line.strip("[]"), [])
            continue
        for word in line.split():
            words.append(tuple(word.split("/")) if "/" in word else word)
    return sections
