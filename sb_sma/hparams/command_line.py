"""What a command line may say: run options in full, and ``--key=value``."""

from dataclasses import fields

from speechbrain.utils.run_opts import RunOptions

from sb_sma.hparams.document import Document, kind_of
from sb_sma.hparams.names import closest_names

RUN_OPTIONS = frozenset(field.name for field in fields(RunOptions))


def swallowing_options(key: str) -> list[str]:
    """Run options that argparse takes a key for, as their abbreviation.

    Arguments
    ---------
    key : str
        A key as given on the command line, without the dashes.

    Returns
    -------
    options : list of str
        Empty if ``--key=value`` reaches the YAML, or is a run option itself.

    Example
    -------
    >>> swallowing_options("test")
    ['test_only']
    >>> swallowing_options("debug")
    []
    """
    if key in RUN_OPTIONS:
        return []
    return sorted(name for name in RUN_OPTIONS if name.startswith(key))


def check_arguments(argv: list[str], overrides: str) -> None:
    """Refuse what SpeechBrain's parser would guess, join or cut.

    Arguments
    ---------
    argv : list of str
        Command line without the program's name.
    overrides : str
        What ``speechbrain.parse_arguments`` made of it.

    Raises
    ------
    ValueError
        If a run option is abbreviated, or the value of an override is not one
        argument as it was given.
    """
    for argument in argv:
        name = argument.partition("=")[0]
        if name.startswith("--") and swallowing_options(name[2:]):
            raise ValueError(
                f"{name} is neither a key nor a run option; SpeechBrain "
                "would read it as an abbreviation of "
                f"{', '.join(swallowing_options(name[2:]))}. "
                "Write the name in full."
            )
    values = {
        value.strip()
        for argument in argv
        for value in (argument, argument.partition("=")[2])
    }
    for line in overrides.splitlines():
        key, _, value = line.partition(":")
        if (value and value.strip() not in values) or " #" in value:
            raise ValueError(
                f"--{key}: '{value.strip()}' does not arrive as one value. "
                f"Write --{key}=VALUE, with no '=', no ' #' and no line "
                "break in the value, or set the key in the YAML file."
            )


def compose_overrides(overrides: str, document: Document) -> Document:
    """Parse the overrides; each must name a key of the YAML, with a value.

    Arguments
    ---------
    overrides : str
        As ``speechbrain.parse_arguments`` gives them.
    document : Document
        The experiment's YAML.

    Returns
    -------
    given : Document
        The overrides.

    Raises
    ------
    ValueError
        If a key is unknown, given twice, without a value, or of no effect.
    """
    given = Document("the command line", overrides or "{}")
    for name, value in given.items.items():
        if name not in document.items:
            known = RUN_OPTIONS | document.items.keys()
            raise ValueError(
                f"--{name}: {document.path} has no key '{name}'. "
                f"{closest_names(name, known)}"
            )
        if name == "recipe":
            raise ValueError(
                f"--recipe has no effect: {document.path} names the recipe. "
                "Edit that line, or run the other recipe itself."
            )
        if kind_of(value) == "null" and value.value == "":
            raise ValueError(
                f"--{name} came without a value. Write --{name}=True for a "
                f"switch, --{name}=VALUE otherwise, --{name}=null for none."
            )
    return given
