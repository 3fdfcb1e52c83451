"""Decides what a measured composition is: elements with amounts and their uncertainty, in at.% or wt.%."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from core.chemistry.elements import ATOMIC_WEIGHTS

Unit = Literal["at%", "wt%"]

# An unknown rest of more than this makes at.% and wt.% of what is known no functions of each other.
_MOST_UNKNOWN = 10.0


@dataclass(frozen=True, slots=True)
class Composition:
    """What one spectrum says.

    Args:
        amounts: by element symbol, in `unit`; sigmas: 1-sigma of those that have one.
        spectrum: what the instrument called it; source: the file it came from.
    """

    amounts: Mapping[str, float]
    unit: Unit
    sigmas: Mapping[str, float]
    spectrum: str = ""
    source: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain values: `unit`, `elements` {symbol: amount}, `sigma` {symbol: 1-sigma}, `spectrum`, `source`."""
        return {
            "unit": self.unit,
            "elements": dict(self.amounts),
            "sigma": dict(self.sigmas),
            "spectrum": self.spectrum,
            "source": self.source,
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Composition:
        """Raises ValueError for what `to_json` didn't write."""
        try:
            if stored["unit"] not in get_args(Unit):
                raise ValueError(f"the unit {stored['unit']!r}")
            amounts = {str(k): float(v) for k, v in stored["elements"].items()}
            sigmas = {str(k): float(v) for k, v in stored["sigma"].items()}
            return cls(amounts, stored["unit"], sigmas, str(stored["spectrum"]), str(stored["source"]))
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"no composition ({error})") from None

    def amount_in(self, symbol: str, unit: Unit) -> float | None:
        """How much of an element there is, 0 where the spectrum has none of it; None where that can't be said in `unit`:
        amounts are converted only where they add up to (nearly) everything.
        """
        if unit == self.unit or not self.amounts.get(symbol):
            return self.amounts.get(symbol, 0.0)
        if abs(sum(self.amounts.values()) - 100) > _MOST_UNKNOWN or not ATOMIC_WEIGHTS.keys() >= self.amounts.keys():
            return None
        shares = {
            one: amount / ATOMIC_WEIGHTS[one] if unit == "at%" else amount * ATOMIC_WEIGHTS[one]
            for one, amount in self.amounts.items()
        }
        return 100 * shares[symbol] / sum(shares.values())

    @property
    def largest_first(self) -> list[str]:
        """Its elements."""
        return sorted(self.amounts, key=lambda symbol: (-self.amounts[symbol], symbol))

    def text(self, most: int = 4, *, sigmas: bool = False) -> str:
        """The largest amounts, as "Zr 31.2, O 60.1 at%"; with `sigmas` as "Zr 31.2 ± 0.4"."""
        told = ", ".join(self._said(symbol, sigmas) for symbol in self.largest_first[:most])
        return f"{told} {self.unit}"

    def _said(self, symbol: str, sigmas: bool) -> str:
        sigma = f" ± {self.sigmas[symbol]:.1f}" if sigmas and symbol in self.sigmas else ""
        return f"{symbol} {self.amounts[symbol]:.1f}{sigma}"


@dataclass(frozen=True, slots=True)
class Measurement:
    """A composition, and what is known of where it was measured.

    Args:
        detection_id: where the file names our own number.
        place: (x, y) of the SEM's stage, in µm; None where the file says none.
        reach_um: the beam may have been this far from the stage's place, in a direction nobody wrote down; 0: it was there.
    """

    composition: Composition
    detection_id: int | None = None
    place: tuple[float, float] | None = None
    reach_um: float = 0.0
