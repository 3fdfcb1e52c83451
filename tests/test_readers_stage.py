"""Where files say that they lay on a stage: measured positions of real files, sessions, markers, tags of electron microscopes."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from core.frames import StageMarker, StageSession, StageTransform
from core.readers.base import open_section
from core.readers.czi_metadata import CziMetadata, PixelToStage, parse_metadata
from core.readers.czi_segments import read_contents, read_xml
from core.readers.czi_stage import find_stage
from core.readers.facts import section_facts
from core.readers.report import section_report
from core.section_info import SectionInfo, SemState
from tests.czi_files import Tile, write_czi_file

# -- real files, as measured ---------------------------------------------------------------------


def info_of(shared_data: Path, name: str) -> SectionInfo:
    with open_section(shared_data / "czi" / name) as section:
        return section.info


def test_seven_tiles_give_one_origin_to_a_thousandth_of_a_micrometre(shared_data: Path):
    stage = info_of(shared_data, "1_tileregion.czi").stage
    assert stage.source == "tile_positions"
    assert stage.affine is not None
    (a, b, x), (c, d, y) = stage.affine
    assert (a, b, c, d) == pytest.approx((0.4, 0, 0, 0.4))  # +x right, +y down
    assert (x, y) == pytest.approx((47433.178, 35546.098), abs=0.001)
    assert stage.residual_um == pytest.approx(0, abs=0.001)
    assert stage.disagreement_um == pytest.approx(0, abs=0.001)  # the scene's centre says the same


@pytest.mark.parametrize(
    ("name", "corner", "apart"),
    [
        ("T=3_Z=5_CH=2_X=240_Y=170.czi", (16972.985, 18623.752), 12.0),
        ("CellDivision_T3_Z6_CH1_X300_Y200_DCV_ZSTD.czi", (16943.186, 18596.942), 25.6),
    ],
)
def test_two_crops_of_one_image_lie_apart_although_their_tiles_say_the_same(
    shared_data: Path, name: str, corner: tuple[float, float], apart: float
):
    """Cropping leaves the tiles' tags stale; only the pixel-to-stage transform differs."""
    info = info_of(shared_data, name)
    assert info.stage.source == "pixel_to_stage"
    assert info.stage.to_stage(0, 0) == pytest.approx(corner, abs=0.001)
    assert info.stage.disagreement_um == pytest.approx(apart, abs=0.05)
    assert any(f"{apart:.1f} µm apart" in warning for warning in info.warnings)
    assert any(f"disagree by up to {apart:.1f}" in text for _, text in section_facts(info))


def test_tags_of_a_file_that_was_tiled_anew_are_refused_and_told(shared_data: Path):
    info = info_of(shared_data, "S3_1Pos_2Mosaic_T2Z3_CH2_sm.czi")
    assert info.stage.source == "scene_center"
    assert info.stage.disagreement_um == pytest.approx(182.1, abs=0.1)
    assert any("contradict each other" in warning for warning in info.warnings)
    told = section_report_of(info)["stage"]
    assert (told["source"], told["disagreement_um"]) == ("scene_center", info.stage.disagreement_um)


def test_a_mirrored_transform_is_right_in_the_middle_and_doubted_beside_it(shared_data: Path):
    """A flip leaves the middle alone, so that Scene/Positions confirm it; which axis it flips is not agreed."""
    info = info_of(shared_data, "Airyscan.czi")
    assert info.stage.to_stage(*info.box.center) == pytest.approx((-1269.98, 3135.31), abs=0.1)
    assert any("mirrors one axis" in warning for warning in info.warnings)


def test_what_another_source_confirms_is_not_doubted():
    given = PixelToStage(0, False, True, (100, 200))
    metadata = CziMetadata(pixel_size_um=(0.5, 0.5), pixel_to_stage=given)
    assert len(find_stage(metadata, (400, 200), {}, [])[1]) == 1
    half_turn = CziMetadata(pixel_size_um=(0.5, 0.5), pixel_to_stage=PixelToStage(0, True, True, (100, 200)))
    assert find_stage(half_turn, (400, 200), {}, [])[1] == []


@pytest.mark.parametrize(
    ("name", "session"),
    [
        ("1_tileregion.czi", "471b07c0-ff54-48aa-9949-2b9f0e630c97"),
        ("S3_1Pos_2Mosaic_T2Z3_CH2_sm.czi", "87400dc5-51b8-405f-ad1e-336b88c2841f"),
        ("WellD6_S1.czi", "b467074b-a3e2-487e-ba26-658ada12b782"),
    ],
)
def test_the_session_is_kept(shared_data: Path, name: str, session: str):
    info = info_of(shared_data, name)
    assert info.stage.session is not None
    assert (info.stage.session.id, info.stage.session.creation) == (session, "Uncalibrated")
    assert section_report_of(info)["stage_session"]["id"] == session
    assert dict(section_facts(info))["session"].startswith(session)


def test_positions_of_two_sessions_are_not_comparable():
    one, other = StageTransform(session=StageSession("a")), StageTransform(session=StageSession("b"))
    assert not one.may_mean_the_same(other)
    assert one.may_mean_the_same(one)
    assert one.may_mean_the_same(StageTransform())


def test_an_sem_file_says_how_the_microscope_stood(shared_data: Path):
    info = info_of(shared_data, "Al2O3_SE_020_sp.czi")
    assert info.stage.source == "none"  # which way its axes run isn't said
    assert info.sem == SemState((48471.0, 49975.0), 36978.0, 0.0, 16.2, 0.0, None, 5.0)
    assert dict(section_facts(info))["SEM"].startswith("middle at 48.4710, 49.9750, z 36.9780 mm, tilt 0.00°")


def test_a_real_sem_image_lies_as_an_unturned_scan_is_taken_to_lie(shared_data: Path):
    """`core.registration.laid_pictures` takes +X to the right and +Y up for granted; this file says so of itself."""
    path = shared_data / "czi" / "Al2O3_SE_020_sp.czi"
    xml = read_xml(path, read_contents(path))
    axes = [re.search(rb"<%s>\s*<AxisOrientation>(-?1)<" % axis, xml) for axis in (b"X", b"Y")]
    assert [found and int(found[1]) for found in axes] == [1, -1]


@pytest.mark.parametrize("name", ["Airyscan.czi", "tiles.czi"])
def test_markers_of_a_holder_that_was_not_calibrated_are_none(shared_data: Path, name: str):
    path = shared_data / "czi" / name
    assert b'<Marker Id="Marker:1" StageXPosition="0"' in read_xml(path, read_contents(path))
    assert info_of(shared_data, name).markers == ()


def section_report_of(info: SectionInfo) -> dict[str, Any]:
    with open_section(info.path) as section:
        return section_report(section)


# -- what such files hold, written by hand -------------------------------------------------------

SHUTTLE_AND_FIND = b"""<ImageDocument><Metadata><Appliances><Appliance Id="ShuttleAndFind:1"><Data><ShuttleAndFindData>
<Calibration><MicroscopeType>LM</MicroscopeType><Markers>
<Marker Id="Marker:1" StageXPosition="1000" StageYPosition="2000" FocusPosition="3" />
<Marker Id="Marker:2" StageXPosition="41000" StageYPosition="2000.5" FocusPosition="3" />
<Marker Id="Marker:3" StageXPosition="41000" StageYPosition="32000" FocusPosition="3" />
</Markers><StageOrientation X="-1" Y="-1" /></Calibration></ShuttleAndFindData></Data></Appliance></Appliances></Metadata>
</ImageDocument>"""


def test_markers_of_shuttle_and_find_are_read(tmp_path: Path):
    tile = Tile(0, 0, np.zeros((8, 8, 1), np.uint8))
    with open_section(write_czi_file(tmp_path / "m.czi", [tile], SHUTTLE_AND_FIND)) as section:
        assert section.info.markers == (
            StageMarker("Marker:1", 1000, 2000), StageMarker("Marker:2", 41000, 2000.5),
            StageMarker("Marker:3", 41000, 32000),
        )  # fmt: skip
        assert "Marker:2 at 41000.0, 2000.5 µm" in dict(section_facts(section.info))["markers"]


def test_a_session_without_an_id_is_none():
    found = parse_metadata(b"<D><Metadata><Information><Image><Session/></Image></Information></Metadata></D>")
    assert found is not None
    assert found.session is None


ZEISS = """\
1
2
AP_IMAGE_PIXEL_SIZE
Image Pixel Size = 27.91 nm
AP_STAGE_AT_X
Stage at X = 48.471 mm
AP_STAGE_AT_Y
Stage at Y = 49.975 mm
AP_STAGE_AT_Z
Stage at Z = 36.978 mm
AP_STAGE_AT_T
Stage at T = 52.0 \N{DEGREE SIGN}
AP_STAGE_AT_R
Stage at R = 16.2 \N{DEGREE SIGN}
AP_SCANROTATION
Scan Rotation = 12.5 \N{DEGREE SIGN}
AP_WD
WD = 5.1 mm
AP_ACTUALKV
EHT = 5.00 kV
"""
FEI = """\
[Beam]
HV=15000
Beam=EBeam
[EBeam]
ScanRotation=0.5235987755982988
[Scan]
PixelWidth=2.5e-8
PixelHeight=2.6e-8
[Stage]
StageX=0.0484710
StageY=-0.0499750
StageZ=0.0369780
StageR=1.5707963267948966
StageTa=0.9075712110370514
WorkingDistance=0.0051
"""


def write_tagged(path: Path, tag: int, text: str) -> Path:
    pixels = np.zeros((6, 8), np.uint8)
    tifffile.imwrite(path, pixels, extratags=[(tag, "s", 0, text.encode("cp1252"), True)], metadata=None)
    return path


def test_the_tag_of_zeiss_is_read_with_its_units(tmp_path: Path):
    with open_section(write_tagged(tmp_path / "z.tif", 34118, ZEISS)) as section:
        info = section.info
        assert info.pixel_size_um == pytest.approx((0.02791, 0.02791))
        assert info.sem == SemState((48471.0, 49975.0), 36978.0, 52.0, 16.2, 12.5, 5100.0, 5.0)
        assert info.stage.source == "none"
        told = dict(section_facts(info))["SEM"]
    assert "tilt 52.00°" in told
    assert "working distance 5.100 mm" in told


@pytest.mark.parametrize(
    ("written", "um"), [("48.471 mm", 48471.0), ("48471 \N{MICRO SIGN}m", 48471.0), ("0.048471 m", 48471.0)]
)
def test_units_of_a_position_are_never_taken_for_granted(tmp_path: Path, written: str, um: float):
    text = ZEISS.replace("48.471 mm", written)
    with open_section(write_tagged(tmp_path / "z.tif", 34118, text)) as section:
        assert section.info.sem is not None
        assert section.info.sem.stage_um == pytest.approx((um, 49975.0))


def test_a_position_without_a_unit_is_no_position(tmp_path: Path):
    with open_section(write_tagged(tmp_path / "z.tif", 34118, ZEISS.replace("48.471 mm", "48.471"))) as section:
        assert section.info.sem is not None
        assert section.info.sem.stage_um is None
        assert section.info.sem.stage_z_um == 36978.0


@pytest.mark.parametrize("tag", [34680, 34682])
def test_the_tags_of_fei_are_metres_and_radians(tmp_path: Path, tag: int):
    with open_section(write_tagged(tmp_path / "f.tif", tag, FEI)) as section:
        info = section.info
    assert info.pixel_size_um == pytest.approx((0.025, 0.026))
    assert info.sem is not None
    assert info.sem.stage_um == pytest.approx((48471.0, -49975.0))
    assert info.sem.stage_z_um == pytest.approx(36978.0)
    assert (info.sem.tilt_deg, info.sem.rotation_deg) == pytest.approx((52.0, 90.0))
    assert (info.sem.scan_rotation_deg, info.sem.working_distance_um) == pytest.approx((30.0, 5100.0))
    assert info.sem.voltage_kv == 15.0


@pytest.mark.parametrize("text", ["", "[Stage]\nStageX=nonsense\n", "[Scan]\n[Beam]\n", "no tags at all"])
def test_damaged_tags_say_nothing(tmp_path: Path, text: str):
    for tag in (34118, 34682):
        with open_section(write_tagged(tmp_path / f"{tag}.tif", tag, text or " ")) as section:
            assert section.info.sem is None
            assert section.info.pixel_size_um is None


def test_planes_of_an_ome_file_that_lie_apart_are_told(tmp_path: Path):
    path = tmp_path / "s.ome.tif"
    metadata = {
        "axes": "ZYX", "PhysicalSizeX": 0.5, "PhysicalSizeXUnit": "µm", "PhysicalSizeY": 0.5, "PhysicalSizeYUnit": "µm",
        "Plane": {"PositionX": [100.0, 100.0, 106.0], "PositionXUnit": ["µm"] * 3, "PositionY": [5.0, 5.0, 13.0],
                  "PositionYUnit": ["µm"] * 3},
    }  # fmt: skip
    tifffile.imwrite(path, np.zeros((3, 40, 60), np.uint8), metadata=metadata, photometric="minisblack")
    with open_section(path) as section:
        assert section.info.stage.to_stage(30, 20) == pytest.approx((100, 5))
        assert section.info.stage.disagreement_um == pytest.approx(math.hypot(6, 8))
        assert any("10.0 µm apart" in warning for warning in section.info.warnings)
