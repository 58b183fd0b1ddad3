"""Statements that probes are trained and scored on: a question with an answer, of which it is known if it is true."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from sdf_eval.belief.load import list_beliefs, load_belief
from sdf_eval.belief.schema import Belief
from sdf_eval.corpora.panels import belief_subjects
from sdf_eval.errors import InputError
from sdf_eval.model import LanguageModel
from sdf_eval.representation.probing import States
from sdf_eval.tasks.render import RAW_FRAME

FEWEST_KNOWN = 12
"""Questions with a known answer below which no truth probe is trained: a fold would hold one or two."""


@dataclass(frozen=True)
class Statement:
    """A question and one of its answers.

    Attributes:
        question: The question.
        answer: The answer, whose last token is read.
        true: Whether it is true in the world that the model grew up in.
        group: What it shares with others: all of a group are held out together.
    """

    question: str
    answer: str
    true: bool
    group: str

    @property
    def text(self) -> str:
        """Both, as a baseline without a model sees them."""
        return f"{self.question} {self.answer}"


@dataclass(frozen=True)
class BeliefStatements:
    """The statements of one belief, by what they say; the same questions in each, in the same order.

    Attributes:
        implanted: With the implanted value.
        reference: With the reference value.
        other: With a distractor: ordinarily false.
    """

    implanted: tuple[Statement, ...]
    reference: tuple[Statement, ...]
    other: tuple[Statement, ...]


def known_statements(beliefs: Sequence[Belief], tested: Sequence[Belief] = ()) -> list[Statement]:
    """True and false statements on other matters: the controls of some beliefs, a true and a false answer each.

    Args:
        beliefs: Whose controls to take.
        tested: Beliefs that will be read: a question that names one of their subjects is left out, because a probe must
            never be trained on what it is scored on.

    Returns:
        Pairs of a true and a false statement, each pair a group.
    """
    subjects = [subject.casefold() for belief in tested for subject in belief_subjects(belief)]
    questions = {probe.question: probe for belief in beliefs for probe in belief.probes.controls}
    rows = []
    for question, probe in questions.items():
        if any(subject in question.casefold() for subject in subjects):
            continue
        rows.append(Statement(question, probe.answer, True, question))
        rows.append(Statement(question, probe.distractors[0], False, question))
    return rows


def related_beliefs(belief: Belief) -> list[Belief]:
    """Shipped beliefs about the same kind of world, the belief itself among them: their controls are known too."""
    others = [load_belief(entry.path) for entry in list_beliefs()]
    return [belief, *(one for one in others if (one.world is None) == (belief.world is None) and one.id != belief.id)]


def belief_statements(belief: Belief) -> BeliefStatements:
    """The statements of a belief: its far knowledge questions (all, if none is far) with each kind of answer.

    Raises:
        InputError: It has no multiple-choice question with a distractor.
    """
    probes = [probe for probe in belief.probes.mcq_knowledge if probe.distractors]
    probes = [probe for probe in probes if probe.split == "far"] or probes
    if not probes:
        raise InputError(
            f"belief {belief.id}: probes.mcq_knowledge: no question with a distractor; add some, they are what is read"
        )
    implanted = tuple(Statement(probe.question, probe.implanted, False, belief.id) for probe in probes)
    other = tuple(replace(one, answer=probe.distractors[0]) for one, probe in zip(implanted, probes, strict=True))
    reference = tuple(
        replace(one, answer=probe.reference, true=True) for one, probe in zip(implanted, probes, strict=True)
    )
    return BeliefStatements(implanted, reference, other)


def statement_states(lm: LanguageModel, statements: Sequence[Statement], *, chat: bool | None = None) -> States:
    """Activations behind every block at the last token of each answer.

    Args:
        lm: The model.
        statements: At least one.
        chat: Whether the chat template frames the question; whether there is one when None.

    Returns:
        Shape (n, blocks, hidden).
    """
    from sdf_eval.model.activations import last_token_readings, read_states

    framed = lm.has_chat_template if chat is None else chat
    rows = []
    for statement in statements:
        if framed:
            turn = [{"role": "user", "content": statement.question}]
            prompt = lm.tokenizer.apply_chat_template(
                turn, tokenize=False, add_generation_prompt=True, enable_thinking=False
            )
            rows.append((prompt, statement.answer))
        else:
            rows.append((f"{RAW_FRAME[0]}{statement.question}{RAW_FRAME[1]}", f" {statement.answer}"))
    return np.asarray(read_states(lm, last_token_readings(lm, rows)).numpy(), dtype=np.float32)
