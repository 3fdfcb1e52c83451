"""What Windows asks of those who write files, as far as it can be tried elsewhere."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from core import disk
from core.disk import clear_left, disk_errors, written_whole
from core.errors import ResourceError


class HeldError(PermissionError):
    """What Windows says of a file that another program looks at."""

    def __init__(self, code: int) -> None:
        super().__init__(13, "The process cannot access the file")
        self.winerror = code


@pytest.fixture
def holding(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Codes with which the next renames are refused, one after the other."""
    codes: list[int] = []
    rename = Path.replace

    def refuse(self: Path, target: Path) -> Path:
        if codes:
            raise HeldError(codes.pop(0))
        return rename(self, target)

    monkeypatch.setattr(Path, "replace", refuse)
    monkeypatch.setattr(disk, "_WAITS_S", (0.0,) * len(disk._WAITS_S))
    return codes


def test_a_file_that_is_held_for_a_moment_is_written_all_the_same(tmp_path: Path, holding: list[int]) -> None:
    holding += [32, 5, 33]
    with written_whole(tmp_path / "list.csv") as temporary:
        temporary.write_text("new", "utf-8")
    assert (tmp_path / "list.csv").read_text("utf-8") == "new"


def test_a_list_open_in_another_program_is_said_to_be_that_and_stays_as_it_was(
    tmp_path: Path, holding: list[int]
) -> None:
    path = tmp_path / "list.csv"
    path.write_text("old", "utf-8")
    holding += [32] * 50
    told = pytest.raises(ResourceError, match=r"list\.csv: another program has it open\. Close it there")
    with told, written_whole(path) as temporary:
        temporary.write_text("new", "utf-8")
    assert path.read_text("utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_other_refusals_are_not_waited_for(tmp_path: Path) -> None:
    with pytest.raises(ResourceError, match="no permission"), disk_errors(tmp_path):
        raise PermissionError(13, "Permission denied")


def test_what_a_killed_export_left_goes_with_the_next_one_and_nothing_else_does(tmp_path: Path) -> None:
    program = "import sys; from pathlib import Path; from core.disk import written_whole\n" + (
        "with written_whole(Path(sys.argv[1])) as part:\n"
        "    part.write_text('half'); print('begun', flush=True); sys.stdin.read()"
    )
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path / name)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for name in ("killed.pdf", "writing.pdf")
    ]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.read(5) == b"begun"
    writers[0].kill()
    writers[0].communicate()
    foreign = [tmp_path / ".list.csv.part", tmp_path / ".list.csv.00000000-1-1.part", tmp_path / ".x.12-999999999.part"]
    for path in foreign:
        path.write_text("")
    clear_left(tmp_path)
    (killed,) = tmp_path.glob(".killed.pdf.*")  # it may still be written to, on a computer of the same name
    for path in tmp_path.iterdir():
        os.utime(path, (0, 0))
    clear_left(tmp_path)
    assert not killed.exists()
    assert not list(tmp_path.glob(".killed.pdf.*"))
    assert len(list(tmp_path.glob(".writing.pdf.*"))) == 1
    assert all(path.exists() for path in foreign)
    writers[1].communicate()
    assert (tmp_path / "writing.pdf").read_text() == "half"
    clear_left(tmp_path / "not there")
