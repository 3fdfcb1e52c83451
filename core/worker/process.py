"""Decides how a worker process is started, what becomes of what it prints, and how its end is told."""

from __future__ import annotations

import logging
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from contextlib import suppress
from pathlib import Path

from core.compute_process import KEPT_MEMORY
from core.errors import ResourceError
from core.memory import BUDGET_VARIABLE, budget
from core.worker import WORKER_ARGUMENT
from core.worker.pipe import Message, Pipe, PipeError

_log = logging.getLogger("schliff.worker")

_LAST_LINES = 30
_LONGEST_LINE = 4096
_LONGEST_QUOTE = 160
_STILL_MEANT_S = 5.0  # what was printed longer before the end has nothing to do with it
_CRASH_REPORT = "Fatal Python error"  # begins what faulthandler prints: for the log
_PATIENCE_S = 2.0


class WorkerProcess:
    """A running worker. `pipe.send` speaks to it, `next_message` hears it. Raises ResourceError when it can't be started.

    Args:
        work: what it does, in words that stand before "process".
        remedy: what to do when it ends by itself.
    """

    def __init__(self, work: str, remedy: str) -> None:
        self._work, self._remedy = work, remedy
        try:
            self._process = subprocess.Popen(
                _command(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=own_environment(),
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except OSError as error:
            raise ResourceError(
                f"{work} process can't be started ({error.strerror or error})", remedy="Close other programs."
            ) from None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self.pipe = Pipe(self._process.stdout, self._process.stdin)
        self._mail: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self._last_lines: deque[str] = deque(maxlen=_LAST_LINES)
        self._last_words = "", 0.0
        self._garbled = ""
        self._threads = [
            threading.Thread(target=work, name="worker-mail", daemon=True) for work in (self._read, self._log_stderr)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def next_message(self, seconds: float) -> Message | None:
        """None when nothing came for so long. Raises ResourceError when the process has ended."""
        try:
            message = self._mail.get(timeout=seconds)
        except queue.Empty:
            return None
        if message is None:
            self._mail.put(None)  # it stays ended
            self.end()
            raise self._ending()
        return message

    def end(self, patience_s: float = _PATIENCE_S) -> None:
        """Lets it go: it stops by itself once its pipe is closed, and is killed when it doesn't."""
        with suppress(OSError):
            if self._process.stdin is not None:
                self._process.stdin.close()
        try:
            self._process.wait(patience_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for thread in self._threads:
            thread.join(_PATIENCE_S)
        self.pipe.close()
        if self._process.stderr is not None:
            self._process.stderr.close()

    # -- in threads of their own -------------------------------------------------------------------

    def _read(self) -> None:
        try:
            while (message := self.pipe.receive()) is not None:
                self._mail.put(message)
        except (PipeError, OSError, ValueError) as error:  # ValueError: the pipe was closed here
            self._garbled = str(error)
        self._mail.put(None)

    def _log_stderr(self) -> None:
        stderr = self._process.stderr
        assert stderr is not None
        with suppress(OSError, ValueError):
            crashed = False
            while line := stderr.readline(_LONGEST_LINE):
                text = line.decode(errors="replace").rstrip()
                crashed |= text.startswith(_CRASH_REPORT)
                if text:
                    self._last_lines.append(text)
                    _log.info("%s", text)
                if text and not crashed:
                    self._last_words = text, time.monotonic()

    # -- telling -----------------------------------------------------------------------------------

    def _ending(self) -> ResourceError:
        """Why it ended, with its last lines as a note."""
        how = _how(self._process.returncode) if not self._garbled else f"it said {self._garbled}"
        words, said_at = self._last_words
        meant = words and time.monotonic() - said_at < _STILL_MEANT_S
        said = f": “{' '.join(words.split())[:_LONGEST_QUOTE]}”" if meant else ""
        error = ResourceError(
            f"{self._work} process ended unexpectedly ({how}){said}",
            remedy=self._remedy,
        )
        error.add_note("\n".join(self._last_lines))
        return error


def _how(code: int) -> str:
    if sys.platform == "win32":
        return f"code {code & 0xFFFFFFFF:#x}"
    if code >= 0:
        return f"exit code {code}"
    if -code == signal.SIGKILL:
        return "signal 9, perhaps because the machine ran out of memory"
    return f"signal {-code}"


def _command() -> list[str]:
    return own_command("core.worker", WORKER_ARGUMENT)


def own_command(module: str, argument: str) -> list[str]:
    """What starts this program as another kind of process: as a module, or by an argument where it was built."""
    if getattr(sys, "frozen", False):
        return [sys.executable, argument]
    return [sys.executable, "-P", "-m", module]


def own_environment() -> dict[str, str]:
    """This process's own, with all places that it imports from, wherever it was started, and what its caches may hold."""
    environment = KEPT_MEMORY | os.environ | {BUDGET_VARIABLE: str(budget() >> 20)}
    if not getattr(sys, "frozen", False):
        environment["PYTHONPATH"] = os.pathsep.join(str(Path(place).absolute()) for place in sys.path)
    return environment
