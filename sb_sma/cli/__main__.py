"""``python -m sb_sma.cli`` is the command ``sb-sma``."""

import sys

from sb_sma.cli import main

if __name__ == "__main__":
    sys.exit(main())
