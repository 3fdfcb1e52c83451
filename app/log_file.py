"""Decides where the log lies on disk: a file for each start, so that programs side by side don't write into one another's.

It says what was done and what went wrong, with traces of unforeseen errors, native crashes too; nothing of any image.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import platform
import re
import sys
from contextlib import suppress
from datetime import datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TextIO
from zipfile import ZIP_DEFLATED, ZipFile

import core
from app.notifications import LINE
from core.disk import written_whole
from core.userdirs import logs_dir

KEPT_STARTS = 10
MOST_BYTES = 2 << 20  # of a file; one more is kept of what came before


class LogFile:
    """The file of this start. Where it can't be written the program runs without one."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or logs_dir()
        self._handler: RotatingFileHandler | None = None
        self._crashes: TextIO | None = None
        self.path: Path | None = None

    def install(self) -> None:
        """Begins the file, says what runs on what, and lets all of Schliff's loggers write to it."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            number = max(map(_number, self.folder.glob(_LOGS)), default=0) + 1
            name = f"schliff-{number:06d}-{datetime.now():%Y%m%d-%H%M%S}-{os.getpid()}.log"
            handler = RotatingFileHandler(self.folder / name, maxBytes=MOST_BYTES, backupCount=1, encoding="utf-8")
        except OSError as error:
            logging.getLogger("schliff").warning("there will be no log file: %s", error)
            return
        handler.setFormatter(logging.Formatter(LINE))
        logger = logging.getLogger("schliff")
        logger.addHandler(handler)
        self._handler, self.path = handler, self.folder / name
        line = f"{what_runs()}, {' '.join(sys.argv[1:])}"
        handler.handle(logger.makeRecord("schliff", logging.INFO, __file__, 0, line, (), None))
        self._watch_for_crashes()
        self._forget_old_ones()

    def remove(self) -> None:
        """Closes the file; it stays."""
        if self._handler is not None:
            logging.getLogger("schliff").removeHandler(self._handler)
            self._handler.close()
            self._handler = None
        if self._crashes is not None:
            faulthandler.disable()
            self._crashes.close()
            self._crashes = None

    def _watch_for_crashes(self) -> None:
        """A native crash writes where every thread was, beside the log: the log itself may be rotated meanwhile."""
        if faulthandler.is_enabled():  # whoever started this process watches already
            return
        with suppress(OSError):
            self._crashes = (self.folder / _CRASHES).open("a", encoding="utf-8")
            faulthandler.enable(self._crashes)

    def _forget_old_ones(self) -> None:
        logs = sorted(self.folder.glob(_LOGS), key=_number)
        for old in logs[:-KEPT_STARTS]:
            for path in (old, old.with_name(f"{old.name}.1")):
                with suppress(OSError):
                    path.unlink(missing_ok=True)


def pack(folder: Path, out: Path) -> int:
    """Writes the logs that lie in a folder into one ZIP file; how many they are. Raises ResourceError."""
    logs = sorted((*folder.glob(_LOGS), *folder.glob(f"{_LOGS}.1"), *folder.glob(_CRASHES)))
    with written_whole(out) as aside, ZipFile(aside, "w", ZIP_DEFLATED) as packed:
        for log in logs:
            packed.writestr(log.name, log.read_bytes())
    return len(logs)


_CRASHES = "crashes.txt"
_LOGS = "schliff-*.log"


def _number(path: Path) -> int:
    """Which start it was: later ones have higher numbers, whatever the clock says."""
    found = re.match(r"schliff-(\d{1,9})-", path.name)
    return int(found[1]) if found else 0


def what_runs() -> str:
    """The program and the system, in one line. (`platform.platform` would start another program to ask for the processor.)"""
    system = f"{platform.system()} {platform.release()} {platform.machine()}"
    return f"Schliff {core.__version__}, Python {platform.python_version()}, {system}"
