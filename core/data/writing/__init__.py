"""Labelled data made of a project's decisions, in formats that others and `core.data.formats` read: one file each."""
