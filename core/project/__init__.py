"""The project: one folder `NAME.schliff/` that holds all that was found, decided and left open."""

from core.project.project import Project
from core.project.records import ScanRecord, SectionRecord
from core.project.score_map import ScoreMap
from core.userdirs import PROJECT_SUFFIX

__all__ = ["PROJECT_SUFFIX", "Project", "ScanRecord", "ScoreMap", "SectionRecord"]
