"""Which threads of viewers are left behind."""

from __future__ import annotations

import threading
import time

_PATIENCE_S = 30.0


def reading_threads_left() -> list[str]:
    """The names of those that don't end.

    A viewer that closes waits two seconds for its threads (`app.viewer.tile_reader.CLOSE_S`); on a crowded machine the tile
    that one is reading takes longer.
    """
    until = time.monotonic() + _PATIENCE_S
    reading = [thread for thread in threading.enumerate() if thread.name.startswith("tile-reader")]
    for thread in reading:
        thread.join(max(until - time.monotonic(), 0))
    return [thread.name for thread in reading if thread.is_alive()]
