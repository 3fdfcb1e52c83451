"""Decides how a region of a section becomes an image that need only be drawn. Runs in the reading threads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtGui import QImage

from app.session_lease import first_look
from core.look import Look
from core.section import Array, Plane, RegionRequest, Section

if TYPE_CHECKING:
    from core.looks.drawing import Read


def region_image(section: Section, request: RegionRequest, look: Look, read: Read) -> QImage:
    """A region as the eye sees it, as far as the look's aids are known; `read` gives its stored pixels."""
    from core.looks.aids import aids_of
    from core.looks.drawing import draw

    return to_image(draw(read, section.info, request, look, aids_of(section)))


def preview_image(section: Section, plane: Plane, look: Look) -> QImage:
    """A quick first look at the whole section, about 1024 px long."""
    info = section.info
    whole = RegionRequest(0, 0, info.width_px, info.height_px, 1, plane)
    plain = look.without_enhancements()  # which say nothing at this size
    return region_image(section, whole, plain, lambda request: first_look(section, request.plane).pixels)


def to_image(shown: Array) -> QImage:
    """(h, w, 1 or 3) uint8, grey or RGB → an image ready to be drawn (RGB32, its own memory)."""
    import cv2

    rows, columns, samples = shown.shape
    image = QImage(columns, rows, QImage.Format.Format_RGB32)
    target = np.frombuffer(image.bits(), np.uint8).reshape(rows, columns, 4)
    cv2.cvtColor(shown, cv2.COLOR_GRAY2BGRA if samples == 1 else cv2.COLOR_RGB2BGRA, dst=target)
    return image


def of_its_own(pixels: Array) -> Array:
    """Pixels that keep nothing much larger in memory than themselves."""
    base = pixels.base
    return pixels.copy() if isinstance(base, Array) and base.nbytes > 2 * pixels.nbytes else pixels
