"""Decides in which range of values a model sees a section: in the one it learnt in, where that has any meaning.

8-bit values are seen as they are. Of 16-bit sections each has its own range for the eye; a model that learnt from such
ones brings theirs, so that the same place has the same score on whichever section it lies. One that then is too dark or
too bright for it is told by the drift guard (`core.anomaly.drift`), and can be matched. Values that a reader spread
between the extremes of one file mean nothing in the next: they are seen in the section's own range.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from core.display import DisplayRange, auto_range
from core.section import Plane, Section
from core.section_info import SectionInfo

if TYPE_CHECKING:
    from core.models.base import ModelSpec

RANGE = "range_16bit"  # in a card's `input`


def seen_range(section: Section, plane: Plane, spec: ModelSpec) -> DisplayRange:
    """Raises InputError when the section can't be read."""
    learnt = range_in(spec.card)
    return learnt if learnt is not None and is_comparable(section.info) else auto_range(section, plane)


def is_comparable(info: SectionInfo) -> bool:
    """Whether its 16-bit values mean the same as another section's."""
    return info.dtype == np.uint16 and not info.is_own_scale


def range_in(card: Mapping[str, Any]) -> DisplayRange | None:
    """What a checked card says; None for models that learnt from 8-bit pictures, or from each one in its own range."""
    told = card.get("input", {}).get(RANGE)
    return None if told is None else DisplayRange(*told)


def common_range(ranges: Sequence[DisplayRange | None]) -> DisplayRange | None:
    """One that loses nothing of any of them; None where one of them is None."""
    known = [one for one in ranges if one is not None]
    if not known or len(known) < len(ranges):
        return None
    return DisplayRange(min(one.low for one in known), max(one.high for one in known))
