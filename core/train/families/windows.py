"""Decides what can be set when a window classifier with one of the well-known networks is trained."""

from __future__ import annotations

from core.models.classifier import BACKBONES
from core.parameters import Parameter
from core.train.base import IDENTITY, TrainerSpec, imported

SMALL = "small"
LOSSES = ("cross_entropy", "focal", "label_smoothing", "max_entropy", "alpha_js")

PARAMETERS: tuple[Parameter, ...] = (
    *IDENTITY,
    Parameter("backbone", str, "resnet18", "the network; small: a narrow ResNet for processors", choices=(SMALL, *BACKBONES),
              main=True),
    Parameter("weights", str, "", "start: empty random, imagenet (torchvision's, online), a model folder, or a file",
              offers=(("", "From scratch"), ("imagenet", "ImageNet (online)")), main=True),
    Parameter("no_defect", str, "", "the class without a defect; empty: the one called normal, good, ok, none…"),
    Parameter("um_per_px", float, 0.0, "scale at which it looks; 0: that of the marked pictures, unknown for images",
              0.0, 1000, "µm/px", main=True),
    Parameter("input_px", int, 256, "side of a window or image as the network sees it, rounded up to its cells (84: 96)",
              32, 1024, "px"),
    Parameter("negatives", float, 3.0, "marked pictures: windows without a defect for each one with", 0.0, 100.0),
    Parameter("loss", str, "cross_entropy", "what a wrong answer costs", choices=LOSSES),
    Parameter("weighted", bool, False, "rare classes count more, by the inverse of their share"),
    Parameter("defect_weight", float, 1.0, "how much more every defect counts than no defect", 0.01, 100.0),
    Parameter("gamma", float, 2.0, "focal loss: how much sure answers are forgiven", 0.0, 10.0),
    Parameter("epsilon", float, 0.1, "label smoothing: share that goes to all classes", 0.0, 0.9),
    Parameter("beta", float, 1.0, "max_entropy and alpha_js: weight of the entropy term", 0.0, 10.0),
    Parameter("alpha", float, 0.5, "alpha_js: skewness; 0 is maximum entropy, 1 label smoothing", 0.0, 1.0),
    Parameter("sampling", str, "plain", "rare classes shown more often, or frequent ones less",
              choices=("plain", "over", "under")),
    Parameter("epochs", int, 60, "times that all images are shown", 1, 10_000, main=True),
    Parameter("patience", int, 20, "epochs without a better result before it stops", 1, 10_000),
    Parameter("batch", int, 16, "images per batch", 2, 4096),
    Parameter("learning_rate", float, 1e-3, "of Nesterov's momentum; × 0.75 every 20 epochs", 1e-7, 1.0),
    Parameter("find_rate", bool, False, "tries rising rates on some 170 batches first and takes the one that suits"),
    Parameter("augmentation", float, 1.0, "how strongly place, light, colour, focus and noise are varied", 0.0, 2.0),
    Parameter("folds", int, 5, "the groups are split so many ways; one part is validated on", 2, 20),
    Parameter("test_share", float, 0.0, "share of the groups kept back for a last look", 0.0, 0.5),
    Parameter("cross_validate", bool, False, "trains once for each part and reports mean and deviation; keeps the first"),
)  # fmt: skip

SPEC = TrainerSpec(
    id="windows",
    family="classifier",
    name="Window classifier",
    description="One class for each window: ResNet, VGG, GoogLeNet, or a small network for processors.",
    data=("images", "boxes", "outlines"),
    parameters=PARAMETERS,
    run=imported("core.train.window_classifier", "train_window_classifier"),
    lighter={"backbone": SMALL},
)
