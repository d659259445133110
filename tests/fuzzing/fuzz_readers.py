"""Give malformed files to everything that reads files.

``python -m tests.fuzzing.fuzz_readers --files 10000 --kind wav`` alters good
files of a kind as often, reads each, and counts what is not one clear error of
ours that names the file: another exception, a second of work, more memory than
a reader may take, or the end of the process. The same seed and number make the
same file; ``--only NUMBER`` reads that one alone, and shows its traceback.
"""

import argparse
import gc
import json
import logging
import multiprocessing
import os
import random
import re
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from pathlib import Path

from sb_sma.mistakes import tell_mistakes
from tests.fuzzing.mutations import mutate

MOST_SECONDS = 1.0
"""Of work of the processor."""
MOST_BYTES = 2**30
"""Of memory beyond what is in use before the first file."""
_HANGS = 60
_NO_MEMORY = re.compile("MemoryError|not enough memory|allocate|bad_alloc")


class Hangs(BaseException):
    """A file that nobody gets to the end of."""


def fault_of(error):
    """Say what is wrong with an exception; nothing with one of ours.

    Arguments
    ---------
    error : Exception
        What a reader has raised.

    Returns
    -------
    fault : str
        Empty if a user would read one message.
    """
    try:
        with tell_mistakes(__file__):
            raise error
    except SystemExit as end:
        message = str(end)
    except BaseException:
        frames = traceback.extract_tb(error.__traceback__)
        ours = [f for f in frames if "sb_sma" in f.filename] or frames
        place = f"{Path(ours[-1].filename).name}:{ours[-1].name}"
        return f"{type(error).__name__} in {place}"
    return "out of memory" if _NO_MEMORY.search(message) else ""


def write_case(case, folder, chance):
    """Write the folder of a case with one or two malformed files.

    Arguments
    ---------
    case : Case
        What is altered.
    folder : Path
        Is replaced.
    chance : random.Random
        What is drawn from.

    Returns
    -------
    names : list of str
        What was altered.
    """
    shutil.rmtree(folder, ignore_errors=True)
    altered = case.altered or list(case.files)
    names = chance.sample(
        altered, min(len(altered), chance.choice([1, 1, 1, 2]))
    )
    for name, content in case.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        how = chance.random() if name in names else 1
        if how < 0.01:
            continue  # missing
        if how < 0.02:
            path.mkdir()
        elif how < 0.03:
            path.symlink_to(path.name)
        elif name in names:
            path.write_bytes(mutate(chance, content, path.suffix))
        else:
            path.write_bytes(content)
    return names


def read_one(case, folder, names):
    """Read a folder, and say what is wrong with what came of it.

    Arguments
    ---------
    case : Case
        What reads it.
    folder : Path
        Of the case.
    names : list of str
        What was altered.

    Returns
    -------
    (str, Exception or None, float)
        The fault, empty if all is well, what was raised, and the seconds of
        the processor.
    """
    started = time.process_time()
    raised, fault = None, ""
    signal.alarm(_HANGS)
    try:
        case.read(folder)
    except Hangs:
        return "no end", None, float(_HANGS)
    except Exception as error:
        raised, fault = error, fault_of(error)
    finally:
        signal.alarm(0)
    if raised and not fault and case.told == "path":
        parts = [str(folder), *(Path(name).name for name in names)]
        if not any(part in str(raised) for part in parts):
            fault = f"no file named: {str(raised)[:80]}"
    return fault, raised, time.process_time() - started


def fuzz(kind, n_files, seed=0, only=None, keep=None):
    """Read malformed files, in a process of their own.

    Arguments
    ---------
    kind : str
        A name of `readers.KINDS`.
    n_files : int
        How many.
    seed : int
        Of what is drawn.
    only : int, optional
        The number of one file. Default: all.
    keep : Path, optional
        Where the folders go that something is wrong with.

    Returns
    -------
    result : dict
        ``files``, ``refused``, ``faults`` with the numbers of the files,
        ``slowest`` in seconds, ``memory`` in MiB.
    """
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    with tempfile.TemporaryDirectory() as scratch:
        process = context.Process(
            target=_fuzz_here,
            args=(kind, n_files, seed, only, keep, Path(scratch), sender),
        )
        process.start()
        sender.close()
        result, number = None, None
        try:
            while True:
                number = receiver.recv()
                if isinstance(number, dict):
                    result = number
        except EOFError:
            process.join()
        if result is None:
            fault = f"the process ends with {process.exitcode}"
            result = {"files": number, "faults": {fault: [number]}}
    return {"kind": kind, "seed": seed, **result}


def _fuzz_here(kind, n_files, seed, only, keep, scratch, sender):
    """Read the files, and send what came of them."""
    from tests.fuzzing.readers import KINDS

    gc.freeze()  # a large heap of the parent would be a file's second
    warnings.simplefilter("ignore")
    logging.disable()
    signal.signal(signal.SIGALRM, _give_up)
    (scratch / "made").mkdir()
    cases = KINDS[kind](scratch / "made")
    folder = scratch / "given" / "folder"
    folder.mkdir(parents=True)
    os.chdir(folder.parent)
    for case in cases:  # what is good is read, and all is loaded
        write_good(case, folder)
        case.read(folder)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    in_use = int(Path("/proc/self/statm").read_text().split()[0])
    most = in_use * resource.getpagesize() + MOST_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    if only is None and not os.environ.get("LOUD"):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # libraries talk
    faults, refused, slowest = {}, 0, 0.0
    for number in range(n_files) if only is None else [only]:
        sender.send(number)
        chance = random.Random(f"{seed} {kind} {number}")
        case = chance.choice(cases)
        names = write_case(case, folder, chance)
        fault, raised, seconds = read_one(case, folder, names)
        for _ in range(2):  # a busy machine's second is not the file's
            if fault or seconds <= MOST_SECONDS:
                break
            again = read_one(case, folder, names)
            fault, seconds = again[0], min(seconds, again[2])
        if not fault and seconds > MOST_SECONDS:
            fault = f"{seconds:.1f} s"
        slowest = max(slowest, seconds)
        refused += raised is not None
        if only is not None and raised is not None:
            traceback.print_exception(raised)
        if fault:
            faults.setdefault(fault, []).append(number)
            if keep is not None and len(faults[fault]) <= 3:
                kept = Path(keep) / f"{kind}-{seed}-{number}"
                shutil.copytree(folder, kept, symlinks=True, dirs_exist_ok=True)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    sender.send(
        {
            "files": n_files if only is None else 1,
            "refused": refused,
            "faults": faults,
            "slowest": round(slowest, 2),
            "memory": (after - before) // 1024,
        }
    )
    sender.close()
    # libraries that have read damaged files may not end in peace
    os._exit(0)


def write_good(case, folder):
    """Write the folder of a case as it should be.

    Arguments
    ---------
    case : Case
        What is written.
    folder : Path
        Is replaced.
    """
    shutil.rmtree(folder, ignore_errors=True)
    for name, content in case.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def _give_up(*args):
    raise Hangs


def main():
    """Read files of the kinds that are asked for.

    Returns
    -------
    status : int
        1 if something is wrong with what reads them.
    """
    from tests.fuzzing.readers import KINDS

    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--files", type=int, default=10_000, metavar="COUNT")
    parser.add_argument("--kind", nargs="+", choices=KINDS, default=[*KINDS])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, metavar="NUMBER")
    parser.add_argument("--keep", type=Path, help="folder for what is wrong")
    given = parser.parse_args()
    n_faults = 0
    for kind in given.kind:
        started = time.monotonic()
        result = fuzz(kind, given.files, given.seed, given.only, given.keep)
        n_faults += len(result["faults"])
        result["seconds"] = round(time.monotonic() - started, 1)
        counts = {
            fault: (len(numbers), numbers[:3])
            for fault, numbers in Counter(result.pop("faults")).items()
        }
        print(json.dumps({**result, "faults": counts}), flush=True)
    return int(n_faults > 0)


if __name__ == "__main__":
    sys.exit(main())
