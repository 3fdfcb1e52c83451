"""Two sections, or one under two display settings: side by side, or one under a divider that is drawn across."""
