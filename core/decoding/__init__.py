"""Decides how native code that crashes or hangs on damaged files is kept from taking the program with it: it runs in helper
processes, within limits."""

from __future__ import annotations

# The program itself serves as a helper when it is called with this (a program made by PyInstaller has no `python -m`).
DECODER_ARGUMENT = "--decoder"
