"""Schliff's window. Qt lives here and nowhere else; arithmetic lives in `core`. Importing it never imports torch."""
