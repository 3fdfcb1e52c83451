from __future__ import annotations

import math

import pytest
import torch

from core.errors import UsageError
from core.train.class_losses import LOSSES, ClassLoss, alpha_js_from_uniform, entropy

# Three classes with p = 1/2, 1/3, 1/6: logits are ln 3, ln 2, ln 1.
LOGITS = torch.log(torch.tensor([[3.0, 2.0, 1.0]]))
P = (1 / 2, 1 / 3, 1 / 6)
H_P = -sum(p * math.log(p) for p in P)


def loss(kind: str, target: int = 1, **values: float) -> float:
    return float(ClassLoss(kind, **values)(LOGITS, torch.tensor([target]))[0])


def test_each_loss_equals_what_is_worked_out_by_hand():
    assert loss("cross_entropy") == pytest.approx(math.log(3))
    assert loss("focal", gamma=2) == pytest.approx((2 / 3) ** 2 * math.log(3))
    assert loss("focal", gamma=0) == pytest.approx(math.log(3))
    to_all = -sum(math.log(p) for p in P) / 3
    assert loss("label_smoothing", epsilon=0.1) == pytest.approx(0.9 * math.log(3) + 0.1 * to_all)
    assert loss("max_entropy", beta=0.5) == pytest.approx(math.log(3) - 0.5 * H_P)
    mixed = [0.25 / 3 + 0.75 * p for p in P]
    by_hand = (-sum(m * math.log(m) for m in mixed) - 0.25 * math.log(3) - 0.75 * H_P) / (0.75 * 0.25)
    assert loss("alpha_js", alpha=0.75, beta=2) == pytest.approx(math.log(3) + 2 * by_hand, rel=1e-5)


def test_the_divergence_is_the_sum_of_two_skewed_divergences():
    """Equation 5 of the paper, which its equation 6 follows from."""
    alpha = 0.3
    mixed = [(1 - alpha) / 3 + alpha * p for p in P]
    from_u = sum(math.log(1 / 3 / m) / 3 for m in mixed)
    from_p = sum(p * math.log(p / m) for p, m in zip(P, mixed, strict=True))
    expected = ((1 - alpha) * from_u + alpha * from_p) / (alpha * (1 - alpha))
    assert float(alpha_js_from_uniform(LOGITS, alpha)[0]) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("near", "limit"), [(0.002, 0.0), (0.998, 1.0)])
def test_the_divergence_runs_into_its_limits(near: float, limit: float):
    logits = torch.randn(64, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    assert torch.allclose(alpha_js_from_uniform(logits, near), alpha_js_from_uniform(logits, limit), rtol=0.02)


def gradient(of: ClassLoss) -> torch.Tensor:
    logits = torch.randn(32, 4, generator=torch.Generator().manual_seed(2)).requires_grad_()
    of(logits, torch.arange(32) % 4).sum().backward()
    assert logits.grad is not None
    return logits.grad


def test_alpha_0_is_maximum_entropy_and_alpha_1_is_label_smoothing():
    assert torch.allclose(
        gradient(ClassLoss("alpha_js", alpha=0, beta=0.7)), gradient(ClassLoss("max_entropy", beta=0.7))
    )
    # (1 − ε) H(y, p) + ε H(u, p) is H(y, p) + β H(u, p) over 1 + β, with ε = β / (1 + β).
    smoothed = gradient(ClassLoss("label_smoothing", epsilon=0.5))
    assert torch.allclose(gradient(ClassLoss("alpha_js", alpha=1, beta=1)) / 2, smoothed, atol=1e-6)


def test_the_uniform_distribution_costs_no_divergence():
    assert torch.allclose(alpha_js_from_uniform(torch.zeros(2, 7), 0.4), torch.zeros(2), atol=1e-5)
    assert float(entropy(torch.zeros(1, 7))[0]) == pytest.approx(math.log(7))


@pytest.mark.parametrize("kind", LOSSES)
def test_rows_weigh_as_their_class_does_and_sure_ones_stay_finite(kind: str):
    logits = torch.tensor([[200.0, -200.0], [-200.0, 200.0], [0.0, 1.0]], requires_grad=True)
    target = torch.tensor([0, 0, 1])
    plain = ClassLoss(kind)(logits, target)
    weighted = ClassLoss(kind)(logits, target, torch.tensor([3.0, 0.5]))
    assert torch.allclose(weighted, plain * torch.tensor([3.0, 3.0, 0.5]))
    weighted.sum().backward()
    assert torch.isfinite(plain).all()
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()


@pytest.mark.parametrize("values", [{"kind": "hinge"}, {"alpha": 1.5}, {"epsilon": 1.0}, {"gamma": -1.0}])
def test_what_is_no_loss_is_refused(values: dict):
    with pytest.raises(UsageError):
        ClassLoss(**values)
