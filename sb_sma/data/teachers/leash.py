"""Runs a command for as long as somebody holds this script's standard input.

What is started by it ends with the process that has started it, however that
ends: ``python leash.py COMMAND...``
"""

import os
import subprocess
import sys
import threading

if __name__ == "__main__":
    command = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)

    def end_with_input():
        """End the command when nobody can write to it any more."""
        # unbuffered: whoever waits in a buffer holds its lock at the exit
        while os.read(0, 1024):
            pass
        command.terminate()

    threading.Thread(target=end_with_input, daemon=True).start()
    sys.exit(command.wait())
