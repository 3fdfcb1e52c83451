"""How good a model is: asked, watched, looked at and compared in a window of its own."""
