"""A language whose letters are said one by one."""

LETTERS = {"a": "AH0", "b": "B", "k": "K", "t": "T", "o": "OW1", "x": "K S"}
# all words of four letters but some
UNSEEN = range(216, 1296, 27)
SEEN = sorted({*range(216, 1296)} - {*UNSEEN})[::2]


def spell(number):
    """An invented word, and how it is said."""
    letters = []
    while number or not letters:
        number, rest = divmod(number, len(LETTERS))
        letters.append("abktox"[rest])
    word = "".join(letters)
    return word, " ".join(LETTERS[letter] for letter in word)


def write_dictionary(folder, extra=()):
    """Write the seen words in the layout of the official CMUdict."""
    lines = [" ".join(spell(number)) for number in SEEN]
    lines += [f"{spell(SEEN[0])[0]}(2) AH0 AH0", *extra]
    folder.mkdir(exist_ok=True)
    (folder / "cmudict.dict").write_text("\n".join(sorted(lines)) + "\n")
    return folder


def write_shared_task(folder, test):
    """Two languages in the shared task's layout: 200 words, and 140."""
    for size, language, last_seen in (
        ("high", "one", 700),
        ("low", "two", 580),
    ):
        (folder / size).mkdir(parents=True)
        for split, first, last in (
            ("train", 300, last_seen),
            ("dev", 700, 760),
        ):
            lines = [
                "\t".join(spell(number)) for number in range(first, last, 2)
            ]
            if split == "dev":
                lines.append("жук\tB")  # letters that training lacks
            path = folder / size / f"{language}_{split}.tsv"
            path.write_text("\n".join(lines) + "\n")
            if test and split == "dev":
                path.rename(folder / size / f"{language}_test.tsv")
                path.write_text("xx\tK S K S\n")
