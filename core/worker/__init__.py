"""Decides how heavy work runs in a process of its own: what is said over the pipe, who starts it, who ends it."""
