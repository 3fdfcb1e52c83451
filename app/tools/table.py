"""Decides which tools there are, by the ids that `session.drawings.tool` takes."""

from __future__ import annotations

from app.tools.angle import AngleTool
from app.tools.area import AreaTool
from app.tools.base import Tool
from app.tools.box import BoxTool
from app.tools.fiducial import FiducialTool
from app.tools.match import MatchTool
from app.tools.point import PointTool
from app.tools.pointer import PointerTool
from app.tools.polygon import PolygonTool
from app.tools.profile import ProfileTool
from app.tools.ruler import RulerTool

TOOLS: dict[str, type[Tool]] = {
    "pointer": PointerTool,
    "ruler": RulerTool,
    "angle": AngleTool,
    "box": BoxTool,
    "polygon": PolygonTool,
    "area": AreaTool,
    "point": PointTool,
    "profile": ProfileTool,
    "fiducial": FiducialTool,
    "match": MatchTool,
}
