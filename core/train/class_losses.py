"""Decides what a classifier is punished for when it names one class per window: cross entropy and its relatives.

Every loss takes logits (n, classes) and targets (n,) int64 and gives one value per row. u is the uniform distribution,
p the model's, y the target's, H the entropy or cross entropy in nats.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch.nn import functional

from core.errors import UsageError
from core.train.families.windows import LOSSES

# Nearer to 0 or 1 than this, the α-skew divergence is its own limit, and dividing by α (1 − α) would only add noise.
_LIMIT = 1e-3


@dataclass(frozen=True, slots=True)
class ClassLoss:
    """Which loss, and how strong.

    Args:
        kind: one of `LOSSES`.
        gamma: focal loss, how much sure rows are forgiven.
        epsilon: label smoothing, the share of the target that goes to all classes alike.
        beta: weight of the entropy term of "max_entropy" and "alpha_js".
        alpha: skewness of "alpha_js", 0 to 1; 0 is maximum entropy, 1 is label smoothing.
    Raises UsageError for values out of range.
    """

    kind: str = "cross_entropy"
    gamma: float = 2.0
    epsilon: float = 0.1
    beta: float = 1.0
    alpha: float = 0.5

    def __post_init__(self) -> None:
        if self.kind not in LOSSES:
            raise UsageError(f"there is no loss {self.kind!r}", remedy="Choose one of: " + ", ".join(LOSSES) + ".")
        if self.gamma < 0 or self.beta < 0 or not 0 <= self.epsilon < 1 or not 0 <= self.alpha <= 1:
            raise UsageError("a loss parameter is out of range", remedy="alpha is 0 to 1, epsilon 0 to below 1.")

    def __call__(
        self, logits: torch.Tensor, target: torch.Tensor, class_weights: torch.Tensor | None = None
    ) -> torch.Tensor:
        """(n,) float32. `class_weights` (classes,): each row counts as much as its target's weight."""
        rows = self._rows(logits.float(), target)
        return rows if class_weights is None else rows * class_weights[target]

    def _rows(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        if self.kind == "focal":
            return focal(logits, target, self.gamma)
        if self.kind == "label_smoothing":
            return functional.cross_entropy(logits, target, label_smoothing=self.epsilon, reduction="none")
        plain = functional.cross_entropy(logits, target, reduction="none")
        if self.kind == "max_entropy":
            return plain - self.beta * entropy(logits)
        if self.kind == "alpha_js":
            return plain + self.beta * alpha_js_from_uniform(logits, self.alpha)
        return plain


def focal(logits: torch.Tensor, target: torch.Tensor, gamma: float) -> torch.Tensor:
    """−(1 − p_t)^γ ln p_t (Lin et al. 2017, eq. 5; α_t is the class's weight and left to the caller)."""
    log_p = functional.log_softmax(logits, 1).gather(1, target[:, None])[:, 0]
    return -((1 - log_p.exp()).clamp(min=1e-6) ** gamma) * log_p


def entropy(logits: torch.Tensor) -> torch.Tensor:
    """H(p) of each row, nats."""
    log_p = functional.log_softmax(logits, 1)
    return -(log_p.exp() * log_p).sum(1)


def alpha_js_from_uniform(logits: torch.Tensor, alpha: float) -> torch.Tensor:
    """J_α(u ‖ p), the scaled α-skew Jensen-Shannon divergence of each row from the uniform distribution.

    [H((1 − α) u + α p) − (1 − α) H(u) − α H(p)] / (α (1 − α)) (Ulger et al., "Fine-grained classification of solder
    joints", eq. 6). At α = 0 it is KL(p ‖ u) = ln K − H(p), at α = 1 it is KL(u ‖ p) = H(u, p) − ln K.
    """
    log_p = functional.log_softmax(logits, 1)
    most = math.log(logits.shape[1])
    if alpha < _LIMIT:
        return most - entropy(logits)
    if alpha > 1 - _LIMIT:
        return -log_p.mean(1) - most
    mixed = (1 - alpha) / logits.shape[1] + alpha * log_p.exp()
    of_mixed = -(mixed * mixed.log()).sum(1)
    return (of_mixed - (1 - alpha) * most - alpha * entropy(logits)) / (alpha * (1 - alpha))
