"""Decides how one process fuzzes: file after file, each told before it is tried and judged afterwards.

Started by `tests.fuzzing.watched`. It limits its own memory, and ends with a trace of every thread where a file hangs.
"""

from __future__ import annotations

import faulthandler
import importlib
import json
import logging
import random
import resource
import shutil
import signal
import sys
import time
import traceback
import warnings
from pathlib import Path
from typing import Any

import psutil

from core.errors import SchliffError
from tests.fuzzing.subjects import Subject

HANG_S = 10  # of a processor
STUCK_S = 200  # of a clock, on a machine that others use too; longer than any helper is waited for
MOST_BYTES = 2 << 30
_LONGEST_MESSAGE = 700


def main() -> None:
    """Arguments: folder, seed, where to keep what fails ("" = nowhere), module of the subjects; on stdin lines of `subject, first, count` as JSON; on stdout a line for each file."""
    folder, seed, kept = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    out = sys.stdout
    sys.stdout = sys.stderr  # what libraries print
    warnings.simplefilter("ignore")
    logging.disable()
    from core.memory import set_budget

    set_budget(64 << 20)
    known: dict[str, Subject] = importlib.import_module(sys.argv[4]).subjects()
    for line in sys.stdin:
        name, first, count = json.loads(line)
        subject = known[name]
        sound = folder / "sound"
        shutil.rmtree(sound, ignore_errors=True)
        sound.mkdir(parents=True)
        for limit in (resource.RLIMIT_AS, resource.RLIMIT_CPU):  # those of the subject before
            resource.setrlimit(limit, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        seeds = subject.write(sound)
        _use_sound(subject, seeds)
        _limit_memory()
        for number in range(first, first + count):
            print(json.dumps({"subject": name, "number": number}), file=out, flush=True)
            _limit_time()
            told = _tried(subject, seeds, folder / "work", f"{seed}/{name}/{number}")
            faulthandler.cancel_dump_traceback_later()
            if told["outcome"] == "wrong" and kept:
                keep(folder / "work", Path(kept), name, number, told["why"])
            print(json.dumps({"subject": name, "number": number, **told}), file=out, flush=True)


def _use_sound(subject: Subject, seeds: list[Path]) -> None:
    """Raises what the last one raises unless some are opened: nothing would be tried but refusals. Loads what is loaded late."""
    refused: SchliffError | None = None
    opened = 0
    for path in seeds:
        try:
            subject.use(path)
            opened += 1
        except SchliffError as error:
            refused = error
    if refused is not None and not opened:
        raise refused


def make(subject: Subject, seeds: list[Path], work: Path, key: str) -> Path:
    """The mutated file or folder that `key` names, in `work`, which is emptied."""
    rng = random.Random(key)
    sound = rng.choice(seeds)
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    path = work / sound.name
    if sound.is_dir():
        shutil.copytree(sound, path)
    else:
        shutil.copyfile(sound, path)
    subject.mutate(path, rng)
    return path


def _tried(subject: Subject, seeds: list[Path], work: Path, key: str) -> dict[str, Any]:
    path = make(subject, seeds, work, key)
    _reset_peak()
    before = _processor_s()
    outcome, why = "opened", ""
    try:
        subject.use(path)
    except BaseException as error:
        outcome, why = judged(error)
    seconds, peak = max(0.0, _processor_s() - before), _peak_bytes()
    if peak > MOST_BYTES:
        outcome, why = "wrong", f"{peak >> 20} MB of memory"
    return {"outcome": outcome, "why": why, "seconds": seconds, "peak": peak}


def judged(error: BaseException) -> tuple[str, str]:
    """Whether an error is one a user can be told: of Schliff's own, with a path and a remedy, in one line."""
    if not isinstance(error, SchliffError):
        return "wrong", "".join(traceback.format_exception(error))
    problem = ""
    if error.path is None:
        problem = "no path"
    elif not error.remedy:
        problem = "no remedy"
    elif len(str(error)) > _LONGEST_MESSAGE or not str(error).isprintable():
        problem = "no message that can be read"
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, MemoryError):
            problem = "too much memory asked for"
        cause = cause.__cause__ or cause.__context__
    if problem:
        return "wrong", f"{problem}: {str(error)[:2000]}\n" + "".join(traceback.format_exception(error))
    return "refused", str(error)


def keep(work: Path, place: Path, subject: str, number: int, why: str) -> None:
    """Puts a file that failed aside, with what happened."""
    target = place / subject.replace(" ", "-") / str(number)
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(work, target, symlinks=True)
    (target / "what-happened.txt").write_text(why, "utf-8", "replace")


def _limit_memory() -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + MOST_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _limit_time() -> None:
    """The next file has ten seconds of a processor; then the process ends, and tells where it was. Helpers have limits of
    their own, and live for many files."""
    resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time()) + HANG_S + 1, resource.RLIM_INFINITY))
    for helper in _helpers():
        resource.prlimit(helper.pid, resource.RLIMIT_CPU, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    faulthandler.dump_traceback_later(STUCK_S, exit=True)


def _helpers() -> list[psutil.Process]:
    return psutil.Process().children()


def _processor_s() -> float:
    """Of this process and its helpers, of those that have ended, too."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    alive = [helper.cpu_times() for helper in _helpers()]
    return time.process_time() + ended.ru_utime + ended.ru_stime + sum(times.user + times.system for times in alive)


def _reset_peak() -> None:
    for pid in ("self", *(helper.pid for helper in _helpers())):
        Path(f"/proc/{pid}/clear_refs").write_text("5")


def _peak_bytes() -> int:
    """Of whichever held most: this process, or a helper that still lives."""
    return max(_peak_of(pid) for pid in ("self", *(helper.pid for helper in _helpers())))


def _peak_of(pid: str | int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) << 10
    return 0


if __name__ == "__main__":
    faulthandler.enable()
    faulthandler.register(signal.SIGXCPU, chain=True)
    main()
