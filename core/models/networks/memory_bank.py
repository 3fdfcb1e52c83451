"""Decides what is remembered of many features, and which of it is most like a new one."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from core.jobs import CancelToken, Progress, Step

# Distances held at once, in values of 4 bytes.
_AT_ONCE = 1 << 22
_DISTANT_COMPONENTS = 64  # in which it is told how far apart features are
# What fewer than this share of places look like is doubted, drawn from so many of them.
_RARE, _DOUBTED_OF = 0.01, 8000


def nearest(found: torch.Tensor, members: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Of each feature (n, d) its distance to the most similar member (m, d): (n,), and which one that is: (n,).

    The member is found by one product of matrices, the distance measured to it alone: exact to rounding, however many
    features are asked at once.
    """
    squares, distances, which = members.square().sum(1), [], []
    for part in _parts(found, len(members)):
        which.append((squares - 2 * part @ members.T).argmin(1))
        distances.append((part - members[which[-1]]).norm(dim=1))
    return torch.cat(distances), torch.cat(which)


def coreset(features: torch.Tensor, count: int, seed: int, progress: Progress, cancel: CancelToken) -> torch.Tensor:
    """Which `count` of features (n, d) leave none of the others far away: (count,) int64, the most different first.

    Greedy k-center (Sener and Savarese 2018, alg. 1; at most twice as far as the best choice) in a random projection, which
    keeps distances nearly as they are (Johnson and Lindenstrauss 1984), as in PatchCore (alg. 1). Raises CancelledError.
    """
    count = min(count, len(features))
    generator = torch.Generator().manual_seed(seed)
    if features.shape[1] > _DISTANT_COMPONENTS:
        onto = torch.randn(features.shape[1], _DISTANT_COMPONENTS, generator=generator).to(features)
        features = features @ onto / _DISTANT_COMPONENTS**0.5
    squares = features.square().sum(1)
    chosen = torch.empty(count, dtype=torch.int64)
    away = torch.full_like(squares, torch.inf)
    latest = int((features - features.mean(0)).square().sum(1).argmin())
    for at in range(count):
        if at % 64 == 0:
            cancel.check()
            progress(Step(at, count, "Choosing what to remember"))
        chosen[at] = latest
        away = torch.minimum(away, squares + squares[latest] - 2 * features @ features[latest])
        away[latest] = -1
        latest = int(away.argmax())
    return chosen


def doubts(features: torch.Tensor, seed: int) -> torch.Tensor:
    """How unlike the others each feature (n, d) is: (n,), its distance to the nearest hundredth of some drawn by chance.

    A defect has few of its own kind, even one that several windows show (as SoftPatch, Jiang et al. 2022).
    """
    drawn = torch.randperm(len(features), generator=torch.Generator().manual_seed(seed))[:_DOUBTED_OF]
    others = features[drawn.to(features.device)]
    squares, rank = others.square().sum(1), max(1, round(_RARE * len(others)))
    found = [
        (squares - 2 * part @ others.T).kthvalue(rank, 1).values + part.square().sum(1)
        for part in _parts(features, len(others))
    ]
    return torch.cat(found).clamp(min=0).sqrt()


def _parts(values: torch.Tensor, width: int) -> Iterator[torch.Tensor]:
    """So many rows at a time that `width` values for each fit into memory."""
    yield from values.split(max(1, _AT_ONCE // width))
