"""Decides how a feature memory is made of what is normal, start to end."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from core.anomaly.calibration import Calibration, calibrate
from core.devices import choose_device
from core.disk import disk_errors
from core.errors import InputError, UsageError
from core.jobs import CancelToken, Progress, Step, no_progress
from core.models.card import draft_of
from core.models.memory import CELL_PX, EXAMPLE_PX, MOST_EXAMPLES, sizes_of
from core.models.networks.memory_bank import coreset, doubts, nearest
from core.models.networks.memory_features import LocalFeatures
from core.models.networks.memory_model import MemoryModel, Places, example_at, tensors_of
from core.models.weights import save_model
from core.parameters import resolve
from core.train.families.memory import PARAMETERS
from core.train.memory_package import make_card
from core.train.memory_start import Start, start_of
from core.train.normal_windows import NormalWindows, read_normal
from core.train.record import training_record

Array = np.ndarray

CHECKPOINT_NAME = ".training.safetensors"
# Places held while it is decided what to remember, and those it is chosen from.
_CELLS_HELD, _CANDIDATES = 400_000, 40_000
_FEWEST_CELLS = 16  # of a window
_PROJECTED_FROM = 64  # windows
_CALIBRATED, _EXTREMES = 400, 100  # windows at most
# Of a component's spread, how much is taken away: at 0 the strongest decide alone, at 1 noise counts as much.
_WHITENED, _LEAST = 0.5, 1e-3


def train_memory(
    data: Path,
    out: Path,
    settings: Mapping[str, Any],
    seed: int = 0,
    device: str = "auto",
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
) -> dict[str, Any]:
    """Remembers what is normal in `data` (`core.data.normal`), writes the model folder `out`, returns the metrics.

    Where nobody said what is normal, the windows with the most unusual places are left out before it is chosen what to
    remember. Interrupted while its network learns, it goes on there when called again with the same `out`. Raises
    UsageError for settings, InputError for data or weights, ResourceError for device, disk or download, CancelledError.
    """
    values, cancel, started = resolve(PARAMETERS, settings), cancel or CancelToken(), time.monotonic()
    if values["window_px"] % 16:
        raise UsageError(f"window_px = {values['window_px']} is no multiple of 16")
    chosen = choose_device(device)
    windows = read_normal(data, values, values["window_px"], seed, progress, cancel)
    learnt, held_out = (_by_picture(windows, part) for part in windows.split(values["held_share"], seed))
    with disk_errors(out):
        out.mkdir(parents=True, exist_ok=True)
    start = start_of(values, windows, learnt, held_out, out / CHECKPOINT_NAME, chosen, seed, progress, cancel)
    work = _Work(windows, start, values, chosen, seed, progress, cancel)
    memory, kept = work.remembered(learnt)
    sizes = sizes_of(start.features.channels, memory)
    card = make_card(out, values, windows, learnt, start, sizes)
    calibration = work.calibrated(card, memory, kept, held_out)
    card["calibration"] = calibration.to_json()
    commands = start.commands
    card["training"] = {
        **training_record("memory", PARAMETERS, values, windows.data, seed, data, out, commands),
        "windows": len(learnt),
        "held_out": len(held_out),
        "validated_on_what_it_learnt": calibration.is_of_learnt,
        "left_out": len(learnt) - len(kept),
        "seconds": round(time.monotonic() - started),
        "device": str(chosen),
    }
    card["metrics"] = {"validation": {**start.figures, **_figures(calibration)}}
    save_model(out, card, tensors_of(start.features, memory))
    (out / CHECKPOINT_NAME).unlink(missing_ok=True)
    return dict(card["metrics"])


class _Work:
    """What is done with a network's features once it is there."""

    def __init__(
        self,
        windows: NormalWindows,
        start: Start,
        values: Mapping[str, Any],
        device: torch.device,
        seed: int,
        progress: Progress,
        cancel: CancelToken,
    ) -> None:
        self._windows, self._values, self._seed = windows, values, seed
        self._progress, self._cancel = progress, cancel
        self._features = start.features
        as_kept(self._features)
        self._places = Places(self._features, *start.normalisation, device)
        self._halo = self._features.halo_px

    def remembered(self, learnt: Array) -> tuple[dict[str, Array], Array]:
        """The memory's tensors, rounded as they are kept, and the windows that it may be of."""
        mean, projection = self._projection(learnt)
        share = max(_FEWEST_CELLS, _CELLS_HELD // len(learnt))
        random = np.random.default_rng(self._seed)
        cells, owners, at = [], [], []
        for number, found in enumerate(self._each(learnt, "Looking at what is normal")):
            chosen = np.sort(random.permutation(found.shape[0] * found.shape[1])[:share])
            cells.append((found.flatten(0, 1)[torch.from_numpy(chosen).to(found.device)] - mean) @ projection)
            owners.append(np.full(len(chosen), number))
            at.append(chosen)
        features, owner, place = torch.cat(cells), np.concatenate(owners), np.concatenate(at)
        kept = self._trusted(features, owner, len(learnt))
        usable = np.flatnonzero(np.isin(owner, kept))
        usable = np.sort(random.permutation(usable)[:_CANDIDATES])
        features = features[torch.from_numpy(usable).to(features.device)]
        members = coreset(features, self._values["members"], self._seed, self._progress, self._cancel)
        chosen_members = half(features[members.to(features.device)])
        first = members[:MOST_EXAMPLES].numpy()
        origin = nearest(chosen_members, chosen_members[: len(first)])[1]
        examples = self._examples(learnt[owner[usable[first]]], place[usable[first]])
        memory = {
            "memory.mean": mean, "memory.projection": projection, "memory.members": chosen_members,
            "memory.origin": origin.float(),
        }  # fmt: skip
        return {**{name: t.cpu().numpy() for name, t in memory.items()}, "memory.examples": examples}, learnt[kept]

    def calibrated(
        self, card: Mapping[str, Any], memory: Mapping[str, Array], kept: Array, held_out: Array
    ) -> Calibration:
        """On windows held out, as a scan sees them."""
        model = MemoryModel(draft_of(card), self._places, memory, 1.0)
        edge = self._halo // CELL_PX

        def raw(indices: Array) -> Iterator[Array]:
            for done, pixels in enumerate(self._windows.around(indices, self._halo)):
                self._cancel.check()
                self._progress(Step(done, len(indices), "Finding out what scores are normal"))
                yield model.map_tile(pixels)[0, edge:-edge, edge:-edge]

        is_of_learnt = bool(np.intersect1d(kept, held_out).size)
        held_out, kept = (self._some(*pair) for pair in ((held_out, _CALIBRATED), (kept, _EXTREMES)))
        area, trim = self._windows.window_mm2, self._windows.trim
        return calibrate(raw(held_out), raw(kept), area, trim, self._seed, is_of_learnt)

    def _projection(self, learnt: Array) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean (features,) and projection (features, components) onto the components that change most."""
        some = self._each(self._some(learnt, _PROJECTED_FROM), "Looking at what is normal")
        found = torch.cat([one.flatten(0, 1) for one in some])
        mean, deviation = found.mean(0), found.std(0)
        # What is never seen to change says nothing, and nothing of how much is much.
        scale = torch.where(deviation > _LEAST * deviation.max(), deviation, torch.inf)
        scaled = (found - mean) / scale
        spread, axes = torch.linalg.eigh((scaled.T @ scaled / len(scaled)).double())
        count = min(self._values["components"], len(spread))
        spread, axes = spread[-count:].clamp(min=float(spread[-1]) * _LEAST), axes[:, -count:]
        projection = axes.float() / scale[:, None] * spread.float() ** (-_WHITENED / 2)
        return half(mean), half(projection)

    def _trusted(self, features: torch.Tensor, owner: Array, count: int) -> Array:
        """Which of `count` windows may be remembered: all, or but for the share that is most unlike the others."""
        left_out = min(round(self._windows.trim * count), count - 1)
        if not left_out:
            return np.arange(count)
        worst = np.zeros(count)
        np.maximum.at(worst, owner, doubts(features, self._seed).cpu().numpy())
        return np.sort(np.argsort(worst, kind="stable")[: count - left_out])

    def _examples(self, indices: Array, places: Array) -> Array:
        """(n, 64, 64, 3) float32 around places (numbers of cells) of windows."""
        margin, across = EXAMPLE_PX // 2, self._windows.side // CELL_PX
        shown = []
        for index, place in zip(indices, places, strict=True):
            pixels = next(self._windows.around([index], margin))
            row, column = (int(one) + margin // CELL_PX for one in divmod(place, across))
            shown.append(example_at(pixels, row, column))
        return np.stack(shown).astype(np.float32)

    def _each(self, indices: Array, what: str) -> Iterator[torch.Tensor]:
        """(rows, columns, features) of each window, seen with its surroundings."""
        edge = self._halo // CELL_PX
        for done, pixels in enumerate(self._windows.around(indices, self._halo)):
            self._cancel.check()
            self._progress(Step(done, len(indices), what))
            yield self._places.of(pixels)[edge:-edge, edge:-edge]

    def _some(self, indices: Array, most: int) -> Array:
        return _by_picture(self._windows, np.random.default_rng(self._seed).permutation(indices)[:most])


def half(values: torch.Tensor) -> torch.Tensor:
    """As they are kept. Raises InputError for what half floats can't hold."""
    rounded = values.half().float()
    if not rounded.isfinite().all():
        raise InputError(
            "the network's features can't be kept", remedy="Choose data that isn't all the same, or other weights."
        )
    return rounded


def as_kept(features: LocalFeatures) -> None:
    """Rounds a network's weights to what a folder keeps, so that what is measured of it is what a scan will do."""
    for values in features.state_dict().values():
        if values.dtype.is_floating_point:
            values.copy_(half(values))


def _by_picture(windows: NormalWindows, indices: Array) -> Array:
    """In an order in which each file is opened once."""
    return indices[np.argsort(windows.groups[indices], kind="stable")]


def _figures(calibration: Calibration) -> dict[str, float]:
    """How the highest scores of held-out windows are spread."""
    middle = calibration.windows.exceeded_by(0.5) / calibration.limit
    return {"windows": calibration.windows.count, "middle_score": round(middle, 4)}
