"""How a section is drawn for the eye: tones, enhancements, and that regions drawn apart fit together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.display import DisplayRange, to_uint8_rgb
from core.errors import CancelledError
from core.geometry import Box
from core.look import CHANNEL_COLOURS, ChannelLook, Curve, Look, gamma_for, middle_of
from core.looks.aids import Aids, aids_of
from core.looks.auto import with_auto_curves
from core.looks.drawing import draw
from core.looks.flat_field import estimate_flat_field, no_flat_field_because
from core.section import Array, Glance, Plane, RegionRequest
from tests.memory_section import MemorySection, noise

ENHANCED = {
    "sharpened": Look(sharpening=0.7),
    "local contrast": Look(local_contrast=0.6),
    "flat field": Look(flat_field=True),
    "all": replace(Look(inverted=True, sharpening=0.3, local_contrast=0.9, flat_field=True).with_curve(9, 220, 0.8)),
}


class Mosaic(MemorySection):
    """Camera tiles of 300 px every 250 px; `shading` (300, 300) times what lies under them."""

    def __init__(self, pixels: Array, shading: Array | None = None) -> None:
        super().__init__(pixels)
        size = pixels.shape[0]
        self.boxes = tuple(Box(x, y, 300, 300) for y in range(0, size - 299, 250) for x in range(0, size - 299, 250))
        if shading is not None:
            top, specimen = np.iinfo(pixels.dtype).max, pixels.copy()
            for box in self.boxes:
                area = slice(int(box.y), int(box.y1)), slice(int(box.x), int(box.x1))
                shaded = np.clip(np.rint(specimen[area] * shading[..., None]), 0, top)
                self.pixels[area] = shaded.astype(pixels.dtype)

    def camera_tiles(self) -> tuple[Box, ...]:
        return self.boxes


class Channels(MemorySection):
    """A grey plane for each channel."""

    def read_level(self, level: int, x: int, y: int, width: int, height: int, plane: Plane) -> Array:
        pixels = super().read_level(level, x, y, width, height, plane)
        return pixels if plane.c == 0 else np.full_like(pixels, 50 * plane.c)


def drawn(section: MemorySection, look: Look, request: RegionRequest, aids: Aids | None = None) -> Array:
    return draw(section.read, section.info, request, look, aids)


# -- values -------------------------------------------------------------------------------------------


def test_a_look_survives_json() -> None:
    look = Look(blended=True, sharpening=0.25, flat_field=True).with_curve(5, 900, 1.5, channel=1)
    look = look.with_channel(0, curves=(Curve(0, 1), Curve(1, 2), Curve(2, 3)), colour="#123456", visible=False)
    assert Look.from_json(look.to_json()) == look
    assert Look.from_json(Look().to_json()) == Look()


@pytest.mark.parametrize("change", [{"channels": [1]}, {"sharpening": 2}, {"local_contrast": "much"}])
def test_nonsense_is_no_look(change: dict) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        Look.from_json(Look().to_json() | change)


@pytest.mark.parametrize(("low", "high", "gamma"), [(5, 5, 1), (9, 3, 1), (-1, 5, 1), (0, 70000, 1), (0, 9, 0.01)])
def test_impossible_curves_are_refused(low: int, high: int, gamma: float) -> None:
    with pytest.raises(ValueError, match="not a"):
        Curve(low, high, gamma)


def test_impossible_channels_are_refused() -> None:
    with pytest.raises(ValueError, match="one curve or three"):
        ChannelLook((Curve(0, 1), Curve(0, 1)))
    with pytest.raises(ValueError, match="colour"):
        ChannelLook(colour="red")


def test_channels_that_were_never_set_have_their_own_colour() -> None:
    look = Look().with_curve(1, 2, channel=2)
    assert [look.channel(c).colour for c in range(4)] == list(CHANNEL_COLOURS[:4])
    assert look.channel(1).curves == look.channel(9).curves == ()


def test_gamma_and_the_middle_are_two_names_for_one_thing() -> None:
    for gamma in (0.3, 1.0, 2.5):
        curve = Curve(100, 900, gamma)
        assert gamma_for(100, 900, middle_of(curve)) == pytest.approx(gamma)
    assert gamma_for(0, 10, 0) == gamma_for(0, 10, -3) > 0
    assert gamma_for(0, 10, 10) == 10


# -- tones --------------------------------------------------------------------------------------------

ALL_8 = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)
ALL_16 = np.arange(65536, dtype=np.uint16).reshape(256, 256, 1)


@pytest.mark.parametrize("values", [ALL_8, ALL_16], ids=["8 bit", "16 bit"])
def test_a_linear_curve_shows_what_models_see(values: Array) -> None:
    section, request = MemorySection(values), RegionRequest(0, 0, values.shape[1], values.shape[0])
    shown = drawn(section, Look().with_curve(17, 201), request)
    assert np.array_equal(shown, to_uint8_rgb(values, DisplayRange(17, 201))[..., :1])


@pytest.mark.parametrize("values", [ALL_8, ALL_16], ids=["8 bit", "16 bit"])
@pytest.mark.parametrize("gamma", [0.4, 1.0, 2.2])
@pytest.mark.parametrize("inverted", [False, True])
def test_every_value_is_shown_as_the_curve_says(values: Array, gamma: float, inverted: bool) -> None:
    section, request = MemorySection(values), RegionRequest(0, 0, values.shape[1], values.shape[0])
    shown = drawn(section, replace(Look().with_curve(30, 230, gamma), inverted=inverted), request)
    expected = 255 * np.clip((values.astype(float) - 30) / 200, 0, 1) ** gamma
    assert np.abs(shown - (255 - expected if inverted else expected)).max() <= 0.5 + 1e-9


def test_8_bits_without_a_curve_are_not_even_copied() -> None:
    pixels = noise(20, 30)
    assert draw(lambda request: pixels, MemorySection(pixels).info, RegionRequest(0, 0, 30, 20), Look()).base is pixels


def test_16_bits_without_a_curve_show_the_whole_range() -> None:
    shown = drawn(MemorySection(ALL_16), Look(), RegionRequest(0, 0, 256, 256))
    assert np.array_equal(shown, np.rint(ALL_16 / 257))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_red_green_and_blue_can_have_their_own_curves(dtype: type) -> None:
    pixels = noise(40, 50, 3, dtype)
    curves = Curve(0, 100), Curve(50, 200, 0.5), Curve(100, 255)
    shown = drawn(MemorySection(pixels), Look().with_channel(0, curves=curves), RegionRequest(0, 0, 50, 40))
    for sample, curve in enumerate(curves):
        alone = drawn(
            MemorySection(pixels[..., sample : sample + 1]),
            Look().with_channel(0, curves=(curve,)),
            RegionRequest(0, 0, 50, 40),
        )
        assert np.array_equal(shown[..., sample], alone[..., 0])


def test_channels_are_blended_in_their_colours() -> None:
    section, request = Channels(noise(30, 30, 1), channels=3), RegionRequest(0, 0, 30, 30)
    look = Look(blended=True).with_channel(0, colour="#ff0000").with_channel(1, colour="#00ff80")
    look = look.with_channel(2, visible=False)
    shown = drawn(section, look, request)
    assert np.array_equal(shown[..., 0], section.pixels[..., 0])
    assert (shown[..., 1:] == (50, 25)).all()
    assert not any(plane.c == 2 for *_, plane in section.reads)
    assert np.array_equal(drawn(section, replace(look, inverted=True), request), 255 - shown)
    same = look.with_channel(1, colour="#ff0000")
    assert np.array_equal(
        drawn(section, same, request)[..., 0], np.minimum(section.pixels[..., 0].astype(int) + 50, 255)
    )
    none = look.with_channel(0, visible=False).with_channel(1, visible=False)
    assert drawn(section, none, request).shape == (30, 30, 3)
    assert not drawn(section, none, request).any()


def test_one_channel_is_shown_by_itself_unless_blended() -> None:
    section = Channels(noise(30, 30, 1), channels=3)
    look = Look().with_curve(0, 100, channel=1)
    assert (drawn(section, look, RegionRequest(0, 0, 30, 30, 1, Plane(c=1))) == 128).all()


def test_the_automatic_look_is_what_models_see() -> None:
    section = MemorySection((noise(300, 300, 1, np.uint16) // 50 + 700).astype(np.uint16))
    look = with_auto_curves(section, [Plane()], Look(inverted=True))
    (curve,) = look.channel(0).curves
    assert look.inverted
    assert 700 <= curve.low < 710
    assert with_auto_curves(MemorySection(noise(30, 30)), [Plane()], Look().with_curve(3, 4)).channel(0).curves == ()


# -- enhancements -------------------------------------------------------------------------------------


@pytest.mark.parametrize("look", ENHANCED.values(), ids=ENHANCED.keys())
@pytest.mark.parametrize(("samples", "dtype"), [(1, np.uint8), (3, np.uint8), (1, np.uint16), (3, np.uint16)])
@pytest.mark.parametrize("downsample", [1, 4])
def test_tiles_drawn_apart_fit_together(look: Look, samples: int, dtype: type, downsample: int) -> None:
    section = Mosaic(noise(700, 700, samples, dtype))
    aids = aids_of(section)
    aids.find(section, look, Plane())
    d, side = downsample, 64 * downsample
    whole = drawn(section, look, RegionRequest(0, 0, 700, 700, d), aids)
    assert not np.array_equal(whole, drawn(section, Look(), RegionRequest(0, 0, 700, 700, d)))
    for y in (0, side, 700 // side * side):
        for x in (0, 2 * side, 700 // side * side):
            request = RegionRequest(x, y, min(side, 700 - x), min(side, 700 - y), d)
            tile = drawn(section, look, request, aids)
            rows, columns = request.shape
            assert np.array_equal(tile, whole[y // d : y // d + rows, x // d : x // d + columns]), (x, y)


def test_without_aids_the_plain_look_is_drawn() -> None:
    section, request = Mosaic(noise(600, 600)), RegionRequest(0, 0, 600, 600)
    look = Look(local_contrast=1, flat_field=True)
    assert np.array_equal(drawn(section, look, request), section.pixels)
    assert np.array_equal(drawn(section, look, request, aids_of(section)), section.pixels)
    assert aids_of(section).lacks(look, Plane())
    aids_of(section).find(section, look, Plane())
    assert not aids_of(section).lacks(look, Plane())
    assert not np.array_equal(drawn(section, look, request, aids_of(section)), section.pixels)


def test_sharpening_makes_edges_steeper_and_leaves_flat_places() -> None:
    pixels = np.full((60, 60, 1), 80, np.uint8)
    pixels[:, 30:] = 150
    shown = drawn(MemorySection(pixels), Look(sharpening=0.5), RegionRequest(0, 0, 60, 60))[30, :, 0].astype(int)
    assert shown[29] < 80
    assert shown[30] > 150
    assert (shown[:20] == 80).all()
    assert (shown[40:] == 150).all()


def test_local_contrast_spreads_faint_differences_and_keeps_their_order() -> None:
    pixels = (noise(900, 900, 1) // 16 + 120).astype(np.uint8)  # 120 to 135
    section, look = MemorySection(pixels), Look(local_contrast=1)
    aids_of(section).find(section, look, Plane())
    shown = drawn(section, look, RegionRequest(400, 400, 64, 64), aids_of(section)).astype(int)[..., 0]
    before = pixels[400:464, 400:464, 0]
    assert np.ptp(shown) > 3 * np.ptp(before)
    means = [shown[before == value].mean() for value in range(120, 136)]
    assert means == sorted(means)


@pytest.mark.parametrize("look", [Look(local_contrast=1), Look(flat_field=True)], ids=["local contrast", "flat field"])
def test_a_place_looks_the_same_at_every_level(look: Look) -> None:
    pixels = np.repeat(np.repeat(noise(100, 100, 3), 8, axis=0), 8, axis=1)
    section = Mosaic(pixels)
    aids_of(section).find(section, look, Plane())
    fine = drawn(section, look, RegionRequest(0, 0, 800, 800), aids_of(section)).astype(int)
    coarse = drawn(section, look, RegionRequest(0, 0, 800, 800, 4), aids_of(section)).astype(int)
    assert np.percentile(np.abs(fine[2::4, 2::4] - coarse), 99) <= 1


def test_local_contrast_keeps_the_tint_of_colours() -> None:
    pixels = np.clip(noise(512, 512, 1).astype(int) // 4 + (120, 90, 60), 0, 255).astype(np.uint8)
    section, look = MemorySection(pixels), Look(local_contrast=0.5)
    aids_of(section).find(section, look, Plane())
    shown = drawn(section, look, RegionRequest(0, 0, 512, 512), aids_of(section)).astype(int)
    assert np.abs((shown[..., 0] - shown[..., 2]) - 60).mean() < 6


@pytest.mark.parametrize(("samples", "dtype"), [(1, np.uint8), (3, np.uint16)])
def test_the_shading_of_camera_tiles_is_taken_out(samples: int, dtype: type) -> None:
    y, x = np.mgrid[-1:1:300j, -1:1:300j]
    shading = 1 - 0.3 * (x**2 + y**2) + 0.05 * x
    top = np.iinfo(dtype).max
    specimen: np.ndarray = (noise(2300, 2300, samples, dtype) // 4 + top // 3).astype(dtype)
    section = Mosaic(specimen, shading)
    field = estimate_flat_field(section, Plane())
    assert field is not None
    even = field.applied(section.pixels, RegionRequest(0, 0, 2300, 2300))
    assert even.dtype == dtype

    def unevenness(pixels: Array) -> float:
        seen = pixels[:2250, :2250, 0].reshape(9, 250, 9, 250).astype(float)
        cells = seen.reshape(9, 10, 25, 9, 10, 25).mean(axis=(0, 2, 3, 5))
        return float(cells.std() / cells.mean())

    assert unevenness(section.pixels) > 0.06
    assert unevenness(even) < 0.008
    assert even.mean() == pytest.approx(section.pixels.mean(), rel=0.08)


def test_what_lies_in_few_tiles_is_not_taken_for_shading() -> None:
    """Broad bands through all tiles, as of a wound cell, under hardly any shading."""
    y, x = np.mgrid[0:1300, 0:1300]
    bands = np.where(np.hypot(x - 650, y - 650) // 90 % 2, 60, 170)[..., None]
    grain = noise(1300, 1300, 1).astype(int) // 16
    section = Mosaic((bands + grain).astype(np.uint8), np.linspace(0.97, 1.03, 300)[None, :] * np.ones((300, 1)))
    field = estimate_flat_field(section, Plane())
    assert field is not None
    gain = field.gain(RegionRequest(1000, 1000, 300, 300), (300, 300, 1))
    assert gain is not None
    expected = 1 / np.linspace(0.97, 1.03, 300)[None, :]
    assert np.abs(gain[..., 0] / expected - 1).max() < 0.03


def test_where_tiles_overlap_the_later_one_counts() -> None:
    _, x = np.mgrid[-1:1:300j, -1:1:300j]
    section = Mosaic((noise(1300, 1300, 1) // 8 + 120).astype(np.uint8), 1 - 0.4 * x)
    field = estimate_flat_field(section, Plane())
    assert field is not None
    gain = field.gain(RegionRequest(250, 500, 300, 10), (10, 300, 1))
    assert gain is not None
    assert gain[5, 10, 0] < 1 < gain[5, 240, 0]  # of the tile from 250 on
    assert gain[5, 260, 0] < 1  # at 510, where the next one lies over it


def test_shading_needs_several_camera_tiles() -> None:
    section = MemorySection(noise(300, 300))
    assert estimate_flat_field(section, Plane()) is None
    assert "camera tiles" in no_flat_field_because(section.camera_tiles())
    assert no_flat_field_because(Mosaic(noise(900, 900)).camera_tiles()) == ""
    look = Look(flat_field=True)
    aids_of(section).find(section, look, Plane())
    assert not aids_of(section).lacks(look, Plane())
    assert np.array_equal(drawn(section, look, RegionRequest(0, 0, 300, 300), aids_of(section)), section.pixels)


class Rough(MemorySection):
    """Its overview is known only roughly until `built`."""

    built = False

    def glance(self, request: RegionRequest) -> Glance:
        pixels = self.read(request)
        return Glance(pixels if self.built or request.shape != (100, 100) else pixels // 2, self.built)


def test_what_was_rough_is_found_again() -> None:
    section, look, request = Rough(noise(100, 100)), Look(local_contrast=0.5), RegionRequest(0, 0, 100, 100)
    aids = aids_of(section)
    aids.find(section, look, Plane())
    rough = drawn(section, look, request, aids)
    section.built = True
    assert aids.forget_rough()
    assert aids.lacks(look, Plane())
    aids.find(section, look, Plane())
    assert not np.array_equal(drawn(section, look, request, aids), rough)
    assert not aids.forget_rough()


def test_finding_out_can_be_stopped() -> None:
    section, look = Mosaic(noise(900, 900)), Look(flat_field=True)
    with pytest.raises(CancelledError):
        aids_of(section).find(section, look, Plane(), lambda: True)
    assert aids_of(section).lacks(look, Plane())
