"""Training models in the window: asked for in the dock "Train", carried out by a process of its own."""
