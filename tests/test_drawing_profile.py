"""Grey values along a line: exact on known pixels, at any angle, width and length, NaN outside, cancelled when asked."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import core.profile as module
from core.drawing import Drawing
from core.errors import CancelledError
from core.jobs import CancelToken
from core.profile import as_csv, read_profile
from core.section import Plane
from tests.memory_section import MemorySection

SIDE = 400
COLUMNS, ROWS = np.meshgrid(np.arange(SIDE), np.arange(SIDE))
RAMP = (100 + 2 * COLUMNS + 3 * ROWS).astype(np.uint16)[..., None]  # at a pixel's centre: 100 + 2 x + 3 y - 2.5
inner = st.floats(30, SIDE - 30)


def line(start, end, width=1.0) -> Drawing:
    return Drawing("profile", (start, end), width_px=width)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.tuples(inner, inner), st.tuples(inner, inner), st.floats(1, 20))
def test_a_ramp_is_read_exactly_at_any_angle_and_width(start, end, width):
    found = read_profile(MemorySection(RAMP), line(start, end, width), Plane())
    share = found.distance_px / max(math.dist(start, end), 1e-12)
    x, y = start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1])
    assert found.values[:, 0] == pytest.approx(97.5 + 2 * x + 3 * y, abs=1e-6)
    assert found.distance_um == pytest.approx(found.distance_px / 2)


def test_along_a_row_of_pixel_centres_the_values_are_the_files():
    pixels = np.random.default_rng(0).integers(0, 65535, (SIDE, SIDE, 1), np.uint16)
    found = read_profile(MemorySection(pixels), line((0.5, 7.5), (SIDE - 0.5, 7.5)), Plane())
    assert found.values[:, 0] == pytest.approx(pixels[7, :, 0], abs=1e-6)
    wide = read_profile(MemorySection(pixels), line((0.5, 10), (SIDE - 0.5, 10), 4), Plane())
    assert wide.values[:, 0] == pytest.approx(pixels[8:12, :, 0].mean(axis=0))


def test_colours_and_channels_are_curves_of_their_own():
    rgb = np.random.default_rng(1).integers(0, 255, (50, 60, 3), np.uint8)
    found = read_profile(MemorySection(rgb), line((0.5, 3.5), (59.5, 3.5)), Plane())
    assert found.names == ("red", "green", "blue")
    assert found.values == pytest.approx(rgb[3], abs=1e-6)
    section = MemorySection(RAMP, channels=2, pixel_size_um=None)
    found = read_profile(section, line((5, 5), (50, 5)), Plane(z=0))
    assert found.names == ("channel 0", "channel 1")
    assert found.values.shape == (46, 2)
    assert found.distance_um is None
    assert {read[4].c for read in section.reads} == {0, 1}


def test_outside_the_section_there_is_nothing():
    found = read_profile(MemorySection(RAMP), line((-50, 10.5), (50, 10.5), 3), Plane())
    outside = found.distance_px < 50
    assert np.isnan(found.values[outside]).all()
    assert not np.isnan(found.values[~outside]).any()
    far = read_profile(MemorySection(RAMP), line((-50, -10), (-20, -10)), Plane())
    assert np.isnan(far.values).all()
    assert as_csv(far).splitlines()[1].endswith(",")


def test_a_very_long_line_is_read_from_exact_means(monkeypatch):
    monkeypatch.setattr(module, "MOST_SAMPLES", 100)
    section = MemorySection(RAMP)
    found = read_profile(section, line((20, 200), (380, 200), 8), Plane())
    assert found.downsample == 4
    assert len(found.values) == 91
    x = 20 + found.distance_px
    assert found.values[:, 0] == pytest.approx(97.5 + 2 * x + 3 * 200, abs=0.51), "means are rounded to whole values"


def test_a_diagonal_reads_little_more_than_it_needs():
    pixels = np.zeros((4000, 4000, 1), np.uint8)
    section = MemorySection(pixels)
    read_profile(section, line((10, 10), (3990, 3990)), Plane())
    assert sum(width * height for _, _, width, height, _ in section.reads) < 0.08 * pixels.size


def test_it_stops_when_asked():
    cancel = CancelToken()
    section = MemorySection(RAMP)

    def stop(step):
        if step.done:
            cancel.cancel()

    with pytest.raises(CancelledError):
        read_profile(section, line((0, 0), (399, 399)), Plane(), stop, cancel)
    assert len(section.reads) == 2


def test_csv_has_a_line_for_each_sample():
    found = read_profile(MemorySection(RAMP), line((10.5, 10.5), (12.5, 10.5)), Plane())
    assert as_csv(found) == 'distance_px,distance_um,"channel 0"\n0,0,150\n1,0.5,152\n2,1,154\n'
