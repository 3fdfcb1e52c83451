"""Decides which of several windows and programs builds which super-block: one at a time, by locks that end with them.

Locks only save double work. Where a drive has none, two may build the same, and write the same.
"""

from __future__ import annotations

import errno
import os
import sys
import threading
from contextlib import suppress
from pathlib import Path

_HELD_ELSEWHERE = {errno.EACCES, errno.EAGAIN, errno.EDEADLK}
_PARTS = 1 << 30  # byte places in the lock file; numbers beyond share one, which only makes them wait

_registry = threading.Lock()
_files: dict[str, tuple[int, int]] = {}  # file descriptor and users; POSIX drops all locks when any one is closed
_taken: set[tuple[str, int]] = set()


class Claims:
    """The claims of one builder in the folder of `path`, an empty file that is made where it's missing."""

    def __init__(self, path: Path) -> None:
        self._name = str(path)
        self._own: set[int] = set()
        with _registry:
            file, users = _files.get(self._name, (-1, 0))
            if users == 0:
                file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
            _files[self._name] = (file, users + 1)
            self._file = file

    def take(self, number: int) -> bool:
        """False while another builder has it."""
        place = number % _PARTS
        with _registry:
            if (self._name, place) in _taken or not _lock(self._file, place):
                return False
            _taken.add((self._name, place))
            self._own.add(place)
            return True

    def give_back(self, number: int) -> None:
        place = number % _PARTS
        with _registry:
            if place in self._own:
                self._own.discard(place)
                _taken.discard((self._name, place))
                _unlock(self._file, place)

    def close(self) -> None:
        for place in tuple(self._own):
            self.give_back(place)
        with _registry:
            file, users = _files.pop(self._name)
            if users > 1:
                _files[self._name] = (file, users - 1)
            else:
                os.close(file)


if sys.platform == "win32":
    import msvcrt

    def _lock(file: int, place: int) -> bool:
        try:
            os.lseek(file, place, os.SEEK_SET)
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError as error:
            return error.errno not in _HELD_ELSEWHERE
        return True

    def _unlock(file: int, place: int) -> None:
        with suppress(OSError):
            os.lseek(file, place, os.SEEK_SET)
            msvcrt.locking(file, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _lock(file: int, place: int) -> bool:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
        except OSError as error:
            return error.errno not in _HELD_ELSEWHERE
        return True

    def _unlock(file: int, place: int) -> None:
        with suppress(OSError):
            fcntl.lockf(file, fcntl.LOCK_UN, 1, place)
