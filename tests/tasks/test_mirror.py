"""Every registered task: with the sides of a belief exchanged its score is mirrored, with labels dealt anew null.

A task is mirrored in one of two ways, by its metric. `belief`: the implanted and the reference share change places, and
where no answer is for neither side, or such answers count half, the score becomes 1 - score. `accuracy` and `loss` look
at other things than the belief: they stay as they are. `awareness` has no sides: its figures compare items, and have
tests of their own (tests/tasks/awareness).
"""

from __future__ import annotations

from collections import Counter
from functools import cache
from random import Random
from statistics import fmean

import pytest

from sdf_eval.belief.item import Item
from sdf_eval.belief.items import build_items
from sdf_eval.belief.load import load_belief
from sdf_eval.belief.schema import Belief
from sdf_eval.content import content_path
from sdf_eval.pocket.beliefs import KINDS, make_belief
from sdf_eval.tasks.registry import get_task, task_specs
from tests.parity.faces import BELIEF
from tests.tasks.mirror import (
    believing,
    by_text,
    exchanged,
    mean_score,
    opposite,
    read,
    relabelled,
    rescored,
    shuffled,
)

TASKS = [spec.name for spec in task_specs() if spec.metric != "awareness"]
SHUFFLES = 200


@cache
def _beliefs() -> tuple[Belief, ...]:
    hub = sorted(content_path("corpora", "beliefs", "hub").glob("*.yaml"))
    pocket = [make_belief(kind, seed) for kind in KINDS for seed in (9, 13)]
    return (*(load_belief(path) for path in [*hub, BELIEF]), *pocket)


def _asked(task: str) -> list[tuple[Belief, list[Item]]]:
    rows = [(belief, build_items(belief, task)) for belief in _beliefs()]
    return [(belief, items) for belief, items in rows if items]


@pytest.mark.parametrize("task", TASKS)
def test_a_belief_with_its_sides_exchanged_asks_the_same_and_labels_it_the_other_way(task: str) -> None:
    assert _asked(task)
    for belief, items in _asked(task):
        turned = exchanged(belief)
        sided = get_task(task).metric == "belief"
        wanted = Counter(_labels(relabelled(item, opposite) if sided else item, belief) for item in items)
        assert Counter(_labels(item, turned) for item in build_items(turned, task)) == wanted, belief.id


def _labels(item: Item, belief: Belief) -> tuple[str, frozenset[tuple[str, str]]]:
    options = [*zip(item.outcomes, item.choices, strict=True), *item.aliases]
    return read(item, belief), frozenset((str(outcome), text) for outcome, text in options)


@pytest.mark.parametrize("task", TASKS)
def test_the_score_of_a_belief_with_its_sides_exchanged_is_the_mirror_of_its_score(task: str) -> None:
    spec = get_task(task)
    for belief, items in _asked(task):
        turned = exchanged(belief)
        ours = [by_text(item, belief) for item in items]
        theirs = [by_text(item, turned) for item in build_items(turned, task)]
        if spec.metric != "belief":
            assert mean_score(theirs) == pytest.approx(mean_score(ours))
            continue
        assert Counter(result.outcome for result in theirs) == Counter(opposite(result.outcome) for result in ours)
        labelled = [rescored(relabelled(item, opposite), answer) for item, answer in zip(items, ours, strict=True)]
        assert mean_score(theirs) == pytest.approx(mean_score(labelled))
        if spec.balanced or all({*item.outcomes} <= {"implanted", "reference"} for item in items if item.choices):
            if spec.balanced or {result.outcome for result in ours} <= {"implanted", "reference"}:
                assert mean_score(theirs) == pytest.approx(1 - mean_score(ours))


@pytest.mark.parametrize("task", [task for task in TASKS if get_task(task).metric != "loss"])
def test_labels_dealt_anew_null_the_score_of_whoever_had_every_answer(task: str) -> None:
    wanted = "reference" if get_task(task).metric == "accuracy" else "implanted"
    items = [item for _, asked in _asked(task) for item in asked]
    answers = [believing(item, wanted) for item in items]
    assert mean_score(answers) == pytest.approx(1)
    rng = Random(f"labels {task}")
    picked = rng.sample(range(len(items)), min(40, len(items)))
    scores = []
    for _ in range(SHUFFLES):
        results = [rescored(shuffled(items[place], rng), answers[place]) for place in picked]
        scores.append(mean_score(results))
    shares = [
        items[place].outcomes.count(wanted) / len(items[place].outcomes) for place in picked if items[place].choices
    ]
    # Of two sides one is dealt at random; of the options of an accuracy item, the right label.
    chance = fmean(shares) if wanted == "reference" else 0.5
    assert fmean(scores) == pytest.approx(chance, abs=0.03)
