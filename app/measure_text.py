"""Decides how lengths, areas and angles are written for people: µm or mm where the pixel size is known, else px.

Sizes of files, too."""

from __future__ import annotations

from core.drawing import Drawing
from core.measure import Measures


def length_text(px: float, um: float | None) -> str:
    if um is None:
        return f"{px:,.1f} px"
    if um < 1:
        return f"{um * 1000:.0f} nm"
    return f"{um:.2f} µm" if um < 100 else f"{um:.1f} µm" if um < 1000 else f"{um / 1000:,.3f} mm"


def area_text(px2: float, um2: float | None) -> str:
    if um2 is None:
        return f"{px2:,.0f} px²"
    if um2 < 1e5:
        return f"{um2:,.2f} µm²" if um2 < 100 else f"{um2:,.0f} µm²"
    return f"{um2 / 1e6:,.3f} mm²"


def bytes_text(size: float) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{max(size / 1e6, 0.1):.1f} MB"


def angle_text(degrees: float) -> str:
    return f"{degrees:.1f}°"


def main_text(found: Measures) -> str:
    """The one measure a drawing is made for; "" for a point."""
    if found.area_px is not None:
        return area_text(found.area_px, found.area_um2)
    if found.length_px is not None:
        return length_text(found.length_px, found.length_um)
    return angle_text(found.angle_deg) if found.angle_deg is not None else ""


def label_text(drawing: Drawing, found: Measures) -> str:
    """What stands beside a drawing in the section."""
    return "  ".join(text for text in (drawing.name, main_text(found)) if text)


def live_text(drawing: Drawing, found: Measures) -> list[str]:
    """What is said beside the pointer while something is drawn or changed, line by line."""
    if drawing.kind == "point":
        return [f"{drawing.points[0][0]:.1f}, {drawing.points[0][1]:.1f} px"]
    lines = [main_text(found)]
    if found.length_um is not None and found.length_px is not None:
        lines.append(f"{found.length_px:,.1f} px")
    if found.length_px is not None and found.angle_deg is not None:
        lines.append(angle_text(found.angle_deg))
    if found.area_px is not None:
        lines.append(size_text(found))
        if found.area_um2 is not None:
            lines.append(area_text(found.area_px, None))
    return lines


def size_text(found: Measures) -> str:
    """Width and height of a closed drawing, else ""."""
    if found.area_px is None:
        return ""
    if found.size_um is None:
        return f"{found.box.w:,.0f} × {found.box.h:,.0f} px"
    width, height = found.size_um
    if max(width, height) < 1000:
        return f"{width:.1f} × {height:.1f} µm"
    return f"{width / 1000:.3f} × {height / 1000:.3f} mm"
