"""Training: what crops hold, what the losses say, and that a short training on a small sample really learns."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch

from core.data.formats.sections import labelled_sections
from core.data.labelled import LabelledPicture, Mark
from core.data.reading import read_marks
from core.errors import CancelledError, InputError, UsageError
from core.jobs import CancelToken, Step
from core.models.catalog import find_model, load_model
from core.train.augment import augment, orient, photograph
from core.train.classifier import CHECKPOINT_NAME, train_classifier
from core.train.evaluate import choose_threshold, find_on
from core.train.losses import box_loss, cross_entropy, window_loss
from core.train.regions import Crop, LabelledSection, cell_targets
from core.train.request import TrainRequest
from core.train.running import run_training
from core.train.sampling import CropSampler, cut

SMALL = {
    "width": 8, "blocks": 1, "batch": 4, "crop_px": 128, "um_per_px": 1.0, "learning_rate": 1e-2, "every": 1000,
    "augmentation": 0.3,
}  # fmt: skip


def _write_section(folder: Path, name: str, seed: int, spots: int = 14, size: int = 400) -> None:
    """Grey grain with dark discs (class pore) and bright bars (class chip); boxes exact."""
    rng = np.random.default_rng(seed)
    pixels = rng.normal(120, 14, (size, size)).clip(0, 255)
    rows, columns = np.mgrid[:size, :size]
    lines = ["id,class,x_px,y_px,w_px,h_px,stage_x_um,stage_y_um"]
    for i, place in enumerate(rng.permutation(36)[:spots]):
        y, x = (30 + 65 * int(v) for v in divmod(int(place), 6))
        if y > size - 40 or x > size - 40:
            continue
        if i % 2:
            pixels[(rows - y) ** 2 + (columns - x) ** 2 < 144] = 30
            lines.append(f"{i},pore,{x - 12},{y - 12},24,24,,")
        else:
            pixels[y - 8 : y + 8, x - 16 : x + 16] = 225
            lines.append(f"{i},chip,{x - 16},{y - 8},32,16,,")
    folder.mkdir(parents=True, exist_ok=True)
    rgb = np.repeat(pixels.astype(np.uint8)[..., None], 3, -1)
    tifffile.imwrite(
        folder / f"{name}.tif", rgb, photometric="rgb", resolution=(10_000, 10_000), resolutionunit="CENTIMETER"
    )
    (folder / f"{name}.truth.csv").write_text("\n".join(lines) + "\n")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    for seed in (1, 2, 3):
        _write_section(folder, f"s{seed}", seed)
    _write_section(folder / "validation", "v", 4)
    return folder


pytestmark = pytest.mark.usefixtures("one_thread")


# -- a whole training ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trained(data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict]:
    out = tmp_path_factory.mktemp("out") / "grains"
    return out, train_classifier(data, out, {**SMALL, "steps": 90}, seed=5, device="cpu")


def test_a_short_training_learns(trained: tuple[Path, dict], data: Path) -> None:
    out, metrics = trained
    assert metrics["defects"]["truth"] >= 10
    assert metrics["defects"]["recall"] >= 0.85
    assert metrics["defects"]["precision"] >= 0.85
    assert metrics["classes"]["pore"]["f1"] >= 0.8
    assert not (out / CHECKPOINT_NAME).exists()
    assert json.loads(json.dumps(metrics)) == metrics


def test_what_was_trained_can_be_used(trained: tuple[Path, dict], data: Path) -> None:
    out, metrics = trained
    spec = find_model(out)
    assert (spec.id, spec.labels, spec.threshold) == ("grains", ("chip", "pore"), metrics["threshold"])
    model = load_model(spec, "cpu")
    section = _in_memory(data / "validation" / "v.tif", spec)
    quality = choose_threshold(find_on(model, [section], CancelToken()), (), spec.score_floor)
    assert quality.recall == pytest.approx(metrics["defects"]["recall"], abs=0.03)  # saved as half floats
    assert quality.precision == pytest.approx(metrics["defects"]["precision"], abs=0.03)


def test_the_card_says_how_to_train_it_again(trained: tuple[Path, dict]) -> None:
    training = find_model(trained[0]).card["training"]
    assert training["commands"][0].startswith("schliff train cells --data ")
    assert "--seed 5" in training["commands"][0]
    assert training["sections"] == ["s1.tif", "s2.tif", "s3.tif"]
    assert training["validation_sections"] == ["v.tif"]
    assert training["settings"]["steps"] == 90


def test_the_same_seed_gives_the_same_weights_with_and_without_a_break(data: Path, tmp_path: Path) -> None:
    settings = {**SMALL, "steps": 6, "every": 3}
    train_classifier(data, tmp_path / "a", settings, seed=1, device="cpu")
    stop = CancelToken()

    def cancel_late(step: Step) -> None:
        if step.message.startswith("loss") and step.done == 4:
            stop.cancel()

    with pytest.raises(CancelledError):
        train_classifier(data, tmp_path / "b", settings, seed=1, device="cpu", progress=cancel_late, cancel=stop)
    assert (tmp_path / "b" / CHECKPOINT_NAME).is_file()
    train_classifier(data, tmp_path / "b", settings, seed=1, device="cpu")
    train_classifier(data, tmp_path / "c", settings, seed=2, device="cpu")
    weights = [(tmp_path / name / "weights.safetensors").read_bytes() for name in "abc"]
    assert weights[0] == weights[1]
    assert weights[0] != weights[2]


def test_going_on_from_a_model(trained: tuple[Path, dict], data: Path, tmp_path: Path) -> None:
    """A few gentle steps from a good model keep it good, and the card tells both commands."""
    settings = {**SMALL, "steps": 4, "learning_rate": 1e-4, "narrowing": 0.0}
    metrics = train_classifier(data, tmp_path / "more", {**settings, "start": str(trained[0])}, seed=6, device="cpu")
    assert metrics["defects"]["f1"] >= 0.8
    commands = find_model(tmp_path / "more").card["training"]["commands"]
    assert ["--seed 5" in commands[0], "--seed 6" in commands[1], len(commands)] == [True, True, 2]
    with pytest.raises(UsageError, match="another size"):
        train_classifier(data, tmp_path / "o", {**settings, "width": 12, "start": str(trained[0])}, device="cpu")


def test_emphasis_draws_a_class_more_often() -> None:
    boxes = np.array([[20, 20, 10, 10], [220, 20, 10, 10]], np.float32)
    section = LabelledSection("s", np.zeros((64, 256, 3), np.uint8), boxes, np.array([1, 2]))
    sampler = CropSampler([section], 64, np.random.default_rng(0), 1.0, zoom=0.0, emphasis={2: 9.0})
    drawn = [int(label) for _ in range(200) for label in sampler.draw().classes]
    assert 0.8 < drawn.count(2) / len(drawn) < 0.97


@pytest.mark.parametrize("text", ["pore", "pore:x", "hole:2", "pore:0", "pore:nan"])
def test_an_emphasis_that_cannot_be_read(data: Path, tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError, match="emphasis"):
        train_classifier(data, tmp_path / "o", {**SMALL, "emphasis": text}, device="cpu")


def test_a_foreign_checkpoint_is_refused(data: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / CHECKPOINT_NAME).write_bytes(b"not a checkpoint")
    with pytest.raises(InputError, match="no checkpoint"):
        train_classifier(data, tmp_path / "out", {**SMALL, "steps": 2}, device="cpu")


def test_settings_and_folders_that_cannot_be_used(data: Path, tmp_path: Path) -> None:
    def train(folder: Path, **settings: str) -> None:
        run_training(TrainRequest("classifier", folder, tmp_path / "o", settings, 0, "cpu"))

    with pytest.raises(UsageError, match="no parameter 'nonsense'"):
        train(data, nonsense="3")
    with pytest.raises(UsageError, match="multiple of 8"):
        train(data, crop_px="100")
    with pytest.raises(UsageError, match="no way to train"):
        run_training(TrainRequest("magic", data, tmp_path / "o"))
    with pytest.raises(InputError, match="no labelled data"):
        train(tmp_path)
    with pytest.raises(InputError, match="no such file"):
        train(tmp_path / "missing")
    assert not (tmp_path / "o").exists()


# -- data ------------------------------------------------------------------------------------------------------------


def test_a_training_folder_is_surveyed(data: Path) -> None:
    assert [p.name for p in labelled_sections(data)] == ["s1.tif", "s2.tif", "s3.tif"]
    folder = read_marks(data)
    assert folder.labels == ("chip", "pore")
    assert [p.path.name for p in folder.validation] == ["v.tif"]


def test_boxes_become_cells() -> None:
    crop = Crop(
        np.zeros((160, 160, 3), np.uint8),
        np.array([[40, 64, 32, 16], [150, 150, 60, 60]], np.float32),
        np.array([2, 1]),
    )
    targets = cell_targets(crop, 8, 1)
    assert np.argwhere(targets.box_of == 0).tolist() == [[r, c] for r in (8, 9) for c in (5, 6, 7, 8)]
    assert targets.box_least.tolist() == [4, 0]  # as long as the box; too little of the other is in the crop
    assert (targets.plain[7:11, 4:10] == -1).all()  # its border is neither
    assert targets.plain[12, 12] == 0
    assert (targets.plain[0] == -1).all()  # the crop's edge


def test_pixels_and_boxes_turn_together() -> None:
    pixels = np.zeros((64, 64, 3), np.uint8)
    pixels[8:20, 30:50] = 200
    boxes = np.array([[30, 8, 20, 12]], np.float32)
    for orientation in range(8):
        turned, (box,) = orient(pixels, boxes, orientation)
        rows, columns = np.nonzero(turned[..., 0])
        assert [columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1] == box.tolist()


def test_augmentation_varies_light_and_keeps_shape() -> None:
    rng = np.random.default_rng(0)
    crop = Crop(np.full((64, 64, 3), 120, np.uint8), np.zeros((0, 4), np.float32), np.zeros(0, np.int64))
    means = [augment(crop, rng).pixels.mean() for _ in range(40)]
    assert np.std(means) > 5
    assert np.array_equal(photograph(crop.pixels, rng, 0.0), crop.pixels)


def test_crops_hold_what_they_were_cut_around() -> None:
    pixels = np.full((300, 200, 3), 100, np.uint8)
    pixels[50:70, 20:60] = 250
    section = LabelledSection("s", pixels, np.array([[20, 50, 40, 20]], np.float32), np.array([1]))
    sampler = CropSampler([section], 96, np.random.default_rng(0), defect_share=1.0)
    for _ in range(20):
        crop = sampler.draw()
        assert crop.pixels.shape == (96, 96, 3)
        assert len(crop.boxes) >= 1
        for x, y, w, h in crop.boxes:  # beyond the section's edge its mirror image, too
            inner = crop.pixels[max(0, round(y + 2)) : round(y + h - 2), max(0, round(x + 2)) : round(x + w - 2)]
            assert not inner.size or inner.min() > 200
    beyond = cut(section, -40, -30, 96, 96)
    assert beyond.pixels.min() >= 100  # mirrored, not black


# -- losses ----------------------------------------------------------------------------------------------------------


def test_cross_entropy_is_what_the_formula_says() -> None:
    logits = torch.tensor([[2.0, 0.0, -1.0]])
    p = torch.softmax(logits[0], 0)
    target = torch.tensor([1])
    assert cross_entropy(logits, target)[0] == pytest.approx(float(-p[1].log()), rel=1e-6)
    expected = -(0.9 * p[1].log() + 0.1 * p.log().mean())
    assert cross_entropy(logits, target, smoothing=0.1)[0] == pytest.approx(float(expected), rel=1e-6)
    assert cross_entropy(logits, target, torch.tensor([1.0, 3.0, 1.0]))[0] == pytest.approx(
        float(-3 * p[1].log()), rel=1e-6
    )


def test_only_the_surest_windows_of_a_box_must_show_its_class() -> None:
    """Three windows of a box of class 1, one required: two may say "no defect" for nothing, but not class 2."""
    sure, none, wrong = [0.0, 20.0, 0.0], [20.0, 0.0, 0.0], [0.0, 0.0, 20.0]
    box_of, label, least = torch.tensor([0, 0, 0]), torch.tensor([1]), torch.tensor([1])
    assert float(box_loss(torch.tensor([none, sure, none]), box_of, label, least)) == pytest.approx(0, abs=1e-3)
    assert float(box_loss(torch.tensor([none, none, none]), box_of, label, least)) > 5
    assert float(box_loss(torch.tensor([none, sure, wrong]), box_of, label, least)) > 3
    assert float(box_loss(torch.tensor([none, none, none]), box_of, label, torch.tensor([0]))) == pytest.approx(
        0, abs=1e-3
    )


def test_boxes_narrow_from_all_windows_to_the_surest() -> None:
    windows = torch.tensor([[0.0, 20.0, 0.0]] + 3 * [[20.0, 0.0, 0.0]])
    box_of, label, least = torch.zeros(4, dtype=torch.long), torch.tensor([1]), torch.tensor([1])
    costs = [float(box_loss(windows, box_of, label, least, narrowed=share)) for share in (0.0, 0.5, 1.0)]
    assert costs[0] == pytest.approx(15, abs=0.1)  # three of four wrong by 20
    assert costs[0] > costs[1] > costs[2] == pytest.approx(0, abs=1e-3)


def test_a_batch_without_boxes_has_a_loss_too() -> None:
    logits = torch.zeros(1, 3, 4, 4, requires_grad=True)
    plain, nothing = torch.zeros(1, 4, 4, dtype=torch.long), torch.zeros(0, dtype=torch.long)
    loss = window_loss(logits, plain, torch.full((1, 4, 4), -1), nothing, nothing)
    loss.backward()
    assert float(loss.detach()) == pytest.approx(2 * np.log(3), rel=1e-5)
    assert logits.grad is not None
    assert logits.grad.abs().sum() > 0


def _in_memory(path: Path, spec) -> LabelledSection:
    from core.train.dataset import read_labelled
    from core.truth import read_truth, truth_beside

    marks = tuple(Mark(one.label, one.box) for one in read_truth(truth_beside(path)))
    (labelled,) = read_labelled(LabelledPicture(path, marks, path.name), spec)
    return labelled
