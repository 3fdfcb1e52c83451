"""Memory that runs out on a graphics card, on the processor, and a model whose answers are no numbers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.errors import ResourceError
from core.jobs import Step
from core.models.base import Model, ModelSpec
from core.project import Project
from core.readers.base import open_section
from core.scan.executing import run_request
from core.scan.options import ScanOptions
from core.scan.request import ScanRequest
from core.section import RegionRequest
from tests.czi_files import ZSTD1, Tile, write_czi_file
from tests.toy import ToyModel, spotted_image, toy_spec, write_image

pytestmark = pytest.mark.usefixtures("quick_disk")


class OutOfMemoryError(RuntimeError):
    """As torch has it."""


class OnCard(ToyModel):
    """Computes until something else takes the card's memory."""

    device = "cuda:0"
    fits = 20

    def map_tile(self, pixels: np.ndarray) -> np.ndarray:
        if self.mapped >= self.fits:
            raise OutOfMemoryError("CUDA out of memory. Tried to allocate 20 MiB")
        return super().map_tile(pixels)


class FullComputer(ToyModel):
    def map_tile(self, pixels: np.ndarray) -> np.ndarray:
        raise RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory: you tried 4 GB")


@pytest.fixture
def request_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., ScanRequest]:
    section = write_image(tmp_path / "section.png", spotted_image())
    monkeypatch.setattr("core.scan.request.model_of_scan", lambda *_: toy_spec())
    monkeypatch.setattr("core.scan.provenance.device_name", lambda device: f"a {device}")

    def make(project: str, **options: Any) -> ScanRequest:
        return ScanRequest(section, tmp_path / project, "toy", "1", options=ScanOptions(**options))

    return make


def found(path: Path) -> list[tuple]:
    with Project.open(path) as project:
        return sorted((one.label, one.score, one.box, one.area_px) for one in project.detections())


def loads(devices: list[str], on_card: Callable[[], Model], on_processor: Callable[[], Model] = ToyModel) -> Any:
    def load(spec: ModelSpec, device: str) -> Model:
        devices.append(device)
        return on_processor() if device == "cpu" else on_card()

    return load


def test_where_the_card_is_full_the_processor_goes_on_to_the_same_end(request_for):
    asked, devices, steps = request_for("p"), list[str](), list[Step]()
    summary = run_request(asked, steps.append, load=loads(devices, OnCard))
    run_request(request_for("whole"), load=loads([], ToyModel))
    assert devices == ["auto", "cpu"]
    assert found(asked.project) == found(request_for("whole").project)
    assert (summary.tiles_done, summary.resumed) == (summary.tiles_total, True)
    assert any("Cuda:0 has too little free memory for toy: going on with the processor" in one.message for one in steps)
    with Project.open(asked.project) as project:
        first, second = project.provenance(summary.scan_id)["runs"]
    assert (first["device"], first["status"], second["device"], second["status"]) == (
        "cuda:0", "interrupted", "cpu", "done"
    )  # fmt: skip
    assert "too little free memory" in first["ended_by"]
    assert 15 <= first["tiles"] <= OnCard.fits
    assert first["tiles"] + second["tiles"] == summary.tiles_total - summary.tiles_skipped


@pytest.mark.parametrize(
    "error",
    [
        OutOfMemoryError("CUDA out of memory"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
    ],
)
def test_a_model_that_does_not_fit_on_the_card_is_loaded_on_the_processor(request_for, error: Exception):
    def refuses() -> Model:
        raise error

    devices: list[str] = []
    summary = run_request(request_for("p"), load=loads(devices, refuses))
    assert devices == ["auto", "cpu"]
    assert summary.tiles_done == summary.tiles_total


@pytest.mark.parametrize("device", ["auto", "cpu"])
def test_where_the_processor_has_too_little_too_it_is_said_and_what_is_scanned_stays(request_for, device: str):
    asked, devices = request_for("p", device=device), list[str]()
    with pytest.raises(ResourceError, match=r"^cpu has too little free memory for toy") as told:
        run_request(asked, load=loads(devices, OnCard, FullComputer))
    assert "what was scanned is kept" in told.value.remedy
    assert devices == (["auto", "cpu"] if device == "auto" else ["cpu"])
    summary = run_request(asked, load=loads([], ToyModel, ToyModel))
    assert summary.resumed == (device == "auto")
    assert summary.tiles_done == summary.tiles_total


def test_memory_that_runs_out_while_pixels_are_unpacked_is_not_blamed_on_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def full(*_: Any, **__: Any) -> None:
        raise MemoryError("Unable to allocate 12 MiB")

    path = write_czi_file(tmp_path / "section.czi", [Tile(0, 0, spotted_image(), ZSTD1)])
    monkeypatch.setattr("imagecodecs.zstd_decode", full)
    with pytest.raises(MemoryError), open_section(path) as section:
        section.read(RegionRequest(0, 0, 64, 64))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("step", ["map_tile", "scores"])
def test_answers_that_are_no_numbers_are_told_with_model_and_place_and_not_stored(request_for, step: str, bad: float):
    class Broken(ToyModel):
        """From the sixth answer on one value is none."""

        asked = 0

        def map_tile(self, pixels: np.ndarray) -> np.ndarray:
            return self._spoilt(super().map_tile(pixels), step == "map_tile")

        def scores(self, maps: np.ndarray) -> np.ndarray:
            return self._spoilt(super().scores(maps), step == "scores")

        def _spoilt(self, values: np.ndarray, spoils: bool) -> np.ndarray:
            self.asked += spoils
            if self.asked > 5 and spoils:
                values = values.copy()
                values[:, values.shape[1] // 2, values.shape[2] // 2] = bad
            return values

    asked = request_for("p")
    with pytest.raises(ResourceError, match=r"toy gave values that are not numbers at x \d+, y \d+ \(\d+ × \d+ px\)"):
        run_request(asked, load=loads([], Broken))
    with Project.open(asked.project) as project:
        (scan,) = project.scans()
        assert scan.status == "interrupted"
        assert scan.tiles_done < scan.tiles_total
        assert "not numbers" in project.provenance(scan.id)["runs"][-1]["ended_by"]
    assert run_request(asked, load=loads([], ToyModel)).resumed
    run_request(request_for("whole"), load=loads([], ToyModel))
    assert found(asked.project) == found(request_for("whole").project)
