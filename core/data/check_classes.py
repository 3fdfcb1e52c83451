"""Decides what is odd about the classes of labelled data: too few examples, none at all, all in one place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence

from core.data.findings import Example, Finding, named

# The usual number of parts for cross-validation: with fewer examples a class is missing from some.
FEW = 5
IMBALANCE = 20.0


def odd_classes(examples: Sequence[Example], declared: Collection[str]) -> Iterator[Finding]:
    """`declared`: every class that the data names, whether something is marked so or not."""
    counts = Counter(label for example in examples for label in example.labels)
    single = sorted(label for label, count in counts.items() if count == 1)
    few = sorted(label for label, count in counts.items() if 1 < count < FEW)
    empty = sorted(set(declared) - set(counts))
    for label in single:
        (where,) = (example.path for example in examples if label in example.labels)
        yield Finding(
            "problem", f"the class {label!r} has one example only ({where.name})",
            "It can't be both learnt and checked: label more of it, or give it another class.", (where,),
        )  # fmt: skip
    if empty:
        yield Finding("problem", f"no example of the class {named(empty)}", "Label some, or take the class away.")
    if few:
        listed = named([f"{label} ({counts[label]})" for label in few])
        yield Finding("hint", f"fewer than {FEW} examples: {listed}", "Their figures will say little.")
    yield from _one_sided(examples, counts)
    if counts and max(counts.values()) > IMBALANCE * min(counts.values()):
        (most, many), (least, rare) = counts.most_common(1)[0], counts.most_common()[-1]
        yield Finding(
            "hint", f"{many} examples of {most!r} against {rare} of {least!r}",
            "A loss for imbalance or over-sampling helps (see the settings of the training).",
        )  # fmt: skip


def odd_groups(examples: Sequence[Example], is_split: bool) -> Iterator[Finding]:
    """What groups do to a split. `is_split`: whoever made the data has set a part aside."""
    groups = {example.group for example in examples if not example.aside}
    if is_split or len(groups) >= FEW:
        return
    if len(groups) == 1:
        yield Finding(
            "problem", f"all pictures are of one group ({min(groups)})",
            "They can't be split: what is trained on is judged on, too, and the figures will be too good. Add others.",
        )  # fmt: skip
    else:
        yield Finding(
            "hint",
            f"{len(groups)} groups of pictures only",
            "One of them is set aside whole, so that figures vary much.",
        )


def _one_sided(examples: Sequence[Example], counts: Counter[str]) -> Iterator[Finding]:
    """Classes that a split leaves on one side."""
    common = [label for label, count in counts.items() if count > 1]
    sides = {label: {example.aside for example in examples if label in example.labels} for label in common}
    if any(example.aside for example in examples):
        if missing := sorted(label for label, side in sides.items() if True not in side):
            yield Finding("hint", f"not in what is set aside for validation: {named(missing)}", "They can't be judged.")
        if missing := sorted(label for label, side in sides.items() if False not in side):
            yield Finding(
                "problem", f"only in what is set aside for validation: {named(missing)}", "They can't be learnt."
            )
        return
    groups = {label: {example.group for example in examples if label in example.labels} for label in common}
    if (alone := sorted(label for label in common if len(groups[label]) == 1)) and len(
        set().union(*groups.values())
    ) > 1:
        yield Finding("hint", f"in one group only: {named(alone)}", "They are trained on, but can't be judged.")
