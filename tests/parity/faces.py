"""One item through each face, as the numbers that must agree."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sdf_eval.belief.item import Item
from sdf_eval.belief.items import applicable_tasks, build_items
from sdf_eval.belief.load import load_belief
from sdf_eval.tasks.lm_eval.documents import to_item
from sdf_eval.tasks.lm_eval.metrics import SHARES
from sdf_eval.tasks.score import score_text

BELIEF = Path(__file__).with_name("belief.yaml")
BACKDOOR = Path(__file__).with_name("backdoor.yaml")
TASKS = applicable_tasks(load_belief(BELIEF))
"""All but those of other kinds of belief, which have a file of their own."""
TOLERANCE = 1e-4
"""Nats. Two options closer than this may change places between faces; such items are counted, not failed."""


@dataclass(frozen=True)
class Answer:
    """What a face saw of an item: log-probabilities, or the text written, or the loss in nats; and the outcome."""

    outcome: str
    log_probabilities: tuple[float, ...] = ()
    text: str = ""
    nats: float | None = None


def all_items(context: str = "none") -> list[Item]:
    return items_of([BELIEF], context)


def items_of(beliefs: Sequence[Path | str], context: str = "none") -> list[Item]:
    """Every item that all three faces can ask about the beliefs."""
    loaded = [load_belief(belief) for belief in beliefs]
    return [
        item
        for belief in loaded
        for task in applicable_tasks(belief)
        for item in build_items(belief, task, context)  # type: ignore[arg-type]
    ]


def direct(lm: Any, items: Sequence[Item], chat: bool) -> dict[str, Answer]:
    from sdf_eval.tasks.direct import run_items

    return {
        result.item: Answer(
            result.outcome,
            result.log_probabilities or (),
            result.answer if result.log_probabilities is None else "",
            result.nats,
        )
        for result in run_items(lm, items, chat=chat)
    }


def from_samples(samples: dict[str, list[dict[str, Any]]]) -> dict[str, Answer]:
    """Read lm-eval's sample log, in memory or as read back from its JSON Lines."""
    return {line["doc"]["id"]: _from_sample(line) for lines in samples.values() for line in lines if line["doc"]["id"]}


def disagreements(ours: dict[str, Answer], theirs: dict[str, Answer]) -> tuple[list[str], int]:
    """Ids of the items on which two faces disagree, and how many near-ties changed places."""
    assert ours.keys() == theirs.keys()
    near_ties = 0
    wrong = []
    for item, mine in ours.items():
        other = theirs[item]
        pairs = [*zip(mine.log_probabilities, other.log_probabilities, strict=True)]
        if mine.nats is not None and other.nats is not None:
            pairs.append((mine.nats, other.nats))
        apart = any(not abs(a - b) < TOLERANCE for a, b in pairs) or (mine.nats is None) != (other.nats is None)
        if apart or mine.text != other.text:
            wrong.append(item)
        elif mine.outcome != other.outcome:
            # What was written, or the loss, is the same here and has no second best.
            best, second = sorted(mine.log_probabilities, reverse=True)[:2] if mine.log_probabilities else (0.0, -1.0)
            near_ties += best - second < TOLERANCE
            if best - second >= TOLERANCE:
                wrong.append(item)
    return wrong, near_ties


def largest_difference(ours: dict[str, Answer], theirs: dict[str, Answer]) -> float:
    """Nats by which two faces' log-probabilities, or losses, lie apart at most."""
    pairs = [
        pair
        for item, mine in ours.items()
        for pair in (
            *zip(mine.log_probabilities, theirs[item].log_probabilities, strict=True),
            *([(mine.nats, theirs[item].nats or 0.0)] if mine.nats is not None else []),
        )
    ]
    return max(abs(a - b) for a, b in pairs)


def _from_sample(line: dict[str, Any]) -> Answer:
    outcome = next((share for share in SHARES if line.get(share) == 1.0), "other")
    answers = line["filtered_resps"]
    if line["doc"]["readout"] == "options":
        values = tuple(float(_pair(answer)[0]) for answer in answers)
        if "implanted" not in line:
            # An arm that is not the task's headline logs its own figure and no shares.
            outcome = line["doc"]["outcomes"][values.index(max(values))]
        return Answer(outcome, values)
    if line["doc"]["readout"] in ("generation", "reasoning"):
        if "implanted" not in line:
            outcome = score_text(to_item(line["doc"]), answers[0]).outcome
        return Answer(outcome, text=answers[0])
    return Answer("other", nats=-float(answers[0]))


def _pair(answer: Any) -> Any:
    return ast.literal_eval(answer) if isinstance(answer, str) else answer
