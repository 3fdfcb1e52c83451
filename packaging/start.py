"""Where a built Schliff begins: the command line, which opens the window when it is given nothing else to do."""

from __future__ import annotations

import multiprocessing
import os
import sys

from app.__main__ import main

# The program's own libraries are found through it; the browser or file manager that it opens must find the system's.
SEARCH_PATH = "LD_LIBRARY_PATH"


def give_back_search_path() -> None:
    """What programs started from here find their libraries by is again what it was before PyInstaller set it."""
    if f"{SEARCH_PATH}_ORIG" in os.environ:
        os.environ[SEARCH_PATH] = os.environ.pop(f"{SEARCH_PATH}_ORIG")
    else:
        os.environ.pop(SEARCH_PATH, None)


if __name__ == "__main__":
    multiprocessing.freeze_support()  # libraries that start processes would start the whole program anew
    give_back_search_path()
    sys.exit(main())
