"""How good a model is on data it hasn't seen: what was asked, what it answered, the figures, and one page of them. No torch
here, but for the moment in which a model is asked."""
