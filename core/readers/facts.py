"""Decides in which words the facts of a section are told, in the terminal and in the window."""

from __future__ import annotations

from core.frames import StageSource, StageTransform
from core.section import SectionInfo

LEAST_TOLD_UM = 0.01  # what is less would read as 0.00
NOT_STATED = "not stated"

_SOURCES: dict[StageSource, str] = {
    "pixel_to_stage": "the microscope's own transform from pixel to stage",
    "tile_positions": "the stage positions of the camera tiles",
    "scene_center": "the stage position of the scene's centre",
    "ome_plane": "the position of the plane in the OME metadata",
}


def section_facts(info: SectionInfo) -> list[tuple[str, str]]:
    """Names and texts, one fact in each; "warning" as often as there are some."""
    facts = [
        ("file", str(info.path)),
        ("format", info.format),
        ("file size", _file_size(info)),
        ("size", f"{info.width_px} × {info.height_px} px{_field(info)}"),
        ("pixels", _pixels(info)),
        ("levels", ", ".join(_level(info, i) for i in range(len(info.levels)))),
        ("pixel size", _pixel_size(info)),
        ("channels", _channels(info)),
        ("planes", _planes(info)),
        ("scenes", _scenes(info)),
        ("stage", stage_text(info.stage)),
        ("session", _session(info)),
        ("markers", _markers(info)),
        ("SEM", _sem(info)),
        ("objective", info.objective or NOT_STATED),
        ("acquired", info.acquired or NOT_STATED),
    ]
    return [(name, text) for name, text in facts if text] + [("warning", text) for text in info.warnings]


def stage_text(stage: StageTransform) -> str:
    """Where the top-left corner lies on the stage, who says so, and how well that fits."""
    if stage.affine is None:
        return NOT_STATED
    (_, _, x), (_, _, y) = stage.affine
    text = f"top-left corner at {x:.3f}, {y:.3f} µm, from {_SOURCES.get(stage.source, stage.source)}"
    if stage.residual_um is not None:
        text += f", residual {stage.residual_um:.2f} µm"
    if stage.disagreement_um is not None and stage.disagreement_um >= LEAST_TOLD_UM:
        text += f", other sources disagree by up to {stage.disagreement_um:.2f} µm"
    return text


def _session(info: SectionInfo) -> str:
    """Positions of another session may mean other places."""
    session = info.stage.session
    if session is None:
        return ""
    return ", ".join(part for part in (session.id, session.name, session.creation) if part)


def _markers(info: SectionInfo) -> str:
    told = ", ".join(f"{one.name} at {one.x_um:.1f}, {one.y_um:.1f} µm" for one in info.markers)
    return f"Shuttle & Find: {told}" if told else ""


def _sem(info: SectionInfo) -> str:
    """The stage in mm, as microscopes show it."""
    sem = info.sem
    if sem is None:
        return ""
    z = "" if sem.stage_z_um is None else f", z {sem.stage_z_um / 1000:.4f}"
    told = [
        None if sem.stage_um is None else f"middle at {sem.stage_um[0] / 1000:.4f}, {sem.stage_um[1] / 1000:.4f}{z} mm",
        None if sem.tilt_deg is None else f"tilt {sem.tilt_deg:.2f}°",
        None if sem.rotation_deg is None else f"stage turned {sem.rotation_deg:.2f}°",
        None if sem.scan_rotation_deg is None else f"scan turned {sem.scan_rotation_deg:.2f}°",
        None if sem.working_distance_um is None else f"working distance {sem.working_distance_um / 1000:.3f} mm",
        None if sem.voltage_kv is None else f"{sem.voltage_kv:g} kV",
    ]
    return ", ".join(part for part in told if part)


def _file_size(info: SectionInfo) -> str:
    """Of a file; a folder's would take long to add up."""
    try:
        size = info.path.stat().st_size if info.path.is_file() else 0
    except OSError:
        return ""
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= factor:
            return f"{size / factor:.3g} {unit}"
    return f"{size} bytes" if size else ""


def _field(info: SectionInfo) -> str:
    size = info.pixel_size_um
    if size is None:
        return ""
    return f", {info.width_px * size[0] / 1000:.4g} × {info.height_px * size[1] / 1000:.4g} mm"


def _pixels(info: SectionInfo) -> str:
    kind = "RGB" if info.samples == 3 else "grey"
    return f"{kind}, {info.dtype.itemsize * 8} bits per value ({info.dtype})"


def _level(info: SectionInfo, index: int) -> str:
    level = info.levels[index]
    return f"{level.width_px} × {level.height_px}" + (" (made by Schliff)" if level.made else "")


def _pixel_size(info: SectionInfo) -> str:
    """And who says so."""
    size, stated = info.pixel_size_um, info.as_stated
    if size is None:
        return NOT_STATED
    text = f"{size[0]:.5g} × {size[1]:.5g} µm"
    if stated is None:
        return f"{text}, as the file's metadata states"
    said = stated.pixel_size_um
    return f"{text}, entered by hand" + (f" (the file states {said[0]:.5g} × {said[1]:.5g} µm)" if said else "")


def _channels(info: SectionInfo) -> str:
    names = [name or f"channel {index + 1}" for index, name in enumerate(info.channel_names)]
    return f"{len(names)}: {', '.join(names)}" if any(info.channel_names) or len(names) > 1 else "1"


def _planes(info: SectionInfo) -> str:
    """How many there are along each axis that has several."""
    axes = ((info.z_count, "focus steps"), (info.t_count, "times"))
    return ", ".join(f"{count} {name}" for count, name in axes if count > 1)


def _scenes(info: SectionInfo) -> str:
    return "; ".join(
        f"{scene.index}{f' {scene.name!r}' if scene.name else ''} at {scene.box.x:.0f}, {scene.box.y:.0f} px, "
        f"{scene.box.w:.0f} × {scene.box.h:.0f} px"
        for scene in info.scenes
    )
