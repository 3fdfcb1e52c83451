"""Rules on chemistry: read as people write them, refused with a reason, proposing and never deciding."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.chemistry.composition import Composition
from core.chemistry.importing import holds_results
from core.chemistry.rules import parse_rule, parse_rules, proposals
from core.detection import Detection
from core.errors import UsageError
from core.geometry import Box


def composition(unit="at%", sigmas=None, **amounts: float) -> Composition:
    return Composition(amounts, unit, sigmas or {})


def found(number: int, label: str = "anomaly") -> Detection:
    return Detection(number, 1, "s-1", "m", label, 0.9, Box(0, 0, 10, 10), 80.0, 50.0)


def test_amounts_are_converted_where_everything_is_known() -> None:
    zirconia = composition("wt%", Zr=74.03, O=25.97)
    assert zirconia.amount_in("Zr", "at%") == pytest.approx(33.33, abs=0.02)
    assert composition("at%", Zr=100 / 3, O=200 / 3).amount_in("O", "wt%") == pytest.approx(25.97, abs=0.02)
    assert composition("wt%", Nd=26.7, Fe=72.3, B=1.0).amount_in("B", "at%") == pytest.approx(
        5.88, abs=0.05
    )  # Nd2Fe14B
    assert zirconia.amount_in("Fe", "at%") == 0
    assert composition("wt%", Zr=30.0).amount_in("Zr", "at%") is None, "nobody knows what the rest is"
    assert composition("wt%", Zr=30.0).amount_in("Zr", "wt%") == 30


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Zr > 10 at.% → oxide particle", "Zr > 10 at.% → Oxide particle"),
        ("zr>=10,5at% -> Oxide_particle", "Zr ≥ 10.5 at.% → Oxide particle"),
        ("Mn > 20 at% and S > 20 at. % => MnS", "Mn > 20 at.% and S > 20 at.% → MnS"),
        ("O ≤ 3 wt%, C < 2 WT.% → metal", "O ≤ 3 wt.% and C < 2 wt.% → Metal"),
    ],
)
def test_rules_are_read_as_people_write_them(text: str, told: str) -> None:
    rule = parse_rule(text)
    assert rule.text == told
    assert parse_rule(rule.text) == rule, "what is shown can be pasted back"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Zr > 10 at%", "an arrow and a class"),
        ("Zr > 10 at% →", "an arrow and a class"),
        ("Zr > 10 → oxide", "at.% or wt.%"),
        ("Zx > 10 at% → oxide", "no element 'Zx'"),
        ("Zr = 10 at% → oxide", "is no condition"),
        ("Zr > 110 at% → oxide", "never more than 100"),
        ("Zr > 10 at% → " + "x" * 80, "no name of a class"),
    ],
)
def test_what_is_no_rule_is_refused_with_its_reason(text: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        parse_rule(text)
    with pytest.raises(UsageError, match="line 3: "):
        parse_rules(f"# mine\nFe > 1 at% → iron\n{text}")


def test_the_first_rule_that_holds_proposes_and_the_close_ones_are_told() -> None:
    rules = parse_rules("Zr > 10 at.% → oxide particle\nFe > 50 at.% and O < 5 at.% → iron")
    measured = {
        1: composition(Zr=31.0, O=60.0, Fe=9.0, sigmas={"Zr": 0.4}),
        2: composition(Zr=10.5, O=60.0, Fe=29.5, sigmas={"Zr": 0.4}),
        3: composition(Fe=98.0, O=2.0),
        4: composition(Fe=60.0, O=40.0),
        5: composition("wt%", Zr=74.03, O=25.97),
        6: composition("wt%", Zr=12.0),
    }
    detections = [found(number) for number in range(1, 8)]
    told = {one.detection.id: (one.rule.label, one.is_close) for one in proposals(rules, detections, measured)}
    assert told == {
        1: ("oxide_particle", False),
        2: ("oxide_particle", True),
        3: ("iron", False),
        5: ("oxide_particle", False),
    }
    assert proposals(rules, [found(1, "oxide_particle")], measured) == [], "it is of that class already"


def test_files_that_may_hold_results_are_known(tmp_path: Path) -> None:
    (tmp_path / "e.csv").write_text("id,Zr (at.%),O (at.%)\n1,30,60\n")
    (tmp_path / "t.csv").write_text("id,class,x_px,y_px\n1,pore,3,4\n")
    assert holds_results(tmp_path / "e.csv")
    assert not holds_results(tmp_path / "t.csv")
    assert not holds_results(tmp_path / "missing.csv")
    assert holds_results(tmp_path / "any.h5oina")
    assert not holds_results(tmp_path / "any.czi")
