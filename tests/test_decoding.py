"""What can crash or hang on damaged files runs in helper processes: the same result as without; a crash costs one tile or file."""

from __future__ import annotations

import gzip
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile

from core.chemistry.h5oina import read_h5oina
from core.decoding import helper, pool
from core.decoding.helper import DecodeError
from core.decoding.limits import Limits
from core.errors import InputError
from core.readers.base import open_section
from core.readers.tiff_codecs import is_safe
from core.section import RegionRequest
from tests.czi_files import JPEG_XR, RAW, ZSTD1, Tile, write_czi_file
from tests.fuzzing.sections import texture
from tests.test_chemistry import write_h5oina

ROOT = Path(__file__).resolve().parent.parent
ASKED = {"do": "jpegxr", "shape": (4, 4), "dtype": "|u1"}
DATA = Path(__file__).parent / "data"
WHOLE = RegionRequest(0, 0, 48, 40)
CRASHES = "import os, sys; sys.stdin.buffer.readline(); os.abort()"


@pytest.fixture(autouse=True, scope="module")
def no_helper_stays():
    yield
    pool.end_helpers()


@pytest.fixture
def crashing(monkeypatch: pytest.MonkeyPatch):
    """Helpers that crash at whatever they are asked, until they are let be sound."""
    pool.end_helpers()
    with monkeypatch.context() as patch:
        patch.setattr(helper, "own_command", lambda module, argument: [sys.executable, "-c", CRASHES])
        yield patch


@pytest.mark.parametrize(("samples", "dtype"), [(3, "uint8"), (1, "uint8"), (1, "uint16")])
def test_jpeg_xr_from_a_helper_is_what_the_decoder_gives(tmp_path: Path, samples: int, dtype: str):
    tile = Tile(0, 0, texture(samples, dtype), JPEG_XR)
    path = write_czi_file(tmp_path / "s.czi", [tile])
    plain = imagecodecs.jpegxr_decode(tile.data()).reshape(tile.pixels.shape)
    with open_section(path) as section:
        np.testing.assert_array_equal(section.read(WHOLE), plain)


def test_a_crash_costs_one_tile_and_the_next_helper_goes_on(tmp_path: Path, crashing: pytest.MonkeyPatch):
    path = write_czi_file(tmp_path / "s.czi", [Tile(0, 0, texture(3, "uint8"), JPEG_XR)])
    with open_section(path) as section:
        with pytest.raises(InputError, match="the decoder crashed") as caught:
            section.read(WHOLE)
        assert caught.value.path == path
        assert caught.value.remedy
        crashing.undo()
        assert section.read(WHOLE).any()


def test_a_stream_that_crashes_its_decoder_costs_one_tile(tmp_path: Path):
    """One found by fuzzing: 16-bit colours of `texture`, damaged. Its decoder ends its process, whatever the array's size."""
    pixels = texture(3, "uint16")
    crashing = Tile(0, 0, pixels, JPEG_XR, payload=(DATA / "crashing-jpeg-xr.bin").read_bytes())
    path = write_czi_file(tmp_path / "s.czi", [crashing, Tile(48, 0, pixels, JPEG_XR)])
    with open_section(path) as section:
        for _ in range(2):
            with pytest.raises(InputError, match="its tile at 0, 0 can't be decoded") as caught:
                section.read(WHOLE)
            if sys.platform == "linux":  # elsewhere it may be refused
                assert "the decoder crashed" in caught.value.what
            np.testing.assert_array_equal(section.read(replace(WHOLE, x=48)), pixels[:, :, ::-1])


@pytest.mark.parametrize(
    ("does", "limits", "told"),
    [
        ("import time; time.sleep(60)", Limits(wait_s=0.2), "took more than 0 s"),
        ("while True: pass", Limits(wait_s=500, processor_s=0.2), "took more than 0 s of a processor"),
        (
            "kept = bytearray(300 << 20); input(); input()",
            Limits(wait_s=500, memory_bytes=200 << 20),
            "took more than 0.2 GB of memory",
        ),
    ],
)
def test_what_takes_more_than_it_may_is_ended(monkeypatch: pytest.MonkeyPatch, does: str, limits: Limits, told: str):
    pool.end_helpers()
    monkeypatch.setattr(helper, "own_command", lambda *names: [sys.executable, "-c", does])
    with pytest.raises(DecodeError, match=told) as caught:
        pool.decode_elsewhere(ASKED, b"\0" * 100_000, limits)
    assert caught.value.fatal
    assert pool._idle == []


def test_a_file_that_hdf5_reads_for_ever_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """One found by fuzzing (h5oina 48, seed 1): the list of its acquisitions is no such one."""
    path = tmp_path / "a.h5oina"
    path.write_bytes(gzip.decompress((DATA / "hanging.h5oina.gz").read_bytes()))
    monkeypatch.setattr("core.chemistry.h5oina._limits", lambda size: Limits(wait_s=500, processor_s=1.5))
    with pytest.raises(InputError, match="took more than 2 s of a processor") as caught:
        read_h5oina(path)
    assert caught.value.path == path
    assert caught.value.remedy
    assert len(read_h5oina(write_h5oina(path))) == 2  # the next one is read


def test_acquisitions_are_read_a_few_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = write_h5oina(tmp_path / "a.h5oina")
    whole = read_h5oina(path)
    monkeypatch.setattr("core.chemistry.h5oina._AT_ONCE", 1)
    assert read_h5oina(path) == whole


def test_a_decoder_that_hangs_ends_with_nobody_left_to_end_it():
    """As where the window itself was killed meanwhile."""
    hanging = (
        "import time; from core.decoding import child; child._GRACE_S = 0.2;"
        " child._TASKS['jpegxr'] = lambda *asked: time.sleep(60); child.main()"
    )
    asked = b'{"do":"jpegxr","bytes":0,"wait_s":0.1}\n'
    done = subprocess.run([sys.executable, "-c", hanging], input=asked, capture_output=True, cwd=ROOT, timeout=30)
    assert done.returncode == 1
    assert done.stdout == b""


@pytest.mark.skipif(sys.platform == "win32", reason="there it has no console")
def test_ctrl_c_leaves_the_helpers_to_their_program():
    with pytest.raises(DecodeError):
        pool.decode_elsewhere(ASKED, b"no stream")
    (idle,) = pool._idle
    idle._process.send_signal(signal.SIGINT)
    with pytest.raises(DecodeError) as caught:
        pool.decode_elsewhere(ASKED, b"no stream")
    assert not caught.value.fatal
    assert pool._idle == [idle]


def test_helpers_that_nobody_wants_end(monkeypatch: pytest.MonkeyPatch):
    pool.end_helpers()
    monkeypatch.setattr(pool, "IDLE_S", 0.3)
    monkeypatch.setattr(pool, "_is_tended", False)
    processes = set()
    for _ in range(2):  # the next stream gets a new one, which ends as well
        with pytest.raises(DecodeError):
            pool.decode_elsewhere(ASKED, b"no stream")
        (helper,) = pool._idle
        helper._process.wait(20)
        while pool._is_tended:
            time.sleep(0.01)
        assert pool._idle == []
        processes.add(helper._process.pid)
    assert len(processes) == 2


def test_a_damaged_stream_is_refused_and_its_helper_goes_on():
    with pytest.raises(DecodeError) as caught:
        pool.decode_elsewhere(ASKED, b"no stream")
    assert not caught.value.fatal
    assert len(pool._idle) == 1


def test_libczi_reads_from_a_helper_and_survives_its_crash(tmp_path: Path, crashing: pytest.MonkeyPatch):
    tiles = [Tile(0, 0, texture(1, "uint8"), ZSTD1), Tile(48, 0, texture(1, "uint16"), RAW)]  # for libCZI alone
    path = write_czi_file(tmp_path / "s.czi", tiles)
    with pytest.raises(InputError, match="crashed"):
        open_section(path)
    crashing.undo()
    with open_section(path) as section:
        before = section.read(WHOLE)
        assert before.any()
        section._source._handle._resource._helper._process.kill()  # type: ignore[attr-defined]
        with pytest.raises(InputError, match="crashed"):
            section.read(WHOLE)
        np.testing.assert_array_equal(section.read(WHOLE), before)
    with pytest.raises(InputError, match="closed"):
        section.read(WHOLE)


@pytest.mark.parametrize("compression", ["jpeg2000", "webp", "lerc", "png"])
def test_rare_codecs_of_tiff_are_decoded_elsewhere(tmp_path: Path, compression: str):
    options: Any = {"photometric": "rgb", "tile": (32, 32), "compression": compression}
    tifffile.imwrite(tmp_path / "s.tif", texture(3, "uint8"), **options)
    with open_section(tmp_path / "s.tif") as section:
        pixels = section.read(WHOLE)
    np.testing.assert_array_equal(pixels, tifffile.imread(tmp_path / "s.tif"))
    assert len(pool._idle) == 1


def test_a_file_saved_anew_under_its_name_is_decoded_as_what_it_is_now(tmp_path: Path):
    path, pixels = tmp_path / "s.tif", texture(3, "uint8")
    for compression in ("jpeg2000", "png"):  # laid out alike
        options: Any = {"photometric": "rgb", "tile": (32, 32), "compression": compression}
        tifffile.imwrite(path, pixels, **options)
        with open_section(path) as section:
            np.testing.assert_array_equal(section.read(WHOLE), tifffile.imread(path))
    assert len(pool._idle) == 1


def test_of_jpeg_only_ordinary_frames_are_decoded_here():
    grey = texture(1, "uint8")[:, :, 0]
    assert is_safe(7, imagecodecs.jpeg8_encode(grey))
    assert not is_safe(7, imagecodecs.ljpeg_encode(grey))
    assert not is_safe(7, imagecodecs.jpeg8_encode(grey)[:20])
    assert not is_safe(7, b"")
    assert not is_safe(34712, imagecodecs.jpeg2k_encode(grey))
    assert is_safe(8, b"")
