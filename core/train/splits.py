"""Decides which images are trained on and which are judged on: whole groups, with every class on both sides if it can be.

Images drawn at random leak: neighbours of one section look alike whatever they show. Also how often each class is shown,
and how much it counts.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np

from core.errors import InputError

Array = np.ndarray


def group_folds(classes: Array, groups: Sequence[str], folds: int, seed: int) -> list[tuple[Array, Array]]:
    """(training, validation) indices of each fold; everything is validated on once.

    Args:
        classes: (n,) what each image shows; groups: (n,) what it must stay together with.
    Raises InputError when there are fewer groups than folds.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    if len(set(groups)) < folds:
        raise InputError(
            f"{len(set(groups))} groups of images can't be split {folds} ways",
            remedy="Add images of other sections, or say in labels.csv which ones belong together.",
        )
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # A class with fewer images than folds is missing from some; the metrics show it.
        warnings.filterwarnings("ignore", "The least populated class")
        return list(splitter.split(classes, classes, groups))


def held_back(classes: Array, groups: Sequence[str], share: float, seed: int) -> Array:
    """Indices of about `share` of everything, whole groups, to be looked at only when all is decided.

    Raises InputError when there are too few groups.
    """
    return group_folds(classes, groups, max(2, round(1 / share)), seed)[0][1] if share else np.array([], int)


def epoch_order(classes: Array, sampling: str, rng: np.random.Generator) -> Array:
    """The indices of one epoch, shuffled.

    Args:
        classes: (n,) class of each image.
        sampling: "plain" every image once; "over" smaller classes repeated until all are as large as the largest;
            "under" as many of each class as the smallest has, others by chance, other ones each epoch.
    """
    if sampling == "plain":
        return rng.permutation(len(classes))
    members = [np.flatnonzero(classes == one) for one in np.unique(classes)]
    sizes = [len(one) for one in members]
    size = max(sizes) if sampling == "over" else min(sizes)
    return rng.permutation(np.concatenate([_drawn(one, size, rng) for one in members]))


def class_weights(classes: Array, count: int, balanced: bool, defect_weight: float) -> Array | None:
    """(count,) float32, how much each class counts; None where all count alike.

    Args:
        balanced: by the inverse of each class's share, 1 in the mean over images; 0 for a class without images.
        defect_weight: what every class but the first, "no defect", counts more: α of the dissertation's eq. 3.6 and 3.7.
    """
    if not balanced and defect_weight == 1:
        return None
    numbers = np.bincount(classes, minlength=count)
    present = numbers > 0
    weights = np.zeros(count, np.float32)
    weights[present] = len(classes) / (present.sum() * numbers[present]) if balanced else 1
    weights[1:] *= defect_weight
    return weights


def _drawn(members: Array, size: int, rng: np.random.Generator) -> Array:
    """`size` of them: each as often as it goes, the rest by chance."""
    whole, rest = divmod(size, len(members))
    return np.concatenate([np.tile(members, whole), rng.permutation(members)[:rest]])
