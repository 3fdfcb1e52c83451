"""Decides how a picture is sharpened for the eye: what differs from its surroundings is made to differ more."""

from __future__ import annotations

import cv2

from core.section import Array

MARGIN_PX = 4  # on each side, beyond which nothing has influence
_SIGMA_PX = 1.2
_MOST = 2.5  # times the difference that is added at full strength


def sharpened(shown: Array, strength: float) -> Array:
    """(h, w, samples) uint8, by an unsharp mask of `strength` 0 to 1; its outer `MARGIN_PX` lack their surroundings."""
    side = 2 * MARGIN_PX + 1
    blurred = cv2.GaussianBlur(shown, (side, side), _SIGMA_PX, borderType=cv2.BORDER_REPLICATE)
    amount = _MOST * strength
    return cv2.addWeighted(shown, 1 + amount, blurred.reshape(shown.shape), -amount, 0).reshape(shown.shape)
