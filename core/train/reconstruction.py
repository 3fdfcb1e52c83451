"""Decides how a network that draws windows of what is normal again is trained, start to end."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from core.devices import choose_device
from core.errors import ResourceError, UsageError
from core.jobs import CancelToken, Progress, no_progress
from core.models.networks.feature_comparison import FeatureComparison
from core.models.networks.reconstructors import SIDES_PX, as_seen, build, together
from core.models.networks.window_classifier import tensors_of
from core.models.reconstruction import CELLS, CGAN, VAE
from core.parameters import Parameter, resolve
from core.train.best_state import BestState, State
from core.train.families import cgan, vae
from core.train.normal_windows import NormalWindows, read_normal
from core.train.package import save_best_and_last
from core.train.reconstruction_courses import Course, make_course
from core.train.reconstruction_judging import Judge
from core.train.reconstruction_package import make_card, network_fields
from core.train.reconstruction_start import start_of, with_features
from core.train.record import training_record
from core.train.steps import Learner, Plan, train_steps

Array = np.ndarray

CHECKPOINT_NAME = ".training.safetensors"
_PARAMETERS: Mapping[str, tuple[Parameter, ...]] = {VAE: vae.PARAMETERS, CGAN: cgan.PARAMETERS}


def train_vae(*given: Any) -> dict[str, Any]:
    """A variational autoencoder (Badmos 2022, dissertation §3.11); see `train_reconstruction`."""
    return train_reconstruction(VAE, *given)


def train_cgan(*given: Any) -> dict[str, Any]:
    """An edge→image network (Badmos 2022, dissertation §3.12); see `train_reconstruction`."""
    return train_reconstruction(CGAN, *given)


def train_reconstruction(
    method: str,
    data: Path,
    out: Path,
    settings: Mapping[str, Any],
    seed: int = 0,
    device: str = "auto",
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
) -> dict[str, Any]:
    """Trains on what is normal in `data` (`core.data.normal`), writes the model folder `out`, returns the metrics.

    Where nobody said what is normal, the windows that the network draws worst after a first pass are left out from then on.
    The state that draws held-out windows best is the model; the last one is kept beside it. Interrupted, it goes on where it
    was when called again with the same `out`. Raises UsageError for settings, InputError for data or weights, ResourceError
    for device or disk and when the loss is no number any more, CancelledError.
    """
    values, cancel, started = resolve(_PARAMETERS[method], settings), cancel or CancelToken(), time.monotonic()
    _check(values)
    start = start_of(values["weights"], method, values)
    chosen, random = choose_device(device), np.random.default_rng(seed)
    windows = read_normal(data, values, values["window_px"], seed, progress, cancel)
    learnt, held_out = windows.split(values["held_share"], seed)
    torch.manual_seed(seed)
    network = start.network if start else network_fields(method, values, windows, learnt, seed)
    course = make_course(build(network), len(learnt), values)
    network, features = with_features(network, values["features"])
    if start:
        course.drawing.load_state_dict(start.state, strict=False)
    course.to(chosen)
    if features is not None:
        features.to(chosen)
    out.mkdir(parents=True, exist_ok=True)
    judge = Judge(course, windows, learnt, held_out, values["input_px"], out, progress, cancel, features)
    best = BestState(course, judge.measured, values["steps"], progress)
    last = _fit(course, judge, best, windows, learnt, values, out / CHECKPOINT_NAME, random, progress, cancel)
    course.load_state_dict({**best.state, "left_out": last["left_out"]})
    record = training_record(
        method, _PARAMETERS[method], values, windows.data, seed, data, out, start.commands if start else ()
    )
    record |= {
        "windows": len(learnt),
        "held_out": len(held_out),
        "validated_on_what_it_learnt": bool(np.intersect1d(learnt, held_out).size),
        "left_out": int(course.left_out.sum()),
        "history": best.history,
        "seconds": round(time.monotonic() - started),
        "device": str(chosen),
    }
    ways = judge.calibrations()
    metrics = {"validation": judge.metrics()}
    kept = learnt[~course.left_out.cpu().numpy()]
    card = make_card(out, values, windows, network, ways, kept, record, metrics)
    save_best_and_last(out, card, *(_tensors(course, features, state) for state in (best.state, last)))
    (out / CHECKPOINT_NAME).unlink(missing_ok=True)
    return metrics


def _check(values: Mapping[str, Any]) -> None:
    if values["input_px"] not in SIDES_PX:
        raise UsageError(
            f"the network can't see windows of {values['input_px']} px",
            remedy="Choose input_px as one of: " + ", ".join(map(str, SIDES_PX)) + ".",
        )
    if values["window_px"] % values["input_px"] or values["window_px"] % CELLS:
        raise UsageError(
            f"windows of {values['window_px']} px can't be shrunk to {values['input_px']} px",
            remedy="Choose window_px as once, twice or four times input_px.",
        )


def _fit(
    course: Course,
    judge: Judge,
    best: BestState[Any],
    windows: NormalWindows,
    learnt: Array,
    values: Mapping[str, Any],
    checkpoint: Path,
    random: np.random.Generator,
    progress: Progress,
    cancel: CancelToken,
) -> State:
    """Trains `course` in place and returns the last running mean of its weights."""
    optimiser = course.optimiser(values["learning_rate"])
    rate = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda done: share_of_rate(done, values["steps"], values["falling"])
    )
    looked = round(values["first_pass"] * values["steps"])
    device = next(course.parameters()).device

    def learn(step: int) -> float:
        if step == looked + 1 and windows.trim:
            course.left_out.copy_(torch.from_numpy(_worst(judge.doubts(), windows.trim)))
        course.train()
        kept = learnt[~course.left_out.cpu().numpy()]
        pixels = windows.batch(random.choice(kept, values["batch"]), random if values["varied"] else None)
        loss = course.learn(as_seen(torch.from_numpy(pixels).to(device), values["input_px"]), optimiser)
        if not np.isfinite(loss):
            raise ResourceError(
                "the loss is no number any more", remedy="Start over with a lower learning_rate and another --out."
            )
        rate.step()
        return loss

    learner = Learner(course, learn, optimiser, rate, random, lambda: course.figures)
    return train_steps(learner, best, Plan(values["steps"], values["every"], checkpoint), progress, cancel)


def share_of_rate(done: int, steps: int, falling: float) -> float:
    """What is left of the learning rate after so many steps; over a share of them, at the end, it falls in a straight line
    (Isola et al. 2017: over the second half)."""
    return min(1.0, (steps - done) / (falling * steps or 1.0))


def _worst(doubts: Array, share: float) -> Array:
    """(n,) bool: the share of windows that are doubted most; at least one stays."""
    count = min(round(share * len(doubts)), len(doubts) - 1)
    found = np.zeros(len(doubts), bool)
    found[np.argsort(-doubts, kind="stable")[:count]] = True
    return found


def _tensors(course: Course, features: FeatureComparison | None, state: State) -> dict[str, Array]:
    """What is saved of a model whose course was in some state."""
    course.load_state_dict(state)
    return tensors_of(together(course.drawing, features))
