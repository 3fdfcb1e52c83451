"""Draws pixels for the eye as a `core.look.Look` says: tones, flat field, local contrast, sharpening, in this order.

Nothing in here is ever seen by a model.
"""
