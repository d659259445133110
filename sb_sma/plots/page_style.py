"""How the page of a run looks: two sets of colours and one style sheet."""

LIGHT = {
    "page": "#f5f6f8",
    "card": "#ffffff",
    "ink": "#1c2128",
    "muted": "#5b6472",
    "line": "#dfe3e8",
    "accent": "#2557c7",
    "good-ink": "#0b6b3a",
    "good-card": "#dcf5e6",
    "bad-ink": "#a32020",
    "bad-card": "#fde5e3",
}
DARK = {
    "page": "#0f1216",
    "card": "#181c22",
    "ink": "#e8ebf0",
    "muted": "#9aa5b4",
    "line": "#2b323c",
    "accent": "#8fb4ff",
    "good-ink": "#7ee2a8",
    "good-card": "#143525",
    "bad-ink": "#ffa8a0",
    "bad-card": "#46201e",
}


def as_variables(theme: dict[str, str]) -> str:
    """Write colours as variables of a style sheet.

    Arguments
    ---------
    theme : dict of str to str
        Colours by name.

    Returns
    -------
    str
        Their declarations.

    Example
    -------
    >>> as_variables({"ink": "#000000"})
    '--ink: #000000;'
    """
    return " ".join(f"--{name}: {value};" for name, value in theme.items())


STYLE = (
    f"""\
:root {{ color-scheme: light dark; {as_variables(LIGHT)} }}
@media (prefers-color-scheme: dark) {{ :root {{ {as_variables(DARK)} }} }}
"""
    + """\
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; scroll-padding-top: 1rem; }
body {
  margin: 0 auto; max-width: 62rem; padding: 2.5rem 1.25rem 4rem;
  background: var(--page); color: var(--ink);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans",
    "DejaVu Sans", sans-serif;
}
h1, h2, h3 { line-height: 1.2; text-wrap: balance; }
h1, h2, h3, p, li, blockquote, .key-figures { overflow-wrap: anywhere; }
h1 { font-size: 2.1rem; letter-spacing: -0.02em; margin: 0 0 0.6rem; }
h2 { font-size: 1.35rem; letter-spacing: -0.01em; margin: 3rem 0 1rem; }
h3 {
  display: flex; flex-wrap: wrap; align-items: center; gap: 0.4rem 0.75rem;
  font-size: 1.1rem; margin: 0;
}
a { color: var(--accent); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.summary {
  font-size: 1.2rem; color: var(--muted); margin: 0; max-width: 46rem;
  text-wrap: pretty;
}
.unseen {
  position: absolute; width: 1px; height: 1px; overflow: hidden;
  clip-path: inset(50%); white-space: nowrap;
}
article, nav, section > figure, .key-figures, pre, section > .scrolled {
  background: var(--card); border: 1px solid var(--line); border-radius: 12px;
}
table { border-collapse: collapse; width: 100%; }
th { font-weight: 600; text-align: left; }
th, td { padding: 0.5rem 1.25rem; vertical-align: baseline; }
tbody tr + tr > * { border-top: 1px solid var(--line); }
.key-figures {
  position: relative; border-collapse: separate; border-spacing: 0;
}
.key-figures th, .key-figures td { padding-block: 0.7rem; }
.key-figures th { width: 25%; }
.value {
  width: 21%; font-size: 1.25rem; font-weight: 650;
  font-variant-numeric: tabular-nums; letter-spacing: -0.01em;
}
.meaning { color: var(--muted); font-size: 0.93rem; text-wrap: pretty; }
.plain { font-variant-numeric: tabular-nums; font-size: 0.95rem; }
.plain caption {
  text-align: left; padding: 0.9rem 1.25rem 0.4rem; font-weight: 600;
}
.plain thead th { color: var(--muted); font-size: 0.85rem; }
.plain thead th { border-bottom: 1px solid var(--line); }
.plain tbody th { font-weight: 500; }
nav { padding: 1rem 1.25rem; }
nav p { margin: 0 0 0.6rem; font-weight: 600; }
nav ul {
  list-style: none; margin: 0; padding: 0; display: grid; gap: 0.35rem 2rem;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 20rem), 1fr));
}
nav li { display: flex; justify-content: space-between; gap: 0.75rem; }
nav .badge { align-self: center; }
article { padding: 1.25rem; margin-top: 1.25rem; }
.badge {
  flex: none; border-radius: 99px; padding: 0.1rem 0.65rem; font-size: 0.8rem;
  font-weight: 600; letter-spacing: 0;
}
.good { background: var(--good-card); color: var(--good-ink); }
.bad { background: var(--bad-card); color: var(--bad-ink); }
blockquote {
  margin: 0.8rem 0; padding-left: 0.9rem; border-left: 3px solid var(--line);
  font-size: 1.1rem; white-space: pre-line;
}
.faults { margin: 0.8rem 0; padding-left: 1.3rem; color: var(--bad-ink); }
.players {
  display: grid; gap: 1rem; margin: 1rem 0;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 17rem), 1fr));
}
figure { margin: 0; }
figcaption { color: var(--muted); font-size: 0.88rem; }
.players figcaption { font-weight: 600; margin-bottom: 0.3rem; }
audio { display: block; width: 100%; }
section > figure { padding: 1rem 1.25rem; }
section > :not(h2) + figure { margin-top: 1.25rem; }
article > figure { margin-top: 1.25rem; }
.scrolled { overflow-x: auto; }
section > .scrolled { margin-top: 1.25rem; }
/* shrinks with the screen, but not until its labels cannot be read */
img { display: block; max-width: max(100%, 36rem); height: auto; }
.scrolled + figcaption { margin-top: 0.4rem; }
pre {
  margin: 0; padding: 1rem 1.25rem;
  white-space: pre-wrap; overflow-wrap: anywhere;
  font: 0.92rem/1.6 ui-monospace, "SF Mono", Menlo, Consolas,
    "DejaVu Sans Mono", monospace;
}
pre + .scrolled { margin-top: 1.25rem; }
@media (max-width: 40rem) {
  body { padding: 1.5rem 0.75rem 3rem; }
  h1 { font-size: 1.65rem; }
  .summary { font-size: 1.08rem; }
  article, nav, section > figure { padding: 1rem; }
  th, td, .plain caption, pre { padding-inline: 1rem; }
  .key-figures tbody tr {
    display: grid; grid-template-columns: 1fr auto; align-items: baseline;
    padding-block: 0.7rem;
  }
  .key-figures tbody tr + tr { border-top: 1px solid var(--line); }
  .key-figures tbody tr > * { width: auto; padding-block: 0; border: 0; }
  .key-figures .meaning { grid-column: 1 / -1; }
  .scrolled:has(img) + figcaption::after {
    content: " (the picture scrolls sideways)";
  }
}
@media print {
  body { background: none; }
  article { break-inside: avoid; }
  audio { display: none; }
}
"""
)
