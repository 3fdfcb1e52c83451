"""Sample sections as files: the right pixels and stage positions, bounded memory, and nothing left behind on failure."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import tifffile
from pylibCZIrw import czi

from core.errors import CancelledError, ResourceError, UsageError
from core.jobs import CancelToken, Step
from core.readers.base import open_section
from core.synthetic import SampleSection, make_sample, truth_path, write_sample

SIZE = 2101  # two camera tiles a side, odd, so that levels have half pixels at their edge


@pytest.fixture(scope="module")
def sample() -> SampleSection:
    return make_sample("magnet", SIZE, 6, seed=4)


@pytest.fixture(scope="module")
def pixels(sample: SampleSection) -> np.ndarray:
    return sample.render(0, 0, SIZE, SIZE)


@pytest.fixture(scope="module")
def folder(sample: SampleSection, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("samples")
    write_sample(sample, folder / "s.czi")
    write_sample(sample, folder / "t.ome.tif")
    return folder


def test_czi_holds_overlapping_camera_tiles_with_the_right_pixels(folder: Path, pixels: np.ndarray) -> None:
    with czi.open_czi(str(folder / "s.czi")) as file:
        assert tuple(file.total_bounding_rectangle) == (0, 0, SIZE, SIZE)
        indices: list[int] = []
        file.enumerate_subblocks(lambda index, info: not indices.append(index))  # type: ignore[func-returns-value]
        assert len(indices) == 4
        assert np.array_equal(file.read()[..., ::-1], pixels)
        scale = file.metadata["ImageDocument"]["Metadata"]["Scaling"]["Items"]["Distance"]
    assert [float(axis["Value"]) for axis in scale[:2]] == pytest.approx([0.25e-6, 0.25e-6])


def test_tiff_is_pyramidal_and_lossless(folder: Path, pixels: np.ndarray) -> None:
    with tifffile.TiffFile(folder / "t.ome.tif") as file:
        assert file.is_ome
        levels = file.series[0].levels
        assert [level.shape[0] for level in levels] == [2101, 1051, 526]
        assert levels[0].keyframe.is_tiled
        assert np.array_equal(levels[0].asarray(), pixels)
        exact = pixels[:2100, :2100].reshape(1050, 2, 1050, 2, 3).mean((1, 3))
        assert np.abs(levels[1].asarray()[:1050, :1050] - exact).max() <= 0.5
        edge = pixels[:2100, 2100].reshape(1050, 2, 3).mean(1)
        assert np.abs(levels[1].asarray()[:1050, 1050] - edge).max() <= 0.5


@pytest.mark.parametrize(("name", "source"), [("s.czi", "pixel_to_stage"), ("t.ome.tif", "ome_plane")])
def test_truth_agrees_with_what_the_readers_say(sample: SampleSection, folder: Path, name: str, source: str) -> None:
    with open_section(folder / name) as section, truth_path(folder / name).open(newline="") as file:
        assert section.info.stage.source == source
        assert section.info.pixel_size_um == pytest.approx((0.25, 0.25))
        assert section.info.warnings == ()
        rows = list(csv.DictReader(file))
        for row, truth in zip(rows, sample.truth, strict=True):
            assert (int(row["id"]), row["class"]) == (truth.id, truth.label)
            box = [float(row[key]) for key in ("x_px", "y_px", "w_px", "h_px")]
            assert box == [truth.box.x, truth.box.y, truth.box.w, truth.box.h]
            stage = section.info.stage.to_stage(*truth.box.center)
            assert stage == pytest.approx((float(row["stage_x_um"]), float(row["stage_y_um"])), abs=0.002)
    assert list(rows[0]) == ["id", "class", "x_px", "y_px", "w_px", "h_px", "stage_x_um", "stage_y_um"]


@pytest.mark.parametrize("name", ["s.czi", "s.tif"])
def test_cancel_leaves_what_was_there(sample: SampleSection, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"old")
    token = CancelToken()

    def cancel_after_two(step: Step) -> None:
        if step.done >= 2:
            token.cancel()

    with pytest.raises(CancelledError):
        write_sample(sample, tmp_path / name, cancel_after_two, token)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_bytes() == b"old"


@pytest.mark.skipif(sys.platform == "win32", reason="file size limits are a POSIX thing")
@pytest.mark.parametrize("name", ["s.czi", "s.tif"])
def test_a_full_disk_is_a_resource_error_and_leaves_nothing(sample: SampleSection, tmp_path: Path, name: str) -> None:
    with _largest_file(2 << 20), pytest.raises(ResourceError) as caught:
        write_sample(sample, tmp_path / name)
    assert caught.value.path is not None
    assert caught.value.path.name == name
    assert list(tmp_path.iterdir()) == []


@contextmanager
def _largest_file(size: int) -> Iterator[None]:
    """As good as a full disk: writing beyond `size` bytes fails."""
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_paths_that_cannot_be_written(sample: SampleSection, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="png"):
        write_sample(sample, tmp_path / "s.png")
    with pytest.raises(ResourceError, match="folder"):
        write_sample(sample, tmp_path / "no" / "s.czi")
    if os.name == "posix" and os.geteuid() != 0:
        tmp_path.chmod(0o500)
        with pytest.raises(ResourceError, match="permission"):
            write_sample(sample, tmp_path / "s.czi")
        tmp_path.chmod(0o700)


def test_progress_counts_to_the_end(sample: SampleSection, tmp_path: Path) -> None:
    steps: list[Step] = []
    write_sample(sample, tmp_path / "s.czi", steps.append, None)
    assert [step.done for step in steps] == [1, 2, 3, 4]
    assert steps[-1].total == 4


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="peak memory is read as Linux reports it")
def test_writing_a_larger_file_takes_no_more_memory_than_its_bands(tmp_path: Path) -> None:
    code = (
        "import resource, sys\n"
        "from core.synthetic import make_sample, write_sample\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "write_sample(make_sample('magnet', 1024, 0, 1), sys.argv[1])\n"
        "before = peak()\n"
        "write_sample(make_sample('magnet', 4608, 0, 1), sys.argv[1])\n"
        "print(peak() - before)\n"
    )
    whole_kib = 3 * 4608**2 / 1024
    root = Path(__file__).resolve().parents[1]
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "m.tif")], cwd=root, capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 0.6 * whole_kib


def test_names_of_truth_files() -> None:
    assert truth_path("a/s.czi") == Path("a/s.truth.csv")
    assert truth_path("s.ome.tif") == Path("s.truth.csv")
