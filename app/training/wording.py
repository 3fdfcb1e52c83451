"""Decides what is said of a training in words: what its data holds, how far it is, and what its model has learnt."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from typing import TYPE_CHECKING, Any

from core.class_colours import class_name
from core.counting import counted
from core.jobs import Step
from core.timing import spoken_seconds

if TYPE_CHECKING:
    from core.data.image_set import ImageSet
    from core.data.labelled import LabelledData
    from core.train.request import TrainRequest

_FIGURES = {
    "loss": "Training",
    "validation_loss": "Validation",
    "macro_f1": "F1, mean of classes",
    "map50": "mAP at IoU 0.50",
    "map33": "mAP at IoU 0.33",
    "ap": "Average precision",
    "f2": "F2",
    "auroc": "AUROC",
    "ssim": "SSIM of drawings",
    "lowest_ssim": "Worst SSIM",
    "mse_loss": "Mean squared error",
    "kl_loss": "KL divergence",
    "l1_loss": "Absolute error",
    "judge_loss": "Discriminator",
    "fooling_loss": "Generator against it",
}
_MOST_CLASSES = 8  # that a summary counts one by one


def figure_name(name: str) -> str:
    """What people read for a figure that a trainer tells."""
    return _FIGURES.get(name, name.replace("_", " ").capitalize())


def images_text(images: ImageSet) -> str:
    """How many images of which classes."""
    from core.data.image_set import counts

    of = counts(images.images)
    groups = len({image.group for image in images.images})
    return f"{counted(len(images.images), 'image')} in {counted(groups, 'group')}: {_classes(of)}."


def marks_text(data: LabelledData) -> str:
    """How many marks of which classes, and how many places that hold nothing."""
    marks = {label: data.count(label) for label in data.labels}
    empty = sum(len(picture.empty) for picture in data.everything)
    parts = [f"{counted(sum(marks.values()), 'mark')} in {counted(len(data.everything), 'picture')}: {_classes(marks)}"]
    if empty:
        parts.append(f"{counted(empty, 'place')} without a defect")
    if data.validation:
        parts.append(f"{counted(len(data.validation), 'picture')} set aside to judge by")
    return "; ".join(parts) + "."


def decisions_text(data: LabelledData, artefacts: Set[str]) -> str:
    """What has been judged in a project. `artefacts`: its classes of artefacts."""
    marks = {label: data.count(label) for label in data.labels}
    others = sum(count for label, count in marks.items() if label in artefacts)
    alarms = sum(len(picture.empty) for picture in data.everything)
    kinds = ((sum(marks.values()) - others, "defect"), (others, "artefact"), (alarms, "false alarm"))
    judged = ", ".join(counted(number, what) for number, what in kinds if number)
    return f"{judged} in {counted(len(data.everything), 'section')}: {_classes(marks)}."


def model_name(request: TrainRequest) -> str:
    """The name its model will have, as it was typed."""
    return str(request.settings.get("name", "")) or request.out.name


def step_text(step: Step, seconds_left: float | None) -> tuple[str, str]:
    """A headline, and what goes beside it more quietly."""
    if not step.total:
        return step.message or "Getting ready", ""
    return short_text(step, seconds_left), f"{step.done:,} of {step.total:,} · {step.message}"


def short_text(step: Step, seconds_left: float | None) -> str:
    """How far, and how long yet, where that is known."""
    if not step.total:
        return "is getting ready"
    left = "" if seconds_left is None else f" · about {spoken_seconds(seconds_left)} left"
    return f"{100 * step.done // step.total} %{left}"


_CHOSEN_THERE = "Its best state and its threshold were chosen on these: on others it will do a little worse."


def learnt_text(metrics: Mapping[str, Any], training: Any) -> list[str]:
    """What a finished training came to, a sentence each. `training`: what the model's card says of it."""
    own = metrics.get("validation")
    figures = own if isinstance(own, Mapping) else metrics
    if not is_judged_on_its_own(training):
        said = list(_sentences(figures, "it was not trained on"))
        chosen = isinstance(training, Mapping) and training.get("threshold_chosen_on") == "validation"
        return [*said, _CHOSEN_THERE] if said and chosen else said
    said = list(_sentences(figures, "it was trained on itself"))
    return [*said, "There was nothing else to judge it by: elsewhere it will do worse."] if said else []


def is_judged_on_its_own(training: Any) -> bool:
    """Whether there was only one group, which then served for both; cards come from anywhere."""
    known = training if isinstance(training, Mapping) else {}
    return known.get("groups") == 1 and not known.get("validation_sections")


def class_rows(metrics: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Class, the share of what it marks that is right, the share that it finds; as texts."""
    own = metrics.get("validation")
    classes = (own if isinstance(own, Mapping) else metrics).get("classes")
    if not isinstance(classes, Mapping):
        return []
    return [
        (class_name(label), _percent(of.get("precision")), _percent(of.get("recall")))
        for label, of in classes.items()
        if isinstance(of, Mapping)
    ]


def _sentences(figures: Mapping[str, Any], which: str) -> Iterator[str]:
    defects = figures.get("defects")
    if isinstance(defects, Mapping) and defects.get("recall") is not None:
        truth = defects.get("truth")
        whole = counted(truth, "defect") if isinstance(truth, int) else "the defects"
        yield f"Of {whole} that {which} it finds {_percent(defects['recall'])}."
        if defects.get("precision") is not None:
            yield f"{_percent(defects['precision'])} of what it calls a defect is one."
    if figures.get("accuracy") is not None:
        images = figures.get("images")
        whole = counted(images, "image") if isinstance(images, int) else "the images"
        yield f"Of {whole} that {which} it names the class of {_percent(figures['accuracy'])} rightly."
    for name in ("macro_f1", "balanced_accuracy", "map50", "map33", "auroc"):
        if isinstance(figures.get(name), float):
            yield f"{figure_name(name)}: {figures[name]:.2f}."
    if figures.get("artefacts_called_defects"):
        yield f"{counted(int(figures['artefacts_called_defects']), 'artefact')} called a defect."


def _classes(counts: Mapping[str, int]) -> str:
    most = sorted(counts.items(), key=lambda item: -item[1])
    named = [f"{class_name(label)} {count:,}" for label, count in most[:_MOST_CLASSES]]
    return ", ".join([*named, *([f"{len(most) - _MOST_CLASSES} more classes"] if len(most) > _MOST_CLASSES else [])])


def _percent(share: Any) -> str:
    return f"{100 * share:.0f}\u00a0%" if isinstance(share, int | float) else "–"
