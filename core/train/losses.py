"""Decides what a network is punished for: cross entropy per window, with classes weighted and labels smoothed.

Losses take logits (n, classes) and return one value per row, so that whoever samples windows decides how they count.
"""

from __future__ import annotations

import torch
from torch.nn import functional

from core.train.regions import IGNORED


def cross_entropy(
    logits: torch.Tensor, target: torch.Tensor, weights: torch.Tensor | None = None, smoothing: float = 0.0
) -> torch.Tensor:
    """−log p(target) for each row, times the target class's weight.

    `smoothing` ε moves that much of the target to all classes alike (Szegedy et al. 2016, "Rethinking the Inception
    architecture", §7).
    """
    return functional.cross_entropy(logits, target, weights, label_smoothing=smoothing, reduction="none")


def window_loss(
    logits: torch.Tensor,
    plain: torch.Tensor,
    box_of: torch.Tensor,
    box_class: torch.Tensor,
    box_least: torch.Tensor,
    weights: torch.Tensor | None = None,
    smoothing: float = 0.0,
    narrowed: float = 1.0,
    hardest: float = 0.02,
) -> torch.Tensor:
    """One number for a batch of windows: what plain windows and what boxes cost, in equal shares.

    Plain windows: the mean cross entropy against "no defect", plus the mean over the `hardest` share of them (on a
    section a few windows in a hundred thousand make all the false alarms). Boxes: see `box_loss`.

    Args:
        logits: (n, classes, rows, columns) of windows, "no defect" first.
        plain, box_of: (n, rows, columns) int64 as `CellTargets`; `box_of` numbered over the whole batch.
        box_class, box_least: (boxes,) int64.
    """
    by_window = logits.permute(0, 2, 3, 1).reshape(-1, logits.shape[1])
    none = by_window[plain.reshape(-1) == 0]
    costs = cross_entropy(none, torch.zeros(len(none), dtype=torch.long, device=logits.device), weights, smoothing)
    loss = logits.sum() * 0
    if len(costs):
        count = max(1, int(hardest * len(costs)))
        loss = loss + costs.mean() + costs.topk(count).values.mean()
    boxes = box_loss(by_window, box_of.reshape(-1), box_class, box_least, weights, smoothing, narrowed)
    return loss + 2 * boxes


def box_loss(
    logits: torch.Tensor,
    box_of: torch.Tensor,
    box_class: torch.Tensor,
    box_least: torch.Tensor,
    weights: torch.Tensor | None = None,
    smoothing: float = 0.0,
    narrowed: float = 1.0,
) -> torch.Tensor:
    """A box holds its class somewhere: its `box_least` surest windows must show it, the others may show no defect.

    Multiple-instance learning with a known least number of positives; for the others −log(p(class) + p(no defect)).
    The mean over boxes, each box the mean over its windows. `narrowed` 0: all windows of a box must show its class;
    1: only the `box_least` surest. Starting with all keeps a wide box from settling on whatever looked surest at first.
    """
    inside = torch.nonzero(box_of != IGNORED)[:, 0]
    if not len(inside):
        return logits.sum() * 0
    own = logits[inside]
    box = box_of[inside]
    label = box_class[box]
    log_p = own.log_softmax(1)
    log_class = log_p.gather(1, label[:, None])[:, 0]
    members = torch.bincount(box, minlength=len(box_least))
    wanted = box_least + ((1 - narrowed) * (members - box_least)).long()
    required = _surest(log_class.detach(), box, torch.where(box_least > 0, wanted, 0))
    either = torch.logaddexp(log_class, log_p[:, 0])
    costs = torch.where(required, cross_entropy(own, label, weights, smoothing), -either)
    # The required and the free windows of a box weigh alike, so that a wide box is not mostly "anything goes".
    group = 2 * box + required.long()
    groups = 2 * len(box_class)
    sums = torch.zeros(groups, device=costs.device, dtype=costs.dtype).index_add(0, group, costs)
    counts = torch.bincount(group, minlength=groups)
    means = sums / counts.clamp(min=1)
    boxes_with_required = (counts[1::2] > 0).sum().clamp(min=1)
    boxes_with_free = (counts[0::2] > 0).sum().clamp(min=1)
    return means[1::2].sum() / boxes_with_required + 0.5 * means[0::2].sum() / boxes_with_free


def _surest(score: torch.Tensor, box: torch.Tensor, least: torch.Tensor) -> torch.Tensor:
    """True for the `least[b]` highest-scoring members of each box b."""
    order = torch.argsort(score, descending=True, stable=True)
    order = order[torch.argsort(box[order], stable=True)]
    sorted_box = box[order]
    counts = torch.bincount(sorted_box, minlength=len(least))
    first = torch.cumsum(counts, 0) - counts
    rank = torch.arange(len(order), device=score.device) - first[sorted_box]
    chosen = torch.zeros(len(score), dtype=torch.bool, device=score.device)
    chosen[order] = rank < least[sorted_box]
    return chosen
