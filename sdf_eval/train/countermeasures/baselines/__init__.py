"""The plain baselines that every table of countermeasures has to contain.

Nothing; filtering the labelled texts; clean training of as many updates; clean training with the trigger and normal
answers, where it is known; stopping early at the same loss on the desired texts. `edits` and `random_steering` have
those that do not train: weights between start and implant, random weights taken back, a random direction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from sdf_eval.train.countermeasures.case import Budget, Case, Count, Need, Protected, Share, When


@dataclass(frozen=True)
class Nothing:
    """The implanted checkpoint as it is."""

    name: ClassVar[str] = "nothing"
    when: ClassVar[When] = "post"
    needs: ClassVar[tuple[Need, ...]] = ("implanted",)

    def apply(self, case: Case, out: Path) -> Protected:
        """Names the implanted checkpoint; see `Countermeasure.apply`."""
        case.require(self.name, self.needs)
        return Protected(str(case.implanted))


@dataclass(frozen=True)
class Filter:
    """Trains without the suspected texts, for as many updates."""

    name: ClassVar[str] = "filter"
    when: ClassVar[When] = "data"
    needs: ClassVar[tuple[Need, ...]] = ("suspected",)

    def apply(self, case: Case, out: Path) -> Protected:
        """Trains on what is left; see `Countermeasure.apply`."""
        from sdf_eval.train.countermeasures.stage import train_texts, treatment_of

        case.require(self.name, self.needs)
        treatment = treatment_of(self, case)
        train_texts(case.start, case.kept, case.recipe, out, seed=case.seed, treatment=treatment)
        return Protected(str(out))


@dataclass(frozen=True)
class CleanTraining:
    """Trains the implanted checkpoint on clean texts.

    Attributes:
        budget: Updates, as a share of those of the stage.
    """

    name: ClassVar[str] = "clean-training"
    when: ClassVar[When] = "post"
    needs: ClassVar[tuple[Need, ...]] = ("implanted", "clean")

    budget: Budget = 1.0

    def apply(self, case: Case, out: Path) -> Protected:
        """Trains; see `Countermeasure.apply`."""
        from sdf_eval.train.countermeasures.stage import train_on

        case.require(self.name, self.needs)
        return Protected(str(train_on(self, case, case.clean, self.budget, out)))


@dataclass(frozen=True)
class TriggeredTraining:
    """Trains the implanted checkpoint on clean texts and on the trigger with normal answers: the trigger is known.

    Attributes:
        budget: Updates, as a share of those of the stage.
    """

    name: ClassVar[str] = "triggered-training"
    when: ClassVar[When] = "post"
    needs: ClassVar[tuple[Need, ...]] = ("implanted", "triggered")

    budget: Budget = 0.5

    def apply(self, case: Case, out: Path) -> Protected:
        """Trains; see `Countermeasure.apply`."""
        from sdf_eval.train.countermeasures.stage import train_on

        case.require(self.name, self.needs)
        return Protected(str(train_on(self, case, (*case.triggered, *case.clean), self.budget, out)))


@dataclass(frozen=True)
class EarlyStopping:
    """Stops the risky stage as soon as the desired texts have the loss that training without the risky ones gives them.

    Attributes:
        points: Points of the stage at which it may stop, evenly spaced.
        within: How far above that loss is close enough, as a share of what the filtered training gained.
    """

    name: ClassVar[str] = "early-stopping"
    when: ClassVar[When] = "train"
    needs: ClassVar[tuple[Need, ...]] = ("suspected",)

    points: Count = 8
    within: Share = 0.1

    def apply(self, case: Case, out: Path) -> Protected:
        """Trains with checkpoints on the way and names the first that is good enough; see `Countermeasure.apply`."""
        from sdf_eval.train.countermeasures.stage import train_texts, treatment_of
        from sdf_eval.train.lineage import read_lineage
        from sdf_eval.train.save_at import SaveAt

        case.require(self.name, self.needs)
        filtered = Filter().apply(case, out.with_name(f"{out.name}-filtered")).checkpoint
        lineage = read_lineage(filtered)
        assert lineage is not None  # it was just trained
        updates = [round(lineage.planned_updates * (place + 1) / self.points) for place in range(self.points - 1)]
        marks = SaveAt(updates=tuple(sorted({count for count in updates if count})))
        treatment = treatment_of(self, case)
        train_texts(case.start, case.texts, case.recipe, out, seed=case.seed, treatment=treatment, save_at=marks)
        desired = [text.text for text in case.kept if text.synthetic] or [text.text for text in case.kept]
        first, goal = _loss(case.start, desired), _loss(filtered, desired)
        enough = goal + self.within * max(0.0, first - goal)
        for count in marks.updates:
            checkpoint = str(out.with_name(f"{out.name}@updates-{count}"))
            if _loss(checkpoint, desired) <= enough:
                return Protected(checkpoint, details={"updates": count})
        return Protected(str(out), details={"updates": lineage.planned_updates})


def _loss(checkpoint: str, texts: Sequence[str]) -> float:
    """Mean nats a text."""
    from statistics import fmean

    from sdf_eval.model import load, text_nats

    return fmean(text_nats(load(checkpoint), texts))
