"""Decides what is shown of a window classifier's stored map cell by cell: how much each one alone speaks for a class.

A window's score says that there is a defect in it, not where. The network ends in pooling and one linear layer, so that the
stored logits of a cell are what its features add to any window around it: the class activation map of the whole section
(Zhou et al. 2016, eq. 2), at the resolution of the features and without a model. A cell's softmax brings them to 0 to 1.
"""

from __future__ import annotations

import numpy as np

from core.models.classifier import DENSE
from core.project.maps import ScanMaps
from core.project.records import ScanRecord
from core.project.score_map import ScoreMap, ScoreSource

Array = np.ndarray


def evidence_of(logits: Array, labels: int) -> Array:
    """(labels, rows, columns) float32 of 0 to 1, the share of each label in a cell's own softmax; NaN where `logits` are.

    Args:
        logits: (zooms · (1 + labels), rows, columns) float32, "no defect" first in each zoom; the highest of all zooms counts.
    """
    zooms = logits.reshape(-1, 1 + labels, *logits.shape[1:])
    exponentials = np.exp(zooms - zooms.max(1, keepdims=True))
    return (exponentials[:, 1:] / exponentials.sum(1, keepdims=True)).max(0)


def has_evidence(scan: ScanRecord) -> bool:
    """Whether a scan's map holds logits of cells: that of a window classifier run densely."""
    mode = scan.parameters.get("model", {}).get("mode", DENSE)
    return scan.family == "classifier" and scan.score_unit == "probability" and mode == DENSE


class StoredEvidence:
    """What the stored map of a scan says of each cell. A `ScoreSource`: may be used from any thread.

    Args:
        scores: of the same scan, which say what is stored.
    """

    def __init__(self, maps: ScanMaps, scores: ScoreSource) -> None:
        self._maps, self._scores = maps, scores
        self.shape, self.chunk = scores.shape, scores.chunk

    def read(self, row: int, column: int, rows: int, columns: int) -> Array:
        """As `ScoreSource.read`. Nothing where no scores are: there is no specimen."""
        logits = self._maps.read("model", row, column, rows, columns)
        known = np.isfinite(self._scores.read(row, column, rows, columns))
        return np.where(known, evidence_of(logits, self.shape[0]), np.float32(np.nan))

    def stored(self) -> Array:
        return self._scores.stored()


def evidence_map(maps: ScanMaps, scan: ScanRecord) -> ScoreMap | None:
    """None for a scan that has none. Raises InputError when its maps are missing or damaged."""
    if not has_evidence(scan) or scan.cell_px <= 0 or not maps.exists() or maps.channels % (1 + len(scan.labels)):
        return None
    return ScoreMap(StoredEvidence(maps, maps.score_source()), scan.cell_px)
