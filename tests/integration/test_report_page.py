"""The page of a run as a browser shows it: complete, silent, and readable in
the light, in the dark and on a telephone.
"""

import math

import numpy as np
import pytest
import soundfile
import torch

from sb_sma.data.espeak.voice import speak
from sb_sma.data.speech.mel import LogMel
from sb_sma.metrics.alignment import true_path
from sb_sma.plots.figures import plot_alignments, plot_curves, plot_mels
from sb_sma.training.reports.page import Example, Table, write_report

pytestmark = pytest.mark.integration

TEXTS = [
    "Banana & <b>bread</b>",
    "Seven silver spoons lay on the table. Nobody had touched them.",
]
HOP_LENGTH, REDUCTION_FACTOR = 256, 4

ALL_LOADED = """Promise.all([
  ...[...document.images].map(image => image.decode()),
  ...[...document.querySelectorAll("audio")].map(audio =>
    audio.readyState >= 1 || new Promise((resolve, reject) => {
      audio.onloadedmetadata = () => resolve();
      audio.onerror = () => reject(audio.error.message);
    })),
]).then(() => true)"""


def example_of(number, text, folder):
    speech = speak(text)
    wav = folder / f"{number}.wav"
    soundfile.write(wav, speech.samples, speech.sample_rate)
    waveform = torch.from_numpy(np.array(speech.samples)).float() / 2**15
    mel = LogMel()(waveform[None])[0]
    n_queries, n_tokens = len(mel) // REDUCTION_FACTOR, len(speech.tokens)
    path = true_path(speech.starts, n_queries, HOP_LENGTH, REDUCTION_FACTOR)
    distances = torch.arange(n_tokens) - path[:, None]
    heads = torch.stack(
        [(-width * distances**2).softmax(-1) for width in (2.0, 0.3)]
    )
    return Example(
        # as wide as no telephone is
        title=f"test-{number}" * 12,
        text=text,
        target_wav=wav,
        result_wav=wav,
        figures=[
            plot_alignments(heads, path, speech.tokens),
            plot_mels(mel, mel[: len(mel) * 2 // 3]),
        ],
        verdict="good" if number else "too short\nends on token 3 of 9",
    )


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    history = [
        {"epoch": epoch, "train/loss": math.exp(-epoch), "focus": epoch / 9}
        for epoch in range(1, 9)
    ]
    return write_report(
        folder / "page" / "index.html",
        "Embedded speech",
        summary="One of two texts is read to the end.",
        metrics=[("bad cases", "1 of 2", "x" * 90), ("y" * 90, "z" * 90)],
        tables=[Table("By kind", ("kind", "n"), [("x" * 90, "1")])],
        curves=[plot_curves(history)],
        examples=[
            example_of(number, text, folder)
            for number, text in enumerate(TEXTS)
        ],
        command="python train.py hparams/tts.yaml " + "--long=True " * 20,
        versions={"torch": torch.__version__},
        usage="sb-sma say 'Hello'",
    )


@pytest.fixture(
    scope="module",
    params=[
        pytest.param({"width": 1200}, id="light"),
        pytest.param({"width": 1200, "dark": True}, id="dark"),
        pytest.param({"width": 400}, id="telephone"),
    ],
)
def page(request, browser, report):
    page = browser.open(report, **request.param)
    assert page.evaluate(ALL_LOADED)
    return page


def test_every_picture_is_shown(page):
    widths = page.evaluate("[...document.images].map(i => i.naturalWidth)")
    assert len(widths) == 5
    assert all(width > 400 for width in widths)


def test_every_sound_can_be_played(page):
    durations = page.evaluate(
        "[...document.querySelectorAll('audio')].map(a => a.duration)"
    )
    assert len(durations) == 4
    assert all(0.3 < duration < 10 for duration in durations)
    heights = page.evaluate(
        "[...document.querySelectorAll('audio')].map(a => a.offsetHeight)"
    )
    assert min(heights) > 20


def test_the_console_is_silent(page):
    assert page.complaints == []


def test_nothing_is_asked_for_beside_the_page(page, report):
    others = [
        url
        for url in page.requests
        if url != report.as_uri() and not url.startswith("data:")
    ]
    assert others == []


def test_the_page_is_never_wider_than_the_screen(page):
    # not innerWidth: a telephone zooms out until everything fits
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= page.width


def test_every_text_is_readable(page):
    """The contrast of WCAG 2, level AA, for each element that holds text."""
    worst = page.worst_contrast("body")
    assert 4.5 <= worst["ratio"] < 99, worst


def test_pictures_follow_the_readers_setting(browser, report):
    backgrounds = {}
    for dark in (False, True):
        page = browser.open(report, dark=dark)
        assert page.evaluate(ALL_LOADED)
        backgrounds[dark] = page.evaluate(
            """(() => {
              const canvas = document.createElement("canvas");
              const context = canvas.getContext("2d");
              context.drawImage(document.images[0], 0, 0);
              return [
                ...context.getImageData(1, 1, 1, 1).data.slice(0, 3)
              ];
            })()"""
        )
    assert min(backgrounds[False]) > 240
    assert max(backgrounds[True]) < 50


def test_text_of_a_user_is_never_markup(page):
    quoted = page.evaluate("document.querySelector('blockquote').textContent")
    assert quoted == TEXTS[0]


def test_every_example_can_be_reached_from_the_list(page):
    missing = page.evaluate(
        "[...document.querySelectorAll('nav a')].filter("
        "a => !document.querySelector(a.getAttribute('href'))).length"
    )
    assert missing == 0
    assert page.evaluate("document.querySelectorAll('nav a').length") == 2


def test_headings_descend_without_a_gap(page):
    levels = page.evaluate(
        "[...document.querySelectorAll('h1, h2, h3, h4')]"
        ".map(h => Number(h.tagName[1]))"
    )
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(b <= a + 1 for a, b in zip(levels, levels[1:]))
