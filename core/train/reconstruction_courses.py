"""Decides what a network that draws windows again learns in each step: its losses, and who is moved by them.

Badmos 2022, dissertation: eq. 3.11 for the autoencoder, eq. 3.13 to 3.16 for the edge→image network.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import torch
from torch.nn import functional

from core.models.networks.cgan import EdgeToImage, PatchDiscriminator
from core.models.networks.reconstructors import Reconstructor
from core.models.networks.vae import VariationalAutoencoder


class Course(torch.nn.Module):
    """A network that draws windows again, and all that its training needs beside it and keeps.

    Args:
        windows: how many there are to learn from; `left_out` (n,) bool says which ones are not learnt from any more.
    """

    left_out: torch.Tensor

    def __init__(self, drawing: Reconstructor, windows: int) -> None:
        super().__init__()
        self.drawing: Reconstructor = drawing
        self.register_buffer("left_out", torch.zeros(windows, dtype=torch.bool))
        self.figures: dict[str, float] = {}

    @abstractmethod
    def optimiser(self, learning_rate: float) -> torch.optim.Optimizer:
        """Of everything that is learnt."""

    @abstractmethod
    def learn(self, seen: torch.Tensor, optimiser: torch.optim.Optimizer) -> float:
        """A step on windows (n, 3, side, side) of -1 to 1: the loss, and more in `figures`."""


class Autoencoding(Course):
    """α · MSE + β · KL, both for each value of an image.

    The divergence is that of a whole image, added up over its latent numbers. The error is the mean of all its values, so
    the divergence is divided by their number: the same as the error added up, as the log-likelihood in eq. 2.39 is. With
    the mean alone nothing is worth encoding, and every window is drawn the same.
    """

    drawing: VariationalAutoencoder

    def __init__(self, drawing: VariationalAutoencoder, windows: int, alpha: float, beta: float) -> None:
        super().__init__(drawing, windows)
        self._alpha, self._beta = alpha, beta

    def optimiser(self, learning_rate: float) -> torch.optim.Optimizer:
        return torch.optim.RMSprop(self.drawing.parameters(), learning_rate)

    def learn(self, seen: torch.Tensor, optimiser: torch.optim.Optimizer) -> float:
        drawn, mean, log_variance = self.drawing.drawn(seen)
        error = functional.mse_loss(drawn, seen)
        divergence = divergence_of(mean, log_variance) / seen[0].numel()
        loss = self._alpha * error + self._beta * divergence
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        self.figures = {"mse_loss": error.item(), "kl_loss": divergence.item()}
        return loss.item()


class EdgeDrawing(Course):
    """A generator and who judges it, in turns; the generator's loss is BCE + λ · L1.

    One optimiser holds the weights of both: Adam's state is each weight's own, and those without a gradient stay as they
    are, so that a turn moves one network alone.
    """

    drawing: EdgeToImage

    def __init__(self, drawing: EdgeToImage, windows: int, judge: PatchDiscriminator, l1_weight: float) -> None:
        super().__init__(drawing, windows)
        self.judge = judge
        self._l1_weight = l1_weight

    def optimiser(self, learning_rate: float) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.parameters(), learning_rate, betas=(0.5, 0.999))

    def learn(self, seen: torch.Tensor, optimiser: torch.optim.Optimizer) -> float:
        edges = self.drawing.edges(seen)
        drawn = self.drawing.drawn(edges)
        judged = judging_loss(self.judge(edges, drawn.detach()), self.judge(edges, seen))
        _move(optimiser, judged)
        self.judge.requires_grad_(False)
        fooled, off = real(self.judge(edges, drawn)), functional.l1_loss(drawn, seen)
        loss = fooled + self._l1_weight * off
        _move(optimiser, loss)
        self.judge.requires_grad_(True)
        self.figures = {"judge_loss": judged.item(), "fooling_loss": fooled.item(), "l1_loss": off.item()}
        return loss.item()


def divergence_of(mean: torch.Tensor, log_variance: torch.Tensor) -> torch.Tensor:
    """Kullback and Leibler's, of N(mean, variance) from N(0, 1): added up over latent numbers, the mean over images."""
    return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(1).mean()


def judging_loss(of_drawn: torch.Tensor, of_real: torch.Tensor) -> torch.Tensor:
    """What a judge's logits cost: the mean of both binary cross-entropies (§3.12.3)."""
    return (functional.binary_cross_entropy_with_logits(of_drawn, torch.zeros_like(of_drawn)) + real(of_real)) / 2


def real(logits: torch.Tensor) -> torch.Tensor:
    """The binary cross-entropy of patches that should be called real."""
    return functional.binary_cross_entropy_with_logits(logits, torch.ones_like(logits))


def make_course(drawing: Reconstructor, windows: int, values: Mapping[str, Any]) -> Course:
    """The course of a network. `values`: its trainer's parameters."""
    if isinstance(drawing, VariationalAutoencoder):
        return Autoencoding(drawing, windows, values["alpha"], values["beta"])
    return EdgeDrawing(drawing, windows, PatchDiscriminator(values["width"]), values["l1_weight"])


def _move(optimiser: torch.optim.Optimizer, loss: torch.Tensor) -> None:
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    optimiser.step()
