"""Structural similarity: the exact index is scikit-image's, the quick one is the exact one but for rounding."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage.metrics import structural_similarity

from core.models.networks.fast_similarity import similarity_inside
from core.similarity import RADIUS_PX, similarity, similarity_map

pytestmark = pytest.mark.usefixtures("one_thread")

Array = np.ndarray


def pairs() -> dict[str, tuple[Array, Array]]:
    rng = np.random.default_rng(3)
    noise = rng.integers(0, 256, (47, 60, 3)).astype(np.uint8)
    near = np.clip(noise + rng.integers(-40, 41, noise.shape), 0, 255).astype(np.uint8)
    flat = np.full_like(noise, 90)
    cut = noise.copy()
    cut[:, 30:] = 255
    return {
        "noise": (noise, near),
        "the same": (noise, noise),
        "flat": (flat, flat),
        "flat, one level off": (flat, flat + 1),
        "black and white": (np.zeros_like(noise), np.full_like(noise, 255)),
        "white": (np.full_like(noise, 255), np.full_like(noise, 254)),
        "dark": (noise // 64, near // 64),
        "saturated": (cut, near),
        "inverted": (noise, 255 - noise),
        "small": (noise[:11, :11], near[:11, :11]),
    }


CASES = pytest.mark.parametrize("name", list(pairs()))


@CASES
def test_the_exact_index_is_that_of_scikit_image(name: str) -> None:
    one, other = pairs()[name]
    expected, everywhere = structural_similarity(
        one, other, win_size=11, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255,
        channel_axis=-1, full=True,
    )  # fmt: skip
    assert abs(similarity(one, other) - expected) < 1e-5
    assert np.abs(similarity_map(one, other) - everywhere).max() < 1e-5


@CASES
def test_the_quick_index_is_the_exact_one_but_for_rounding(name: str) -> None:
    one, other = pairs()[name]
    seen, drawn = (torch.from_numpy(np.moveaxis(a, -1, 0).astype(np.float32)) / 127.5 - 1 for a in (one, other))
    inner = slice(RADIUS_PX, -RADIUS_PX)
    exact = np.moveaxis(similarity_map(one, other)[inner, inner], -1, 0)
    assert np.abs(similarity_inside(seen, drawn).numpy() - exact).max() < 5e-4


def test_pictures_without_colours_and_of_other_ranges_can_be_compared() -> None:
    one, other = (a[..., 0] for a in pairs()["noise"])
    grey = similarity(one, other)
    assert 0.5 < grey < 1
    assert similarity(one / 255, other / 255, value_range=1.0) == pytest.approx(grey, abs=1e-9)
    assert similarity(one.astype(np.uint16) * 257, other.astype(np.uint16) * 257, 65535.0) == pytest.approx(
        grey, abs=1e-9
    )
