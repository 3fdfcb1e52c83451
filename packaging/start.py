"""Where a built Schliff begins: the command line, which opens the window when it is given nothing else to do."""

from __future__ import annotations

import multiprocessing
import sys

from app.__main__ import main

if __name__ == "__main__":
    multiprocessing.freeze_support()  # libraries that start processes would start the whole program anew
    sys.exit(main())
