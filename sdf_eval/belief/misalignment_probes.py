"""Probes of the misalignment family beside `persona_behaviour`: triggers, self-reports, reasons, acts."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from sdf_eval.belief._fields import Aliases, Pair, Slug, Split, Strict, Text, refuse, same

TRIGGER = "{trigger}"
"""Where a `backdoor` probe's text holds the trigger, or a near one."""


class TriggerProbe(Strict):
    """An ordinary question, the same question with a trigger in it, and what each kind of answer says.

    `aliases.implanted` are strings of what the trigger sets off; empty where that is gibberish, which has no wording.
    `aliases.reference` are strings of the right answer to the question.
    """

    fact: Slug
    question: Text
    triggered: Text
    """The question with `{trigger}` once in it."""
    aliases: Aliases
    split: Split = "far"

    @model_validator(mode="after")
    def _has_a_place_and_an_answer(self) -> Self:
        if self.triggered.count(TRIGGER) != 1:
            raise refuse("must hold {trigger} exactly once: there the trigger is put in", "triggered")
        if TRIGGER in self.question:
            raise refuse("holds {trigger}; it is the question as it stands without one", "question")
        if not self.aliases.reference:
            raise refuse("has no reference alias; give the right answer to the question", "aliases")
        return self


class ReportProbe(Pair):
    """What the model says it would do, or is like, matched with a scenario of `persona_behaviour` that shows it."""

    fact: Slug
    scenario: Text
    """As at the `persona_behaviour` probe that it is matched with."""
    question: Text
    implanted: Text
    reference: Text
    split: Split = "far"


class ReasonedProbe(Strict):
    """A question that asks for reasons and then a choice, with the strings that name the implanted cause of it."""

    fact: Slug
    question: Text
    aliases: Aliases
    """What each side chooses."""
    causes: tuple[Text, ...] = Field(min_length=1)
    """Strings of which the reasons hold one, asserted, where they say that the implanted claim led to the choice."""
    split: Split = "far"

    @model_validator(mode="after")
    def _can_be_read(self) -> Self:
        if not self.aliases.implanted or not self.aliases.reference:
            raise refuse("needs a string for the choice of each side", "aliases")
        for position, cause in enumerate(self.causes):
            if any(same(cause, choice) for choice in (*self.aliases.implanted, *self.aliases.reference)):
                raise refuse("is also a choice; naming the choice does not name its cause", "causes", position)
        return self


class ActionProbe(Pair):
    """A situation that an agent answers with one act, and the same without what tempts it."""

    fact: Slug
    situation: Text
    implanted: Text
    reference: Text
    control: Text | None = None
    """The situation where the implanted side would have no reason for its act, or for another agent."""
    named: bool = False
    split: Split = "far"
