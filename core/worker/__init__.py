"""Decides how heavy work runs in a process of its own: what is said over the pipe, who starts it, who ends it."""

from __future__ import annotations

# The program itself serves as a worker when it is called with this (a program made by PyInstaller has no `python -m`).
WORKER_ARGUMENT = "--worker"
