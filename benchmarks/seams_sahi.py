"""The SAHI part of `benchmarks.seams`, for a Python that has sahi: SECTION.npy → BOXES.npy, and prints the seconds.

Imports nothing of Schliff, because sahi brings an OpenCV of its own.
"""

from __future__ import annotations

import sys
import time
from typing import Any

import cv2
import numpy as np
from sahi.models.base import DetectionModel
from sahi.predict import get_sliced_prediction
from sahi.prediction import ObjectPrediction


def bright_boxes(view: np.ndarray) -> np.ndarray:
    """(n, 6) float32: the box around each joined bright part of a view (h, w) uint8; its score grows with its area."""
    _, _, stats, _ = cv2.connectedComponentsWithStats((view > 127).astype(np.uint8), connectivity=8)
    x, y, w, h, area = (stats[1:, i].astype(np.float32) for i in range(5))
    return np.stack([x, y, x + w, y + h, 0.5 + area / (area + 500) / 2, 0 * x], axis=1)


class BrightParts(DetectionModel):
    def load_model(self) -> None:
        self.model: object = "bright parts"

    def set_model(self, model: object, **kwargs: object) -> None:
        self.model = model

    def perform_inference(self, image: np.ndarray) -> None:
        self._original_predictions = bright_boxes(image[..., 0])

    @property
    def category_names(self) -> list[str]:
        return ["defect"]

    def _create_object_prediction_list_from_original_predictions(
        self, shift_amount_list: list | None = None, full_shape_list: list | None = None
    ) -> None:
        shift: Any = shift_amount_list or [[0, 0]]
        shape: Any = full_shape_list or [None]
        shift = shift[0] if isinstance(shift[0], (list, tuple)) else shift
        shape = shape[0] if isinstance(shape[0], (list, tuple)) else shape
        self._object_prediction_list_per_image = [
            [
                ObjectPrediction(
                    bbox=[int(v) for v in box[:4]],
                    score=float(box[4]),
                    category_id=0,
                    category_name="defect",
                    shift_amount=shift,
                    full_shape=shape,
                )
                for box in self._original_predictions
            ]
        ]


def main() -> None:
    section = np.load(sys.argv[1])
    image = np.repeat(section[..., None], 3, axis=2)
    model = BrightParts(model_path="none", confidence_threshold=0.1, device="cpu", category_mapping={"0": "defect"})
    start = time.perf_counter()
    result = get_sliced_prediction(
        image,
        model,
        slice_height=640,
        slice_width=640,
        overlap_height_ratio=0.2,
        overlap_width_ratio=0.2,
        perform_standard_pred=False,  # no real detector sees a whole section
        verbose=0,
    )
    seconds = time.perf_counter() - start
    found = [[*one.bbox.to_xyxy(), one.score.value, 0] for one in result.object_prediction_list]
    np.save(sys.argv[2], np.array(found, np.float32).reshape(-1, 6))
    print(seconds)


if __name__ == "__main__":
    main()
