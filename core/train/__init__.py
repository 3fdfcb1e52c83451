"""Training: what can be trained and how it is asked for, samplers, losses, loops and what they measure.

Nothing imports torch until something is trained.
"""
