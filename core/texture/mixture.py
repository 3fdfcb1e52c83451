"""Decides what is normal: a mixture of Gaussian textures fitted to cells of the section itself, most of them normal.

A section holds several materials, so one centre would call the rarer of them a defect. Rare cells must not become a
material of their own: components that hold too few cells are dropped, and the least likely cells don't take part.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

Array = np.ndarray

_ITERATIONS = 20
_RIDGE = 0.02  # of a feature's own variance; keeps flat resin from being infinitely predictable
_SEED = 20
_AT_ONCE = 1 << 12  # cells whose products stay in the processor's cache
_SMALL = 128  # cells for which no library shares a product of matrices among threads


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
        found = np.empty(len(cells), np.float32)
        for start in range(0, len(cells), _AT_ONCE):
            some = slice(start, start + _AT_ONCE)
            x = ((cells[some] - self.center) / self.scale).astype(np.float32)
            found[some] = -_log_sum(_in_small_products(self._weights, _products(x)))
        return found

    @cached_property
    def _weights(self) -> Array:
        return _weights(self.offsets, self.means, self.whitening).astype(np.float32)


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
    products = _products(x.astype(np.float64))
    used = np.ones(len(x), bool)
    for _ in range(_ITERATIONS):
        weights = shares * used[:, None]
        weights = weights[:, weights.sum(axis=0) >= smallest * len(x)]
        parts = _maximise(products, weights)
        log_density = _weights(*parts) @ products
        likelihood = _log_sum(log_density)
        shares = np.exp(log_density - likelihood).T
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


def _products(x: Array) -> Array:
    """1, every xᵢ and every xᵢxⱼ with i ≤ j of x (N, D): (1 + D + D(D + 1) / 2, N).

    A component's log density is a weighted sum of these, and its moments are their weighted means, so that each step is
    one product of matrices for all cells and components together.
    """
    dimensions = x.shape[1]
    products = np.empty((1 + dimensions + dimensions * (dimensions + 1) // 2, len(x)), x.dtype)
    products[0] = 1
    values = products[1 : 1 + dimensions]
    values[:] = x.T
    at = 1 + dimensions
    for i in range(dimensions):
        np.multiply(values[i], values[i:], out=products[at : at + dimensions - i])
        at += dimensions - i
    return products


def _in_small_products(weights: Array, products: Array) -> Array:
    """weights @ products (D, N): threads would wait for each other for longer than it takes."""
    count = products.shape[1]
    filled = np.pad(products, ((0, 0), (0, -count % _SMALL)))
    parts = weights @ filled.reshape(len(products), -1, _SMALL).swapaxes(0, 1)
    return parts.swapaxes(0, 1).reshape(len(weights), -1)[:, :count]


def _weights(offsets: Array, means: Array, whitening: Array) -> Array:
    """By which `_products` are weighed: (K, products) float64, so that each row gives log wₖ N(x; μₖ, Σₖ)."""
    whitening, means = whitening.astype(np.float64), means.astype(np.float64)
    precision = whitening @ whitening.transpose(0, 2, 1)
    pulls = np.einsum("kij,kj->ki", precision, means)
    first, second = np.triu_indices(means.shape[1])
    squares = -precision[:, first, second] * np.where(first == second, 0.5, 1.0)
    constant = offsets - 0.5 * (pulls * means).sum(axis=1)
    return np.concatenate([constant[:, None], pulls, squares], axis=1)


def _maximise(products: Array, weights: Array) -> tuple[Array, Array, Array]:
    """The mixture's offsets, means and whitenings for given shares (N, K)."""
    moments = (products @ weights).T
    counts, dimensions = moments[:, 0], _dimensions(len(products))
    means, squares = np.split(moments[:, 1:] / counts[:, None], [dimensions], axis=1)
    first, second = np.triu_indices(dimensions)
    covariance = np.empty((len(counts), dimensions, dimensions))
    covariance[:, first, second] = covariance[:, second, first] = squares - means[:, first] * means[:, second]
    covariance += _RIDGE * np.eye(dimensions)
    whitening = np.linalg.inv(np.linalg.cholesky(covariance)).transpose(0, 2, 1)
    diagonals = np.diagonal(whitening, axis1=1, axis2=2)
    return np.log(counts / counts.sum()) + np.log(diagonals).sum(axis=1), means, whitening


def _dimensions(products: int) -> int:
    """D, of 1 + D + D(D + 1) / 2 products."""
    return (int(np.sqrt(8 * products + 1)) - 3) // 2


def _log_sum(log_density: Array) -> Array:
    """log Σₖ exp of (K, N): (N,)."""
    top = log_density.max(axis=0)
    return top + np.log(np.exp(log_density - top).sum(axis=0))
