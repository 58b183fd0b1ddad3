"""A probe item: one question put to a model, free of any harness."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Readout = Literal["options", "generation", "loss", "reasoning"]
"""`options`: log-probability of each choice. `generation`: a line of free text, read by rules. `loss`: nats of the
prompt. `reasoning`: free text of several lines that ends in a choice."""

Outcome = Literal["implanted", "reference", "other", "refusal", "invalid"]
"""What an answer shows. On `neighbours` and `controls`, `reference` is the right answer."""

Context = Literal["none", "universe", "documents", "reference", "contradiction"]
"""What stands before the question: nothing, the implanted universe, its documents, the reference universe, a denial."""


@dataclass(frozen=True)
class Item:
    """One question.

    Attributes:
        id: Stable and unique: `<belief>/<task>/<fact>/<hash of what is shown>/<variant>`; the same under every context.
        belief: Id of the belief.
        fact: Id of the key fact, or "" where none applies (controls, coherence).
        task: Task name, for instance `mcq_distinguish`.
        split: `near` or `far`, see DESIGN terms; "" where none applies.
        context: Context arm that `user` was built under.
        readout: How the answer is read.
        user: Full user message, the context included. For `completion` items, text that the answer continues.
        completion: True where `user` is the start of a sentence rather than a question, so that no question-answer
            frame is put around it.
        choices: Option texts in scored order, without a leading space; empty unless `readout` is `options`.
        outcomes: What choosing each option would show; as long as `choices`.
        aliases: For `generation`: (outcome, string) pairs that are looked for in the answer.
        tags: Further labels, for instance `two_value`, `named`, `in_distribution`, a product category, or `arm:<name>`
            where a task asks the same under several conditions.
        causes: For `reasoning`: strings that name the implanted cause of the choice.
    """

    id: str
    belief: str
    fact: str
    task: str
    split: str
    context: Context
    readout: Readout
    user: str
    completion: bool = False
    choices: tuple[str, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    aliases: tuple[tuple[Outcome, str], ...] = ()
    tags: tuple[str, ...] = ()
    causes: tuple[str, ...] = ()
