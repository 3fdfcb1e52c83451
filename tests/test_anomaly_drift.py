"""A section beside what a model learnt from: what differs is told in words, and grey levels can be matched."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from core.anomaly.acquaintance import Acquaintance
from core.anomaly.drift import advice, findings, looks_in
from core.anomaly.looks import PROPERTIES, Looks, looks_of
from core.anomaly.matching import GREY, HISTOGRAM, MATCHING, NONE, lookup, matched
from core.errors import InputError
from core.models.base import ModelSpec
from core.models.normal import ModelOfNormal, learning_if_matched
from core.project import Project
from core.readers.base import open_section
from core.scan.drift import drift_of_scan, drift_of_section
from core.scan.options import ScanOptions
from core.scan.provenance import doubts_in
from core.scan.runner import run_scan
from tests.toy import STRIDE, ToyModel, toy_spec, write_image

Array = np.ndarray


def _material(size: int = 640, seed: int = 0) -> Array:
    """Grains of several sizes and fine noise, in brownish grey."""
    rng = np.random.default_rng(seed)
    grey = np.full((size, size), 150.0)
    for sigma, height in ((12, 14), (4, 10), (1.5, 6)):
        noise = cv2.GaussianBlur(rng.normal(0, 1, (size, size)), (0, 0), sigma)
        grey += height * noise / noise.std()
    grey += rng.normal(0, 2, grey.shape)
    return np.clip(grey[..., None] + np.array([6, 0, -6]), 0, 255).astype(np.uint8)


def _windows(picture: Array) -> list[Array]:
    return [picture[y : y + 128, x : x + 128] for y in range(0, 640, 128) for x in range(0, 640, 128)]


TRAINING = looks_of(_windows(_material()))


def _changed(change: Callable[[Array], Array]) -> Looks:
    return looks_of([np.clip(change(_material(seed=1)), 0, 255).astype(np.uint8)])


def _kinds(looks: Looks) -> list[str]:
    return [one.kind for one in findings(TRAINING, looks)]


def test_brightness_and_colour_are_means_of_blocks() -> None:
    plain = np.full((128, 128, 3), (90, 60, 30), np.uint8)
    looks = looks_of([plain] * 3)
    told = dict(zip(PROPERTIES, looks.middle, strict=True))
    assert told["brightness"] == pytest.approx(0.299 * 90 + 0.587 * 60 + 0.114 * 30, abs=0.6)
    assert told["warmth"] == 60
    assert (looks.spread == 0).all()
    assert looks.tones[:, 32].tolist() == [90, 60, 30]


def test_another_piece_of_the_same_material_is_nothing_to_tell() -> None:
    assert _kinds(_changed(lambda seen: seen)) == []


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        (lambda seen: seen * 0.5, "brightness", "darker"),
        (lambda seen: seen * 1.0 + 60, "brightness", "brighter"),
        (lambda seen: 150 + (seen - 150.0) * 0.4, "contrast", "2.5 times lower"),
        (lambda seen: seen * np.array([0.75, 1.0, 1.25]), "warmth", "bluer"),
        (lambda seen: cv2.GaussianBlur(seen, (0, 0), 2.0), "sharpness", "less sharp"),
        (lambda seen: seen + np.random.default_rng(0).normal(0, 15, seen.shape), "sharpness", "noisier"),
        (lambda seen: cv2.resize(seen, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC), "structure", "coarser"),
        (lambda seen: cv2.resize(seen, None, fx=1 / 3, fy=1 / 3, interpolation=cv2.INTER_AREA), "structure", "finer"),
    ],
)
def test_what_differs_is_told_in_words(change: Callable[[Array], Array], kind: str, words: str) -> None:
    told = {one.kind: one for one in findings(TRAINING, _changed(change))}
    assert words in told[kind].text
    assert told[kind].how_far >= 2
    assert told[kind].can_be_matched == (kind in ("brightness", "contrast", "warmth"))


def test_the_farthest_comes_first_and_advice_knows_what_matching_can_do() -> None:
    darker = findings(TRAINING, _changed(lambda seen: seen * 0.5))
    assert [one.how_far for one in darker] == sorted((one.how_far for one in darker), reverse=True)
    assert "matching" in advice([one for one in darker if one.can_be_matched])
    assert "further" in advice(findings(TRAINING, _changed(lambda seen: cv2.GaussianBlur(seen, (0, 0), 3.0))))
    assert advice([]) == ""


def test_looks_come_back_from_a_card_and_from_a_scan() -> None:
    card = json.loads(json.dumps({"looks": TRAINING.to_json()}))
    back = looks_in(card)
    assert back is not None
    assert np.allclose(back.middle, TRAINING.middle, atol=1e-3)
    assert np.allclose(back.tones, TRAINING.tones, atol=0.01)
    assert np.array_equal(Looks.from_state(TRAINING.to_state()).tones, TRAINING.tones)
    assert looks_in({}) is None
    spoilt: tuple[Any, ...] = (
        {"brightness": [1, 2]},
        [],
        {**card["looks"], "tones": [[1]]},
        {**card["looks"], "contrast": [1, -1]},
    )
    for broken in spoilt:
        with pytest.raises(InputError, match="looks"):
            looks_in({"looks": broken})


@pytest.mark.parametrize("how", [GREY, HISTOGRAM])
def test_another_lamp_and_exposure_are_matched(how: str) -> None:
    seen = np.clip(_material(seed=1) * np.array([0.6, 0.7, 0.8]) + 5, 0, 255).astype(np.uint8)
    before = looks_of([seen])
    assert findings(TRAINING, before)
    table = lookup(how, before, TRAINING)
    assert table is not None
    assert (np.diff(table.astype(int), axis=0) >= 0).all()  # brighter stays brighter
    assert _kinds(looks_of([matched(seen, table)])) == []


def test_what_looks_alike_hardly_changes_when_it_is_matched() -> None:
    seen = _material(seed=1)
    for how in (GREY, HISTOGRAM):
        off = matched(seen, lookup(how, looks_of([seen]), TRAINING)).astype(int) - seen
        assert np.abs(off).mean() < 4
    assert lookup(NONE, TRAINING, TRAINING) is None
    assert matched(seen, None) is seen


@pytest.mark.parametrize("values", [0, 255, None])
def test_flat_black_and_saturated_sections_have_looks_and_can_be_matched(values: int | None) -> None:
    picture = np.full((200, 90, 3), 7, np.uint8) if values is None else np.full((64, 64, 3), values, np.uint8)
    looks = looks_of([picture])
    assert np.isfinite(looks.to_state()).all()
    assert findings(TRAINING, looks)
    for how in (GREY, HISTOGRAM):
        assert matched(picture, lookup(how, looks, TRAINING)).shape == picture.shape


def test_gaps_of_a_mosaic_are_no_tone() -> None:
    seen = _material()
    gappy = seen.copy()
    gappy[:, :300] = 0
    assert np.abs(looks_of([gappy]).tones - looks_of([seen[:, 300:]]).tones).max() <= 4


def test_resin_beside_the_specimen_is_no_tone_of_it() -> None:
    """Nor where it is a fifth of what is looked at: by its tones, the specimen would be matched to next to no contrast."""
    seen = _material(1024, seed=1)
    framed = cv2.copyMakeBorder(seen, *(64,) * 4, cv2.BORDER_CONSTANT, value=(34, 33, 32))
    for how in (GREY, HISTOGRAM):
        tables = [lookup(how, looks_of([one]), TRAINING) for one in (seen, framed)]
        off = matched(seen, tables[1]).astype(int) - matched(seen, tables[0])
        assert np.abs(off).mean() < 4


def test_a_flat_and_a_steep_half_have_tones() -> None:
    halves = np.zeros((128, 256, 3), np.uint8)
    halves[:, :128], halves[::2, 128:] = 90, 200
    assert np.isfinite(looks_of([halves]).tones).all()


# -- in a scan -----------------------------------------------------------------------------------------------------------


class _Bright(ModelOfNormal, ToyModel):
    """As the toy model, after matching."""

    def map_tile(self, pixels: Array) -> Array:
        return ToyModel.map_tile(self, self.matched(pixels))


def _spec(matching: str = NONE) -> ModelSpec:
    spec = toy_spec(
        parameters=(MATCHING,), values={"matching": matching}, card={"looks": TRAINING.to_json()}, tile_px=20 * STRIDE
    )
    return learning_if_matched(spec)


@pytest.fixture
def dark(tmp_path: Path, quick_disk: None) -> tuple[Project, Path]:
    path = write_image(tmp_path / "s.png", (_material(seed=1) * 0.5).astype(np.uint8))
    return Project.create(tmp_path / "p.schliff"), path


def test_a_scan_tells_what_differs_and_keeps_it(dark: tuple[Project, Path]) -> None:
    project, path = dark
    with project, open_section(path) as section:
        summary = run_scan(project, section, _Bright(_spec()))
        assert "darker" in summary.doubts[0]
        assert summary.doubts == doubts_in(project.provenance(summary.scan_id))
        assert drift_of_scan(project, summary.scan_id)[0].kind == "brightness"
        assert run_scan(project, section, _Bright(_spec())).doubts == summary.doubts  # done already: told again
        plain = run_scan(project, section, ToyModel(toy_spec(id="plain")))
        assert plain.doubts == ()
        assert drift_of_scan(project, plain.scan_id) == []


def test_before_a_scan_the_same_is_told(dark: tuple[Project, Path]) -> None:
    project, path = dark
    with project, open_section(path) as section:
        told = drift_of_section(section, _spec())
        assert told[0].kind == "brightness"
        assert drift_of_section(section, toy_spec()) == []
        summary = run_scan(project, section, _Bright(_spec()))
        assert [one.to_json() for one in told] == [one.to_json() for one in drift_of_scan(project, summary.scan_id)]


def test_matched_scans_are_scans_of_their_own_and_go_on_with_the_same_table(dark: tuple[Project, Path]) -> None:
    project, path = dark
    with project, open_section(path) as section:
        plain, other = (run_scan(project, section, _Bright(_spec(how))) for how in (NONE, HISTOGRAM))
        assert plain.scan_id != other.scan_id
        assert project.provenance(other.scan_id)["parameters"]["model"] == {"matching": HISTOGRAM}
        dim, lit = (project.score_map(one.scan_id).look(0, 0, 0, 80, 80).scores for one in (plain, other))  # type: ignore[union-attr]
        assert np.nanmean(dim) == pytest.approx(75 / 255, abs=0.02)
        assert np.nanmean(lit) == pytest.approx(150 / 255, abs=0.02)
        state = project.maps(other.scan_id).load_learned()
    assert state is not None
    model = _Bright(_spec(HISTOGRAM))
    model.restore(state)
    dark_px = np.full((8, 8, 3), 75, np.uint8)
    known = Acquaintance.from_state(state)
    assert known is not None
    assert np.array_equal(model.matched(dark_px), known.matched(dark_px))
    assert model.matched(dark_px).mean() == pytest.approx(150, abs=8)


def test_what_is_matched_depends_on_what_is_scanned() -> None:
    assert (_spec().learns, _spec(GREY).learns) == (False, True)
    assert _Bright(toy_spec()).learn(3, lambda index: np.zeros((8, 8, 3), np.uint8)) is None  # its card tells no looks
    assert _Bright(_spec()).learn(0, lambda index: np.zeros((8, 8, 3), np.uint8)) is None


def test_a_region_of_a_plain_scan_shares_what_was_computed(dark: tuple[Project, Path]) -> None:
    from core.geometry import Box

    project, path = dark
    with project, open_section(path) as section:
        run_scan(project, section, _Bright(_spec()))
        model = _Bright(_spec())
        run_scan(project, section, model, ScanOptions(regions=(Box(0, 0, 320, 320),)))
        assert model.mapped == 0
