"""Trainings that break off: however they end, they go on to the same end; and no two are at work in one folder."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from core.errors import CancelledError, UsageError
from core.jobs import CancelToken, Step, no_progress
from core.models.catalog import read_model_folder
from core.train import checkpoint
from core.train.base import TrainStep
from core.train.best_state import BestState, Measured
from core.train.curves import KEPT_NAME, curves_of_model
from core.train.folder_lock import LOCK_NAME, only_one
from core.train.request import TrainRequest
from core.train.running import discard, run_training
from core.train.steps import Learner, Plan, train_steps
from tests.training_support import train_and_kill

pytestmark = pytest.mark.usefixtures("one_thread")

CELLS = {"width": 8, "blocks": 1, "batch": 2, "crop_px": 96, "um_per_px": 1.0, "steps": 24, "every": 7}
WINDOWS = {"backbone": "small", "input_px": 32, "batch": 4, "epochs": 3, "learning_rate": 0.05, "negatives": 1.0}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two pictures with dark discs and bright bars, one of them for validation."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "validation").mkdir()
    for seed, path in enumerate((folder / "a.png", folder / "validation" / "b.png")):
        rng = np.random.default_rng(seed)
        pixels = rng.normal(120, 10, (192, 192, 3)).clip(0, 255).astype(np.uint8)
        rows = ["class,x_px,y_px,w_px,h_px"]
        for number, (x, y) in enumerate((x, y) for x in (32, 96, 160) for y in (32, 96, 160)):
            if number % 2:
                cv2.circle(pixels, (x, y), 9, (20, 20, 20), -1)
                rows.append(f"pore,{x - 9},{y - 9},19,19")
            else:
                pixels[y - 5 : y + 5, x - 12 : x + 12] = 230
                rows.append(f"chip,{x - 12},{y - 5},24,10")
        cv2.imwrite(str(path), pixels)
        path.with_name(f"{path.stem}.truth.csv").write_text("\n".join(rows))
    return folder


def ask(trainer: str, data: Path, out: Path) -> TrainRequest:
    return TrainRequest(trainer, data, out, CELLS if trainer == "cells" else WINDOWS, 3, "cpu")


@pytest.fixture(scope="module")
def whole(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a model whose training had no break."""
    folder, made = tmp_path_factory.mktemp("whole"), {}

    def of(trainer: str) -> Path:
        if trainer not in made:
            made[trainer] = folder / trainer / "model"
            torch.set_num_threads(1)
            run_training(ask(trainer, data, made[trainer]))
        return made[trainer]

    return of


def assert_same(broken: Path, whole: Path) -> None:
    cards = [read_model_folder(folder).card for folder in (broken, whole)]
    assert cards[0]["weights"] == cards[1]["weights"]
    assert cards[0]["metrics"] == cards[1]["metrics"]
    assert cards[0]["training"]["history"] == cards[1]["training"]["history"]
    last = [(folder / "last" / "weights.safetensors").read_bytes() for folder in (broken, whole)]
    assert last[0] == last[1]
    curves = [curves_of_model(folder, card) for folder, card in zip((broken, whole), cards, strict=True)]
    assert curves[0].names == curves[1].names
    for name in curves[0].names:
        assert curves[0].points(name) == curves[1].points(name)
    assert {path.name for path in broken.iterdir()} == {path.name for path in whole.iterdir()}


# -- whole trainings ----------------------------------------------------------------------------------------------------


def step_of(folder: Path) -> int:
    """How far the last checkpoint got; 0 before there is one."""
    from safetensors import safe_open

    path = folder / ".training.safetensors"
    if not path.is_file():
        return 0
    with safe_open(path, "pt") as file:
        return int(json.loads(file.metadata()["training"])["step"])


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_a_training_by_steps_that_was_killed_ends_as_one_that_was_not(
    data: Path, whole: Callable[[str], Path], tmp_path: Path
) -> None:
    """Between two validations, and kept after many a step."""
    request = ask("cells", data, tmp_path / "model")
    train_and_kill(request, lambda: step_of(request.out) >= 9, kept_every_s=0.02)
    assert 9 <= step_of(request.out) < CELLS["steps"]
    assert (request.out / LOCK_NAME).exists()
    run_training(request)
    assert_same(request.out, whole("cells"))


@pytest.mark.parametrize(("trainer", "stopped"), [("cells", 10), ("cells", 14), ("windows", 2), ("windows", 7)])
def test_stopping_keeps_all_up_to_the_last_step(
    trainer: str, stopped: int, data: Path, whole: Callable[[str], Path], tmp_path: Path
) -> None:
    """Between validations, right before one (14 is one of 7 steps), and within an epoch."""
    request = ask(trainer, data, tmp_path / "model")
    cancel, seen = CancelToken(), []

    def stop(step: Step) -> None:
        if isinstance(step, TrainStep) and "loss" in step.message:
            seen.append(step.done)
            if step.done == stopped and not cancel.cancelled:
                cancel.cancel()

    with pytest.raises(CancelledError):
        run_training(request, stop, cancel)
    run_training(request, stop)
    assert seen == list(range(1, seen[-1] + 1)), "no step twice, none left out"
    assert_same(request.out, whole(trainer))


def test_an_epoch_is_kept_on_the_way(
    data: Path, whole: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever ends it, in the midst of the second batch."""
    request = ask("windows", data, tmp_path / "model")
    monkeypatch.setattr(checkpoint, "KEPT_EVERY_S", 0.0)

    def end(step: Step) -> None:
        if isinstance(step, TrainStep) and step.done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_training(request, end)
    done = []
    run_training(request, lambda step: done.append(step.done) if isinstance(step, TrainStep) else None)
    assert done[0] == 2, "the first batch is not trained again"
    assert_same(request.out, whole("windows"))


# -- steps --------------------------------------------------------------------------------------------------------------


def learner(random: np.random.Generator) -> Learner:
    torch.manual_seed(0)
    network = torch.nn.Linear(2, 1)
    optimiser = torch.optim.AdamW(network.parameters(), 0.1)
    rate = torch.optim.lr_scheduler.StepLR(optimiser, 3)

    def learn(step: int) -> float:
        loss = (network(torch.from_numpy(random.normal(size=(4, 2)).astype(np.float32))) - step).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        rate.step()
        return loss.item()

    return Learner(network, learn, optimiser, rate, random)


@pytest.mark.parametrize("broken", [3, 4, 6])
def test_the_best_state_and_the_history_outlive_a_break(broken: int, tmp_path: Path) -> None:
    """Though the best state is older than the last checkpoint."""

    def run(path: Path, stop_at: int | None = None) -> tuple[BestState[float], dict[str, torch.Tensor], float]:
        one, cancel = learner(np.random.default_rng(1)), CancelToken()
        best = BestState(one.network, lambda: measured(weights_of(one.network), best.last_step), 8, no_progress)

        def told(step: Step) -> None:
            if step.done == stop_at:
                cancel.cancel()

        last = train_steps(one, best, Plan(8, 2, path), told, cancel)
        return best, last, weights_of(one.network)

    def weights_of(network: torch.nn.Module) -> float:
        return sum(float(parameter.detach().sum()) for parameter in network.parameters())

    def measured(found: float, before: int) -> Measured[float]:
        return Measured((1.0 if before == 0 else 0.5,), {"sum": found}, found)

    with pytest.raises(CancelledError):
        run(tmp_path / "a", broken)
    (best, last, weights), (other, other_last, other_weights) = run(tmp_path / "a"), run(tmp_path / "b")
    assert best.history == other.history
    assert [row["step"] for row in best.history] == [2, 4, 6, 8]
    assert weights == other_weights
    assert best.found == other.found == best.history[0]["sum"]
    for name in last:
        assert torch.equal(best.state[name], other.state[name])
        assert torch.equal(last[name], other_last[name])
    assert not torch.equal(best.state["weight"], last["weight"])


def test_a_validation_that_fails_leaves_the_network_as_it_was() -> None:
    network = torch.nn.Linear(2, 1)
    before = network.weight.tolist()

    def refuse() -> Measured[None]:
        raise CancelledError

    best = BestState(network, refuse, 1, no_progress)
    with pytest.raises(CancelledError):
        best.look(1, {name: torch.zeros_like(tensor) for name, tensor in network.state_dict().items()})
    assert network.weight.tolist() == before
    assert not best.history


# -- one at a time ------------------------------------------------------------------------------------------------------

HOLD = """
import sys
from pathlib import Path
from core.train.folder_lock import only_one
with only_one(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_folder_in_which_another_program_trains_is_left_alone(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "model"
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(out)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdin is not None
    assert other.stdout is not None
    try:
        assert other.stdout.readline() == "held\n"
        (out / ".training.json").write_text("{}")
        for act in (lambda: run_training(ask("cells", data, out)), lambda: discard(out)):
            with pytest.raises(UsageError, match=f"process {other.pid} on "):
                act()
        assert (out / ".training.json").exists()
    finally:
        other.kill()
        other.wait()
        other.stdin.close()
        other.stdout.close()
    discard(out)
    assert not out.exists(), "a lock ends with the program that had it"


def test_a_folder_in_which_this_program_trains_is_left_alone_too(tmp_path: Path) -> None:
    refused: list[UsageError] = []

    def try_it() -> None:
        try:
            discard(tmp_path / "model")
        except UsageError as error:
            refused.append(error)

    with only_one(tmp_path / "model"):
        thread = threading.Thread(target=try_it)
        thread.start()
        thread.join()
        assert len(refused) == 1
        assert (tmp_path / "model" / LOCK_NAME).exists()
    assert not (tmp_path / "model").exists()


def test_what_a_killed_training_was_writing_is_discarded_too(tmp_path: Path) -> None:
    (tmp_path / "..training.safetensors.12-34.part").touch()
    (tmp_path / "notes.txt").touch()
    discard(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
    assert KEPT_NAME == "training.jsonl", "what a finished model keeps does not begin like that"


def test_a_full_disk_leaves_what_was_kept_before(tmp_path: Path) -> None:
    pytest.importorskip("resource", reason="only POSIX limits how large files may grow")
    from benchmarks.full_disk import checkpoint as keep
    from tests.test_faults_disk import full

    assert keep(tmp_path, full)
