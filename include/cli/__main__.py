"""``python -m include.cli``: what ``./nightcatch`` hands over to."""

import os
import sys
from pathlib import Path

from include.cli.main import INTERRUPTED, main

if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:], Path(__file__).resolve().parents[2], os.environ))
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
