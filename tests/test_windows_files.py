"""What Windows asks of those who write files, as far as it can be tried elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from core import disk
from core.disk import disk_errors, written_whole
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
