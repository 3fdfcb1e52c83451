"""Decides how a network that draws windows again is judged while it learns, and what is normal in the end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import torch

from core.anomaly.calibration import Calibration, calibrate
from core.disk import written_whole
from core.jobs import CancelToken, Progress, Step
from core.models.networks.cgan import EdgeToImage
from core.models.networks.feature_comparison import FeatureComparison
from core.models.networks.reconstructors import as_seen, compared, residuals
from core.models.reconstruction import CELLS, CHANNELS, PLACE, STRIDES, WINDOW, raw_scores, smoothed
from core.similarity import similarity
from core.train.best_state import Measured
from core.train.normal_windows import NormalWindows
from core.train.reconstruction_courses import Course

Array = np.ndarray

PREVIEW_NAME = "preview.png"
_SHOWN = 4
_JUDGED = 64  # windows at each validation
_CALIBRATED = 600  # windows of those held out, and of those learnt, at most
_AT_ONCE = 16
_WHOLLY_OFF = 128.0

# stride → score → what is usual, and the calibration
Ways = dict[str, dict[str, tuple[float, Calibration]]]


class Judge:
    """Looks at the network of a course as it is. Its pictures go to `folder`; `features` compares, too."""

    def __init__(
        self,
        course: Course,
        windows: NormalWindows,
        learnt: Array,
        held_out: Array,
        side_px: int,
        folder: Path,
        progress: Progress,
        cancel: CancelToken,
        features: FeatureComparison | None = None,
    ) -> None:
        self._course, self._windows, self._side = course, windows, side_px
        self._progress, self._cancel = progress, cancel
        self._features = features
        self._learnt, self._held_out = learnt, held_out
        chosen = np.random.default_rng(0).permutation(len(held_out))
        self._judged = held_out[np.sort(chosen[:_JUDGED])]
        self._preview = folder / PREVIEW_NAME

    def measured(self) -> Measured[None]:
        """How alike its drawings of held-out windows are: the middle one, since some may show a defect."""
        alike = 1 - np.concatenate([said[:, CHANNELS[WINDOW], 0, 0] for said in self._said(self._judged)])
        self._show()
        middle = round(float(np.median(alike)), 6)
        return Measured((middle,), {"ssim": middle, "lowest_ssim": round(float(alike.min()), 6)}, None)

    def doubts(self) -> Array:
        """For each window learnt from, how unlike its drawing it is where it is most unlike. Broken off, it begins anew."""
        told = self._told(self._learnt, "Looking for windows that may hold a defect")
        return np.array([raw_scores(one, CHANNELS[PLACE], 0.0).max() for said in told for one in said])

    def calibrations(self) -> Ways:
        """For each way of running the model. Of a window the middle counts that is nearest to it in a scan."""
        kept = self._learnt[~self._course.left_out.cpu().numpy()]
        what = "Finding out what scores are normal"
        held_out, learnt = (np.concatenate(list(self._told(_some(those), what))) for those in (self._held_out, kept))
        told = {score: channel for score, channel in CHANNELS.items() if channel < held_out.shape[1]}
        return {
            stride: {score: self._calibrated(held_out, learnt, cells, channel) for score, channel in told.items()}
            for stride, cells in STRIDES.items()
        }

    def metrics(self) -> dict[str, float]:
        """How alike its drawings are by the exact index, and how far off in grey levels, on held-out windows."""
        alike, off = [], []
        for seen, drawn in self._drawn(self._judged[: 2 * _AT_ONCE]):
            pairs = zip(_grey_levels(seen), _grey_levels(drawn), strict=True)
            alike += [similarity(one, other) for one, other in pairs]
            off += residuals(seen, drawn).mean((1, 2, 3)).sqrt().tolist()
        return {
            "windows": len(alike),
            "ssim": round(float(np.median(alike)), 4),
            "lowest_ssim": round(min(alike), 4),
            "grey_levels_off": round(float(np.median(off)), 2),
        }

    def _calibrated(self, held_out: Array, learnt: Array, cells: int, channel: int) -> tuple[float, Calibration]:
        edge = (CELLS - cells) // 2
        middle = slice(edge, CELLS - edge)
        usual = float(np.median([smoothed(one, channel)[middle, middle] for one in held_out]))
        scale, side = self._windows.um_per_px, self._windows.side * cells / CELLS
        area = None if scale is None else (side * scale / 1000) ** 2
        raw = [[raw_scores(one, channel, usual)[middle, middle] for one in those] for those in (held_out, learnt)]
        is_of_learnt = bool(np.intersect1d(self._learnt, self._held_out).size)
        return usual, calibrate(raw[0], raw[1], area, self._windows.trim, is_of_learnt=is_of_learnt)

    @torch.no_grad()
    def _drawn(self, indices: Array) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """What the network sees of windows and what it draws, in batches."""
        drawing, device = self._course.drawing.eval(), self._course.left_out.device
        for at in range(0, len(indices), _AT_ONCE):
            self._cancel.check()
            pixels = self._windows.batch(indices[at : at + _AT_ONCE])
            seen = as_seen(torch.from_numpy(pixels).to(device), self._side)
            yield seen, drawing(seen)

    def _said(self, indices: Array) -> Iterator[Array]:
        """What a scan says of single windows: (n, 3, 32, 32), in batches."""
        for seen, drawn in self._drawn(indices):
            yield compared(seen, drawn, self._features).cpu().numpy()

    def _told(self, indices: Array, what: str) -> Iterator[Array]:
        """As `_said`, of many windows: how far it is, is told."""
        done = 0
        for said in self._said(indices):
            done += len(said)
            self._progress(Step(done, len(indices), what))
            yield said

    def _show(self) -> None:
        """Input, edges, drawing and residual of some held-out windows, a row for each."""
        seen, drawn = next(iter(self._drawn(self._judged[:_SHOWN])))
        off = (residuals(seen, drawn) / _WHOLLY_OFF**2).clamp(max=1)[:, 0].cpu().numpy()
        columns = [_grey_levels(seen), _grey_levels(drawn), [_coloured(one) for one in off]]
        if isinstance(self._course.drawing, EdgeToImage):
            edges = self._course.drawing.edges(seen)
            columns.insert(1, _grey_levels(2 * edges.expand(-1, 3, -1, -1) - 1))
        rows = [np.concatenate(list(row), axis=1) for row in zip(*columns, strict=True)]
        png = cv2.imencode(".png", np.concatenate(rows)[..., ::-1])[1].tobytes()
        with written_whole(self._preview) as part:
            part.write_bytes(png)


def _some(indices: Array) -> Array:
    chosen = np.random.default_rng(0).permutation(len(indices))[:_CALIBRATED]
    return indices[np.sort(chosen)]


def _grey_levels(images: torch.Tensor) -> Array:
    """(n, 3, h, w) of -1 to 1 → (n, h, w, 3) uint8."""
    values = images.permute(0, 2, 3, 1).cpu().numpy()
    return np.rint((values + 1) * 127.5).clip(0, 255).astype(np.uint8)


def _coloured(values: Array) -> Array:
    """(h, w) of 0 to 1 → (h, w, 3) uint8 RGB, blue to red."""
    return cv2.applyColorMap(np.rint(255 * values).astype(np.uint8), cv2.COLORMAP_TURBO)[..., ::-1]
