"""Decides which networks draw windows again, how one is built from what a card says, and how a drawing is compared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from core.models.networks.cgan import EdgeToImage
from core.models.networks.fast_similarity import similarity_inside
from core.models.networks.feature_comparison import FeatureComparison, build_comparison
from core.models.networks.vae import VariationalAutoencoder
from core.models.reconstruction import CELLS, CGAN, FEATURES, VAE
from core.similarity import RADIUS_PX

Reconstructor = VariationalAutoencoder | EdgeToImage

# Sides that can be halved until one px is left, and have whole cells.
SIDES_PX = (32, 64, 128, 256, 512)
WIDTHS = (8, 128)
LATENTS = (2, 4096)


def build(network: Mapping[str, Any]) -> Reconstructor:
    """The network that a card's `network` describes, with random weights. Raises ValueError for one that can't be."""
    width, side = _whole(network, "width", WIDTHS), _whole(network, "input_px", (min(SIDES_PX), max(SIDES_PX)))
    if side not in SIDES_PX or side % CELLS:
        raise ValueError(f"input_px must be one of {SIDES_PX}")
    if network.get("method") == VAE:
        return VariationalAutoencoder(width, side, _whole(network, "latent", LATENTS))
    if network.get("method") == CGAN:
        white = network.get("edge_white")
        if not isinstance(white, float) or not 1e-3 <= white <= 10:
            raise ValueError("edge_white must be 0.001 to 10")
        return EdgeToImage(width, side, white)
    raise ValueError("the card describes no network that is known here")


def features_of(network: Mapping[str, Any]) -> FeatureComparison | None:
    """What else compares by a card's `network`, with random weights. Raises ValueError for one that can't be."""
    return build_comparison(network[FEATURES]) if FEATURES in network else None


def together(network: Reconstructor, features: FeatureComparison | None) -> nn.Module:
    """All that is kept of a model as one: what draws, and beside it what compares."""
    return network if features is None else nn.ModuleDict({"drawing": network, FEATURES: features})


def as_seen(windows: torch.Tensor, side_px: int) -> torch.Tensor:
    """(n, h, w, 3) uint8 → (n, 3, side, side) float32 of -1 to 1; h and w are the same whole multiple of `side_px`."""
    values = windows.permute(0, 3, 1, 2).float() / 127.5 - 1
    factor = values.shape[-1] // side_px
    # Not channels last: torch 2.14 writes beyond its buffers in gradients of such convolutions narrower than 8 maps.
    return (functional.avg_pool2d(values, factor) if factor > 1 else values).contiguous()


def residuals(seen: torch.Tensor, drawn: torch.Tensor) -> torch.Tensor:
    """(n, 3, h, w) of -1 to 1 twice → (n, 1, h, w): squared, in grey levels², the mean of the colours."""
    return ((seen - drawn) * 127.5).square().mean(1, keepdim=True)


def compared(seen: torch.Tensor, drawn: torch.Tensor, features: FeatureComparison | None) -> torch.Tensor:
    """(n, 3, side, side) of -1 to 1 twice → (n, 3 or 4, 32, 32): the channels of a map (`core.models.reconstruction`)."""
    unlike = 1 - similarity_inside(seen, drawn).mean(1, keepdim=True)
    side = seen.shape[-1] // CELLS
    # Places within 5 px of a window's edge are as unlike as the nearest one whose surroundings are known.
    everywhere = functional.pad(unlike, (RADIUS_PX,) * 4, mode="replicate")
    places, off = (functional.avg_pool2d(one, side) for one in (everywhere, residuals(seen, drawn)))
    whole = unlike.mean((2, 3), keepdim=True).expand_as(places)
    looks = [features(seen, drawn)] if features is not None else []
    return torch.cat([places, off, whole, *looks], 1)


def _whole(network: Mapping[str, Any], name: str, limits: tuple[int, int]) -> int:
    value = network.get(name)
    if type(value) is not int or not limits[0] <= value <= limits[1]:
        raise ValueError(f"{name} must be {limits[0]} to {limits[1]}")
    return value
