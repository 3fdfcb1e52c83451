"""Decides, as values, where a finding in a map of scores ends; what is done with them is for `core.scan.extract`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MarkLevels:
    """A finding covers the cells around its peak that reach a share of its height, within what the model says of its scores.

    Args:
        least: a cell below it is no part of any finding.
        surely: a joined cell at or above it is part of the finding, however high its peak is.
        spills: whether cells beside a strong defect score as they see it, too: the finding takes those that reach `surely`,
            so that they are none of their own, and is drawn around those that reach the share of its height.
        ground: what is normal scores in the middle; heights are measured from it.
        gap_cells: cells that reach `surely`, and between which no more than twice as many lie, are joined: a cluster is
            one finding.
    """

    least: float = 0.0
    surely: float = float("inf")
    gap_cells: int = 0
    spills: bool = False
    ground: float = 0.0


ANY_LEVEL = MarkLevels()
