"""Decides where a CZI's pixels lie on the stage, which source is believed, and when sources disagree.

Order of trust: PixelToStageTransform, then the tiles' own stage positions, then the scenes' CenterPosition. Sources
are compared, never averaged. Pixels are section px (the bounding box's top-left corner is 0, 0), stage is µm.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.frames import DISAGREEMENT_WORTH_A_WARNING_UM, NO_STAGE, Affine, StageSource, StageTransform
from core.geometry import Box
from core.readers.czi_directory import Directory, Subblock
from core.readers.czi_metadata import CziMetadata, PixelToStage
from core.readers.czi_segments import read_subblock_xml
from core.readers.parsing import number, parse_xml

Array = np.ndarray

_TILES_ASKED = 128
_TILE_MISFIT_UM = 10.0
_TILE_MISFIT_SHARE = 0.05
_CONFIRMED_UM = DISAGREEMENT_WORTH_A_WARNING_UM
# ZISRAW 8.5 draws the flags of the axes the other way round than the schema of ZEN's XML describes them.
_WHICH_AXIS = (
    "Its pixel-to-stage transform mirrors one axis, and nothing else in the file confirms which: check one place."
)
_NAMES = {
    "pixel_to_stage": "the pixel-to-stage transform",
    "tile_positions": "the tiles' stage positions",
    "scene_center": "the scenes' centre positions",
}


@dataclass(frozen=True, slots=True)
class TilePosition:
    """Where the stage stood for one tile: its centre in section px, its stage position in µm, its rotation in degrees."""

    center_px: tuple[float, float]
    stage_um: tuple[float, float]
    rotation_deg: float
    smaller_side_px: int


@dataclass(frozen=True, slots=True)
class _Candidate:
    source: StageSource
    affine: Affine
    residual_um: float | None = None
    believable: bool = True


def find_stage(
    metadata: CziMetadata, size_px: tuple[int, int], scenes: dict[int, Box], tiles: Sequence[TilePosition]
) -> tuple[StageTransform, list[str]]:
    """The most trusted stage transform of the file, and what the user should be warned of."""
    if metadata.pixel_size_um is None:
        known = metadata.pixel_to_stage or tiles or any(s.center_um for s in metadata.scenes.values())
        return NO_STAGE, ["Its stage positions can't be used without a pixel size."] if known else []
    candidates = _candidates(metadata, metadata.pixel_size_um, size_px, scenes, tiles)
    warnings = [
        f"The tiles' stage positions contradict each other (by {c.residual_um:.0f} µm) and were not used."
        for c in candidates
        if not c.believable
    ]
    candidates.sort(key=lambda c: not c.believable)
    if not candidates or not candidates[0].believable:
        return NO_STAGE, warnings
    best = candidates[0]
    apart = {c.source: _largest_distance(best.affine, c.affine, size_px) for c in candidates[1:]}
    for source, distance in apart.items():
        if distance > DISAGREEMENT_WORTH_A_WARNING_UM:
            warnings.append(
                f"{_NAMES[best.source].capitalize()} and {_NAMES[source]} are up to {distance:.1f} µm apart."
            )
    given = metadata.pixel_to_stage
    if (
        best.source == "pixel_to_stage"
        and given
        and given.mirrors
        and not any(d <= _CONFIRMED_UM for d in apart.values())
    ):
        warnings.append(_WHICH_AXIS)
    disagreement = max(apart.values(), default=None)
    return StageTransform(best.source, best.affine, best.residual_um, disagreement, metadata.session), warnings


def tile_positions(path: Path, directory: Directory, origin: tuple[int, int]) -> list[TilePosition]:
    """The stage tags of up to 128 level-0 tiles, spread evenly over the acquisition."""
    full = np.flatnonzero(directory.is_level0)
    _, first = np.unique(directory.x[full] + (directory.y[full] << 32), return_index=True)
    distinct = full[np.sort(first)]
    step = max(1.0, len(distinct) / _TILES_ASKED)
    asked = [directory.subblock(distinct[int(i * step)]) for i in range(min(len(distinct), _TILES_ASKED))]
    found = []
    with path.open("rb") as file:
        for subblock in asked:
            tile = _tile_position(read_subblock_xml(file, subblock), subblock, origin)
            if tile is not None:
                found.append(tile)
            elif not found and len(distinct) > 8 and subblock is asked[7]:
                return []  # none of the first eight has a tag: nobody wrote any
    return found


def _tile_position(xml: bytes, subblock: Subblock, origin: tuple[int, int]) -> TilePosition | None:
    root = parse_xml(xml) if xml else None
    tags = root.find("Tags") if root is not None else None
    if tags is None:
        return None
    x, y = number(tags.findtext("StageXPosition")), number(tags.findtext("StageYPosition"))
    if x is None or y is None:
        return None
    rotation = number(tags.findtext("RoiRotation")) or 0.0
    offset = (number(tags.findtext("RoiCenterOffsetX")) or 0.0, number(tags.findtext("RoiCenterOffsetY")) or 0.0)
    turned = _rotation(rotation) @ np.array(offset)
    center = subblock.x - origin[0] + subblock.w / 2, subblock.y - origin[1] + subblock.h / 2
    return TilePosition(center, (x - float(turned[0]), y - float(turned[1])), rotation, min(subblock.w, subblock.h))


def _candidates(
    metadata: CziMetadata,
    pixel_size: tuple[float, float],
    size_px: tuple[int, int],
    scenes: dict[int, Box],
    tiles: Sequence[TilePosition],
) -> list[_Candidate]:
    """Every source the file has, most trusted first."""
    found = []
    if metadata.pixel_to_stage is not None:
        found.append(_Candidate("pixel_to_stage", _from_transform(metadata.pixel_to_stage, pixel_size, size_px)))
    if tiles:
        found.append(_fit_tiles(tiles, pixel_size))
    centers = [(scenes[i].center, s.center_um) for i, s in metadata.scenes.items() if s.center_um and i in scenes]
    if centers:
        found.append(_from_scene_centers(centers, pixel_size))
    return found


def _from_transform(given: PixelToStage, pixel_size: tuple[float, float], size_px: tuple[int, int]) -> Affine:
    """ZISRAW file format 8.5: scale, flip about the image's middle, rotate about it, translate."""
    flips = np.diag([-1.0 if given.flip_y else 1.0, -1.0 if given.flip_x else 1.0])
    linear = _rotation(given.rotate_deg) @ flips @ np.diag(pixel_size)
    middle_px = np.array(size_px) / 2
    middle_um = middle_px * np.array(pixel_size) + np.array(given.translate_um)
    return _affine(linear, middle_um - linear @ middle_px)


def _from_scene_centers(
    centers: Sequence[tuple[tuple[float, float], tuple[float, float]]], pixel_size: tuple[float, float]
) -> _Candidate:
    pixels, stage = np.array([c[0] for c in centers]), np.array([c[1] for c in centers])
    linear = np.diag(pixel_size)
    offsets = stage - pixels @ linear.T
    shift = np.median(offsets, axis=0)
    residual = _rms(offsets - shift) if len(centers) > 1 else None
    return _Candidate("scene_center", _affine(linear, shift), residual)


def _fit_tiles(tiles: Sequence[TilePosition], pixel_size: tuple[float, float]) -> _Candidate:
    """Robust fit with fixed scale: axis signs and order from the data, a rotation only where the data asks for one.

    Tiles far off the others are left out. When most tiles contradict each other the fit is not believable.
    """
    local = np.array([tile.center_px for tile in tiles]) * np.array(pixel_size)
    stage = np.array([tile.stage_um for tile in tiles])
    turn = _best_orientation(local, stage, float(np.median([tile.rotation_deg for tile in tiles])))
    good = np.ones(len(tiles), bool)
    for _ in range(4):
        shift = np.median(stage[good] - local[good] @ turn.T, axis=0)
        distances = np.linalg.norm(stage - local @ turn.T - shift, axis=1)
        good = distances <= max(1.0, 4 * float(np.median(distances)))
        turn = _refined(turn, local[good], stage[good])
    misfit = stage - local @ turn.T
    shift = misfit[good].mean(axis=0)
    side_um = float(np.median([tile.smaller_side_px for tile in tiles])) * min(pixel_size)
    typical = float(np.median(np.linalg.norm(misfit - shift, axis=1)))
    believable = typical <= max(_TILE_MISFIT_UM, _TILE_MISFIT_SHARE * side_um)
    residual = (_rms(misfit[good] - shift) if believable else _rms(misfit - shift)) if len(tiles) > 1 else None
    return _Candidate("tile_positions", _affine(turn @ np.diag(pixel_size), shift), residual, believable)


def _best_orientation(local: Array, stage: Array, rotation_deg: float) -> Array:
    """Of the tagged rotation and the eight ways to lay axes, the one with the least median misfit; plain first."""
    signs = [np.diag([sx, sy]) for sx, sy in ((1.0, 1.0), (-1.0, 1.0), (1.0, -1.0), (-1.0, -1.0))]
    swap = np.array([[0.0, 1.0], [1.0, 0.0]])
    choices = [_rotation(rotation_deg), *signs, *(s @ swap for s in signs)]
    best, least = choices[0], math.inf
    for choice in choices:
        offsets = stage - local @ choice.T
        misfit = float(np.median(np.linalg.norm(offsets - np.median(offsets, axis=0), axis=1)))
        if misfit < least - 0.01:
            best, least = choice, misfit
    return best


def _refined(turn: Array, local: Array, stage: Array) -> Array:
    """`turn` with the small rotation that least squares finds (Kabsch), where it explains most of the misfit."""
    a, b = local - local.mean(axis=0), stage - stage.mean(axis=0)
    spread = np.linalg.svd(a, compute_uv=False)
    if len(a) < 4 or spread[-1] < 0.05 * spread[0]:
        return turn
    u, _, vt = np.linalg.svd(b.T @ a)
    keep_handedness = np.diag([1.0, np.sign(np.linalg.det(turn)) * np.sign(np.linalg.det(u @ vt))])
    rotated = u @ keep_handedness @ vt
    before, after = _rms(b - a @ turn.T), _rms(b - a @ rotated.T)
    return rotated if before > 0.5 and after < 0.7 * before else turn


def _rotation(degrees: float) -> Array:
    """Positive turns +x to +y: clockwise on the screen."""
    angle = math.radians(degrees)
    return np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])


def _affine(linear: Array, shift: Array) -> Affine:
    (a, b), (c, d) = linear.tolist()
    tx, ty = shift.tolist()
    return (a, b, tx), (c, d, ty)


def _rms(offsets: Array) -> float:
    return float(np.sqrt((offsets**2).sum(axis=1).mean()))


def _largest_distance(one: Affine, other: Affine, size_px: tuple[int, int]) -> float:
    """Over the section's corners and middle."""
    w, h = size_px
    points = np.array([(0, 0, 1), (w, 0, 1), (0, h, 1), (w, h, 1), (w / 2, h / 2, 1)], float)
    return float(np.linalg.norm(points @ (np.array(one) - np.array(other)).T, axis=1).max())
