"""The canvas a section is looked at on: tiles, overlays, navigation. `app.viewer.viewer.Viewer` is the whole of it."""
