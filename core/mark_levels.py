"""Decides, as values, where a finding in a map of scores ends; what is done with them is for `core.scan.extract`."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class MarkLevels:
    """A finding covers the cells around its peak that reach a share of its height, within what the model says of its scores.

    Args:
        least: a cell below it is no part of any finding; 0 where nobody knows what normal cells reach.
        surely: a joined cell at or above it is part of the finding, however high its peak is.
        spills: whether cells beside a strong defect score as they see it, too: the finding takes those that reach `surely`,
            so that they are none of their own, and is drawn around those that reach the share of its height.
        ground: what is normal scores in the middle; heights are measured from it.
        gap_cells: cells twice as far above the ground as `surely` are joined where no more than twice as many lie between
            them, lower ones where fewer do, those at `surely` where none does: a cluster is one finding, bumps of ground close
            to the limit are none.
    """

    least: float = 0.0
    surely: float = float("inf")
    gap_cells: int = 0
    spills: bool = False
    ground: float = 0.0

    def on_ground(self, usual: float) -> MarkLevels:
        """The same where most cells score more than `usual`. Where that is what hardly any normal cell reaches, the ground isn't
        the one that was learnt, and all levels lie as much higher: else whatever stands on it would run together."""
        if not self.least or usual <= self.least:
            return self
        higher = usual - self.ground
        return replace(self, least=self.least + higher, surely=self.surely + higher, ground=usual)


ANY_LEVEL = MarkLevels()
