"""Scans that run one after the other: who runs them, how they outlive the program, who is told when all are over."""
