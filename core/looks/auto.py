"""Decides which look a section has before anybody chose one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.display import auto_range
from core.look import Look
from core.section import Plane, Section


def with_auto_curves(section: Section, planes: Sequence[Plane], look: Look) -> Look:
    """`look` with the automatic range for the channels of `planes`: of 16 bits what models see too, of 8 bits all."""
    for plane in planes:
        if section.info.dtype == np.uint8:
            look = look.with_channel(plane.c, curves=()) if look.channel(plane.c).curves else look
        else:
            found = auto_range(section, plane)
            look = look.with_curve(found.low, found.high, channel=plane.c)
    return look
