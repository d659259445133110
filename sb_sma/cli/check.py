"""``sb-sma check``: what is wrong with a corpus of recordings."""

import argparse

HELP = "Report everything that is wrong with a corpus of recordings, at once."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options.

    Arguments
    ---------
    parser : argparse.ArgumentParser
        Of this command.
    """
    parser.add_argument(
        "manifest",
        help="a .csv, .tsv, .json or .jsonl file, or a folder in the layout of "
        "LJSpeech-1.1",
    )
    parser.add_argument(
        "--skip_audio", action="store_true", help="check the lines alone"
    )


def run(arguments: argparse.Namespace) -> int:
    """Print all problems, and remarks on good recordings.

    Arguments
    ---------
    arguments : argparse.Namespace
        What `add_arguments` declared.

    Returns
    -------
    status : int
        0 if there are none, else 1.

    Raises
    ------
    ValueError
        If the manifest cannot be read as a whole.
    """
    from sb_sma.data.speech.check import check_corpus

    found = check_corpus(arguments.manifest, arguments.skip_audio)
    for problem in found.problems:
        print(f"- {problem}")
    for remark in found.remarks:
        print(f"- remark: {remark}")
    summary = (
        f"{found.n_good} good utterance(s), {len(found.problems)} problem(s)"
    )
    if found.seconds:
        summary += f", {found.seconds / 3600:.2f} hours"
    if found.remarks:
        summary += f", {len(found.remarks)} remark(s)"
    print(summary)
    return int(bool(found.problems))
