"""``sb-sma demo`` as a browser shows it: typed, clicked, heard and seen."""

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile

from sb_sma.demo.speech import Manner, Voice
from sb_sma.inference import TTS
from tests.integration.conftest import TIMEOUT
from tests.unittests.conftest import export_small_model

pytestmark = pytest.mark.integration

TEXT = "Two words: three words; four words. A short one, I say."
NAME = "<img src=x onerror=hacked()>"
SPEAKERS = ["anna", "</script><script>hacked()</script>"]
# tells of every address outside of this machine that is asked for
WATCHED = """
import ipaddress, sys

def watch(event, arguments):
    if event == "socket.getaddrinfo":
        host = arguments[0]
    elif event == "socket.connect" and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    else:
        return
    if host not in (None, "", "localhost", "127.0.0.1", "0.0.0.0", "::1"):
        print("OUTSIDE", host, flush=True)

sys.addaudithook(watch)
from sb_sma.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def folders(repository, tmp_path_factory):
    """SMA, and softmax with styles and speakers; its names are hostile."""
    folder = tmp_path_factory.mktemp("softmax")
    export_small_model(
        folder,
        repository,
        attention_type="regularMHA",
        names=SPEAKERS,
        speakers=2,
        speaker_width=4,
        style="gst",
        style_tokens=3,
        style_width=8,
        style_heads=2,
        reference_width=8,
    )
    hostile = tmp_path_factory.mktemp("models") / NAME
    folder.rename(hostile)
    sma = repository / "tests" / "frozen" / "1" / "tts_sma"
    return [sma, hostile / "model"]


@pytest.fixture(scope="module")
def demo(browser, folders, repository, tmp_path_factory):
    """The command, and what it has printed until now."""
    pytest.importorskip(
        "gradio", reason="needs Gradio: pip install -e '.[serve]'"
    )
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    log = tmp_path_factory.mktemp("log") / "demo.log"
    command = [
        *(sys.executable, "-c", WATCHED, "demo"),
        *("--port", str(port), "--model", *map(str, folders)),
    ]
    # whoever has a proxy has it for others than this machine
    environment = {**os.environ, "PYTHONPATH": str(repository)}
    with open(log, "w") as file:
        process = subprocess.Popen(
            command, stdout=file, stderr=subprocess.STDOUT, env=environment
        )
    url = f"http://127.0.0.1:{port}/"
    deadline = time.monotonic() + TIMEOUT
    while url[:-1] not in log.read_text():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.2)
    yield SimpleNamespace(url=url, log=log)
    process.terminate()
    process.wait(TIMEOUT)


def test_a_name_of_another_site_is_not_answered(demo):
    """Its owner may let it point to this machine."""
    request = urllib.request.Request(demo.url, headers={"Host": "evil.example"})
    with pytest.raises(urllib.error.HTTPError, match="400"):
        urllib.request.urlopen(request, timeout=TIMEOUT)


@pytest.fixture
def page(browser, demo):
    return open_page(browser, demo)


def open_page(browser, demo, **screen):
    page = browser.open(demo.url, **screen)
    # the last one that is drawn
    page.wait_for_element("#speak")
    return page


def speak(page, text=TEXT):
    """Write a text, let it be spoken by the keyboard, and wait."""
    page.focus("textarea")
    page.write(text)
    page.press("Enter", shift=True)
    wait_for_result(page)


def wait_for_result(page):
    """Wait for a result that is another than the last one."""
    page.wait_for(
        "!!document.querySelector('#result .speeches:not([data-seen])')"
    )
    page.wait_for(
        "[...document.querySelectorAll('#result audio')]"
        ".every(audio => audio.readyState >= 1)"
    )
    page.evaluate(
        "document.querySelector('#result .speeches').dataset.seen = true"
    )


def sounds(page):
    return page.evaluate(
        "[...document.querySelectorAll('#result audio')].map(a => a.src)"
    )


def durations(page):
    return page.evaluate(
        "[...document.querySelectorAll('#result audio')].map(a => a.duration)"
    )


def choose(page, label):
    """Click on the radio button of this label."""
    page.wait_for(
        f"""[...document.querySelectorAll('label')].some(label => {{
          const found = label.innerText.trim() === {label!r}
            && label.querySelector('input[type=radio]');
          if (found) found.click();
          return found;
        }})"""
    )


def test_a_text_is_heard_and_seen_side_by_side(page):
    speak(page)
    assert len(durations(page)) == 2
    assert all(0.3 < duration < 20 for duration in durations(page))
    names = page.evaluate(
        "[...document.querySelectorAll('.speech h2')].map(h => "
        "h.firstChild.data.trim())"
    )
    assert names == ["tts_sma", NAME]
    pictures = "[...document.querySelectorAll('.alignment img')]"
    assert page.evaluate(
        f"Promise.all({pictures}.map(i => i.decode())).then(() => true)"
    )
    assert all(page.evaluate(f"{pictures}.map(i => i.naturalHeight > 20)"))
    left = page.evaluate(
        "[...document.querySelectorAll('.speech')].map("
        "s => s.getBoundingClientRect().left)"
    )
    assert left[1] > left[0] + 300


def test_picture_and_words_follow_the_sound(page):
    speak(page)
    cursor = "parseFloat(document.querySelector('.cursor').style.left || 0)"
    assert page.evaluate(cursor) == 0
    page.click(".word")
    first = page.wait_for(cursor)
    page.wait_for(f"{cursor} > {first}")
    marked = page.wait_for(
        "document.querySelector('.word[aria-current]')?.innerText"
    )
    assert re.match(r"\w+\n+\d+\.\d\d s", marked)
    page.wait_for("document.querySelector('audio').ended")
    page.wait_for(f"{cursor} === 100")


def test_a_click_on_a_word_or_the_picture_seeks(page):
    speak(page)
    page.evaluate("document.querySelector('audio').playbackRate = 0.1")
    page.click(".word:nth-child(5)")
    start = page.evaluate(
        "Number(document.querySelector('.word:nth-child(5)').dataset.start)"
    )
    now = "document.querySelector('audio').currentTime"
    page.wait_for(f"{now} >= {start} && {now} < {start} + 0.2")
    page.click(".alignment")
    middle = durations(page)[0] / 2
    page.wait_for(f"Math.abs({now} - {middle}) < 0.1")
    # one is heard at a time
    page.click(".speech:nth-child(2) .word")
    page.wait_for("document.querySelector('audio').paused")


def test_words_are_those_of_the_models_and_the_unsaid_are_marked(page, folders):
    speak(page)
    for number, folder in enumerate(folders, start=1):
        voice = Voice("", TTS.from_hparams(source=str(folder)))
        speaker = SPEAKERS[0] if voice.tts.speakers else None
        words = voice.speak(TEXT, Manner(seed=0, speaker=speaker)).words
        shown = page.evaluate(
            f"[...document.querySelectorAll('.speech:nth-child({number}) "
            ".word')].map(w => [...w.children].map(c => c.textContent))"
        )
        assert shown == [
            [
                word.text,
                f"{word.start:.2f} s{'' if word.said else ', unsaid'}",
            ]
            for word in words
        ]
        struck = page.evaluate(
            f"document.querySelectorAll('.speech:nth-child({number}) "
            ".unsaid').length"
        )
        assert struck == sum(not word.said for word in words)


def test_manners_are_asked_for(page):
    speak(page)
    plain, seconds = sounds(page), durations(page)
    speak(page, "No.")
    assert sounds(page) != plain
    speak(page)
    assert sounds(page) == plain
    choose(page, "hard")
    speak(page)
    hard = sounds(page)
    assert hard[0] != plain[0] and hard[1] == plain[1]
    choose(page, "default")
    page.focus("input[aria-label*=Pace]")
    page.write("2")
    page.press("Tab")
    speak(page)
    for slow, fast in zip(seconds, durations(page)):
        assert fast == pytest.approx(slow / 2, rel=0.1)


def test_an_emptied_pace_is_told_or_filled(page):
    page.focus("input[aria-label*=Pace]")
    page.write("")
    page.press("Tab")
    speak(page)
    assert len(sounds(page)) == 2 or problems(page)[0].startswith("pace must")


def test_a_speaker_is_chosen(page):
    speak(page)
    plain = sounds(page)
    page.click("input[aria-label=Speaker]")
    page.wait_for(
        """[...document.querySelectorAll('[role=option]')].some(option => {
          const found = option.innerText.includes('hacked');
          const down = new MouseEvent('mousedown', {bubbles: true});
          if (found) option.dispatchEvent(down);
          return found;
        })"""
    )
    speak(page)
    assert sounds(page)[0] == plain[0] and sounds(page)[1] != plain[1]


def test_a_style_is_made_of_tokens_or_read_from_a_recording(page, tmp_path):
    speak(page)
    plain = sounds(page)
    choose(page, "style tokens")
    token = "input[type=number][aria-label*='Token 2']"
    page.focus(token)
    page.write("0.5")
    page.press("Tab")
    speak(page)
    by_tokens = sounds(page)
    choose(page, "a recording")
    page.wait_for_element("input[type=file]")
    speak(page)
    assert problems(page) == [
        "There is no recording. Give one, or choose another style."
    ]
    wav = tmp_path / "mine.wav"
    soundfile.write(wav, np.sin(np.arange(22050) / 9) / 2, 22050)
    page.choose_file("input[type=file]", wav)
    page.wait_for(
        "document.body.innerText.includes('mine.wav') || "
        "!document.querySelector('input[type=file]')"
    )
    speak(page)
    by_recording = sounds(page)
    assert {plain[0]} == {by_tokens[0], by_recording[0]}
    assert len({plain[1], by_tokens[1], by_recording[1]}) == 3


def test_a_broken_recording_is_one_sentence(page, tmp_path):
    choose(page, "a recording")
    wav = tmp_path / "mine.wav"
    wav.write_bytes(b"no sound")
    page.choose_file("input[type=file]", wav)
    page.wait_for("!document.querySelector('input[type=file]')")
    speak(page)
    (problem,) = problems(page)
    assert problem.startswith("The recording: mine.wav must be a readable")
    assert "/" not in problem and len(sounds(page)) == 1


def test_a_recording_from_elsewhere_is_not_asked_for(demo):
    """A call past the page names an address; Gradio would go there."""
    config = ask(demo, "config")
    (speaking,) = [
        number
        for number, each in enumerate(config["dependencies"])
        if len(each["inputs"]) > 3
    ]
    components = {each["id"]: each for each in config["components"]}
    elsewhere = {
        "path": "http://elsewhere.example/a.wav",
        "meta": {"_type": "gradio.FileData"},
    }
    values = [
        elsewhere if "waveform_options" in props else props.get("value")
        for props in (
            components[each]["props"]
            for each in config["dependencies"][speaking]["inputs"]
        )
    ]
    assert elsewhere in values
    session = {"session_hash": "mine"}
    asked = {"fn_index": speaking, "data": values, **session}
    ask(demo, "gradio_api/queue/join", asked)
    told = ask(demo, "gradio_api/queue/data?session_hash=mine")
    assert "must be given to the page; got an address" in told
    printed = demo.log.read_text()
    assert "OUTSIDE" not in printed and "Traceback" not in printed


def ask(demo, path, body=None):
    """What the page itself would be told; the lines of a stream as text."""
    request = urllib.request.Request(
        demo.url + path,
        body and json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
        content = answer.read().decode()
    return content if "queue/data" in path else json.loads(content)


def problems(page):
    return page.evaluate(
        "[...document.querySelectorAll('[role=alert]')].map(p => p.textContent)"
    )


@pytest.mark.parametrize(
    "text, told",
    [
        ("", "There is no text. Write what is to be said."),
        ("a" * 501, "The text must have 500 characters at most; got 501."),
        ("* * *", "text must have at least one letter or digit to speak;"),
        (
            "Say <script>hacked()</script>.",
            "character 5: '<script>' is not known; known are <break",
        ),
    ],
    ids=["empty", "long", "unspeakable", "markup"],
)
def test_a_mistake_is_one_sentence(page, text, told):
    speak(page, text)
    (problem,) = problems(page)
    assert problem.startswith(told) and "Traceback" not in problem
    assert sounds(page) == []
    # and the next text is spoken
    speak(page)
    assert problems(page) == [] and len(sounds(page)) == 2


def test_what_users_write_is_text(page, demo):
    speak(page, "${hacked()} {{hacked}} &lt;script>hacked()&lt;/script>, A.")
    assert len(sounds(page)) == 2
    assert page.complaints == []
    assert (
        page.evaluate("document.querySelectorAll('img[onerror]').length") == 0
    )


def test_the_keyboard_is_enough(page):
    page.focus("textarea")
    page.write(TEXT)
    go_to(page, "element => element.innerText === 'Speak'")
    page.press("Enter")
    wait_for_result(page)
    go_to(page, "element => element.matches('.word')")
    page.press("ArrowRight")
    assert page.evaluate("document.activeElement.matches('.word:nth-child(2)')")
    page.press("Enter")
    page.wait_for("document.querySelector('audio').currentTime > 0")
    # to the next speech, past the other words
    page.press("Tab")
    assert page.evaluate(
        "document.activeElement.matches('.speech:nth-child(2) audio')"
    )


def go_to(page, test):
    """Press the tabulator until an element has the focus."""
    for _ in range(60):
        page.press("Tab")
        if page.evaluate(f"({test})(document.activeElement)"):
            return
    raise AssertionError(f"never came to {test}")


def test_every_control_has_a_name(page):
    speak(page)
    choose(page, "style tokens")
    page.wait_for("document.querySelectorAll('input[type=range]').length > 3")
    nameless = page.evaluate(
        """[...document.querySelectorAll('input, textarea, button, audio')]
          .filter(e => e.type !== 'file' && e.offsetParent !== null)
          .filter(e => !(e.ariaLabel || e.title || e.innerText?.trim()
            || [...e.labels ?? []].some(l => l.innerText.trim())))
          .map(e => e.outerHTML.slice(0, 200))"""
    )
    assert nameless == []


@pytest.mark.parametrize("dark", [False, True])
def test_a_telephone_shows_all_of_it(browser, demo, dark):
    page = open_page(browser, demo, width=400, dark=dark)
    speak(page)
    choose(page, "style tokens")
    page.wait_for("document.querySelectorAll('input[type=range]').length > 3")
    width = "document.documentElement.scrollWidth"
    assert page.evaluate(width) <= page.width
    speak(page, "* * *")
    assert page.evaluate(width) <= page.width


@pytest.mark.parametrize("dark", [False, True])
def test_every_text_is_readable(browser, demo, dark):
    page = open_page(browser, demo, dark=dark)
    choose(page, "a recording")
    page.wait_for_element("input[type=file]")
    speak(page)
    worst = page.worst_contrast(".gradio-container")
    assert 4.5 <= worst["ratio"] < 99, worst


def test_nothing_comes_from_elsewhere(page, demo):
    speak(page)
    page.click(".word")
    own = (demo.url, "data:", f"blob:{demo.url}")
    assert [url for url in page.requests if not url.startswith(own)] == []
    assert page.complaints == []
    printed = demo.log.read_text()
    assert "OUTSIDE" not in printed and "Traceback" not in printed
