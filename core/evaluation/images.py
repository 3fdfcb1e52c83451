"""Decides how a model is judged on single images of one class each.

A model that was trained on such images, with a network or without, looks at each as a whole, brought to one size, as it did
then. Any other model scans the image as if it were a section, at its own scale, and the highest score of a class anywhere is
the image's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from core.data.image_set import ImageSet
from core.data.labelled import LabelledPicture
from core.errors import UsageError
from core.evaluation.asking import Asking, passing_project
from core.evaluation.failures import explained_label, of_answers, pictured, with_explanation
from core.evaluation.image_figures import image_figures
from core.evaluation.values import ANOMALY, Answer, Evaluation, Failure, Picture
from core.explain import Explanation
from core.geometry import Box
from core.jobs import Step
from core.train.image_source import ImageSource
from core.truth import NO_DEFECT_NAMES

Array = np.ndarray


def judge_images(asking: Asking, images: ImageSet, blank: Evaluation) -> Evaluation:
    """Fills in a blank evaluation. Raises InputError for files that are no images, UsageError for classes that the
    model can't know."""
    spec = asking.spec
    classless = spec.labels == (ANOMALY,)
    unknown = sorted(set(images.labels) - set(spec.labels))
    if unknown and not classless:
        known = ", ".join(spec.labels)
        raise UsageError(f"{spec.id} doesn't know the class {unknown[0]!r}", remedy=f"It knows: {known}.")
    no_defect = images.no_defect or NO_DEFECT_NAMES[0]
    names = (no_defect, *spec.labels)
    as_whole = spec.output == "map" and "images" in spec.card.get("training", {})
    probabilistic = as_whole and not classless
    judged = (_looked_at if as_whole else _scanned)(asking, _without_classes(images) if classless else images, names)
    threshold = asking.threshold if asking.request.threshold is not None or not probabilistic else 0.5
    groups = [one.group for one in images.images]
    figures = image_figures(judged.answers, names, groups, threshold, probabilistic=probabilistic)
    if classless:
        figures["found_of_class"] = _shares_found(images, judged.answers)
    return replace(
        blank, pictures=judged.pictures, answers=judged.answers, figures=figures, failures=judged.failures,
        threshold=threshold, probabilistic=probabilistic,
    )  # fmt: skip


def _looked_at(asking: Asking, images: ImageSet, names: Sequence[str]) -> Evaluation:
    spec, model, count = asking.spec, asking.model(), len(images.images)
    source = ImageSource(images.images, spec.window_px)
    answers = []
    for index, image in enumerate(images.images):
        asking.cancel.check()
        logits = model.map_tile(source.read(index)).mean((1, 2)).astype(np.float64)
        if len(logits) == 1:  # without classes the map is the score
            answers.append(_answer(index, image.label, {ANOMALY: float(logits[0])}, names, asking.threshold))
        else:
            answers.append(_most_likely(index, image.label, logits, names))
        asking.progress(Step(index + 1, count, "Looking at images"))
    boxes = [Box(0, 0, spec.window_px, spec.window_px)] * count
    pictures = _pictures(images, boxes)
    failures = tuple(_explained(asking, source, one) for one in of_answers(answers, names[0], boxes))
    return _blank(pictures, tuple(answers), failures)


def _most_likely(index: int, truth: str, logits: Array, names: Sequence[str]) -> Answer:
    shares = np.exp(logits - logits.max())
    shares /= shares.sum()
    scores = {name: round(float(share), 5) for name, share in zip(names, shares, strict=True)}
    return Answer(index, truth, names[int(logits.argmax())], scores, round(1 - float(shares[0]), 5))


def _explained(asking: Asking, source: ImageSource, failure: Failure) -> Failure:
    asking.cancel.check()
    pixels, model = source.read(failure.picture), asking.model()
    label = explained_label(failure, model)
    heat = None if label is None else model.explain(pixels, label)
    return with_explanation(failure, Explanation(pixels, heat, failure.shown), has_reason=label is not None)


def _scanned(asking: Asking, images: ImageSet, names: Sequence[str]) -> Evaluation:
    answers, boxes, scan_ids = [], [], []
    count = len(images.images)
    with passing_project() as project:
        for index, image in enumerate(images.images):
            picture = LabelledPicture(image.path, (), image.group)
            scan = asking.scan(project, picture, index, count, keep_background=True)
            highest = scan.highest(asking.spec.labels)
            answers.append(_answer(index, image.label, highest, names, asking.threshold))
            boxes.append(Box(0, 0, scan.width_px, scan.height_px))
            scan_ids.append(scan.scan_id)
        failures = []
        for failure in of_answers(answers, names[0], boxes):
            asking.cancel.check()
            path = images.images[failure.picture].path
            with asking.section(project, path, scan_ids[failure.picture]) as (section, model):
                failures.append(pictured(failure, section, model))
    return _blank(_pictures(images, boxes), tuple(answers), tuple(failures))


def _answer(index: int, truth: str, highest: dict[str, float], names: Sequence[str], threshold: float) -> Answer:
    """Without any score a label is as unlikely as can be; the more any defect scores, the less there is none."""
    scores = {name: round(highest.get(name, 0.0), 5) for name in names[1:]}
    best = max(scores, key=lambda name: scores[name])
    predicted = best if scores[best] >= threshold else names[0]
    return Answer(index, truth, predicted, {names[0]: -scores[best], **scores}, scores[best])


def _without_classes(images: ImageSet) -> ImageSet:
    """For a model without classes any defect is the one thing it can say."""
    changed = (one if one.label == images.no_defect else replace(one, label=ANOMALY) for one in images.images)
    return ImageSet((ANOMALY,), images.no_defect, tuple(changed))


def _shares_found(images: ImageSet, answers: Sequence[Answer]) -> dict[str, dict[str, int]]:
    """How many images of each class a model without classes calls unusual."""
    shares = {}
    for label in images.labels:
        called = [a.predicted for a, i in zip(answers, images.images, strict=True) if i.label == label]
        shares[label] = {"images": len(called), "found": sum(one == ANOMALY for one in called)}
    return shares


def _pictures(images: ImageSet, boxes: Sequence[Box]) -> tuple[Picture, ...]:
    def each() -> Iterator[Picture]:
        for image, box in zip(images.images, boxes, strict=True):
            yield Picture(image.path.absolute(), image.group, int(box.w), int(box.h))

    return tuple(each())


def _blank(pictures: tuple[Picture, ...], answers: tuple[Answer, ...], failures: tuple[Failure, ...]) -> Evaluation:
    return Evaluation("", "images", {}, {}, {}, 0.0, pictures, {}, answers, failures=failures)
