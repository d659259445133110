"""Which of its pronunciations an English word has in a sentence.

Rules look at the words beside it: *to record* and *they record* are verbs, *a
record* and *record of* are not. The pronunciations of a lexicon are chosen
between, and a few that CMUdict lacks. What no rule decides is the more frequent
one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

Phonemes = Sequence[str]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


START = "<start>"
"""Stands before the first word of a clause."""
_ADVERBS = _words(
    "not never always often also just still only even ever soon really now "
    "then sometimes again both all seldom rarely n't almost already hardly "
    "barely either instead simply well better"
)
_MODALS = _words(
    "will would can could shall should may might must do did don't didn't "
    "won't wouldn't can't couldn't shouldn't cannot mustn't let's i'll you'll "
    "he'll she'll it'll we'll they'll i'd you'd he'd she'd we'd they'd "
    "please doesn't does mightn't needn't who'll"
)
_PLURAL_SUBJECTS = _words("i you we they who people children men women police")
_SINGULAR_SUBJECTS = _words(
    "he she it who which that everyone everybody nobody someone somebody one"
)
_OBJECTS = _words("me you him them us it himself herself themselves itself")
_POSSESSIVES = _words("my your his its our their her whose")
_DETERMINERS = _POSSESSIVES | _words(
    "a an the this that these those no some any each every another which what"
)
_QUANTITIES = _words(
    "one two three four five six seven eight nine ten twelve twenty hundred "
    "many several few most more other both all such"
)
_PREPOSITIONS = _words(
    "of in on for with by at from about without under after before during "
    "through between among against despite like as into onto over since "
    "until upon within toward towards behind beside near per than including"
)
_BE = _words(
    "is are was were be been being am isn't aren't wasn't weren't i'm you're "
    "he's she's it's we're they're that's there's what's who's"
)
_HAVE = _words(
    "have has had having haven't hasn't hadn't i've you've we've they've"
)
_HELPERS = _words("help helps helped let lets make makes made watch see hear")
_CONJUNCTIONS = _words("and or but nor")
_PREPOSITIONAL_TO = _words(
    "due according thanks access response reaction reference respect regard "
    "addition prior contrary led leads related subject close next owing "
    "attributed contributed contributes added adds damage changes"
)
_ADJECTIVES = _words(
    "new old big small good bad great recent official public first second "
    "third last next best worst own main major minor long short high low "
    "early late full whole real rare same different final total world"
)
_ADJECTIVE_ENDINGS = ("al", "ous", "ive", "ful", "ic", "ish", "able", "ible")
_PAST_SIGNS = _words("yesterday ago last once earlier was were had did when")
_PRESENT_SIGNS = _words(
    "every usually often sometimes always never now today nowadays can will "
    "must should daily rarely seldom mornings evenings sundays"
)


@dataclass(frozen=True)
class Place:
    """A word among the words beside it.

    Arguments
    ---------
    words : sequence of str
        Of the sentence, as they are written; ``START`` before every clause.
    index : int
        Of the word.
    """

    words: Sequence[str]
    index: int

    def at(self, offset: int) -> str:
        """Tell what stands elsewhere.

        Arguments
        ---------
        offset : int
            So many places on, or back where it is below 0.

        Returns
        -------
        str
            The word in lower case, or ``START``.
        """
        index = self.index + offset
        if 0 <= index < len(self.words):
            return self.words[index].lower().replace("’", "'")
        return START

    @property
    def word(self) -> str:
        """The word itself."""
        return self.at(0)

    @property
    def after(self) -> str:
        """The word after it."""
        return self.at(1)

    def before(self, count: int = 1) -> str:
        """Tell what stands before the word.

        Arguments
        ---------
        count : int
            So many places back, adverbs passed over.

        Returns
        -------
        str
            The word in lower case, or ``START``.
        """
        offset = 0
        while count:
            offset -= 1
            if not _is_adverb(self.at(offset)):
                count -= 1
        return self.at(offset)

    def near(self, words: frozenset[str]) -> bool:
        """Tell whether one of some words is in the sentence.

        Arguments
        ---------
        words : frozenset of str
            In lower case.

        Returns
        -------
        bool
            Whether it is.
        """
        return any(word.lower() in words for word in self.words)


def _is_adverb(word: str) -> bool:
    return word in _ADVERBS or (word.endswith("ly") and len(word) > 4)


def _is_adjective(word: str) -> bool:
    return (
        word in _ADJECTIVES
        or word in _QUANTITIES
        or word.endswith(_ADJECTIVE_ENDINGS)
    )


def _is_determiner(word: str) -> bool:
    return word in _DETERMINERS or (word.endswith("'s") and word not in _BE)


def _is_plural(word: str) -> bool:
    return word in _PLURAL_SUBJECTS or (
        word.endswith("s") and not word.endswith(("ss", "'s", "us", "is"))
    )


def _begins_object(word: str) -> bool:
    return word in _DETERMINERS or word in _OBJECTS or word in _QUANTITIES


def is_verb(place: Place) -> bool:
    """Tell a verb in the present, or an infinitive, from a noun or adjective.

    Arguments
    ---------
    place : Place
        Of a word that may be either.

    Returns
    -------
    bool
        Whether it is a verb.

    Example
    -------
    >>> is_verb(Place("they want to record a song".split(), 3))
    True
    >>> is_verb(Place("they broke the record".split(), 3))
    False
    """
    before, after = place.before(), place.after
    if before in _MODALS:
        return True
    if before == "to":
        return place.before(2) not in _PREPOSITIONAL_TO
    if after == "of" or _is_determiner(before) or before in _BE | _HAVE:
        # of which, in which: a subject; that stands for one, too
        return before in ("that", "which") and _begins_object(after)
    if before == "who":
        return True
    if before in _PREPOSITIONS or after in _BE | _MODALS | _HAVE:
        return False
    third_person = place.word.endswith("s") and not place.word.endswith("ss")
    if third_person:
        return _is_third_person(place, before, after)
    return _is_plain_form(place, before, after)


def _is_third_person(place: Place, before: str, after: str) -> bool:
    if before in _SINGULAR_SUBJECTS:
        return True
    if before == START or _is_adjective(before):
        return False
    if before in _CONJUNCTIONS:
        return _begins_object(after)
    return _begins_object(after) or (
        after in ("to", "with", "from", "into", "against", "itself")
        and not before.endswith("s")
    )


def _is_plain_form(place: Place, before: str, after: str) -> bool:
    if before in _PLURAL_SUBJECTS:
        return True
    if before in _SINGULAR_SUBJECTS:
        return place.before(2) in _MODALS | _HELPERS or (
            before in ("which", "that") and _is_plural(place.before(2))
        )
    if before in _OBJECTS:
        # most of us, let them
        return place.before(2) in _MODALS | _HELPERS | {"of"}
    if before == START:
        return _begins_object(after) or after in ("to", "against")
    if before in _CONJUNCTIONS:
        led = (place.at(offset) for offset in (-3, -4))
        return _begins_object(after) or any(
            word == "to" or word in _MODALS for word in led
        )
    if _is_adjective(before) and before not in ("all", "both", "many", "most"):
        return False
    if _begins_object(after) or _is_asked(place):
        return True
    goes_on = {"with", "from", "into", "against", "like"}
    return _is_plural(before) and (
        after in goes_on or after not in _PREPOSITIONS | {"that"}
    )


def _is_asked(place: Place) -> bool:
    """Whether a question or a helper stands before the subject of the word."""
    for offset in (-2, -3, -4):
        if place.at(offset) in _MODALS | _HELPERS:
            return True
        if place.at(offset) == START or place.at(offset) in _PREPOSITIONS:
            return False
    return False


def _has_stress(phonemes: Phonemes) -> bool:
    return any(phoneme[-1].isdigit() for phoneme in phonemes)


def _stressed_syllable(phonemes: Phonemes) -> int:
    """Return the number of the vowel with the main stress."""
    vowels = [phoneme for phoneme in phonemes if phoneme[-1].isdigit()]
    return next((n for n, vowel in enumerate(vowels) if vowel.endswith("1")), 0)


def _by_stress(place: Place, said: Phonemes) -> bool:
    """Record, the noun, has its stress on the first syllable."""
    return (_stressed_syllable(said) > 0) == is_verb(place)


def _by_last_vowel(place: Place, said: Phonemes) -> bool:
    """To separate has a full vowel at its end."""
    vowels = [phoneme for phoneme in said if phoneme[-1].isdigit()]
    return vowels[-1].startswith("EY") == is_verb(place)


def _by_voice(place: Place, said: Phonemes) -> bool:
    """To use ends with a voiced sound, the use does not."""
    body = said[:-2] if place.word.endswith("es") else said
    return (body[-1] == "Z") == is_verb(place)


def _is_close(place: Place, said: Phonemes) -> bool:
    is_end = place.before() == "the" and place.after == "of"
    return (said[-1] == "Z") == (is_end or is_verb(place))


def _is_content(place: Place, said: Phonemes) -> bool:
    """They are content with the content."""
    feels = _BE | _words(
        "feel feels felt seem seems seemed look looks looked remain remained "
        "stay quite perfectly very more"
    )
    is_pleased = place.before() in feels or (
        place.after in ("with", "to")
        and place.before() not in _DETERMINERS
        and not _is_adjective(place.before())
    )
    return (_stressed_syllable(said) > 0) == is_pleased


def _is_invalid(place: Place, said: Phonemes) -> bool:
    is_person = place.before() in _DETERMINERS and (
        place.after in _PREPOSITIONS | _BE | _HAVE | _MODALS | _CONJUNCTIONS
        or place.after in (START, "who")
    )
    return (_stressed_syllable(said) == 0) == is_person


def _is_refuse(place: Place, said: Phonemes) -> bool:
    """Rubbish, if it stands as a noun does."""
    is_rubbish = not is_verb(place) and (
        place.after != "to" or _is_determiner(place.before())
    )
    return (_stressed_syllable(said) == 0) == is_rubbish


def _reads_now(place: Place) -> bool:
    before, after = place.before(), place.after
    if before in _MODALS or before == "to":
        return True
    if before in _HAVE | _BE or before in ("having", "getting", "got", "well"):
        return False
    if place.before(2) in _HAVE:
        return False  # have you read
    if before in _DETERMINERS or _is_adjective(before):
        return True  # a good read
    if before == START:
        return after != "by"
    if place.before(2) in _MODALS | _HELPERS or place.before(3) in _MODALS:
        return True  # did he read
    if before in _CONJUNCTIONS:
        earlier = [place.at(offset) for offset in range(-5, -1)]
        if any(word in _HAVE or word.endswith("ed") for word in earlier):
            return False
        if any(word in _MODALS or word == "to" for word in earlier):
            return True
    if place.near(_PAST_SIGNS):
        return False
    if place.before(2) == "of" and before in _OBJECTS:
        return True  # most of us read
    if before in ("i", "you", "we", "they") or _is_plural(before):
        return not any(
            word.lower().endswith("ed") and len(word) > 4
            for word in place.words
        ) and (place.near(_PRESENT_SIGNS) or before == "you")
    return False  # she reads, she read


def _is_alive(place: Place) -> bool:
    """Live, the adjective."""
    before, after = place.before(), place.after
    shown = _words(
        "go goes going went broadcast perform performs performed performing "
        "play plays played playing stream streams streamed streaming air "
        "aired sing sings sang recorded appear appeared shown seen watch "
        "watched speaking reporting coming"
    )
    if before in shown or (before in _BE and after in ("from", "on", "at")):
        return True
    if before in _MODALS or before == "to":
        return False
    if before in _PLURAL_SUBJECTS:
        return False
    if _is_determiner(before) or before in _PREPOSITIONS | _BE:
        return True
    if _is_asked(place):
        return False
    if before == START or before in _CONJUNCTIONS or _is_adjective(before):
        return after not in _PREPOSITIONS and not _begins_object(after)
    return not (
        after in _PREPOSITIONS
        or after in _words("here there together alone longer happily nearby")
        or after in (START, "to")
    )


def _are_lives(place: Place) -> bool:
    """Lives, the noun."""
    before = place.before()
    if before in _DETERMINERS and before not in ("that", "which"):
        return True
    if before in _PREPOSITIONS or _is_adjective(before):
        return True
    if before in _words("save saves saved saving cost lose lost losing risk"):
        return True
    if place.after in _BE | _MODALS or before in _CONJUNCTIONS:
        return True
    return before.endswith("s") and before not in ("his", "always")


_METAL = _words(
    "pipe pipes paint paints poisoning poison pencil pencils battery batteries "
    "acid shot bullet bullets weight weights sheet sheets roof crystal ore "
    "mine mines exposure levels contamination dust free solder ions based "
    "apron foil soldiers"
)
_METALS = _words(
    "copper zinc tin mercury silver iron cadmium arsenic gold metal metals "
    "metallic molten toxic heavy melted"
)


def _is_metal(place: Place) -> bool:
    before, after = place.before(), place.after
    if before in _MODALS or before == "to":
        return False
    if after in _METAL or before in _METALS:
        return True
    if before in _CONJUNCTIONS and place.before(2) in _METALS:
        return True
    if after in _CONJUNCTIONS and place.at(2) in _METALS:
        return True
    of = _words("contain contains contained containing pounds tons ounces")
    return before in of or (
        before in ("of", "with", "as", "from")
        and place.before(2)
        in _words(
            "made piece pieces lump lumps tons traces lined amounts "
            "sheet sheets heavy level levels full bars block filled "
            "ounces pounds gold"
        )
    )


def _is_turned(place: Place) -> bool:
    """Wind, the verb, and wound, its past."""
    ways = _words("up down around round through back its along itself")
    if place.word == "wound":
        before = place.before()
        return place.after in ways and before not in _DETERMINERS
    if place.word == "winds":
        return place.after in ways and not place.before().endswith("s")
    if place.after in ("up", "down", "around") and (
        place.before() not in _DETERMINERS
    ):
        return True
    return is_verb(place)


_CRYING = _words(
    "eye eyes cheek cheeks cry cried crying wept weeping rolled fell sad joy "
    "face wiped shed sorrow grief sobbing"
)
_RIPPING = _words(
    "muscle ligament meniscus fabric cloth paper shirt jeans dress cuff page "
    "pages curtain sail wear tissue seam rotator"
)


def _is_crying(place: Place) -> bool:
    before, after = place.before(), place.after
    if after in _words(
        "gas duct ducts drop drops stained soaked jerker filled"
    ):
        return True
    if after in _words("up apart down off out open through away along it"):
        return place.near(_CRYING) and after in ("down", "through")
    if before in _RIPPING or place.before(2) == "wear":
        return False
    if place.word == "tears" and before == "to":
        return True
    if is_verb(place):
        return False
    if place.near(_RIPPING) and not place.near(_CRYING):
        return False
    return True


def _is_fish(place: Place) -> bool:
    signs = _words(
        "fish fishing fished caught catch catches lake river pond sea striped "
        "largemouth smallmouth grilled fried baked trout salmon hook hooked "
        "cook cooked eat ate angler anglers boat bait fillet swim swam water "
        "dinner pounds perch"
    )
    sounds = _words(
        "guitar player drum drums clarinet line sing sings sang singer music "
        "band song voice speaker speakers treble clef notes amplifier jazz "
        "plays play played tuba"
    )
    return place.near(signs) and not place.near(sounds)


def _is_bent(place: Place) -> bool:
    """Bow, of the body or of a ship."""
    knotted = _words(
        "arrow arrows violin cello viola fiddle tie ties ribbon ribbons hair "
        "string strings knot gift hunter hunters archer archery pink red blue "
        "silk wore wearing tied legged window shot shoot quiver package "
        "present cellist violinist rosin"
    )
    if place.near(_words("ship ships boat boats stern deck anchor sailor")):
        return True
    if place.before() in _MODALS or place.before() == "to":
        return True
    return not place.near(knotted)


def _is_pig(place: Place) -> bool:
    signs = _words("pig pigs piglet piglets boar pen farrowed litter mud")
    return place.near(signs) and not is_verb(place)


_TINY_BEFORE = _words("so very extremely incredibly too most such these")
_TINY_AFTER = _words(
    "amount amounts quantity quantities detail details particle particles "
    "trace traces fraction fractions difference differences change changes "
    "crack cracks inspection examination creatures organisms grains holes "
    "doses variations"
)


def _is_tiny(place: Place) -> bool:
    return place.at(-1) in _TINY_BEFORE - {"these", "such"} or (
        place.after in _TINY_AFTER
    )


def _has_plunged(place: Place) -> bool:
    ways = _words("into in off for under down deep head headfirst to from")
    return (
        place.after in ways
        and place.before() not in _DETERMINERS
        and not _is_adjective(place.before())
    )


def _is_from_poland(place: Place) -> bool:
    is_name = place.words[place.index][:1].isupper()
    if place.at(-1) == START:
        return is_name and not _begins_object(place.after)
    return is_name


def _is_of_the_bible(place: Place) -> bool:
    is_name = place.words[place.index][:1].isupper()
    return is_name and place.near(
        _words("book bible patience suffering god testament trials prophet")
    )


def _is_of_a_career(place: Place) -> bool:
    """Résumé, written without its accents."""
    return not is_verb(place) and (
        place.before() in _DETERMINERS
        or _is_adjective(place.before())
        or place.before() in ("and", "with", "of")
    )


def _is_several(place: Place) -> bool:
    """Of bases, those of a basis."""
    return place.near(
        _words("theoretical legal scientific basis philosophical")
    )


def _is_meal(place: Place) -> bool:
    return not is_verb(place) and not place.near(_words("winds waves storm"))


def _is_scholarly(place: Place) -> bool:
    """Learned and aged, said with one syllable more."""
    before, after = place.before(), place.after
    is_counted = after in _QUANTITIES or after[:1].isdigit()
    return (
        before in _DETERMINERS
        and before not in ("that", "which", "what", "this")
        and not is_counted
        and after not in _PREPOSITIONS | _CONJUNCTIONS
        and not _begins_object(after)
        and (
            place.word != "learned"
            or after
            in _words(
                "man men woman professor scholar scholars society societies "
                "judge journal journals colleague gentleman debate doctor"
            )
        )
    )


def _is_quarrel(place: Place) -> bool:
    signs = _words(
        "argument argued quarrel quarreled blazing furious shouting shouted "
        "angry bitter heated diplomatic"
    )
    is_about = place.after in ("over", "about", "between")
    return place.near(signs) or (
        is_about and _is_determiner(place.before()) and place.at(-2) != "in"
    )


def _are_deer(place: Place) -> bool:
    deer = _words("deer buck bucks stag stags fawn fawns antlers")
    before = place.before()
    return place.near(deer) and (
        _is_determiner(before)
        or _is_adjective(before)
        or before in _CONJUNCTIONS
        or before in _PREPOSITIONS
    )


def _is_seamstress(place: Place) -> bool:
    return place.near(
        _words(
            "needle thread stitch stitches fabric dress dresses quilt sewing"
        )
    )


def _enchants(place: Place) -> bool:
    return is_verb(place) and _begins_object(place.after)


def _is_accustomed(place: Place) -> bool:
    """They used to sing and are used to it; it is used to sing with."""
    if place.after != "to":
        return False
    if place.before() not in _BE:
        return True
    after = place.at(2)
    return after.endswith("ing") or _begins_object(after)


def _is_city(place: Place) -> bool:
    """Nice and Reading, within a sentence."""
    is_name = place.words[place.index][:1].isupper()
    return is_name and place.at(-1) != START


def _has(phoneme: str, means: Callable[[Place], bool]) -> "_Rule":
    """Say a word with the phoneme if, and only if, it means that."""
    return lambda place, said: (phoneme in said) == means(place)


_Rule = Callable[[Place, Phonemes], bool]


def _with_plurals(words: str) -> list[str]:
    return [form for word in words.split() for form in (word, f"{word}s")]


_RULES: dict[str, _Rule] = {
    **dict.fromkeys(
        _with_plurals(
            "abstract accent addict ally annex attribute combat combine "
            "compound compress conduct conflict console construct contest "
            "contract contrast converse convert convict decrease defect "
            "desert digest discharge discount escort exploit export extract ferment "
            "implant import imprint incense incline increase insert insult "
            "object perfect permit pervert present produce progress project "
            "protest rebel recall recap record refill refund regress reject "
            "rewrite segment subject survey suspect torment transfer "
            "transform transport update upset"
        ),
        _by_stress,
    ),
    **dict.fromkeys(
        _with_plurals(
            "advocate affiliate aggregate alternate animate appropriate "
            "approximate articulate associate confederate consummate "
            "coordinate correlate degenerate delegate deliberate desolate "
            "duplicate elaborate estimate expatriate graduate intimate "
            "moderate postulate predicate separate subordinate syndicate"
        ),
        _by_last_vowel,
    ),
    **dict.fromkeys(
        _with_plurals("use abuse excuse misuse diffuse"), _by_voice
    ),
    "aged": _has("IH0", _is_scholarly),
    "bases": _has("IY0", _is_several),
    "bass": _has("AE1", _is_fish),
    "blessed": _has("IH0", _is_scholarly),
    "bow": _has("AW1", _is_bent),
    "bows": _has("AW1", _is_bent),
    "buffet": _has("EY1", _is_meal),
    "close": _is_close,
    "content": _is_content,
    "does": _has("OW1", _are_deer),
    "dove": _has("OW1", _has_plunged),
    "entrance": _has("AE1", _enchants),
    "house": _by_voice,
    "invalid": _is_invalid,
    "job": _has("OW1", _is_of_the_bible),
    "lead": _has("EH1", _is_metal),
    "learned": _has("IH0", _is_scholarly),
    "live": _has("AY1", _is_alive),
    "lives": _has("AY1", _are_lives),
    "minute": _has("AY0", _is_tiny),
    "nice": _has("IY1", _is_city),
    "polish": _has("OW1", _is_from_poland),
    "putting": _has("AH1", lambda place: place.near(_words("golf golfer"))),
    "read": _has("IY1", _reads_now),
    "reading": _has("EH1", _is_city),
    "refuse": _is_refuse,
    "resume": _has("EY2", _is_of_a_career),
    "resumes": _has("EY2", _is_of_a_career),
    "row": _has("AW1", _is_quarrel),
    "sewer": _has("OW1", _is_seamstress),
    "sow": _has("AW1", _is_pig),
    "tear": _has("IH1", _is_crying),
    "tears": _has("IH1", _is_crying),
    "used": _has("S", _is_accustomed),
    "wind": _has("AY1", _is_turned),
    "winds": _has("AY1", _is_turned),
    "wound": _has("AW1", _is_turned),
}

_MORE = {
    word: tuple(phonemes.split())
    for word, phonemes in {
        "blessed": "B L EH1 S IH0 D",
        "does": "D OW1 Z",
        "entrance": "EH0 N T R AE1 N S",
        "export": "IH0 K S P AO1 R T",
        "exports": "IH0 K S P AO1 R T S",
        "house": "HH AW1 Z",
        "row": "R AW1",
        "sewer": "S OW1 ER0",
        "used": "Y UW1 S T",
    }.items()
}
"""What CMUdict lacks."""

HOMOGRAPHS = frozenset(_RULES)
"""The words that are said in several ways, in lower case."""


def choose(place: Place, pronunciations: Sequence[Phonemes]) -> Phonemes:
    """Choose how a word is said.

    Arguments
    ---------
    place : Place
        The word in its sentence.
    pronunciations : sequence of sequence of str
        In ARPAbet with stress, those of the lexicon.

    Returns
    -------
    phonemes : sequence of str
        One of them, or one that CMUdict lacks; the first where there is
        nothing to choose.

    Example
    -------
    >>> read = [["R", "EH1", "D"], ["R", "IY1", "D"]]
    >>> choose(Place("I will read it".split(), 2), read)
    ['R', 'IY1', 'D']
    >>> choose(Place("I have read it".split(), 2), read)
    ['R', 'EH1', 'D']
    """
    rule = _RULES.get(place.word)
    if rule is not None and all(map(_has_stress, pronunciations)):
        more = [_MORE[place.word]] if place.word in _MORE else []
        for phonemes in [*pronunciations, *more]:
            if rule(place, phonemes):
                return phonemes
    return pronunciations[0]
