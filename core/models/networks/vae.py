"""Decides the variational autoencoder that draws windows again from 128 numbers each (Badmos 2022, dissertation §3.11.3).

What the text leaves open is chosen here: the maps of the first layer (`width`), doubled from layer to layer, and the
slope of the Leaky ReLU, 0.2 as in the dissertation's other network.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import nn

LAYERS = 5
SLOPE = 0.2


class VariationalAutoencoder(nn.Module):
    """Images (n, 3, side, side) of -1 to 1 → images as large.

    Args:
        side_px: a multiple of 32; latent: numbers that stand for an image.
    """

    def __init__(self, width: int = 32, side_px: int = 256, latent: int = 128) -> None:
        super().__init__()
        maps = [width << layer for layer in range(LAYERS)]
        self._inner = (maps[-1], side_px >> LAYERS, side_px >> LAYERS)
        values = maps[-1] * (side_px >> LAYERS) ** 2
        self.encoder = nn.Sequential(
            *(_halving(before, after) for before, after in zip([3, *maps[:-1]], maps, strict=True)), nn.Flatten()
        )
        self.mean, self.log_variance = nn.Linear(values, latent), nn.Linear(values, latent)
        self.unfold = nn.Linear(latent, values)
        upwards = [*maps[::-1], maps[0]]
        self.decoder = nn.Sequential(
            *(_doubling(before, after) for before, after in pairwise(upwards)),
            nn.Conv2d(maps[0], 3, 5, 1, 2),
            nn.Tanh(),
        )

    def encode(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and logarithm of the variance of each image's normal distribution: (n, latent) twice."""
        values = self.encoder(images)
        return self.mean(values), self.log_variance(values)

    def decode(self, latent: torch.Tensor) -> torch.Tensor:
        """(n, latent) → (n, 3, side, side)."""
        return self.decoder(self.unfold(latent).unflatten(1, self._inner))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Drawn again from the means: the same each time. In training mode from a sample, z = μ + σ ⊙ ε (§3.11.5)."""
        return self.drawn(images)[0]

    def drawn(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """As `forward`, and what `encode` gave."""
        mean, log_variance = self.encode(images)
        latent = mean
        if self.training:
            latent = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
        return self.decode(latent), mean, log_variance


def _halving(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(before, after, 3, 2, 1), nn.LeakyReLU(SLOPE))


def _doubling(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(nn.ConvTranspose2d(before, after, 5, 2, 2, output_padding=1), nn.LeakyReLU(SLOPE))
