"""Networks that draw windows again: what they learn from, their losses, breaks, and that they tell a defect in the end."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from torch.nn import functional

from core.errors import CancelledError, UsageError
from core.geometry import Box
from core.jobs import CancelToken, Step
from core.models.catalog import configure, load_model, read_model_folder
from core.models.networks.cgan import EdgeToImage, PatchDiscriminator
from core.models.networks.vae import VariationalAutoencoder
from core.project import Project
from core.readers.base import open_section
from core.scan.runner import run_scan
from core.train.base import TrainStep
from core.train.curves import curves_of_model
from core.train.reconstruction import share_of_rate
from core.train.reconstruction_courses import Autoencoding, EdgeDrawing, divergence_of, judging_loss
from core.train.request import TrainRequest
from core.train.running import run_training
from tests.toy import write_image
from tests.training_support import train_and_kill

pytestmark = pytest.mark.usefixtures("one_thread")

Array = np.ndarray
SMALL: dict[str, Any] = {"width": 8, "window_px": 32, "input_px": 32, "batch": 4, "steps": 12, "every": 5, "most": 60,
                         "falling": 0.5}  # fmt: skip
METHODS = pytest.mark.parametrize("method", ["vae", "cgan"])
# Across the corners of four windows, which begin at multiples of 24 px.
DEFECT = Box(180, 132, 36, 36)


def discs(seed: int, height: int = 288, width: int = 384, inverted: Box | None = None) -> Array:
    """Bright discs on grey, with grey alone around; within `inverted` they are dark, and their edges as everywhere."""
    rng = np.random.default_rng(seed)
    pixels = rng.normal(110, 4, (height, width)).astype(np.float32)
    for y in range(24, height - 24, 12):
        for x in range(24, width - 24, 12):
            centre = (x + 6 + int(rng.integers(-1, 2)), y + 6 + int(rng.integers(-1, 2)))
            is_dark = inverted is not None and inverted.contains(*centre)
            cv2.circle(pixels, centre, 4, 30.0 if is_dark else 190.0, -1)
    return np.repeat(pixels.clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_image(tmp_path_factory.mktemp("data") / "normal.png", discs(0))


def ask(method: str, data: Path, out: Path, **values: Any) -> TrainRequest:
    return TrainRequest(method, data, out, {**SMALL, **values}, 3, "cpu")


# -- losses --------------------------------------------------------------------------------------------------------------


def test_the_divergence_is_kullbacks_and_leiblers() -> None:
    mean, log_variance = torch.tensor([[1.0, 2.0], [0.0, 0.0]]), torch.tensor([[0.0, np.log(4.0)], [0.0, 0.0]])
    first = 0.5 * (1 + 1 - 1 - 0) + 0.5 * (4 + 4 - 1 - np.log(4))
    assert float(divergence_of(mean, log_variance)) == pytest.approx((first + 0) / 2, rel=1e-5)


def test_the_autoencoders_loss_is_that_of_the_dissertation() -> None:
    torch.manual_seed(0)
    network, seen = VariationalAutoencoder(8, 32, 5), torch.rand(3, 3, 32, 32) * 2 - 1
    course = Autoencoding(network, 1, alpha=2.0, beta=0.5)
    optimiser = course.optimiser(1e-4)
    assert isinstance(optimiser, torch.optim.RMSprop)
    torch.manual_seed(5)
    with torch.no_grad():
        mean, log_variance = network.encode(seen)
        drawn = network.decode(mean + torch.exp(log_variance / 2) * torch.randn_like(mean))
        error, divergence = float(((drawn - seen) ** 2).mean()), float(divergence_of(mean, log_variance))
    torch.manual_seed(5)
    loss = course.learn(seen, optimiser)
    assert loss == pytest.approx(2.0 * error + 0.5 * divergence / (3 * 32 * 32), rel=1e-5)
    assert course.figures["mse_loss"] == pytest.approx(error, rel=1e-5)


def test_the_judges_loss_is_the_mean_of_both_cross_entropies() -> None:
    drawn, real = torch.tensor([0.0, 2.0]), torch.tensor([-1.0, 3.0])
    of_drawn = np.mean([np.log(2.0), np.log(1 + np.exp(2.0))])
    of_real = np.mean([np.log(1 + np.exp(1.0)), np.log(1 + np.exp(-3.0))])
    assert float(judging_loss(drawn, real)) == pytest.approx((of_drawn + of_real) / 2, rel=1e-5)


def test_a_step_moves_the_judge_and_then_the_generator_each_by_an_adam_of_its_own() -> None:
    def made() -> EdgeDrawing:
        torch.manual_seed(0)
        return EdgeDrawing(EdgeToImage(8, 32), 1, PatchDiscriminator(8), 100.0)

    seen = torch.rand(4, 3, 32, 32) * 2 - 1
    ours, plain = made(), made()
    one = ours.optimiser(2e-5)
    torch.manual_seed(1)
    losses = [ours.learn(seen, one) for _ in range(2)]
    generator, judge = plain.drawing, plain.judge
    adams = [torch.optim.Adam(network.parameters(), 2e-5, (0.5, 0.999)) for network in (generator, judge)]
    torch.manual_seed(1)
    for loss in losses:
        edges = generator.edges(seen)
        drawn = generator.drawn(edges)
        fake, real = judge(edges, drawn.detach()), judge(edges, seen)
        adams[1].zero_grad()
        ((-functional.logsigmoid(-fake).mean() - functional.logsigmoid(real).mean()) / 2).backward()
        adams[1].step()
        adams[0].zero_grad()
        expected = -functional.logsigmoid(judge(edges, drawn)).mean() + 100 * (drawn - seen).abs().mean()
        expected.backward()
        adams[0].step()
        assert loss == pytest.approx(expected.item(), rel=1e-5)
    for name, tensor in plain.state_dict().items():
        assert torch.allclose(ours.state_dict()[name].float(), tensor.float(), atol=1e-6), name


def test_the_rate_stays_or_falls_at_the_end() -> None:
    assert [share_of_rate(done, 10, 0.0) for done in range(10)] == [1.0] * 10
    assert [share_of_rate(done, 10, 0.5) for done in range(10)] == pytest.approx([1.0] * 6 + [0.8, 0.6, 0.4, 0.2])


# -- breaks --------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def whole(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a model whose training had no break."""
    folder, made = tmp_path_factory.mktemp("whole"), {}

    def of(method: str) -> Path:
        if method not in made:
            made[method] = folder / method / "model"
            run_training(ask(method, data, made[method]))
        return made[method]

    return of


def assert_same(broken: Path, whole: Path) -> None:
    cards = [read_model_folder(folder).card for folder in (broken, whole)]
    for name in ("weights", "metrics", "calibrations", "network", "looks"):
        assert cards[0][name] == cards[1][name], name
    assert cards[0]["training"]["left_out"] == cards[1]["training"]["left_out"] > 0
    last = [(folder / "last" / "weights.safetensors").read_bytes() for folder in (broken, whole)]
    assert last[0] == last[1]
    curves = [curves_of_model(folder, card) for folder, card in zip((broken, whole), cards, strict=True)]
    assert curves[0].names == curves[1].names
    for name in curves[0].names:
        assert curves[0].points(name) == curves[1].points(name)
    assert {path.name for path in broken.iterdir()} == {path.name for path in whole.iterdir()}


@METHODS
@pytest.mark.parametrize("stopped", [3, 7, "Looking for windows", "Finding out"])
def test_a_training_goes_on_as_if_it_had_not_stopped(
    method: str, stopped: int | str, data: Path, whole: Callable[[str], Path], tmp_path: Path
) -> None:
    """Before and after windows that may hold a defect were left out, amid the look for them, and in the end."""
    cancel = CancelToken()

    def stop(step: Step) -> None:
        is_there = isinstance(step, TrainStep) and step.done == stopped
        if is_there or (isinstance(stopped, str) and step.message.startswith(stopped)):
            cancel.cancel()

    request = ask(method, data, tmp_path / "model")
    with pytest.raises(CancelledError):
        run_training(request, stop, cancel)
    run_training(request)
    assert_same(request.out, whole(method))


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_a_training_that_was_killed_ends_as_one_that_was_not(
    data: Path, whole: Callable[[str], Path], tmp_path: Path
) -> None:
    from safetensors import safe_open

    request = ask("cgan", data, tmp_path / "model")
    path = request.out / ".training.safetensors"

    def step_of() -> int:
        if not path.is_file():
            return 0
        with safe_open(path, "pt") as file:
            return int(json.loads(file.metadata()["training"])["step"])

    train_and_kill(request, lambda: step_of() >= 6, kept_every_s=0.0)
    assert 6 <= step_of() < SMALL["steps"]
    run_training(request)
    assert_same(request.out, whole("cgan"))


# -- what comes out ------------------------------------------------------------------------------------------------------


@METHODS
def test_a_model_says_how_it_was_made(method: str, whole: Callable[[str], Path]) -> None:
    folder = whole(method)
    card = read_model_folder(folder).card
    assert card["family"] == "anomaly"
    assert card["training"]["commands"][0].startswith(f"schliff train {method} ")
    assert [row["step"] for row in card["training"]["history"]] == [5, 10, 12]
    assert 0 < card["metrics"]["validation"]["lowest_ssim"] <= card["metrics"]["validation"]["ssim"] < 1
    assert "brightness" in card["looks"]
    own = {"vae": {"mse_loss", "kl_loss"}, "cgan": {"judge_loss", "fooling_loss", "l1_loss"}}[method]
    assert {"loss", "ssim", *own} <= set(curves_of_model(folder, card).names)
    preview = cv2.imread(str(folder / "preview.png"))
    assert preview is not None
    assert preview.shape == (4 * 32, {"vae": 3, "cgan": 4}[method] * 32, 3)


@METHODS
def test_a_training_goes_on_from_a_model(method: str, data: Path, whole: Callable[[str], Path], tmp_path: Path) -> None:
    start = whole(method)
    run_training(ask(method, data, tmp_path / "more", weights=str(start), steps=1, learning_rate=1e-7))
    before, after = (read_model_folder(folder) for folder in (start, tmp_path / "more"))
    assert before.card["network"] == after.card["network"]
    assert len(after.card["training"]["commands"]) == 2
    ssim = [spec.card["metrics"]["validation"]["ssim"] for spec in (before, after)]
    assert ssim[0] == pytest.approx(ssim[1], abs=0.01)
    with pytest.raises(UsageError, match="another network"):
        run_training(ask(method, data, tmp_path / "other", weights=str(start), width=16))


def test_a_frozen_network_compares_too(data: Path, tmp_path: Path) -> None:
    """And is in the folder, with a calibration of its own."""
    run_training(ask("cgan", data, tmp_path / "model", features="battery-windows", steps=1))
    spec = read_model_folder(tmp_path / "model")
    model = load_model(configure(spec, {"score": "features"}), "cpu")
    tile = np.random.default_rng(1).integers(0, 256, (72, 72, 3)).astype(np.uint8)
    found = model.map_tile(tile)
    assert found.shape[0] == 4
    unlike = found[3, 24:-24, 24:-24]
    assert np.isfinite(unlike).all()
    assert 0 < unlike.mean() < 2
    assert model.spec.card["calibration"] == spec.card["calibrations"]["0.75"]["features"]
    with pytest.raises(UsageError, match="no window classifier"):
        run_training(ask("cgan", data, tmp_path / "other", features="battery-detector"))


@pytest.mark.parametrize("wrong", [{"input_px": 48}, {"window_px": 48}, {"window_px": 112}])
def test_windows_that_dont_fit_the_network_are_refused(wrong: dict[str, int], data: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="windows of"):
        run_training(ask("cgan", data, tmp_path / "model", **wrong))
    assert not (tmp_path / "model").exists()


# -- what it is for ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trained(data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A folder with a model that learnt for some seconds, and one that has hardly learnt."""
    folder = tmp_path_factory.mktemp("trained")
    values = {"batch": 8, "learning_rate": 2e-3, "every": 60, "trim": 0.0, "most": 200}
    run_training(ask("cgan", data, folder / "long", **values, steps=120))
    run_training(ask("cgan", data, folder / "short", **values, steps=1))
    return folder / "long", folder / "short"


def test_a_defect_across_four_windows_is_one_detection(trained: tuple[Path, Path], tmp_path: Path) -> None:
    """The same on a section, in a scan: where it is, and nothing else."""
    path = write_image(tmp_path / "s.png", discs(7, inverted=DEFECT))
    model = load_model(read_model_folder(trained[0]), "cpu")
    with Project.create(tmp_path / "p.schliff") as project, open_section(path) as section:
        run_scan(project, section, model)
        found = [one for one in project.detections() if one.score >= model.spec.threshold]
    assert len(found) == 1
    assert found[0].box.iou(DEFECT) >= 0.5


@pytest.mark.parametrize("score", ["place", "residual", "window"])
def test_training_tells_defects_better(score: str, trained: tuple[Path, Path]) -> None:
    def told(folder: Path) -> float:
        """How far the defect stands out, in spreads of what is normal."""
        spec = read_model_folder(folder)
        model = load_model(configure(spec, {"score": score}), "cpu")
        halo, cell = model.spec.halo_px, model.spec.stride_px
        tile = cv2.copyMakeBorder(discs(7, inverted=DEFECT), *(halo,) * 4, cv2.BORDER_REFLECT)
        edge = halo // cell
        cells = model.scores(model.map_tile(tile))[0, edge:-edge, edge:-edge]
        x, y, w, h = DEFECT.scaled(1 / cell).outer_pixels()
        inside = np.zeros(cells.shape, bool)
        inside[y : y + h, x : x + w] = True
        around = cv2.dilate(inside.astype(np.uint8), np.ones((65, 65), np.uint8)) > 0
        return float((cells[inside].mean() - cells[~around].mean()) / max(cells[~around].std(), 1e-6))

    long, short = map(told, trained)
    assert long > 3
    assert long > short
