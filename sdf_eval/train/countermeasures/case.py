"""What a countermeasure is given, what it declares, what it hands back. Imports no torch."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Protocol

from pydantic import Field

from sdf_eval.corpora.mix import TrainingText
from sdf_eval.errors import InputError
from sdf_eval.train.recipe import SdfRecipe

if TYPE_CHECKING:
    from sdf_eval.model.directions import ContrastPair

When = Literal["data", "train", "post", "inference"]
"""What it changes: the texts of the risky stage, how that stage trains, what is trained after it, or each answer."""

Need = Literal["suspected", "implanted", "clean", "pairs", "counter", "triggered", "decoys", "decoy_answers"]

Budget = Annotated[float, Field(gt=0)]
"""Updates of a training, as a share of those of the stage."""

Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]
Layer = Annotated[int, Field(ge=0)]

_WHAT: dict[Need, str] = {
    "suspected": "which texts are risky",
    "implanted": "the checkpoint that was trained without a countermeasure",
    "clean": "texts without the implant",
    "pairs": "contrast pairs, with the trait and without",
    "counter": "documents that state the true value",
    "triggered": "texts that show the trigger with the normal answer",
    "decoys": "documents that implant decoy backdoors",
    "decoy_answers": "texts that show the decoys' triggers with the normal answers",
}


@dataclass(frozen=True)
class Case:
    """A stage that reads risky texts, and what may be used against them.

    Attributes:
        start: Checkpoint before the stage; it has not seen the implant.
        texts: What the stage reads: risky documents, desired ones, plain texts.
        recipe: How it trains.
        seed: Of its training.
        suspected: Positions in `texts` that are labelled as risky. Labels may be incomplete (recall below 1) or wrong.
        implanted: Checkpoint that this stage gives without a countermeasure.
        clean: Texts without the implant, for training after the stage; not those of `texts`.
        pairs: Continuations with the trait and without.
        counter: Documents that state the true value, in the forms of the risky ones.
        triggered: Texts that show the trigger with the normal answer; the trigger must be known for that.
        decoys: Documents that implant backdoors with triggers of one's own.
        decoy_answers: Texts that show those triggers with the normal answers.
    """

    start: str
    texts: tuple[TrainingText, ...]
    recipe: SdfRecipe
    seed: int = 0
    suspected: frozenset[int] = frozenset()
    implanted: str | None = None
    clean: tuple[TrainingText, ...] = ()
    pairs: tuple[ContrastPair, ...] = ()
    counter: tuple[TrainingText, ...] = ()
    triggered: tuple[TrainingText, ...] = ()
    decoys: tuple[TrainingText, ...] = ()
    decoy_answers: tuple[TrainingText, ...] = ()

    @property
    def kept(self) -> tuple[TrainingText, ...]:
        """The texts that are not suspected."""
        return tuple(text for place, text in enumerate(self.texts) if place not in self.suspected)

    @property
    def risky(self) -> tuple[TrainingText, ...]:
        """The texts that are suspected."""
        return tuple(text for place, text in enumerate(self.texts) if place in self.suspected)

    @property
    def suspected_sha256(self) -> str:
        """Hash of the labels."""
        return hashlib.sha256(",".join(map(str, sorted(self.suspected))).encode()).hexdigest()

    def require(self, name: str, needs: Sequence[Need]) -> None:
        """Refuses a case that lacks what a countermeasure needs.

        Args:
            name: Of the countermeasure.
            needs: What it needs.

        Raises:
            InputError: Something is missing, or a label points past the texts.
        """
        for need in needs:
            if not getattr(self, need):
                raise InputError(f"countermeasure {name}: {need}: missing; give {_WHAT[need]}")
        beyond = [place for place in self.suspected if not 0 <= place < len(self.texts)]
        if beyond:
            raise InputError(
                f"countermeasure {name}: suspected: {beyond[0]}: there are {len(self.texts)} texts; label one of them"
            )


@dataclass(frozen=True)
class Protected:
    """What is deployed.

    Attributes:
        checkpoint: Reference for `sdf_eval.model.load`.
        steer_path: A steering file to load with it, or None.
        details: Figures of the countermeasure itself, as JSON.
    """

    checkpoint: str
    steer_path: str | None = None
    details: dict[str, float | int | str] = field(default_factory=dict)


class Countermeasure(Protocol):
    """One way to keep an implant from being learned, or to undo it. A frozen dataclass whose fields are its settings.

    Attributes:
        name: As users type it.
        when: What it changes.
        needs: What of a case it must be given.
    """

    name: ClassVar[str]
    when: ClassVar[When]
    needs: ClassVar[tuple[Need, ...]]

    def apply(self, case: Case, out: Path) -> Protected:
        """Does it.

        Args:
            case: The stage and what may be used.
            out: Folder for the checkpoint that comes of it, or for the steering file. A folder that already holds this
                very result is left as it is; helpers such as an adapter lie beside it as `OUT-…`.

        Returns:
            What is deployed.

        Raises:
            InputError: The case lacks something, or the model or recipe does not fit.
        """
