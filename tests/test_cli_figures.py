"""What the command line prints of trainings: every figure, and confusions that have more columns than rows."""

from __future__ import annotations

import pytest

from app.cli.console import print_confusion
from app.cli.training import _print_figures
from core.train.instances_quality import Part, Pictured, part_figures

RING = ((0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (0.0, 10.0))


def test_parts_that_were_not_found_have_a_column_of_their_own(capsys: pytest.CaptureFixture[str]) -> None:
    from core.geometry import Box

    part = Part("melt pool", Box(0, 0, 10, 10), RING)
    figures = part_figures([Pictured((part, part), (part,))], ["melt pool"], None)
    _print_figures(figures)
    lines = capsys.readouterr().out.splitlines()
    head = next(line for line in lines if line.startswith("truth"))
    assert head.split("  ")[-1] == "not found"
    assert next(line for line in lines if line.startswith("melt pool")).split() == ["melt", "pool", "1", "1"]


def test_a_row_for_each_truth_a_column_for_each_answer(capsys: pytest.CaptureFixture[str]) -> None:
    print_confusion(
        {"rows": ["pore", "crack"], "columns": ["pore", "crack", "nothing"], "counts": [[3, 0, 1], [2, 5, 0]]}
    )
    table = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["pore", "3", "0", "1"] in table
    assert ["crack", "2", "5", "0"] in table
