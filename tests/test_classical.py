"""Models without a network: features that tiles share are those of a window alone, arrays answer as scikit-learn does."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from core.models.classical_decisions import KernelMachine, Trees
from core.models.classical_features import (
    DISTANCES_PX,
    GLCM,
    LBP,
    LEVELS,
    PROPERTIES,
    REACH_PX,
    RINGS,
    width_of,
    window_features,
)  # fmt: skip
from core.train.classical_fit import (
    fit_boosting,
    fit_calibration,
    fit_isolation,
    fit_limit,
    fit_one_class,
    fit_svm,
)  # fmt: skip

pytestmark = pytest.mark.usefixtures("one_openmp_thread")

BOOSTING = {"trees": 12, "depth": 3, "learning_rate": 0.2, "weighted": True}


def textured(height: int, width: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    fine = rng.integers(0, 256, (height, width, 3), np.uint8)
    coarse = cv2.resize(rng.integers(0, 200, (height // 16 + 1, width // 16 + 1, 3), np.uint8), (width, height))
    return cv2.addWeighted(fine, 0.3, coarse, 0.7, 0)


def learnable(classes: int, rows: int = 240, features: int = 9) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(classes)
    shown = rng.integers(0, classes, rows)
    return rng.normal(0, 1, (rows, features)) * 30 + shown[:, None] * rng.uniform(5, 40, features), shown


def test_co_occurrence_is_that_of_the_reference():
    """Of a window in the middle of a picture: pairs begin in it, so that the reference sees what they reach, too."""
    from skimage.feature import graycomatrix, graycoprops

    picture = textured(96, 96, 1)
    found = window_features(picture, 32, 16, (GLCM,))[2, 1].reshape(-1)
    levels = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) // (256 // LEVELS)
    expected = []
    for distance in DISTANCES_PX:
        each = []
        for row, column in ((0, 1), (1, 1), (1, 0), (1, -1)):
            pairs = np.zeros((LEVELS, LEVELS))
            for y in range(32, 64):
                for x in range(16, 48):
                    one, other = levels[y, x], levels[y + row * distance, x + column * distance]
                    pairs[one, other] += 1
                    pairs[other, one] += 1
            each.append([graycoprops(pairs[..., None, None], name)[0, 0] for name in PROPERTIES])
        expected.append([*np.mean(each, 0), *np.ptp(each, 0)])
    assert found == pytest.approx(np.array(expected).reshape(-1), rel=1e-9)
    whole = np.tile(levels[:32, :32], (3, 3))  # what is periodic has the same pairs, whoever counts
    counted = graycomatrix(whole, [1], [0], LEVELS, symmetric=True)[..., 0, 0]
    assert counted.sum() == 2 * 96 * 95


def test_patterns_are_those_of_the_reference():
    from skimage.feature import local_binary_pattern

    picture = textured(64, 96, 2)
    found = window_features(picture, 48, 16, (LBP,))[1, 2]
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    wide = cv2.copyMakeBorder(grey, REACH_PX, REACH_PX, REACH_PX, REACH_PX, cv2.BORDER_REFLECT_101)
    expected: list[float] = []
    for samples, radius in RINGS:
        patterns = local_binary_pattern(wide, samples, radius, "uniform")[REACH_PX:, REACH_PX:][16:64, 32:80]
        expected += (np.bincount(patterns.astype(int).ravel(), minlength=samples + 2) / 48**2).tolist()
    assert found.tolist() == pytest.approx(expected, abs=0.002), "but for rounding of near equals"
    assert sum(found) == pytest.approx(len(RINGS))


def test_patterns_are_the_same_wherever_they_lie():
    """Also of pixels that are exactly as bright as their neighbours."""
    picture = np.tile(textured(16, 16, 4) // 64 * 64, (8, 8, 1))
    cells = window_features(picture, 16, 16, (LBP,))[1:-1, 1:-1]
    assert (cells == cells[0, 0]).all()


@pytest.mark.parametrize("kind", [GLCM, LBP])
def test_a_turned_window_has_the_same_texture(kind: str):
    picture = textured(48, 48, 3)
    (one,), (other,) = (window_features(p, 48, 16, (kind,)) for p in (picture, np.rot90(picture).copy()))
    # Pairs across the edge are mirrored, at one end of the window only.
    assert np.abs(one - other).max() / np.abs(one).max() < 0.02


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_support_vectors_decide_as_the_reference_does(classes: int):
    from sklearn.svm import SVC

    features, shown = learnable(classes)
    machine = fit_svm(features, shown, classes, 10.0, weighted=True)
    machine.check(9)
    scaled = (features - features.mean(0)) / features.std(0)
    new, _ = learnable(classes + 7)
    for decision, number in enumerate([1] if classes == 2 else range(classes)):
        reference = SVC(C=10.0, gamma=1 / 9, class_weight="balanced").fit(scaled, shown == number)
        expected = reference.decision_function((new - features.mean(0)) / features.std(0))
        assert np.abs(machine.decide(new)[:, decision] - expected).max() < 1e-6


def test_a_one_class_machine_decides_as_the_reference_does():
    from sklearn.svm import OneClassSVM

    features, _ = learnable(2)
    machine = fit_one_class(features, 0.1)
    reference = OneClassSVM(nu=0.1, gamma=1 / 9).fit((features - features.mean(0)) / features.std(0))
    new = learnable(4)[0]
    expected = reference.decision_function((new - features.mean(0)) / features.std(0))
    assert np.abs(machine.decide(new)[:, 0] - expected).max() < 1e-6


def test_an_isolation_forest_decides_as_the_reference_does():
    from sklearn.ensemble import IsolationForest

    features, _ = learnable(2, 400)
    machine = fit_isolation(features, 30, 4)
    reference = IsolationForest(n_estimators=30, random_state=4).fit(features)
    asked = np.concatenate([features, features * 3])
    found = machine.decide(asked)
    assert found.shape == (800, 1)
    np.testing.assert_allclose(-(2.0 ** -found[:, 0]), reference.score_samples(asked), atol=1e-6)
    machine.check(features.shape[1])
    assert found[400:].mean() < found[:400].mean()


@pytest.mark.parametrize("classes", [2, 4])
def test_trees_decide_as_the_reference_does(classes: int):
    from sklearn.ensemble import HistGradientBoostingClassifier

    features, shown = learnable(classes)
    machine = fit_boosting(features, shown, classes, BOOSTING, seed=1)
    machine.check(9)
    new = learnable(classes + 7)[0]
    for decision, number in enumerate([1] if classes == 2 else range(classes)):
        reference = HistGradientBoostingClassifier(
            max_iter=12, max_depth=3, learning_rate=0.2, class_weight="balanced", early_stopping=False, random_state=1
        ).fit(features, shown == number)
        assert np.abs(machine.decide(new)[:, decision] - reference.decision_function(new)).max() < 1e-6


def test_logits_are_those_of_the_calibration():
    from sklearn.linear_model import LogisticRegression

    decisions, shown = learnable(3, features=3)
    weight, bias = fit_calibration(decisions / 30, shown, 4, weighted=False)
    reference = LogisticRegression(max_iter=1000).fit(decisions / 30, shown)
    logits = decisions / 30 @ weight + bias
    shares = np.exp(logits - logits.max(1, keepdims=True))
    shares /= shares.sum(1, keepdims=True)
    assert np.abs(shares[:, :3] - reference.predict_proba(decisions / 30)).max() < 1e-6
    assert (shares[:, 3] == 0).all(), "a class that nothing showed is never the answer"


def test_a_limit_is_exceeded_by_the_share_that_was_asked_for():
    decisions = np.random.default_rng(0).normal(3, 2, (1000, 1))
    weight, bias = fit_limit(decisions, 0.02)
    scores = decisions @ weight + bias
    assert np.median(scores) == pytest.approx(0, abs=1e-9)
    assert (scores > 1).mean() == pytest.approx(0.02, abs=0.001)
    assert scores[decisions.argmin()] == scores.max(), "the least like what was learnt scores highest"


def test_trees_that_never_end_are_refused():
    leaf = np.zeros((1, 2))
    loop = Trees(leaf, leaf, np.array([[1.0, 0]]), np.array([[1.0, 0]]), leaf, np.zeros(1), np.zeros(1))
    with pytest.raises(ValueError, match="nodes"):
        loop.check(3)


def test_windows_are_decided_in_parts_as_all_at_once(monkeypatch: pytest.MonkeyPatch):
    features, shown = learnable(3)
    machines: list[KernelMachine | Trees] = [
        fit_svm(features, shown, 3, 1.0, weighted=False), fit_boosting(features, shown, 3, BOOSTING, seed=0),
    ]  # fmt: skip
    at_once = [machine.decide(features) for machine in machines]
    monkeypatch.setattr("core.models.classical_decisions._AT_ONCE", 1000)
    for machine, expected in zip(machines, at_once, strict=True):
        assert machine.decide(features) == pytest.approx(expected, abs=1e-12)
        assert machine.decide(features[:0]).shape == (0, 3)


def test_widths_are_as_promised():
    picture = textured(64, 80, 5)
    assert window_features(picture, 48, 16, (GLCM, LBP)).shape == (2, 3, width_of((GLCM, LBP)))
