"""Decides who sits here, as decisions and drawings name their author: the name that was given, else that of the login.

At a microscope many share one login, so a person can say who it is.
"""

from __future__ import annotations

import getpass

LONGEST_NAME = 60
_given = ""


def call_user(name: str) -> None:
    """From now on what is decided is by this person; "" for whoever has logged in."""
    global _given  # who sits here is one fact of the whole program
    _given = " ".join(name.split())[:LONGEST_NAME]


def user_name() -> str:
    """Whoever sits here."""
    if _given:
        return _given
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # no login name, as in some containers
        return "unknown"
