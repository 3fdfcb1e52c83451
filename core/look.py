"""Decides what can be chosen about how a section looks to the eye: plain values, no pixels.

A look is for the eye only. What models see is for `core.display`, and no code of theirs knows this module. How pixels
are drawn with a look is for `core.looks`. Light to import.
"""

from __future__ import annotations

import math
import re
from dataclasses import asdict, dataclass, replace
from typing import Any

LARGEST = 65535
LEAST_GAMMA, MOST_GAMMA = 0.1, 10.0

# Colours of blended channels, in their order: told apart by the colour-blind as long as there are few.
CHANNEL_COLOURS = ("#00c8ff", "#ff8c00", "#00e070", "#ff50dc", "#ffe000", "#ffffff")

_COLOUR = re.compile(r"#[0-9a-f]{6}")


@dataclass(frozen=True, slots=True)
class Curve:
    """From stored value to brightness: `low` is black, `high` white, between them share ** `gamma`.

    A gamma below 1 makes dark areas brighter. Whole stored values.
    """

    low: int
    high: int
    gamma: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.low < self.high <= LARGEST:
            raise ValueError(f"not a range from black to white: {self.low} to {self.high}")
        if not LEAST_GAMMA <= self.gamma <= MOST_GAMMA:
            raise ValueError(f"not a gamma: {self.gamma}")


@dataclass(frozen=True, slots=True)
class ChannelLook:
    """`curves`: one for all samples, or three for red, green and blue; none: from 0 to the largest value of the type.

    `colour` and `visible` count where channels are blended.
    """

    curves: tuple[Curve, ...] = ()
    colour: str = CHANNEL_COLOURS[0]
    visible: bool = True

    def __post_init__(self) -> None:
        if len(self.curves) not in (0, 1, 3):
            raise ValueError(f"one curve or three, not {len(self.curves)}")
        if not _COLOUR.fullmatch(self.colour):
            raise ValueError(f"not a colour: {self.colour}")


@dataclass(frozen=True, slots=True)
class Look:
    """How one section is shown. The default shows every value of the file's type, linearly.

    channels: by number; one that is missing has the default curve and a colour of its own.
    blended: all visible channels are laid over each other in their colours; else the chosen plane is shown.
    sharpening, local_contrast: 0 (off) to 1. flat_field: the shading of camera tiles is taken out.
    """

    channels: tuple[ChannelLook, ...] = ()
    blended: bool = False
    inverted: bool = False
    sharpening: float = 0.0
    local_contrast: float = 0.0
    flat_field: bool = False

    def __post_init__(self) -> None:
        for strength in (self.sharpening, self.local_contrast):
            if not 0 <= strength <= 1:
                raise ValueError(f"not a share from 0 to 1: {strength}")

    @property
    def is_enhanced(self) -> bool:
        """Whether more than brightness and colour is changed: pixels look different from what the camera saw."""
        return bool(self.sharpening or self.local_contrast or self.flat_field)

    def without_enhancements(self) -> Look:
        return replace(self, sharpening=0.0, local_contrast=0.0, flat_field=False)

    def channel(self, number: int) -> ChannelLook:
        """A channel's own look."""
        if number < len(self.channels):
            return self.channels[number]
        return ChannelLook(colour=CHANNEL_COLOURS[number % len(CHANNEL_COLOURS)])

    def with_channel(self, number: int, **changes: Any) -> Look:
        """As in `look.with_channel(1, visible=False)`."""
        channels = [self.channel(c) for c in range(max(len(self.channels), number + 1))]
        channels[number] = replace(channels[number], **changes)
        return replace(self, channels=tuple(channels))

    def curve(self, channel: int, sample: int | None, largest: int) -> Curve:
        """The curve of one sample (None: of all; where they differ, of the first), up to the type's `largest` value."""
        curves = self.channel(channel).curves
        if not curves:
            return Curve(0, largest)
        return curves[sample or 0] if len(curves) == 3 else curves[0]

    def with_sample_curve(self, curve: Curve, channel: int, sample: int | None, largest: int) -> Look:
        """Another curve for one of red, green and blue (0 to 2), or None: for all samples."""
        if sample is None:
            return self.with_channel(channel, curves=(curve,))
        curves = [self.curve(channel, s, largest) for s in range(3)]
        curves[sample] = curve
        return self.with_channel(channel, curves=tuple(curves))

    def with_curve(self, low: int, high: int, gamma: float = 1.0, channel: int = 0) -> Look:
        """One curve for all samples of a channel."""
        return self.with_channel(channel, curves=(Curve(low, high, gamma),))

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, value: Any) -> Look:
        """What `to_json` wrote. Raises KeyError, TypeError or ValueError for anything else."""
        return cls(
            channels=tuple(_channel(channel) for channel in value["channels"]),
            blended=bool(value["blended"]),
            inverted=bool(value["inverted"]),
            sharpening=float(value["sharpening"]),
            local_contrast=float(value["local_contrast"]),
            flat_field=bool(value["flat_field"]),
        )


def _channel(value: Any) -> ChannelLook:
    curves = tuple(Curve(int(c["low"]), int(c["high"]), float(c["gamma"])) for c in value["curves"])
    return ChannelLook(curves, str(value["colour"]), bool(value["visible"]))


def middle_of(curve: Curve) -> float:
    """The stored value that is shown half as bright as white."""
    return float(curve.low + (curve.high - curve.low) * 0.5 ** (1 / curve.gamma))


def gamma_for(low: float, high: float, middle: float) -> float:
    """The gamma that shows `middle` half as bright as white, within bounds."""
    share = min(max((middle - low) / (high - low), 1e-4), 1 - 1e-4)
    return min(max(math.log(0.5) / math.log(share), LEAST_GAMMA), MOST_GAMMA)
