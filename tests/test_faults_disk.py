"""A disk that fills in the middle of something; `benchmarks.full_disk` does the same on a disk that really is full."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmarks.full_disk import DEEDS

resource = pytest.importorskip("resource", reason="only POSIX limits how large files may grow")
pytestmark = pytest.mark.usefixtures("quick_disk")


@contextmanager
def full() -> Iterator[None]:
    """The system refuses every file that grows (EFBIG), whoever writes it: Python, SQLite, a codec."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("name", sorted(DEEDS.keys() - {"checkpoint"}))  # that one in `test_training_breaks`
def test_it_is_told_nothing_is_lost_and_it_goes_on_afterwards(name: str, tmp_path: Path):
    assert DEEDS[name](tmp_path, full)
