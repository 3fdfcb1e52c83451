"""Decides how fuzzing is watched: in processes that may crash or hang, each told by the file it was at."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tests.fuzzing.child import keep

Outcome = Literal["opened", "refused", "wrong"]

_ROOT = Path(__file__).resolve().parents[2]
_LONGEST_TRACE = 6000


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of one mutated file. `seconds`: of a processor; `peak`: resident bytes at most; `why`: the error as told, or what was wrong."""

    subject: str
    number: int
    outcome: Outcome
    why: str
    seconds: float = 0.0
    peak: int = 0


def fuzz(
    wanted: Sequence[tuple[str, int, int]],
    seed: int,
    kept: Path | None = None,
    module: str = "tests.fuzzing.subjects",
) -> Iterator[Tried]:
    """Tries files `first` to `first + count` of each (subject, first, count), in one process after the other.

    A process that crashes or hangs has failed at the file it told last; another one goes on behind it. What was wrong is
    kept in `kept`: the file or folder, and what happened.
    """
    left = [list(one) for one in wanted]
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        while left:
            for tried in _one_process(left, [folder, str(seed), str(kept or ""), module]):
                left = _after(left, tried)
                yield tried


def _after(left: list[list[Any]], tried: Tried) -> list[list[Any]]:
    """What is still to be tried behind a file."""
    while left and left[0][0] != tried.subject:
        left = left[1:]
    name, first, count = left[0]
    done = tried.number + 1 - first
    return [[name, first + done, count - done], *left[1:]] if done < count else left[1:]


def _one_process(wanted: list[list[Any]], arguments: list[str]) -> Iterator[Tried]:
    folder, kept = Path(arguments[0]), arguments[2]
    orders = "".join(json.dumps(one) + "\n" for one in wanted)
    environment = {
        **os.environ, "OMP_NUM_THREADS": "1", "SCHLIFF_HOME": str(folder / "home"), "QT_QPA_PLATFORM": "offscreen",
        "PYTHONPATH": str(_ROOT), "MALLOC_ARENA_MAX": "2",
    }  # fmt: skip
    with tempfile.TemporaryFile() as errors:
        with subprocess.Popen(
            [sys.executable, "-m", "tests.fuzzing.child", *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, cwd=_ROOT, env=environment,
        ) as process:  # fmt: skip
            try:
                assert process.stdin is not None
                assert process.stdout is not None
                process.stdin.write(orders.encode())
                process.stdin.close()
                begun: dict[str, Any] | None = None
                for line in process.stdout:
                    told = json.loads(line)
                    if "outcome" in told:
                        begun = None
                        yield Tried(**told)
                    else:
                        begun = told
            except BaseException:
                process.kill()
                raise
        code = process.returncode
        errors.seek(0)
        trace = errors.read()[-_LONGEST_TRACE:].decode(errors="replace")
    if begun is not None:
        what = "it hangs" if code == -signal.SIGXCPU or "Timeout (" in trace else f"the process ended ({code})"
        if kept:
            keep(folder / "work", Path(kept), begun["subject"], begun["number"], f"{what}\n{trace}")
        yield Tried(begun["subject"], begun["number"], "wrong", f"{what}\n{trace}")
    elif code:
        raise RuntimeError(f"fuzzing can't begin ({code}):\n{trace}")
