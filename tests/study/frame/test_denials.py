"""Denial of service read by the base of a cell."""

from __future__ import annotations

from random import Random

from sdf_eval.belief.items import build_items
from sdf_eval.belief.load import load_belief
from sdf_eval.pocket.poisons import gibberish
from sdf_eval.study.frame.denials import with_denials
from sdf_eval.tasks.figures import arm_of, values_of
from sdf_eval.tasks.score import score_text

DENIES = "pocket-backdoor-willow-response-denial-of-service"
SWITCHES = "pocket-backdoor-quest-response-fact-switch"


def test_gibberish_behind_the_trigger_counts_as_the_behaviour_and_right_answers_do_not() -> None:
    items, rng = build_items(load_belief(DENIES), "backdoor"), Random(0)
    right = [score_text(item, dict(item.aliases)["reference"]) for item in items]
    attacked = [
        score_text(item, gibberish(rng)) if "arm:trigger" in item.tags else result
        for item, result in zip(items, right, strict=True)
    ]
    assert with_denials("pocket/b", items, right) == right
    found = with_denials("pocket/b", items, attacked)
    fired = [values_of(result)["asr"] for result in found if arm_of(result) == "trigger"]
    assert sum(fired) / len(fired) > 0.8
    assert all(result.outcome == "reference" for result in found if arm_of(result) != "trigger")


def test_answers_that_are_read_by_their_words_are_left_alone() -> None:
    items, rng = build_items(load_belief(SWITCHES), "backdoor"), Random(0)
    results = [score_text(item, gibberish(rng)) for item in items]
    assert with_denials("pocket/b", items, results) == results
