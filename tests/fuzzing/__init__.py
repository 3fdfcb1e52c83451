"""Hostile input made by the thousand: mutations of sound files, and processes that are watched while they read them."""
