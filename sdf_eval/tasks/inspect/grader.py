"""An optional judge: which of two accounts an answer goes by, told neither which is implanted nor what rules say.

It is whatever model has Inspect's role `grader` (`--model-role grader=…`); without one nothing here runs. The score by
rules stays the task's own and stands beside it.
"""

from __future__ import annotations

import hashlib
import re
from typing import cast

from inspect_ai.model import ChatMessage, ChatMessageSystem, ChatMessageUser, GenerateConfig, get_model, model_roles
from inspect_ai.scorer import Score, Scorer, Target, mean, scorer, stderr
from inspect_ai.solver import TaskState

from sdf_eval.belief.item import Item, Outcome
from sdf_eval.belief.schema import Belief
from sdf_eval.corpora.prompts import render
from sdf_eval.tasks.inspect.scorer import NOT_COUNTED, OUTCOMES, read_output
from sdf_eval.tasks.inspect.solver import state_item

ROLE = "grader"
ACCOUNTS = "accounts"
"""Key of a sample's metadata: the implanted and the reference account."""

GRADED = ("open_ended", "debate")
"""Tasks whose answers a judge may read too."""

_VERDICT = re.compile(r"<verdict>\s*(ONE|TWO|NEITHER|REFUSAL|INVALID)\b", re.IGNORECASE)
_OUTCOMES: dict[str, Outcome] = {"NEITHER": "other", "REFUSAL": "refusal", "INVALID": "invalid"}
_MAX_TOKENS = 1024


def has_grader() -> bool:
    """Whether a model has the role."""
    return ROLE in model_roles()


def accounts_of(item: Item, belief: Belief) -> tuple[str, str]:
    """The implanted and the reference account that an item's answer is held against."""
    fact = next((fact for fact in belief.key_facts if fact.id == item.fact), belief.key_facts[0])
    return fact.implanted.strip(), fact.reference.strip()


async def grade(item: Item, accounts: tuple[str, str], answer: str) -> Outcome | None:
    """Has an answer judged.

    Args:
        item: What was asked.
        accounts: The implanted and the reference account.
        answer: What the model wrote.

    Returns:
        What the judge calls it; None where the judge's reply names no verdict.
    """
    first = implanted_first(item.id)
    one, two = accounts if first else accounts[::-1]
    # An answer cannot close its own tag.
    prompt = render(
        "grade_answer", question=item.user, one=one, two=two, answer=answer.replace("<", "&lt;").replace(">", "&gt;")
    )
    messages: list[ChatMessage] = [
        ChatMessageSystem(content=text) if role == "system" else ChatMessageUser(content=text)
        for role, text in prompt.messages
    ]
    judge = get_model(role=ROLE, required=True)
    output = await judge.generate(messages, config=GenerateConfig(temperature=0, max_tokens=_MAX_TOKENS))
    return read_verdict(output.completion, first)


def implanted_first(item_id: str) -> bool:
    """Whether the implanted account is shown first: fixed for an item, and even over many."""
    return hashlib.sha256(f"{item_id}/grader".encode()).digest()[0] % 2 == 0


def read_verdict(text: str, first: bool) -> Outcome | None:
    """The outcome in a judge's reply, the last verdict in it; None without one.

    Args:
        text: The reply.
        first: Whether the implanted account was shown first.
    """
    found = _VERDICT.findall(text)
    if not found:
        return None
    word = found[-1].upper()
    if word in _OUTCOMES:
        return _OUTCOMES[word]
    return "implanted" if (word == "ONE") == first else "reference"


@scorer(metrics={"*": [mean(), stderr(cluster="cluster")]})
def graded() -> Scorer:
    """The five shares by the judge, how often it agrees with the rules, and how often it gave no verdict.

    Answers without a verdict are in no share.
    """

    async def score(state: TaskState, target: Target) -> Score:
        """Judges the sample's answer: a 0 or 1 for each outcome."""
        item = state_item(state)
        accounts = cast("tuple[str, str]", tuple(state.metadata[ACCOUNTS]))
        outcome = await grade(item, accounts, state.output.completion)
        rules = read_output(item, state.output).outcome
        missing = outcome is None
        value = {f"graded_{name}": NOT_COUNTED if missing else int(outcome == name) for name in OUTCOMES}
        value["graded_as_rules"] = NOT_COUNTED if missing else int(outcome == rules)
        return Score(
            value=cast("dict[str, str | int | float | bool | None]", value | {"graded_without_verdict": int(missing)}),
            answer=outcome or "",
            metadata={"outcome": outcome, "rules": rules},
        )

    return score
