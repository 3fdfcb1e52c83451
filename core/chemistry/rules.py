"""Decides how a measured composition proposes a class: by rules that people write, as "Zr > 10 at.% → oxide particle".

A rule only proposes; a person confirms (`core.review`). Several conditions are joined by "and"; the first rule that holds
counts. What can't be said in the rule's unit proposes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from core.chemistry.composition import Composition, Unit
from core.chemistry.elements import ELEMENTS
from core.class_colours import class_name
from core.classes import checked_name
from core.detection import Detection
from core.errors import UsageError

EXAMPLE = "Zr > 10 at.% → oxide particle"
_REMEDY = f"Write it as: {EXAMPLE}"
_ARROW = re.compile(r"→|=>|->|⇒")
_AND = re.compile(r"\s+(?:and|&&?)\s+|\s*,\s*(?=[A-Z])", re.IGNORECASE)
_CONDITION = re.compile(
    r"^(?P<symbol>[A-Za-z]{1,2})\s*(?P<sign>>=|<=|≥|≤|>|<)\s*(?P<limit>\d+(?:[.,]\d+)?)\s*(?P<unit>[A-Za-z.]*\s*%?)$"
)
_SIGNS = {">": ">", "<": "<", ">=": "≥", "≥": "≥", "<=": "≤", "≤": "≤"}
_SURE_SIGMAS = 2.0


@dataclass(frozen=True, slots=True)
class Condition:
    """`sign`: one of > < ≥ ≤; `limit` in `unit`."""

    symbol: str
    sign: str
    limit: float
    unit: Unit

    def holds(self, amount: float) -> bool:
        if self.sign == ">":
            return amount > self.limit
        if self.sign == "<":
            return amount < self.limit
        return amount >= self.limit if self.sign == "≥" else amount <= self.limit

    @property
    def text(self) -> str:
        return f"{self.symbol} {self.sign} {self.limit:g} {self.unit.replace('%', '.%')}"


@dataclass(frozen=True, slots=True)
class Rule:
    """All conditions hold: it may be of the class `label`."""

    conditions: tuple[Condition, ...]
    label: str

    @property
    def text(self) -> str:
        return f"{' and '.join(one.text for one in self.conditions)} → {class_name(self.label)}"

    def verdict(self, composition: Composition) -> bool | None:
        """Whether it holds; None where the amounts can't be said in the rule's unit."""
        verdicts = []
        for one in self.conditions:
            amount = composition.amount_in(one.symbol, one.unit)
            verdicts.append(None if amount is None else one.holds(amount))
        if False in verdicts:
            return False
        return None if None in verdicts else True

    def is_close(self, composition: Composition) -> bool:
        """Whether a limit lies within two sigma of what was measured; unknown sigmas count as none."""
        for one in self.conditions:
            amount, sigma = composition.amount_in(one.symbol, one.unit), composition.sigmas.get(one.symbol, 0.0)
            said = composition.amounts.get(one.symbol, 0.0)
            if amount is not None and said and abs(amount - one.limit) < _SURE_SIGMAS * sigma * amount / said:
                return True
        return False


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a rule makes of a detection. `is_close`: the measurement doesn't decide it by two sigma."""

    detection: Detection
    composition: Composition
    rule: Rule
    is_close: bool


def parse_rule(text: str) -> Rule:
    """Raises UsageError saying what is wrong with it."""
    parts = [part.strip() for part in _ARROW.split(text)]
    if len(parts) != 2 or not all(parts):
        raise UsageError(f"{_short(text)}: a rule has conditions, an arrow and a class", remedy=_REMEDY)
    return Rule(tuple(_condition(part) for part in _AND.split(parts[0])), _label(parts[1]))


def parse_rules(text: str) -> list[Rule]:
    """One in each line; blank lines and those that begin with # are left out. Raises UsageError naming the line."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.strip().startswith("#"):
            continue
        try:
            found.append(parse_rule(line))
        except UsageError as error:
            raise UsageError(f"line {number}: {error.what}", remedy=error.remedy) from None
    return found


def proposals(
    rules: Sequence[Rule], detections: Sequence[Detection], compositions: Mapping[int, Composition]
) -> list[Proposal]:
    """For each detection that was measured and isn't of the proposed class yet, by the first rule that holds."""
    found = []
    for detection in detections:
        composition = compositions.get(detection.id)
        if composition is None:
            continue
        rule = next((one for one in rules if one.verdict(composition)), None)
        if rule is not None and rule.label != detection.label:
            found.append(Proposal(detection, composition, rule, rule.is_close(composition)))
    return found


def _label(text: str) -> str:
    """As classes are stored: "Oxide particle" is "oxide_particle", "MnS" stays."""
    first, rest = text[:1], text[1:]
    return checked_name(first.lower() + rest if rest == rest.lower() else text)


def _condition(text: str) -> Condition:
    found = _CONDITION.match(text.strip())
    if found is None:
        raise UsageError(f"{_short(text)} is no condition", remedy=_REMEDY)
    symbol = found["symbol"].capitalize()
    if symbol not in ELEMENTS:
        raise UsageError(f"there is no element {found['symbol']!r}", remedy=_REMEDY)
    limit = float(found["limit"].replace(",", "."))
    if limit > 100:
        raise UsageError(f"{_short(text)}: there is never more than 100 %", remedy=_REMEDY)
    return Condition(symbol, _SIGNS[found["sign"]], limit, _unit(found["unit"], text))


def _unit(said: str, text: str) -> Unit:
    plain = re.sub(r"[.\s]", "", said.lower())
    if plain not in get_args(Unit):
        raise UsageError(f"{_short(text)} doesn't say whether in at.% or wt.%", remedy=_REMEDY)
    return "at%" if plain == "at%" else "wt%"


def _short(text: str) -> str:
    text = " ".join(text.split())
    return repr(text if len(text) <= 40 else text[:39] + "…")
