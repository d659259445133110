"""English that eSpeak NG reads wrong is put into words, and nothing else."""

import csv
import re

import pytest

from sb_sma.data.espeak.voice import END, PAUSE, phonemize
from sb_sma.data.notation import strip_stress
from sb_sma.data.text.english.write_out import write_out

# what is written, and how it is said
SAID = {
    # money
    "$5.50": "five dollars fifty cents",
    "$1": "one dollar",
    "$0.99": "ninety nine cents",
    "$.01": "one cent",
    "$1,234.56": "1,234 dollars fifty six cents",
    "$1.5 million": "1.5 million dollars",
    "$3bn": "three billion dollars",
    "$20k": "twenty thousand dollars",
    "-$5": "minus five dollars",
    "$5-$10": "five to ten dollars",
    "$5–10": "five to ten dollars",
    "a $20 bill": "a twenty dollar bill",
    "$3/day": "three dollars per day",
    "US$5": "five U.S. dollars",
    "US$5-10": "five to ten U.S. dollars",
    "£3.99": "three pounds ninety nine pence",
    "€1,50": "one euro fifty cents",
    "¥500": "five hundred yen",
    "5$": "five dollars",
    "1 €": "one euro",
    "$-5": "minus five dollars",
    "$5 million dollars": "five million dollars",
    "$1 million dollar question": "one million dollar question",
    "a $20 million deal": "a twenty million dollar deal",
    "a $5.50 lunch": "a five dollar fifty cent lunch",
    "₹1,00,000": "1,00,000 rupees",
    "₹5 lakh": "five lakh rupees",
    "S$5": "five Singapore dollars",
    # dates and times
    "12/25/2020": "December twenty fifth, 2020",
    "25/12/2020": "December twenty fifth, 2020",
    "2020-12-25": "December twenty fifth, 2020",
    "25.12.2020": "December twenty fifth, 2020",
    "3/4/1999": "March fourth, nineteen ninety nine",
    "12/25/05": "December twenty fifth, oh five",
    "on 12/25": "on December twenty fifth",
    "Dec. 25, 2020": "December twenty five, 2020",
    "25 Dec. 2020": "twenty five December 2020",
    "by 25 Dec we left": "by twenty five December we left",
    "Sept. 5": "September five",
    "10:00": "ten o'clock",
    "5:00 p.m.": "five p.m.",
    "10:05": "ten oh five",
    "5:00 o'clock": "five o'clock",
    # years, decades, ranges
    "in 1984": "in nineteen eighty four",
    "May 5, 1805": "May five, eighteen oh five",
    "to 1844 not": "to eighteen forty four not",
    "since 1800": "since eighteen hundred",
    "the 1984 novel": "the nineteen eighty four novel",
    "1990s": "nineteen nineties",
    "the 1800s": "the eighteen hundreds",
    "the 2010's": "the twenty tens",
    "1914–1918": "nineteen fourteen to nineteen eighteen",
    "1998-99": "nineteen ninety eight to ninety nine",
    "10-20%": "ten to twenty %",
    "won 3-2": "won three to two",
    "call 555-1234": "call five five five, one two three four",
    # fractions
    "1/2": "one half",
    "3/4 cup": "three quarters cup",
    "2 1/2": "two and a half",
    "2½": "two and a half",
    "⅝ inch": "five eighths inch",
    "9/11": "9 11",
    # Roman numerals
    "Henry VIII": "Henry the eighth",
    "Louis XIV's": "Louis the fourteenth's",
    "Charles I of England": "Charles the first of England",
    "King Harald V": "King Harald the fifth",
    "the XIX century": "the nineteenth century",
    "World War II": "World War two",
    "Chapter IV": "Chapter four",
    "Rocky III": "Rocky three",
    "in Rocky IV": "in Rocky four",
    "Chapter V. The storm": "Chapter five. The storm",
    "Chapter I. It": "Chapter 1. It",
    "Type I error": "Type one error",
    "Phase I trial": "Phase one trial",
    "CHAPTER IV": "CHAPTER four",
    "HENRY VIII": "HENRY the eighth",
    "part II": "part two",
    "Super Bowl LIV": "Super Bowl fifty four",
    "Chapter XL": "Chapter forty",
    "Volume XL": "Volume forty",
    "Henry Ford II": "Henry Ford the second",
    "John Paul II": "John Paul the second",
    "Haakon VII": "Haakon the seventh",
    "Mary I of England": "Mary the first of England",
    "Harald V": "Harald the fifth",
    # abbreviations
    "cats vs. dogs": "cats versus dogs",
    "Ms. Jones": "Miz Jones",
    "in 2 Gen. Lee": "in 2 General Lee",
    "Gen. Lee": "General Lee",
    "Elm St.": "Elm Street.",
    "on Elm St., here": "on Elm Street, here",
    "Sunset Blvd.": "Sunset Boulevard.",
    "No. 5": "number five",
    "pp. 5-6": "pages five to six",
    "Ford Co.": "Ford Company.",
    "Davis, Jr., said": "Davis, Junior, said",
    "c. 1850": "circa eighteen fifty",
    "tea w/o milk": "tea without milk",
    "tea w/ milk": "tea with milk",
    "King St. Station": "King Street Station",
    "3rd St. NW": "3rd Street NW",
    "the Wall St. Journal": "the Wall Street Journal",
    # units and signs
    "5 km": "five kilometers",
    "1 kg": "one kilogram",
    "a 5-km run": "a five kilometer run",
    "20 m²": "twenty square meters",
    "100 km/h": "one hundred kilometers per hour",
    "6'2\"": "six feet two inches",
    "10 ft. tall": "ten feet tall",
    "10²": "ten squared",
    "#1": "number 1",
    "3 x 5": "three by five",
    "5 x 3 = 15": "five times three = fifteen",
    "5 m/s²": "five meters per second squared",
    "10^-3": "ten to the power of minus three",
    "10^−3": "ten to the power of minus three",
    "x^10": "x to the power of ten",
    "x < 5": "x is less than five",
    "–5 °C": "minus five °C",
}


@pytest.mark.parametrize("text, said", SAID.items(), ids=ascii)
def test_what_is_written_sounds_as_it_is_said(text, said):
    assert phonemize(write_out(text)) == phonemize(said)
    assert phonemize(text) != phonemize(said)
    # once more leaves it as it is
    assert write_out(write_out(text)) == write_out(text)


@pytest.mark.parametrize(
    "text",
    [
        "Dr. Smith has 3 cats, 50% of them since 2:30 p.m.",
        "the 1st, 2nd and 21st of May, the '90s, 80s and 2000s",
        "1,234,567 and 3.14 and 0.5 and 007 and 800 in 2020",
        "December 25, 2020 at 10:30 a.m.; July 4th",
        "I am MIX, XL and mild. So Henry I went. The IV drip. I, V, X",
        "John V. Lindsay, John I. Smith and Malcolm X",
        "1308 prisoners, 1-2-3, 747-400, 3:2, 1.2.3, 192.168.0.1",
        "St. John, Mr. and Mrs. Jones, etc., e.g. the U.S. and B.C.",
        "20°C, AT&T, a/b, and/or, @home, C++, MP3, H2O, B-52, 4K, COVID-19",
        "K 9, X 22, L L 7, 8 L 5",
        "Hello Dr, any left? No. 5 of them, yes Dr. Smith",
        "$ $x ½ ¼ ¾ 5¢ 11/0 10/10",
        "It costs $20s, €1.234,56, R$5, £5.99p or $.5",
        "50-50 chance, 20-20 vision, 5-3 = 2, 5–3 = 2, 10-15 equals",
        "Start IV now. Get IV fluids. Need IV? Open VI. Use VI to edit",
        "Chromosome XX. Movie XXX. Type XL. Level XL. In this Chapter I show it",
        "2020-01-02T10:00, 00:00 and a ratio of 3:02",
        "40°26'46\", 0x10, 0x1F, 6 Ft. Tall Man, Col. A, Rev. B",
        "Ask Dr. if. Call Dr. to",
        "1234 different birds, +1 555 555 1234, Version 10.5.2020",
        "",
    ],
)
def test_what_sounds_right_stays(text):
    assert write_out(text) == text


@pytest.mark.parametrize("day_first", [False, True])
@pytest.mark.parametrize(
    "text, said",
    [
        ("The lights are on 24/7.", "The lights are on 24 7."),
        ("based on 1/3 of all", "based on one third of all"),
        ("depends on 3/4 of them", "depends on 3 quarters of them"),
        ("relies on 2/3 majority", "relies on 2 thirds majority"),
        (
            "on 1/2 a tank, on 1/16 of it",
            "on one half a tank, on one sixteenth of it",
        ),
        ("It costs $5 — 3 times more", "It costs 5 dollars — 3 times more"),
        ("$5 - 3 is $2", "5 dollars - 3 is 2 dollars"),
        ("cats vs", "cats versus"),
    ],
)
def test_what_is_no_date_and_no_range(text, said, day_first):
    assert write_out(text, day_first) == said


def test_the_day_comes_first_outside_of_america():
    assert write_out("3/4/2020") == "March fourth, 2020"
    assert write_out("3/4/2020", True) == "the third of April 2020"
    assert write_out("12/25/2020", True) == (
        "the twenty fifth of December 2020"
    )
    assert write_out("13/13/2020", True) == "13/13/2020"


def sounds(text):
    """Phonemes without stress and pauses."""
    return [
        phoneme
        for phoneme in strip_stress(phonemize(text))
        if phoneme not in (PAUSE, END)
    ]


def distance(first, second):
    """Phonemes to insert, leave out or change."""
    row = list(range(len(second) + 1))
    for i, one in enumerate(first, start=1):
        before, row[0] = row[0], i
        for j, other in enumerate(second, start=1):
            before, row[j] = (
                row[j],
                min(row[j] + 1, row[j - 1] + 1, before + (one != other)),
            )
    return row[-1]


def test_real_texts_sound_as_their_readers_say_them(shared):
    with open(
        shared / "data" / "ljspeech-transcripts.csv", encoding="utf-8"
    ) as file:
        rows = csv.reader(file, delimiter="|", quoting=csv.QUOTE_NONE)
        pairs = [(text, said) for _, text, said in rows]
    unlike = [(text, said) for text, said in pairs if text != said][::25]
    n_phonemes = sum(len(sounds(said)) for _, said in unlike)
    before, after = (
        sum(distance(sounds(read(text)), sounds(said)) for text, said in unlike)
        for read in (str, write_out)
    )
    assert before > 0.07 * n_phonemes
    assert after < 0.02 * n_phonemes
    # what is said as it is written stays, abbreviations aside
    changed = [
        text for text, said in pairs if text == said and write_out(text) != text
    ]
    assert len(changed) < 100
    assert all(re.search(r"\b[A-Z][a-z]*\.", text) for text in changed)
