"""Opens one section in Schliff's own window and prints when its pixels were there. Started by `benchmarks/opening.py`.

Arguments: the section, seconds to wait at most. Prints JSON: seconds since `SCHLIFF_STARTED` (epoch) until the window was
drawn, until something of the section covered the view (and how long the processor worked for it), until the view was
sharp; and memory then, in MB.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from app.start import SCREENSHOT_SIZE, launch, make_application, prepare


def main() -> None:
    started, path, longest = float(os.environ["SCHLIFF_STARTED"]), Path(sys.argv[1]), float(sys.argv[2])
    prepare(path)
    app = make_application()
    window = launch(app, path)
    window.resize(*SCREENSHOT_SIZE)
    found: dict[str, float] = {}
    while time.time() - started < longest and "sharp" not in found:
        app.processEvents()
        now = time.time() - started
        found.setdefault("window", now)
        section = window.session.section
        if section is not None and window.viewer.isVisible():
            blank, unsharp = window.viewer.missing()
            if blank == 0 and "first" not in found:
                window.viewer.canvas.viewport().repaint()
                found["first"], found["worked"] = time.time() - started, time.process_time()
            if unsharp == 0 and window.viewer.is_sharp:
                found["sharp"] = time.time() - started
        time.sleep(0.002)
    import psutil

    found["memory"] = psutil.Process().memory_info().rss / 1e6
    print(json.dumps(found), flush=True)
    window.close()


if __name__ == "__main__":
    main()
