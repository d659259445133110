"""eSpeak NG: tokens, their timing, and the same samples every time."""

import ast
import itertools
import multiprocessing
import threading
import unicodedata
from collections import defaultdict

import numpy as np
import pytest

from sb_sma.data.espeak import voice as espeak
from sb_sma.data.espeak.library import _give_time, _Heard
from sb_sma.data.espeak.voice import (
    END,
    END_SECONDS,
    PAUSE,
    PAUSE_SECONDS,
    VoiceSettings,
    is_speakable,
    phonemize,
    speak,
)

PARAGRAPH = (
    "On Monday, twelve sailors waited (patiently) for the ferry; none came. "
    'Why? "The wind," said Agnes, "is as strong as ever..." Then - at 4:15 - '
    "a horn was heard: one, two, three times!\nEverybody cheered. "
) * 3

TEXTS = [
    pytest.param("I", id="one letter"),
    pytest.param("7", id="one digit"),
    pytest.param("4 7 1 9, 1984, 3.14 and 100 %", id="digits"),
    pytest.param("B B C, A 7 X 2", id="letters"),
    pytest.param("no no no no", id="repeated"),
    pytest.param('"Wait"--he said---(no!)… [sic] {x} <y> *z*', id="marks"),
    pytest.param("One line.\n\nAnother one?\r\n\tAnd a third", id="newlines"),
    pytest.param("\x00hi\x01there\x7f", id="control characters"),
    pytest.param("smile 😀 please", id="emoji inside"),
    pytest.param("naïve façade, 北京, Привет", id="other alphabets"),
    pytest.param("the bottle will allow a little apple", id="merged events"),
    pytest.param(PARAGRAPH, id="paragraph"),
]


def spans(speech):
    """Gives each token with its samples as floats."""
    samples = speech.samples / 2**15
    ends = [*speech.starts[1:], len(samples)]
    return [
        (token, samples[start:end])
        for token, start, end in zip(speech.tokens, speech.starts, ends)
    ]


@pytest.mark.parametrize("text", TEXTS)
def test_tokens_divide_the_audio(text):
    speech = speak(text)
    assert speech.samples.dtype == np.int16
    assert speech.sample_rate == 22050
    assert len(speech.tokens) == len(speech.starts)
    assert speech.starts[0] == 0
    assert all(np.diff(speech.starts) > 0)
    assert speech.starts[-1] < len(speech.samples)
    assert speech.tokens[-1] == END
    assert END not in speech.tokens[:-1]
    assert speech.tokens[-2] != PAUSE


@pytest.mark.parametrize("text", TEXTS)
def test_a_pause_has_as_many_tokens_as_tenths_of_a_second(text):
    speech = speak(text)
    for token, group in itertools.groupby(
        zip(speech.tokens, spans(speech)),
        key=lambda pair: pair[0],
    ):
        if token != PAUSE:
            continue
        lengths = [len(samples) for _, (_, samples) in group]
        seconds = sum(lengths) / speech.sample_rate
        assert len(lengths) == max(1, round(seconds / PAUSE_SECONDS))
        assert max(lengths) - min(lengths) <= 1


@pytest.mark.parametrize("text", TEXTS)
def test_symbols_are_complete_ipa(text):
    for token in set(phonemize(text)) - {PAUSE, END}:
        assert "\ufffd" not in token
        assert "(" not in token
        assert token.strip("ˈˌː") != ""


def test_phonemes_are_those_of_the_text():
    # ˈɔːɹ fills all eight bytes that eSpeak has for a name
    tokens = "f ˈɔːɹ <pause> <pause> ð ə d ˈɑː ɡ <end>".split()
    assert phonemize("Four: the dog.") == tokens
    assert phonemize("4: the dog.") == tokens
    assert list(speak("Four: the dog.").tokens) == tokens


@pytest.mark.parametrize(
    ("without", "with_l"), [("see", "seal"), ("go", "goal"), ("aw", "all")]
)
def test_words_that_differ_in_an_l_differ_in_tokens(without, with_l):
    *tokens, end = phonemize(without)
    assert phonemize(with_l) == [*tokens, "l", end]


def test_a_sound_within_another_shares_its_time():
    utterance = speak("A seal.")
    assert utterance.tokens == ("ɐ", "s", "ˈiː", "l", "<end>")
    starts = utterance.starts
    _, _, vowel, l_start, end = starts
    assert abs((l_start - vowel) - (end - l_start)) <= 1
    assert all(a < b for a, b in itertools.pairwise(starts))


def test_a_sound_within_the_next_one_shares_its_time():
    utterance = speak("đi", VoiceSettings(voice="vi"))
    assert utterance.tokens == ("ɗ", "ˈi", "<end>")
    first, vowel, end = utterance.starts
    assert first == 0 < vowel < end


@pytest.mark.parametrize(
    ("names", "starts", "shared"),
    [
        ("a l", [0, 60], [0, 30]),
        ("a l l b", [0, 45, 45, 45], [0, 15, 30, 45]),
        ("d a", [0, 0], [0, 30]),
        ("d a l", [0, 0, 60], [0, 20, 40]),
        ("a  d b", [0, 20, 30, 30], [0, 20, 30, 45]),
        ("a  l b", [0, 30, 30, 30], [0, 30, 30, 45]),
        ("a  l", [0, 30, 60], [0, 30, 60]),
        ("l l", [60, 60], [60, 60]),
        ("a b", [0, 30], [0, 30]),
        (" l ", [0, 60, 60], [0, 60, 60]),
    ],
)
def test_sounds_of_no_length_share(names, starts, shared):
    events = [
        _Heard(start, 0, name.encode())
        for name, start in zip(names.split(" "), starts)
    ]
    timed = _give_time(events, 60)
    assert [event.sample for event in timed] == shared
    assert [event.name for event in timed] == [event.name for event in events]


def test_alignment_matches_the_energy_of_the_audio():
    speech = speak(PARAGRAPH)
    loudness = {True: [], False: []}
    for token, samples in spans(speech):
        if token in (PAUSE, END):
            # the very first and last samples of a pause, too
            assert np.abs(samples).max() < 1e-3
        elif "ˈ" in token:
            loudness[True].append(np.sqrt(np.mean(samples**2)))
        elif token in ("p", "t", "k", "f", "θ", "h"):
            loudness[False].append(np.sqrt(np.mean(samples**2)))
    assert len(loudness[True]) > 50
    assert min(loudness[True]) > 0.01
    # stressed vowels are much louder than voiceless consonants
    assert np.median(loudness[True]) > 3 * np.median(loudness[False])


@pytest.mark.parametrize("mark", ["", ".", "?", "!", '."', "...", ",", ":"])
def test_end_has_one_length_and_is_silent(mark):
    token, silence = spans(speak("Hello there" + mark))[-1]
    assert token == END
    assert len(silence) == round(END_SECONDS * 22050)
    assert not silence.any()


def test_phonemes_do_not_depend_on_the_final_mark_being_there():
    assert phonemize("Hello there") == phonemize("Hello there.")


def hash_of_speech(text, queue):
    queue.put(speak(text).samples.tobytes())


def test_same_text_gives_same_samples_after_other_texts():
    first = speak(PARAGRAPH)
    for text in ("Other words.", "Why not?", "5 6 7", "a"):
        speak(text, VoiceSettings(voice="en+f2", rate=300, pitch=80))
    with pytest.raises(ValueError):
        speak("lost", VoiceSettings(voice="xx-none"))
    again = speak(PARAGRAPH)
    np.testing.assert_array_equal(again.samples, first.samples)
    assert again.tokens == first.tokens
    assert again.starts == first.starts


def test_threads_give_the_same_samples():
    expected = {text: speak(text).samples for text in ("one two", "three, 4")}
    results = []

    def work(text):
        for _ in range(5):
            results.append((text, speak(text).samples))

    threads = [threading.Thread(target=work, args=(t,)) for t in expected]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 10
    for text, samples in results:
        np.testing.assert_array_equal(samples, expected[text])


# the torch of other tests runs threads in the parent; the child only speaks
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_child_speaks_after_a_fork_in_the_middle_of_speech():
    context = multiprocessing.get_context("fork")
    expected = speak("a child speaks").samples.tobytes()
    stop = threading.Event()

    def chatter():
        while not stop.is_set():
            speak(PARAGRAPH)

    thread = threading.Thread(target=chatter)
    thread.start()
    try:
        for _ in range(5):
            queue = context.Queue()
            child = context.Process(
                target=hash_of_speech, args=("a child speaks", queue)
            )
            child.start()
            assert queue.get(timeout=20) == expected
            child.join(timeout=20)
            assert child.exitcode == 0
    finally:
        stop.set()
        thread.join()


def test_rate_is_ground_truth_of_speed():
    slow, fast = (
        len(speak(PARAGRAPH, VoiceSettings(rate=rate)).samples)
        for rate in (120, 240)
    )
    assert 1.6 < slow / fast < 2.4


def test_pitch_is_ground_truth_of_fundamental_frequency():
    def frequency(pitch):
        settings = VoiceSettings(pitch=pitch, pitch_range=0)
        vowel = dict(spans(speak("father", settings)))["ˈɑː"]
        correlation = np.correlate(vowel, vowel, "full")[len(vowel) :]
        low, high = 22050 // 400, 22050 // 50
        return 22050 / (low + 1 + np.argmax(correlation[low:high]))

    assert frequency(20) < 0.8 * frequency(50) < 0.7 * frequency(90)


@pytest.mark.parametrize(
    "changed",
    [{"pitch": 70}, {"pitch_range": 90}, {"voice": "en-us+f3"}],
    ids=str,
)
def test_every_setting_changes_the_samples(changed):
    plain = speak("a plain sentence")
    other = speak("a plain sentence", VoiceSettings(**changed))
    assert not np.array_equal(plain.samples, other.samples)


@pytest.mark.parametrize(
    "text",
    ["", "   ", "\n", "... !", "😀", "“”—", "\x00", "&", "ˈ", "ʰ", "\u3164"],
    ids=repr,
)
def test_text_without_letter_or_digit_is_an_error(text):
    assert not is_speakable(text)
    with pytest.raises(ValueError, match="at least one letter or digit") as e:
        speak(text)
    assert repr(text) in str(e.value)
    assert "Leave this utterance out" in str(e.value)


@pytest.mark.parametrize("text", ["㍻", "㌔", "㈱", "①", "½", "ー々あ"])
def test_what_is_read_as_letters_is_speakable(text):
    assert is_speakable(text)


@pytest.mark.parametrize("voice", ["xx-none", "en-us+none", "none+f3", "+f3"])
def test_unknown_voice_is_an_error_that_names_it(voice):
    with pytest.raises(
        ValueError, match="voice must be a voice of eSpeak"
    ) as e:
        speak("hello", VoiceSettings(voice=voice))
    assert repr(voice) in str(e.value)


@pytest.mark.parametrize(
    "name, value",
    [
        ("rate", 79),
        ("rate", 451),
        ("rate", 175.5),
        ("pitch", -1),
        ("pitch", 100),
        ("pitch_range", "50"),
    ],
)
def test_setting_out_of_bounds_is_an_error(name, value):
    with pytest.raises(ValueError, match=f"{name} must be an integer from"):
        VoiceSettings(**{name: value})


def say_events(monkeypatch, events, count=10_000):
    """Speaks as if eSpeak had given these events."""
    samples = np.arange(count).astype(np.int16)
    monkeypatch.setattr(
        espeak, "synthesize", lambda *_: (samples, events, 22050)
    )
    return speak("words")


@pytest.mark.parametrize(
    "events, tokens, starts",
    [
        pytest.param(
            [(0, b"a"), (100, b"l"), (100, b"b"), (200, b"")],
            ("a", "b", END),
            (0, 100, 200),
            id="no length",
        ),
        pytest.param(
            [(0, b"a"), (90, b""), (100, b"r"), (100, b""), (200, b"b")],
            ("a", PAUSE, "b", END),
            (0, 90, 200, 10_000),
            id="pauses joined across no length",
        ),
        pytest.param(
            [(0, b"a"), (100, b""), (5_612, b"b"), (6_000, b"")],
            ("a", PAUSE, PAUSE, "b", END),
            (0, 100, 2856, 5_612, 6_000),
            id="a quarter of a second is two pauses",
        ),
        pytest.param(
            [(264, b"f"), (900, b"")],
            ("f", END),
            (0, 900),
            id="first start is 0",
        ),
        pytest.param(
            [(0, b""), (100, b"a"), (200, b""), (300, b"")],
            (PAUSE, "a", END),
            (0, 100, 200),
            id="trailing pauses are the end",
        ),
        pytest.param(
            [(0, b"(de)\xc3\xa7"), (100, b"a(en)"), (200, b"(fr"), (300, b"")],
            ("ç", "a", END),
            (0, 100, 200),
            id="language markers",
        ),
        pytest.param(
            [(0, b"\xcb\x88\xc9\x94\xcb\x90\xc9\xb9"), (10, b"aaaaaaa\xc9")],
            ("ˈɔːɹ", "aaaaaaa", END),
            (0, 10, 10_000),
            id="eight bytes, cut inside a letter",
        ),
        pytest.param(
            [(0, b"a"), (50, b"\xcb\x88"), (60, b"b")],
            ("a", PAUSE, "b", END),
            (0, 50, 60, 10_000),
            id="a stress mark alone is no phoneme",
        ),
    ],
)
def test_events_become_tokens(monkeypatch, events, tokens, starts):
    speech = say_events(monkeypatch, events)
    assert speech.tokens == tokens
    assert speech.starts == starts
    length = starts[-1] + round(END_SECONDS * 22050)
    assert len(speech.samples) == length


def test_trailing_silence_keeps_eSpeaks_samples_and_adds_zeros(monkeypatch):
    speech = say_events(monkeypatch, [(0, b"a"), (9_000, b"")])
    np.testing.assert_array_equal(speech.samples[:10_000], np.arange(10_000))
    assert len(speech.samples) == 9_000 + round(END_SECONDS * 22050)
    assert not speech.samples[10_000:].any()


@pytest.mark.parametrize("events", [[], [(0, b""), (100, b"")]], ids=str)
def test_voice_that_finds_no_phoneme_is_an_error(monkeypatch, events):
    with pytest.raises(ValueError, match="found no phoneme in 'words'"):
        say_events(monkeypatch, events)


NATIVE = {
    "en-us": "a café, naïve Zoë",
    "de": "Müller aß Äpfel",
    "fr": "ça, une forêt, où",
    "es": "el niño comió",
    "pt": "não, coração",
    "pl": "żółć, gęś",
    "cs": "příliš žluťoučký kůň",
    "tr": "İstanbul, güneş",
    "vi": "tiếng Việt",
    "el": "καλημέρα ϊ",
    "ru": "йод, ёлка",
    "ko": "안녕하세요",
    "ja": "がぎ",
}


@pytest.mark.parametrize("voice, text", NATIVE.items(), ids=NATIVE)
def test_decomposed_letters_sound_as_composed_ones(voice, text):
    settings = VoiceSettings(voice)
    decomposed = unicodedata.normalize("NFD", text)
    assert decomposed != text
    composed = speak(text, settings)
    assert speak(decomposed, settings).tokens == composed.tokens
    np.testing.assert_array_equal(
        speak(decomposed, settings).samples, composed.samples
    )


@pytest.mark.parametrize(
    "voice, written, plain",
    [
        ("en-us", "３ cats, 10２ dogs, ٣ cows", "3 cats, 102 dogs, 3 cows"),
        ("en-us", "５０％ off", "50% off"),
        ("en-us", "an oﬃce, Ｏ．Ｋ．", "an office, O．K．"),
        ("en-us", "don’t", "don't"),
        ("en-us", "donʼt", "don't"),
        (
            "en-us",
            "good\u200bness, car\u200epet \ufeffyou",
            "goodness, carpet you",
        ),
        ("de", "10\u00a0000 Euro", "10000 Euro"),
        ("ar", "٣٫٥", "3.5"),
        ("ar", "ﺍﻟﺴﻼﻡ", "السلام"),
        ("hi", "१९८४", "1984"),
        ("ja", "３", "3"),
        # 12 is English to this voice
        ("ne", "12", "१२"),
        ("ne+f2", "１２", "१२"),
    ],
)
def test_other_characters_sound_as_plain_ones(voice, written, plain):
    settings = VoiceSettings(voice)
    assert phonemize(written, settings) == phonemize(plain, settings)


def test_points_without_spaces_still_end_clauses():
    settings = VoiceSettings("cmn")
    pauses = phonemize("你好！世界，好", settings).count(PAUSE)
    assert pauses > phonemize("你好世界好", settings).count(PAUSE) + 2


@pytest.mark.parametrize(
    "voice, text, lost",
    [
        ("en-us", "a ⌘ b ✓ c ⌘", ["'⌘'", "'✓'"]),
        ("en-us", "x \ue000 \ud800", ["'\\ue000'", "'\\ud800'"]),
        ("en-us", "北京 あ", ["'北'", "'京'", "'あ'"]),
        ("de", "Tom * Eva ‰", ["'*'", "'‰'"]),
        ("ja", "日本のラーメン", ["'日'", "'本'"]),
        ("ar", "٥٠%", ["'%'"]),
    ],
)
def test_what_a_voice_cannot_read_is_told_once(
    voice, text, lost, caplog, monkeypatch
):
    monkeypatch.setattr(espeak, "_warned", defaultdict(set))
    speak(text, VoiceSettings(voice))
    (record,) = caplog.records
    message = record.getMessage()
    assert message.startswith(f"The voice {voice} of eSpeak NG has no sound")
    named = message.partition(" for ")[2].partition(". Write")[0]
    assert named == ", ".join(sorted(lost, key=ast.literal_eval))
    speak(text, VoiceSettings(voice))
    assert len(caplog.records) == 1


@pytest.mark.parametrize(
    "voice, text, spelled",
    [
        ("en-us", "He said: Привет, мир—Привет!", ["'Привет'", "'мир'"]),
        ("de", "Und мир", ["'мир'"]),
        ("en-us", "γειά σου", ["'γειά'", "'σου'"]),
        ("pl", "مَرحبا", ["'مَرحبا'"]),
        ("en-us", "(שלום)", ["'שלום'"]),
    ],
)
def test_words_of_another_script_are_told_once(
    voice, text, spelled, caplog, monkeypatch
):
    monkeypatch.setattr(espeak, "_warned", defaultdict(set))
    speak(text, VoiceSettings(voice))
    (record,) = caplog.records
    message = record.getMessage()
    told = f"of eSpeak NG spells {', '.join(spelled)} letter by letter"
    assert message.startswith(f"The voice {voice} {told}")
    speak(text, VoiceSettings(voice))
    assert len(caplog.records) == 1


@pytest.mark.parametrize(
    "voice, text",
    [
        ("en-us", PARAGRAPH),
        ("en-us", "café, Straße, Zoë, Łódź, ñ, and π r², or ΔG of Ω"),
        ("de", "Łódź, naïve, El Niño, α und β"),
        ("el", "γειά σου"),
        ("uk", "Привіт"),
        ("be", "прывітанне"),
        ("ug", "ياخشىمۇسىز"),
        ("sr", "здраво"),
        ("kk", "Сәлем"),
        ("fa", "سلام دنیا"),
        ("he", "שלום"),
        ("am", "ሰላም"),
        ("en-us", "“Ça va?” – isn’t it… (naïve) [a]; ½ × 3 ± 2, 5 % & ☂ №"),
        ("ru", "«Ёлка» – это объём, подъезд"),
        ("hi", "हिन्दी में ३ क्‍ष"),
        ("ar", "السلام عليكم، نعم؟"),
        ("th", "สวัสดีครับ"),
        ("cmn", "你好，世界！"),
        ("ja", "ラーメン、がぎ。"),
        ("ko", "안녕하세요."),
    ],
)
def test_what_is_read_is_no_news(voice, text, caplog):
    speak(text, VoiceSettings(voice))
    assert caplog.records == []


@pytest.mark.parametrize(
    "voice",
    [
        "en+" + "b" * 200,
        "b" * 200,
        "en+../../../etc/passwd",
        "../" * 12 + "etc/passwd",
        "/etc/passwd",
        "en\0us",
        "en-us+",
        "",
    ],
)
def test_a_voice_is_a_name_and_no_path(voice):
    with pytest.raises(ValueError, match="voice must be a voice of eSpeak NG"):
        speak("No.", VoiceSettings(voice=voice))


@pytest.mark.parametrize("voice", ["gmw/en-US", "English (America)", "de"])
def test_a_voice_has_many_names(voice):
    assert len(speak("No.", VoiceSettings(voice=voice)).samples)
