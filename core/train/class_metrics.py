"""Decides how a classifier of single images is judged: per class, and over all classes alike however rare they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

Array = np.ndarray


def class_metrics(truth: Array, predicted: Array, names: Sequence[str]) -> dict[str, Any]:
    """Accuracy, balanced accuracy, macro F1 and, per class, precision, recall and F1, and the confusion matrix.

    Args:
        truth, predicted: (n,) indices into `names`.
    Returns:
        Plain values. None where a figure has nothing to stand on; means are over classes that occur in `truth`.
    """
    from sklearn.metrics import confusion_matrix

    confusion = confusion_matrix(truth, predicted, labels=range(len(names)))
    hits, marked, called = np.diag(confusion), confusion.sum(1), confusion.sum(0)
    classes = {
        name: {
            "images": int(marked[i]),
            "precision": _share(hits[i], called[i]),
            "recall": _share(hits[i], marked[i]),
            "f1": _share(2 * hits[i], marked[i] + called[i]) if marked[i] else None,
        }
        for i, name in enumerate(names)
    }
    there: list[dict[str, Any]] = [values for values in classes.values() if values["images"]]
    return {
        "images": len(truth),
        "accuracy": _share(hits.sum(), len(truth)),
        "balanced_accuracy": _mean([values["recall"] for values in there]),
        "macro_f1": _mean([values["f1"] for values in there]),
        "classes": classes,
        "confusion": {"rows": list(names), "columns": list(names), "counts": confusion.tolist()},
    }


def _share(part: int, whole: int) -> float | None:
    return round(float(part) / float(whole), 4) if whole else None


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(float(np.mean(known)), 4) if known else None
