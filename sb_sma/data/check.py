"""The old way to call ``sb-sma check``: ``python -m sb_sma.data.check``."""

import runpy
import sys

if __name__ == "__main__":
    sys.argv.insert(1, "check")
    runpy.run_module("sb_sma.cli", run_name="__main__")
