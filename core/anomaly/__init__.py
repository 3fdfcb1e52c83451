"""What models of normal have in common, as plain values: how scores are calibrated, where thresholds lie, what drifts."""
