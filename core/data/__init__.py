"""Labelled data of any kind, for training and judging: what is marked where, whoever wrote it down. No torch here."""
