"""Settings as data: typed, bounded, and clear when they are wrong."""

from __future__ import annotations

import pytest

from core.errors import UsageError
from core.parameters import Parameter, resolve

DECLARED = (
    Parameter("epochs", int, 10, "how often all data is seen", 1, 500),
    Parameter("rate", float, 0.01, "step size", 0.0, 1.0),
    Parameter("flip", bool, True, "mirror at random"),
    Parameter("loss", str, "ce", "what is minimised", choices=("ce", "focal")),
)


def test_defaults_and_given_values():
    assert resolve(DECLARED, {}) == {"epochs": 10, "rate": 0.01, "flip": True, "loss": "ce"}
    given = {"epochs": "3", "rate": "0.5", "flip": "no", "loss": "focal"}
    assert resolve(DECLARED, given) == {"epochs": 3, "rate": 0.5, "flip": False, "loss": "focal"}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"epoch": 3}, "no parameter"),
        ({"epochs": "three"}, "must be int"),
        ({"epochs": 0}, "out of range"),
        ({"rate": "nan"}, "out of range"),
        ({"flip": "perhaps"}, "must be bool"),
        ({"loss": "mse"}, "can't be"),
    ],
)
def test_what_is_wrong_is_named_with_a_remedy(given: dict[str, object], says: str):
    with pytest.raises(UsageError, match=says) as trouble:
        resolve(DECLARED, given)
    assert trouble.value.remedy
