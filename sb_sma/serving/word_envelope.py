"""The answer that tells when each word is said: sound within JSON, in pieces."""

import base64
import json
from collections.abc import Iterable

from sb_sma.metrics.word_times import WordTime


class WordEnvelope:
    """Writes ``{"response_format", "audio", "duration", "words"}``.

    Arguments
    ---------
    response_format : str
        Of the sound.

    Example
    -------
    >>> envelope = WordEnvelope("pcm")
    >>> pieces = [envelope.push(b"abcd"), envelope.push(b"ef")]
    >>> pieces.append(envelope.finish(0.5, [WordTime("a", 0.0, 0.5, True)]))
    >>> content = json.loads(b"".join(pieces))
    >>> base64.b64decode(content["audio"]), content["words"]
    (b'abcdef', [{'word': 'a', 'start': 0.0, 'end': 0.5, 'said': True}])
    """

    media_type = "application/json"

    def __init__(self, response_format: str):
        head = json.dumps({"response_format": response_format})
        self._head = f'{head[:-1]}, "audio": "'.encode()
        # base64 has no beginning within three bytes
        self._rest = b""

    def push(self, sound: bytes) -> bytes:
        """Put some more sound in.

        Arguments
        ---------
        sound : bytes
            What would be sent without words.

        Returns
        -------
        written : bytes
            What can be sent.
        """
        sound = self._rest + sound
        stop = len(sound) - len(sound) % 3
        self._rest = sound[stop:]
        head, self._head = self._head, b""
        return head + base64.b64encode(sound[:stop])

    def finish(self, duration: float, words: Iterable[WordTime]) -> bytes:
        """Give the rest.

        Arguments
        ---------
        duration : float
            Of the sound, in seconds.
        words : iterable of WordTime
            In their order.

        Returns
        -------
        written : bytes
            To be sent.
        """
        told = [
            {
                "word": word.text,
                "start": round(word.start, 3),
                "end": round(word.end, 3),
                "said": word.said,
            }
            for word in words
        ]
        rest = base64.b64encode(self._rest).decode()
        tail = json.dumps({"duration": round(duration, 3), "words": told})
        return self._head + f'{rest}", {tail[1:]}'.encode()
