"""The page: what is to be said and how, and what models make of it.

Needs the extra ``serve``: Gradio (https://www.gradio.app). Everything that the
page consists of comes from this machine.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sb_sma.demo.speech import (
    LONGEST_RECORDING,
    MOST_CHARACTERS,
    Manner,
    Voice,
    show_speeches,
)
from sb_sma.models.tts.pace import FASTEST, SLOWEST
from sb_sma.plots.page_style import DARK, LIGHT, as_variables
from sb_sma.serving.hosts import names_of

if TYPE_CHECKING:
    import gradio as gr

_HERE = Path(__file__).parent
_CSS = (
    f":root {{ {as_variables(LIGHT)} }} .dark {{ {as_variables(DARK)} }}\n"
    + (_HERE / "page.css").read_text(encoding="utf-8")
)
_SCRIPT = (_HERE / "page.js").read_text(encoding="utf-8")
_TEXT = "Seven silver spoons lay on the table. Nobody had touched them."
_MARKUP = """<table class="markup"><tbody>
<tr><th><code>&lt;break time="0.5s"/&gt;</code></th>
<td>a silence of this length</td></tr>
<tr><th><code>&lt;prosody rate="80%"&gt;...&lt;/prosody&gt;</code></th>
<td>a pace of its own</td></tr>
<tr><th><code>[Zoë](/z ˈoʊ i/)</code></th>
<td>a word as it is said</td></tr>
</tbody></table>"""
_OWN = "default"
_MEAN, _TOKENS, _RECORDING = "mean", "style tokens", "a recording"
# of a control, in pixels: one below the other on a telephone
_LEAST_WIDTH = 240
_HOUR = 3600  # seconds
_LARGEST_RECORDING = "20mb"


@dataclass
class VoiceControls:
    """What is asked of one voice.

    Arguments
    ---------
    speaker : gr.Dropdown, optional
        Of a voice with speakers.
    style : gr.Radio, optional
        Where the style comes from, of a voice with styles.
    tokens : list of gr.Slider
        Weights of the style tokens.
    recording : gr.Audio, optional
        In whose style is spoken.
    """

    speaker: "gr.Dropdown | None"
    style: "gr.Radio | None"
    tokens: "list[gr.Slider]"
    recording: "gr.Audio | None"

    @property
    def components(self) -> "list[gr.components.Component]":
        """All that there are."""
        some = [self.speaker, self.style, *self.tokens, self.recording]
        return [each for each in some if each is not None]

    def read(self, values: dict[Any, Any]) -> dict[str, Any]:
        """Read what is asked for.

        Arguments
        ---------
        values : dict
            Of all components of the page.

        Returns
        -------
        manner : dict
            Of a `Manner`.
        """
        manner: dict[str, Any] = {"speaker": values.get(self.speaker)}
        style = values.get(self.style)
        if style == _TOKENS:
            manner["token_weights"] = {
                index: values[token] for index, token in enumerate(self.tokens)
            }
        if style == _RECORDING:
            manner["recording"] = values[self.recording] or ""
        return manner


def build_page(voices: Sequence[Voice]) -> "gr.Blocks":
    """Put the page together.

    Arguments
    ---------
    voices : sequence of Voice
        Who speaks; they stand side by side.

    Returns
    -------
    page : gr.Blocks
        To be served by `serve_page`.
    """
    import gradio as gr

    with gr.Blocks(
        title="sb-sma demo",
        analytics_enabled=False,
        # recordings of people do not stay
        delete_cache=(_HOUR, _HOUR),
    ) as page:
        gr.HTML(
            "<h1>sb-sma demo</h1><p class='lead'>What is said, where the model "
            "looks while it says it, and when each word is said.</p>",
            padding=False,
        )
        text = gr.Textbox(
            _TEXT,
            label=f"Text (up to {MOST_CHARACTERS} characters; Shift+Enter speaks)",
            lines=3,
            max_lines=8,
        )
        with gr.Accordion("Markup in the text", open=False):
            gr.HTML(_MARKUP)
        with gr.Row():
            pace = gr.Slider(
                SLOWEST,
                FASTEST,
                1.0,
                step=0.05,
                label="Pace (above 1 is faster)",
                min_width=_LEAST_WIDTH,
            )
            mode = gr.Radio(
                [_OWN, "soft", "hard"],
                value=_OWN,
                label="Mode (of monotonic attention)",
                visible=any(voice.walks for voice in voices),
                min_width=_LEAST_WIDTH,
            )
            seed = gr.Number(
                0,
                precision=0,
                label="Seed (empty: another one each time)",
                min_width=_LEAST_WIDTH,
            )
        controls = {voice: _add_controls(voice) for voice in voices}
        button = gr.Button("Speak", variant="primary", elem_id="speak")
        result = gr.HTML(elem_id="result", padding=False)

        def speak(values: dict[Any, Any]) -> str:
            """Let all voices say the text."""
            chosen = values[mode]
            shared = {
                "pace": values[pace],
                "mode": None if chosen == _OWN else chosen,
                "seed": values[seed],
            }
            manners = {
                voice: Manner(**shared, **own.read(values))
                for voice, own in controls.items()
            }
            return show_speeches(manners, values[text])

        own = [each for some in controls.values() for each in some.components]
        gr.on(
            [button.click, text.submit],
            speak,
            inputs={text, pace, mode, seed, *own},
            outputs=result,
            api_visibility="private",
        )
    return page


def serve_page(page: "gr.Blocks", host: str, port: int, share: bool) -> None:
    """Serve the page until it is interrupted.

    Arguments
    ---------
    page : gr.Blocks
        Of `build_page`.
    host : str
        Address at which it listens.
    port : int
        Its port.
    share : bool
        Whether anybody may come to it, through a server of Gradio's makers.

    Raises
    ------
    OSError
        If it cannot listen there.
    """
    from starlette.middleware import Middleware
    from starlette.middleware.trustedhost import TrustedHostMiddleware

    # through a link it has the name of another machine
    hosts = ["*"] if share else names_of(host)
    trusted = Middleware(
        TrustedHostMiddleware, allowed_hosts=hosts, www_redirect=False
    )
    page.queue(max_size=16).launch(
        server_name=host,
        server_port=port,
        share=share,
        css=_CSS,
        head=f"<script type='module'>{_SCRIPT}</script>",
        theme=_make_theme(),
        footer_links=[],
        run_history=False,
        ssr_mode=False,
        pwa=False,
        mcp_server=False,
        max_file_size=_LARGEST_RECORDING,
        quiet=True,
        prevent_thread_lock=True,
        app_kwargs={"middleware": [trusted]},
    )
    print(
        f"sb-sma: the page is at {page.local_url} (Ctrl+C ends it)", flush=True
    )
    # Gradio tells why there is none
    if page.share_url is not None:
        print(
            f"sb-sma: anybody can use it at {page.share_url}; texts, recordings "
            "and speech go through a server of Gradio's makers",
            flush=True,
        )
    page.block_thread()


def _add_controls(voice: Voice) -> VoiceControls:
    """Add what only this voice is asked."""
    import gradio as gr

    speaker = style = recording = None
    tokens: list[gr.Slider] = []
    names = voice.tts.speakers
    if not names and not voice.n_style_tokens:
        return VoiceControls(speaker, style, tokens, recording)
    with gr.Accordion(voice.name):
        if names:
            speaker = gr.Dropdown(names, value=names[0], label="Speaker")
        if voice.n_style_tokens:
            style = gr.Radio(
                [_MEAN, _TOKENS, _RECORDING], value=_MEAN, label="Style"
            )
            with gr.Row(visible=False) as sliders:
                tokens = [
                    gr.Slider(
                        -1,
                        1,
                        0,
                        step=0.05,
                        label=f"Token {index}",
                        min_width=_LEAST_WIDTH,
                    )
                    for index in range(voice.n_style_tokens)
                ]
            recording = gr.Audio(
                type="filepath",
                label=f"Recording (up to {LONGEST_RECORDING} s)",
                visible=False,
            )
            recording.async_move_resource_to_block_cache = _refuse_addresses(
                recording.async_move_resource_to_block_cache
            )
            style.change(
                lambda chosen: (
                    gr.Row(visible=chosen == _TOKENS),
                    gr.Audio(visible=chosen == _RECORDING),
                ),
                style,
                [sliders, recording],
                api_visibility="private",
            )
    return VoiceControls(speaker, style, tokens, recording)


def _refuse_addresses(
    take: Callable[[Any], Awaitable[str | None]],
) -> Callable[[Any], Awaitable[str | None]]:
    """Let a component take what was given to the page alone.

    A call past the page may name an address, which Gradio would ask.
    """
    import gradio as gr
    from gradio_client.utils import is_http_url_like

    async def take_files(given: str | Path | None) -> str | None:
        if is_http_url_like(str(given)):
            raise gr.Error(
                "A recording must be given to the page; got an address.",
                print_exception=False,
            )
        return await take(given)

    return take_files


def _make_theme() -> "gr.themes.Base":
    """Return colours that can be read, and fonts that are there."""
    import gradio as gr

    return gr.themes.Default(
        primary_hue="blue",
        font=["system-ui", "sans-serif"],
        font_mono=["ui-monospace", "monospace"],
    ).set(
        # readable on it
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_hover="*primary_700",
    )
