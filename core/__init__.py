"""Schliff's core: sections, scans, projects and exports. Knows no screen and imports no Qt."""

__version__ = "0.1.0"
