"""Decides how a feature memory is made of what is normal, start to end."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from itertools import chain
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
from core.train.memory_views import Views
from core.train.normal_windows import NormalWindows, read_normal
from core.train.record import training_record

Array = np.ndarray

CHECKPOINT_NAME = ".training.safetensors"
# Places held while it is decided what to remember, and those it is chosen from.
_CELLS_HELD, _CANDIDATES = 400_000, 40_000
_FEWEST_CELLS = 16  # of a window
_PROJECTED_FROM = 64  # windows
_CALIBRATED, _EXTREMES, _FOLDS = 400, 100, 5  # windows at most; times that a part of the memory is taken away


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
    memory, kept, seen_in = work.remembered(learnt)
    sizes = sizes_of(start.features.channels, memory)
    card = make_card(out, values, windows, learnt, start, sizes)
    calibration = work.calibrated(card, memory, seen_in, learnt, kept, held_out)
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
        self._views = Views(windows, self._places, self._halo, values["variety"], seed, progress, cancel)

    def remembered(self, learnt: Array) -> tuple[dict[str, Array], Array, Array]:
        """The memory's tensors, rounded as they are kept, the windows that it may be of, and the window of each member."""
        some = self._some(learnt, _PROJECTED_FROM)
        mean, projection = (half(one) for one in self._views.projection(some, self._values["components"]))
        share = max(_FEWEST_CELLS, _CELLS_HELD // len(learnt))
        random = np.random.default_rng(self._seed)
        cells, owners, at = [], [], []
        for number, found in enumerate(self._views.each(learnt)):
            chosen = np.sort(random.permutation(len(found))[:share])
            cells.append((found[torch.from_numpy(chosen).to(found.device)] - mean) @ projection)
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
        tensors = {**{name: t.cpu().numpy() for name, t in memory.items()}, "memory.examples": examples}
        return tensors, learnt[kept], learnt[owner[usable[members.numpy()]]]

    def calibrated(
        self,
        card: Mapping[str, Any],
        memory: Mapping[str, Array],
        seen_in: Array,
        learnt: Array,
        kept: Array,
        held_out: Array,
    ) -> Calibration:
        """On windows held out, as a scan sees them; and on those learnt from, each compared with what the memory knows from
        elsewhere (`seen_in`: the window of each member): a few sections differ by more than one held out can tell.

        Those that were left out of what is remembered (all but `kept`) are among them: the calibration doubts the highest
        scores by itself, and would doubt as many normal ones if the unusual ones were missing.
        """
        spec, edge = draft_of(card), self._halo // CELL_PX

        def raw(indices: Array, known: Array | slice = slice(None)) -> Iterator[Array]:
            own = {name: memory[name][known] for name in ("memory.members", "memory.origin")}
            model = MemoryModel(spec, self._places, {**memory, **own}, 1.0)
            for done, pixels in enumerate(self._windows.around(indices, self._halo)):
                self._cancel.check()
                self._progress(Step(done, len(indices), "Finding out what scores are normal"))
                yield model.map_tile(pixels)[0, edge:-edge, edge:-edge]

        is_of_learnt = bool(np.intersect1d(learnt, held_out).size)
        others = self._some(learnt, 0 if is_of_learnt else max(0, _CALIBRATED - len(held_out)))
        turns = [raw(self._some(held_out, _CALIBRATED))]
        folds = (fold for fold in self._folds(learnt) if not fold[seen_in].all())
        turns += [raw(others[fold[others]], ~fold[seen_in]) for fold in folds]
        area, trim = self._windows.window_mm2, self._windows.trim
        extremes = raw(self._some(kept, _EXTREMES))
        return calibrate(chain.from_iterable(turns), extremes, area, trim, self._seed, is_of_learnt)

    def _folds(self, indices: Array) -> list[Array]:
        """For each of up to `_FOLDS` sets of parts of what is learnt from (n,) bool, which windows are of them; none where
        there is a single part."""
        parts = self._windows.parts
        names = np.unique(parts[indices])
        count = min(len(names), _FOLDS)
        return [np.isin(parts, names[number::count]) for number in range(count)] if count > 1 else []

    def _trusted(self, features: torch.Tensor, owner: Array, count: int) -> Array:
        """Which of `count` windows may be remembered: all, or but for the share that is most unlike the others."""
        left_out = min(round(self._windows.trim * count), count - 1)
        if not left_out:
            return np.arange(count)
        worst = np.zeros(count)
        np.maximum.at(worst, owner, doubts(features, self._seed).cpu().numpy())
        return np.sort(np.argsort(worst, kind="stable")[: count - left_out])

    def _examples(self, indices: Array, places: Array) -> Array:
        """(n, 64, 64, 3) float32 around places (numbers of cells, as `Views.each` gives them) of windows."""
        margin = EXAMPLE_PX // 2
        shown = np.empty((len(indices), EXAMPLE_PX, EXAMPLE_PX, 3), np.float32)
        order = np.argsort(self._windows.groups[indices], kind="stable")  # each file is opened once
        for at, pixels in zip(order, self._windows.around(indices[order], margin), strict=True):
            row, column = self._views.origin(int(places[at]))
            shown[at] = example_at(pixels, row + margin // CELL_PX, column + margin // CELL_PX)
        return shown

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
