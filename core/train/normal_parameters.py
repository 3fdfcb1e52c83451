"""Decides what can be chosen of the data a model of normal learns from, whatever its family."""

from __future__ import annotations

from core.parameters import Parameter

NORMAL_PARAMETERS: tuple[Parameter, ...] = (
    Parameter("no_defect", str, "", "folders of images: the class without a defect; empty: normal, good, ok, none…"),
    Parameter("um_per_px", float, 0.0, "scale at which it looks; 0: that of the pictures", 0.0, 1000, "µm/px", main=True),
    Parameter("most", int, 3000, "windows learnt from at most, drawn by chance", 8, 200_000, "windows", main=True),
    Parameter("held_share", float, 0.2, "share of what is normal that is kept back, to learn what scores are normal", 0.05, 0.5),
    Parameter("trim", float, 0.05, "share of the windows that may hold a defect where nobody said what is normal; "
              "left out after a first look", 0.0, 0.4, main=True),
    Parameter("contamination", float, 0.0, "for experiments: share of the windows that show a marked defect all the same",
              0.0, 0.5),
)  # fmt: skip
