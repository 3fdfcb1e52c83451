"""Decides what is normal: a mixture of Gaussian textures fitted to cells of the section itself, most of them normal.

A section holds several materials, so one centre would call the rarer of them a defect. Rare cells must not become a
material of their own: components that hold too few cells are dropped, and the least likely cells don't take part.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

Array = np.ndarray

_ITERATIONS = 20
_RIDGE = 0.02  # of a feature's own variance; keeps flat resin from being infinitely predictable
_SEED = 20


@dataclass(frozen=True)
class Mixture:
    """p(x) = Σ wₖ N(x; μₖ, Σₖ), with Σₖ⁻¹ = Wₖ Wₖᵀ and x in units of `scale` around `center`.

    Shapes for K components in D dimensions: center, scale (D), offsets (K) = log wₖ + log|Wₖ|, means (K, D),
    whitening (K, D, D). All float32.
    """

    center: Array
    scale: Array
    offsets: Array
    means: Array
    whitening: Array

    def joined(self, other: Mixture, share: float) -> Mixture:
        """This mixture with `other`, in the same units, as a further `share` of all cells."""
        return Mixture(
            self.center,
            self.scale,
            np.concatenate([self.offsets, other.offsets + np.float32(np.log(share))]),
            np.concatenate([self.means, other.means]),
            np.concatenate([self.whitening, other.whitening]),
        )

    def surprise(self, cells: Array) -> Array:
        """−log p of cells (N, D), up to a constant that is the same for all: (N,) float32."""
        best = np.full(len(cells), -np.inf, np.float32)
        total = np.zeros(len(cells), np.float32)
        for log_density in self._log_densities(cells):
            top = np.maximum(best, log_density)
            total = total * np.exp(best - top) + np.exp(log_density - top)
            best = top
        return -(best + np.log(total))

    def _log_densities(self, cells: Array) -> Iterator[Array]:
        x = ((cells - self.center) / self.scale).astype(np.float32)
        for offset, mean, whitening in zip(self.offsets, self.means, self.whitening, strict=True):
            yield offset - 0.5 * np.square((x - mean) @ whitening).sum(axis=1)


def fit_mixture(
    cells: Array, components: int, smallest: float = 0.01, trim: float = 0.01, like: Mixture | None = None
) -> Mixture:
    """Fits by expectation and maximisation, from a deterministic start.

    Args:
        cells: (N, D) float32, most of them normal.
        components: at most so many.
        smallest: components with a smaller share of the cells are dropped.
        trim: the share of the least likely cells that doesn't take part.
        like: a mixture whose units are taken over, so that the two can be joined.
    """
    center = np.median(cells, axis=0).astype(np.float32) if like is None else like.center
    scale = (cells.std(axis=0) + 0.5).astype(np.float32) if like is None else like.scale
    x = (cells - center) / scale
    shares = _nearest(x, _starting_means(x, components))
    used = np.ones(len(x), bool)
    for _ in range(_ITERATIONS):
        weights = shares * used[:, None]
        weights = weights[:, weights.sum(axis=0) >= smallest * len(x)]
        parts = _maximise(x, weights)
        log_density = _log_densities(x, *parts)
        top = log_density.max(axis=1, keepdims=True)
        likelihood = top[:, 0] + np.log(np.exp(log_density - top).sum(axis=1))
        shares = np.exp(log_density - likelihood[:, None])
        used = likelihood >= np.quantile(likelihood, trim)
    offsets, means, whitening = (part.astype(np.float32) for part in parts)
    return Mixture(center, scale, offsets, means, whitening)


def _starting_means(x: Array, count: int) -> Array:
    """k-means++ (Arthur and Vassilvitskii 2007) with distances cut at their 98th percentile, so that oddities don't seed."""
    rng = np.random.default_rng(_SEED)
    means = [x[rng.integers(len(x))]]
    distance = np.square(x - means[0]).sum(axis=1)
    for _ in range(count - 1):
        cut = np.minimum(distance, np.quantile(distance, 0.98)) + 1e-12
        means.append(x[rng.choice(len(x), p=cut / cut.sum())])
        distance = np.minimum(distance, np.square(x - means[-1]).sum(axis=1))
    return np.array(means)


def _nearest(x: Array, means: Array) -> Array:
    """One-hot shares (N, K) of the nearest mean, after a few rounds of k-means."""
    for _ in range(6):
        distance = np.square(means).sum(axis=1) - 2 * x @ means.T
        shares = np.eye(len(means), dtype=x.dtype)[distance.argmin(axis=1)]
        counts = shares.sum(axis=0)
        means = np.where(counts[:, None] > 0, shares.T @ x / np.maximum(counts, 1)[:, None], means)
    return shares


def _maximise(x: Array, weights: Array) -> tuple[Array, Array, Array]:
    """The mixture's offsets, means and whitenings for given shares."""
    counts = weights.sum(axis=0)
    means = weights.T @ x / counts[:, None]
    whitening = np.empty((len(counts), x.shape[1], x.shape[1]), x.dtype)
    for k, (weight, mean) in enumerate(zip(weights.T, means, strict=True)):
        off = x - mean
        covariance = (off * weight[:, None]).T @ off / counts[k] + _RIDGE * np.eye(x.shape[1], dtype=x.dtype)
        whitening[k] = np.linalg.inv(np.linalg.cholesky(covariance)).T
    diagonals = np.diagonal(whitening, axis1=1, axis2=2)
    return np.log(counts / counts.sum()) + np.log(diagonals).sum(axis=1), means, whitening


def _log_densities(x: Array, offsets: Array, means: Array, whitening: Array) -> Array:
    columns = [
        offset - 0.5 * np.square((x - mean) @ white).sum(axis=1)
        for offset, mean, white in zip(offsets, means, whitening, strict=True)
    ]
    return np.stack(columns, axis=1)
