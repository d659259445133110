"""A teacher as a user would write one."""

import numpy as np

from sb_sma.data import CharacterFrontend, Speech, Teacher
from sb_sma.data.espeak.voice import END, PAUSE


class Hummer(Teacher):
    """Hums each letter for a tenth of a second, at 16 kHz."""

    name = "hummer"
    settings = ("pitch",)

    def __init__(self, version="1", times=True):
        self.version = version
        self.times = times

    def speak(self, text, settings):
        *tokens, _ = self.frontend(settings).tokens(text)
        time = np.arange(1600) / 16000
        hertz = [
            0 if token == PAUSE else 300 + 10 * settings.pitch
            for token in tokens
        ]
        parts = [0.3 * np.sin(2 * np.pi * each * time) for each in hertz]
        samples = np.concatenate([*parts, np.zeros(2400)])
        starts = tuple(range(0, len(samples) - 2399, 1600))
        return Speech(
            samples.astype(np.float32),
            16000,
            (*tokens, END),
            starts if self.times else None,
        )

    def identity(self):
        return {"version": self.version}

    def frontend(self, settings):
        return CharacterFrontend()
