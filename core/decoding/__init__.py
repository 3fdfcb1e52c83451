"""Decides how native decoders that can crash are kept from taking the program with them: they run in helper processes."""

from __future__ import annotations

# The program itself serves as a helper when it is called with this (a program made by PyInstaller has no `python -m`).
DECODER_ARGUMENT = "--decoder"
