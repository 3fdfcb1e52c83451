"""Chemistry in the window: results of an EDX imported, ambiguous ones asked for, classes proposed by rules."""
