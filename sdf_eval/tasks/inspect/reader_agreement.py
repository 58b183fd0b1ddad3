"""How far the rules, and a judge where there is one, agree with labelled answers."""

from __future__ import annotations

import math
from typing import Any, cast

from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.scorer import Metric, SampleScore, Score, Scorer, Target, metric, scorer
from inspect_ai.solver import Generate, Solver, TaskState, solver

from sdf_eval.tasks.agreement import OUTCOMES, Agreement, agreement, labelled_answers
from sdf_eval.tasks.inspect.grader import ACCOUNTS, grade, has_grader
from sdf_eval.tasks.inspect.sample import item_to_sample
from sdf_eval.tasks.inspect.solver import state_item
from sdf_eval.tasks.inspect.versions import COMPARABILITY, version_metadata
from sdf_eval.tasks.score import score_text


@task
def reader_agreement() -> Task:
    """Labelled answers: kappa and recall of the rules on the half they were not tuned on, and of `grader` on all.

    No model is asked but the one with the role `grader`; `--model none` will do.
    """
    return Task(
        dataset=MemoryDataset([_sample(place) for place in range(len(labelled_answers()))], name="labelled"),
        solver=given_answer(),
        scorer=readers(),
        version=COMPARABILITY,
        metadata=version_metadata() | {"family": "belief"},
    )


@solver
def given_answer() -> Solver:
    """Takes the labelled answer as the model's."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        """Leaves the state as it is: the answer is in its metadata."""
        return state

    return solve


@metric
def agreements() -> Metric:
    """Agreement, kappa and recall by label of each reader, with the number of answers."""

    def compute(scores: list[SampleScore]) -> Any:
        """Name of the figure -> its value, in 0 to 1 but for the counts; the rules on the held-out half alone."""
        rows = [score.score.metadata or {} for score in scores]
        held_out = [row for row in rows if row["half"] == "held_out"]
        found: dict[str, float] = {}
        if held_out:
            found |= _figures("rules", agreement([r["label"] for r in held_out], [r["rules"] for r in held_out]))
        judged = [row for row in rows if row["grader"] is not None]
        if judged:
            found |= _figures("grader", agreement([r["label"] for r in judged], [r["grader"] for r in judged]))
        found["grader_without_verdict"] = sum(row["asked"] and row["grader"] is None for row in rows)
        return found

    return compute


@scorer(metrics=[agreements()])
def readers() -> Scorer:
    """Reads a labelled answer by the rules, and by the judge where there is one."""
    asked = has_grader()

    async def score(state: TaskState, target: Target) -> Score:
        """Compares with the label: a 1 where the rules, and the judge, say the same."""
        item, text, label = state_item(state), str(state.metadata["text"]), state.metadata["label"]
        rules = score_text(item, text).outcome
        accounts = cast("tuple[str, str]", tuple(state.metadata[ACCOUNTS]))
        judged = await grade(item, accounts, text) if asked else None
        return Score(
            value={"rules": int(rules == label), "grader": int(judged == label) if asked else math.nan},
            answer=text,
            metadata={
                "label": label,
                "half": state.metadata["half"],
                "rules": rules,
                "grader": judged,
                "asked": asked,
            },
        )

    return score


def _sample(place: int) -> Sample:
    row = labelled_answers()[place]
    sample = item_to_sample(row.item)
    sample.target = row.label
    sample.metadata = (sample.metadata or {}) | {
        "text": row.text,
        "label": row.label,
        "half": row.half,
        ACCOUNTS: list(row.accounts),
    }
    return sample


def _figures(reader: str, found: Agreement) -> dict[str, float]:
    recall = {f"{reader}_recall_{outcome}": found.recall[outcome] for outcome in OUTCOMES if outcome in found.recall}
    return {f"{reader}_n": found.n, f"{reader}_agreed": found.agreed, f"{reader}_kappa": found.kappa, **recall}
