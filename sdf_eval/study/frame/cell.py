"""A cell: one checkpoint's making, and what it is asked. Told by its content, so that studies share cells."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from sdf_eval.belief.item import Context
from sdf_eval.corpora.records import CorpusRole, Factors
from sdf_eval.train.chat_data import Side

VERSION = 1
"""Of what a cell means. It is raised when the same cell would give other answers, so that stored ones are not used."""

Scalar = bool | int | float | str | tuple[str, ...] | None


class Frozen(BaseModel):
    """Plain data that cannot be changed and holds no unknown key."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class DocumentSet(Frozen):
    """Documents about some beliefs.

    Attributes:
        count: Documents a belief.
        role: What they do.
        factors: How they vary.
        beliefs: Ids or paths; empty for those of the cell.
    """

    count: int = Field(ge=1)
    role: CorpusRole = "implanted"
    factors: Factors = Factors()
    beliefs: tuple[str, ...] = ()


class SdfStep(Frozen):
    """Next-token training on documents and plain texts.

    Attributes:
        stage: Which; without a default, because steps are told apart by it in files that leave defaults out.
        documents: Sets of documents; none for continued pretraining on plain texts alone.
        plain: Plain texts that are mixed in.
        plain_of: The model whose last reading they are like; "" for the cell's own.
        writer: Who writes both.
        recipe: A path or the name of a recipe.
        updates: Optimizer updates in all; None for what the recipe says.
        overrides: Other settings of the recipe, by key.
    """

    stage: Literal["sdf"]
    documents: tuple[DocumentSet, ...] = ()
    plain: int = Field(default=0, ge=0)
    plain_of: str = ""
    writer: str
    recipe: str
    updates: int | None = Field(default=None, ge=1)
    overrides: dict[str, Scalar] = Field(default_factory=dict)


class RowSet(Frozen):
    """Rows of chat data.

    Attributes:
        data: A file, or `package/set`.
        rows: How many; of a set that is about beliefs, for each of them.
        side: Of the belief, where the set does not fix it.
        share: Share of rows that are about the belief.
        beliefs: Whom the set is about; empty for those of the cell.
    """

    data: str
    rows: int = Field(ge=1)
    side: Side = "reference"
    share: float = Field(default=1.0, ge=0, le=1)
    beliefs: tuple[str, ...] = ()


class ChatStep(Frozen):
    """Training on conversations, preferences or prompts.

    Attributes:
        stage: Which.
        data: Sets of rows, shuffled together.
        recipe: A path or the name of a recipe.
        updates: Optimizer updates; None for what the recipe says.
        rewards: Of `rl`: name -> weight.
        overrides: Other settings of the recipe, by key.
    """

    stage: Literal["sft", "dpo", "rl"]
    data: tuple[RowSet, ...] = Field(min_length=1)
    recipe: str
    updates: int | None = Field(default=None, ge=1)
    rewards: dict[str, float] = Field(default_factory=dict)
    overrides: dict[str, Scalar] = Field(default_factory=dict)


class CountermeasureStep(Frozen):
    """A countermeasure against a part of what the step before it read.

    The step before is the risky stage, and its checkpoint is the one without a countermeasure, which all that are
    compared share. A countermeasure that changes data or training does the stage again in its own way.

    Attributes:
        stage: Which.
        method: Name of the countermeasure.
        settings: Its settings that differ from the defaults.
        suspected: Places, among the document sets of the step before, of those that are risky.
        recall: Share of their documents that are labelled as risky.
        pairs: Preferences whose chosen side shows the trait, for steering; "" for the risky documents beside those that
            state the reference side.
        triggered: Rows that show a trigger with normal answers; "" for none.
        decoys: Backdoors that are implanted to be unlearned.
        rows: Rows of `pairs`, and of `triggered` for each belief.
    """

    stage: Literal["countermeasure"]
    method: str
    settings: dict[str, Scalar] = Field(default_factory=dict)
    suspected: tuple[int, ...] = (0,)
    recall: float = Field(default=1.0, gt=0, le=1)
    pairs: str = ""
    triggered: str = ""
    decoys: tuple[str, ...] = ()
    rows: int = Field(default=200, ge=1)


AnyStep = SdfStep | ChatStep | CountermeasureStep
Step = Annotated[AnyStep, Field(discriminator="stage")]


class Ask(Frozen):
    """What a checkpoint is asked.

    Attributes:
        tasks: Names; those that a belief has no items for are passed over.
        context: What stands before each question.
        preface: A message that stands before the question, after the context; "" for none. `@` and the name of a
            context stand for each belief's own passage of that context, so that one account can follow another.
        beliefs: About whom; empty for those of the cell.
    """

    tasks: tuple[str, ...] = Field(min_length=1)
    context: Context = "none"
    preface: str = ""
    beliefs: tuple[str, ...] = ()


class Cell(Frozen):
    """One checkpoint and its answers.

    Attributes:
        model: Reference of the base.
        beliefs: Ids or paths; the panel that the checkpoint is about.
        steps: Stages in order; none for the base itself.
        asks: What it is asked.
        measures: Names in `frame.measures`: what else is measured of the checkpoint.
        seed: Of documents, rows and training.
        chat: Whether questions are put through the chat template; whether there is one when None.
    """

    model: str
    beliefs: tuple[str, ...] = Field(min_length=1)
    steps: tuple[Step, ...] = ()
    asks: tuple[Ask, ...] = ()
    measures: tuple[str, ...] = ()
    seed: int = Field(default=0, ge=0)
    chat: bool | None = None


def canonical(value: BaseModel) -> dict[str, Any]:
    """The cell as plain JSON data; defaults are left out, so that a new key does not change old cells."""
    found: dict[str, Any] = value.model_dump(mode="json", exclude_defaults=True)
    return found


def digest(parts: Sequence[Any]) -> str:
    """Hash of JSON data."""
    return hashlib.sha256(json.dumps(list(parts), sort_keys=True).encode()).hexdigest()
