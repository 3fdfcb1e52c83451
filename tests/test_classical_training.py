"""Models without a network, from labelled data to a scan: behind the same commands as any other."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from core.errors import CancelledError, InputError, UsageError
from core.evaluation.judging import evaluate
from core.evaluation.request import EvaluateRequest
from core.jobs import CancelToken
from core.models.base import Model
from core.models.card import CARD_NAME
from core.models.catalog import load_model, read_model_folder
from core.models.classical import METHODS, ONE_CLASS, ONE_CLASS_SVM
from core.project import Project
from core.readers.base import open_section
from core.scan.options import Foreground, ScanOptions
from core.scan.runner import run_scan
from core.train.evaluate import map_section
from core.train.request import TrainRequest
from core.train.running import run_training
from tests.toy import write_image

pytestmark = pytest.mark.usefixtures("one_openmp_thread")

WINDOW = 48
QUICK = {"window_px": WINDOW, "stride_px": 16, "trees": 20, "folds": 3}
GROUND, SCRATCHED, PITTED = "good", "scratched", "pitted"


def texture(kind: str, height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    image = rng.integers(90, 130, (height, width, 3), np.uint8)
    if kind == SCRATCHED:
        image[:, ::6] = 200
    elif kind == PITTED:
        for y, x in rng.integers(2, [height - 2, width - 2], (height * width // 60, 2)):
            image[y - 2 : y + 2, x - 2 : x + 2] = 20
    return image


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place, rng = tmp_path_factory.mktemp("images"), np.random.default_rng(1)
    for kind, number in ((GROUND, 30), (SCRATCHED, 18), (PITTED, 18)):
        (place / kind).mkdir()
        for index in range(number):
            write_image(place / kind / f"section{index % 12}_{index:03}.png", texture(kind, WINDOW, WINDOW, rng))
    return place


@pytest.fixture(scope="module")
def section() -> np.ndarray:
    """Ground with a scratched and a pitted place of 96 px."""
    rng = np.random.default_rng(5)
    picture = texture(GROUND, 384, 384, rng)
    picture[64:160, 48:144] = texture(SCRATCHED, 96, 96, rng)
    picture[240:336, 208:304] = texture(PITTED, 96, 96, rng)
    return picture


@pytest.fixture(scope="module")
def folders(images: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    place = tmp_path_factory.mktemp("models")
    for method in METHODS:
        train(images, place / method, method=method)
    return {method: place / method for method in METHODS}


def train(data: Path, out: Path, **settings: object) -> dict:
    return run_training(TrainRequest("classical", data, out, {**QUICK, **settings}, 0, "cpu"))


def model_in(folder: Path) -> Model:
    return load_model(read_model_folder(folder), "cpu")


@pytest.mark.parametrize("method", METHODS)
def test_what_was_learnt_is_told_apart_on_unseen_groups(method: str, folders: dict[str, Path]):
    card = json.loads((folders[method] / CARD_NAME).read_text("utf-8"))
    figures = card["metrics"]["validation"]
    assert figures["balanced_accuracy"] > 0.85
    assert figures["auroc"] > 0.95
    assert figures["images"] == 66
    assert (card["kind"], card["family"]) == ("classical", "classical")
    assert card["labels"] == (["anomaly"] if method in ONE_CLASS else [PITTED, SCRATCHED])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.usefixtures("quick_disk")
def test_a_scan_finds_the_places_that_differ(
    method: str, folders: dict[str, Path], section: np.ndarray, tmp_path: Path
):
    path = write_image(tmp_path / "section.png", section)
    with Project.create(tmp_path / "p") as project, open_section(path) as opened:
        run_scan(project, opened, model_in(folders[method]), ScanOptions(foreground=Foreground(skip=False)))
        found = [d for d in project.detections() if d.score >= 2 * model_in(folders[method]).spec.threshold * 0.8]
    at = {d.label: d.box.center for d in sorted(found, key=lambda d: d.score)}
    places = {SCRATCHED: (96, 112), PITTED: (256, 288)}
    if method in ONE_CLASS:
        centers = [d.box.center for d in found]
        assert all(any(np.hypot(x - a, y - b) < 40 for a, b in centers) for x, y in places.values())
    else:
        assert {label: np.hypot(at[label][0] - x, at[label][1] - y) < 32 for label, (x, y) in places.items()} == {
            SCRATCHED: True, PITTED: True,
        }  # fmt: skip


@pytest.mark.parametrize("method", METHODS)
def test_a_cell_says_what_its_window_alone_says(method: str, folders: dict[str, Path], section: np.ndarray):
    model = model_in(folders[method])
    spec = model.spec
    dense = model.map_tile(section)
    reach = spec.halo_px
    for row, column in ((6, 5), (9, 11), (16, 15)):
        y, x = row * 16, column * 16
        alone = model.map_tile(np.ascontiguousarray(section[y - reach : y + 16 + reach, x - reach : x + 16 + reach]))
        middle = reach // 16
        assert np.abs(alone[:, middle, middle] - dense[:, row, column]).max() < 1e-5


@pytest.mark.parametrize("method", METHODS)
def test_tiles_put_together_equal_one_large_tile(method: str, folders: dict[str, Path], section: np.ndarray):
    model = model_in(folders[method])
    whole = map_section(model, section)
    model.spec = dataclasses.replace(model.spec, tile_px=96)
    assert np.abs(map_section(model, section) - whole).max() < 5e-3  # maps are kept as half floats


def test_the_image_it_was_shown_is_one_window(folders: dict[str, Path], images: Path):
    """A picture as large as a window: every cell shows the same, so that the image has one answer."""
    model = model_in(folders["glcm_svm"])
    picture = texture(PITTED, WINDOW, WINDOW, np.random.default_rng(9))
    maps = model.map_tile(picture)
    assert maps.shape == (3, 3, 3)
    assert (maps == maps[:, :1, :1]).all()
    scores = model.scores(maps)
    assert scores.shape == (2, 3, 3)
    assert ((scores >= 0) & (scores.sum(0) <= 1)).all()
    assert scores[model.spec.labels.index(PITTED), 0, 0] > 0.8


@pytest.mark.parametrize("method", METHODS)
def test_it_is_evaluated_on_images_as_it_was_trained_on_them(method: str, folders: dict[str, Path], images: Path):
    evaluation = evaluate(EvaluateRequest.of(read_model_folder(folders[method]), images))
    assert evaluation.figures["balanced_accuracy"] > 0.85
    assert evaluation.probabilistic == (method not in ONE_CLASS)


def test_unknown_cells_stay_unknown(folders: dict[str, Path]):
    maps = np.full((3, 4, 4), np.nan, np.float32)
    maps[:, 2:] = 0
    scores = model_in(folders["lbp_boosting"]).scores(maps)
    assert np.isnan(scores[:, :2]).all()
    assert scores[:, 2:] == pytest.approx(1 / 3)


def test_a_crop_of_any_size_can_be_explained(folders: dict[str, Path], section: np.ndarray):
    heat = model_in(folders["glcm_svm"]).explain(np.ascontiguousarray(section[200:335, 170:311]), PITTED)
    assert heat is not None
    assert (heat.shape, heat.dtype) == ((135, 141), np.float32)
    assert heat[88, 86] > 0.9
    assert heat[:20, :20].max() < 0.3


def test_it_scans_without_torch_and_without_the_learner(folders: dict[str, Path]):
    code = (
        "import sys, numpy as np; from pathlib import Path; from core.models.catalog import load_model, read_model_folder\n"
        f"model = load_model(read_model_folder(Path({str(folders['one_class_svm'])!r})), 'cpu')\n"
        "model.map_tile(np.zeros((96, 96, 3), np.uint8)); print([n in sys.modules for n in ('torch', 'sklearn')])"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "[False, False]"


@pytest.mark.usefixtures("quick_disk")
def test_marked_pictures_are_learnt_from_too(tmp_path: Path, section: np.ndarray):
    rng, data = np.random.default_rng(2), tmp_path / "data"
    data.mkdir()
    for number in range(3):
        picture = texture(GROUND, 400, 400, rng)
        picture[50:110, 60:120] = texture(SCRATCHED, 60, 60, rng)
        picture[250:310, 200:260] = texture(PITTED, 60, 60, rng)
        write_image(data / f"s{number}.png", picture)
        rows = f"id,class,x_px,y_px,w_px,h_px\n1,{SCRATCHED},60,50,60,60\n2,{PITTED},200,250,60,60\n"
        (data / f"s{number}.truth.csv").write_text(rows)
    metrics = train(data, tmp_path / "model", looks=4, negatives=6.0)
    assert metrics["validation"]["images"] == 3 * 2 + 36
    scores = model_in(tmp_path / "model").scores(map_section(model_in(tmp_path / "model"), section))
    assert scores[0, 288 // 16, 256 // 16] > 0.5, "pitted"
    assert scores[1, 112 // 16, 96 // 16] > 0.5, "scratched"
    assert scores[:, 20:, :8].max() < 0.5
    alarm = train(data, tmp_path / "alarm", method=ONE_CLASS_SVM, looks=2, negatives=10.0)
    assert alarm["validation"]["auroc"] > 0.9


@pytest.mark.parametrize(
    ("settings", "error", "match"),
    [
        ({"stride_px": 24}, UsageError, "odd number"),
        ({"method": "abacus"}, UsageError, "abacus"),
        ({"no_defect": "unheard"}, InputError, "unheard"),
    ],
)
def test_settings_that_do_not_fit_are_refused(images: Path, tmp_path: Path, settings: dict, error: type, match: str):
    with pytest.raises(error, match=match):
        train(images, tmp_path / "model", **settings)
    assert not (tmp_path / "model").exists()


def test_a_one_class_machine_needs_windows_without_a_defect(tmp_path: Path):
    rng = np.random.default_rng(0)
    for kind in (SCRATCHED, PITTED):
        (tmp_path / "data" / kind).mkdir(parents=True)
        for index in range(6):
            write_image(tmp_path / "data" / kind / f"{index:03}.png", texture(kind, WINDOW, WINDOW, rng))
    with pytest.raises(InputError, match="without a defect"):
        train(tmp_path / "data", tmp_path / "model", method=ONE_CLASS_SVM)
    metrics = train(tmp_path / "data", tmp_path / "two")
    assert metrics["validation"]["accuracy"] > 0.9
    assert read_model_folder(tmp_path / "two").labels == (PITTED, SCRATCHED)


def test_it_stops_when_asked(images: Path, tmp_path: Path):
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(CancelledError):
        run_training(TrainRequest("classical", images, tmp_path / "model", QUICK, 0, "cpu"), cancel=cancel)


@pytest.mark.parametrize(
    "broken", [{"method": "glcm_svm", "sizes": {}}, {"method": "other", "sizes": {}}, {"sizes": {"vectors": -1}}]
)
def test_a_card_that_promises_another_machine_is_refused(folders: dict[str, Path], tmp_path: Path, broken: dict):
    folder = tmp_path / "mine"
    folder.mkdir()
    source = folders["glcm_svm"]
    card = json.loads((source / CARD_NAME).read_text("utf-8"))
    (folder / "weights.safetensors").write_bytes((source / "weights.safetensors").read_bytes())
    (folder / CARD_NAME).write_text(json.dumps({**card, "network": broken}))
    with pytest.raises(InputError) as caught:
        model_in(folder)
    assert caught.value.path == folder / CARD_NAME
