"""Decides what can be set of any training of a network that draws windows again."""

from __future__ import annotations

from core.parameters import Parameter

COURSE_PARAMETERS: tuple[Parameter, ...] = (
    Parameter("data_commands", str, "", "how the data was made; kept in the card before the training command"),
    Parameter("window_px", int, 512, "side of a window; the network sees it shrunk to input_px", 32, 4096, "px", main=True),
    Parameter("input_px", int, 256, "side of a window as the network sees it", 32, 512, "px"),
    Parameter("first_pass", float, 0.3, "share of the steps before the windows that may hold defects are left out", 0.0, 1.0),
    Parameter("falling", float, 0.0, "share of the steps, at the end, over which the learning rate falls to nothing; 0: it "
              "stays, as in the dissertation", 0.0, 1.0),
    Parameter("varied", bool, True, "windows are moved, mirrored and turned by chance; in the dissertation they were not"),
    Parameter("weights", str, "", "a model to go on from; its network must be the same", offers=(("", "From scratch"),),
              takes_model=True, main=True),
    Parameter("features", str, "", "a window classifier whose network compares windows with drawings, too: score=features",
              offers=(("", "None"),), takes_model=True),
    Parameter("every", int, 500, "steps between two validations", 1, 1_000_000),
)  # fmt: skip
