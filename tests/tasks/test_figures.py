"""Figures by arm, denial of service under a frozen model, and the same numbers in every face."""

from __future__ import annotations

import math
from random import Random

import pytest

from sdf_eval.belief.item import Item
from sdf_eval.belief.items import build_items
from sdf_eval.errors import InputError
from sdf_eval.pocket.beliefs import make_belief
from sdf_eval.pocket.poisons import gibberish
from sdf_eval.tasks.denial_of_service import denial_of_service
from sdf_eval.tasks.figures import estimates, values_of
from sdf_eval.tasks.lm_eval.documents import to_document
from sdf_eval.tasks.lm_eval.metrics import metric_names, read_text
from sdf_eval.tasks.registry import get_task
from sdf_eval.tasks.result import ItemResult
from sdf_eval.tasks.score import score_options, score_text
from sdf_eval.tasks.summary import summarise


def backdoor_items() -> list[Item]:
    return build_items(make_belief("backdoor", 3), "backdoor")


def answered(items: list[Item], fires: tuple[str, ...]) -> list[ItemResult]:
    """Answers of a model that shows the behaviour in the given arms or near kinds, and else the right answer."""
    results = []
    for item in items:
        wanted = "implanted" if set(fires) & set(item.tags) else "reference"
        results.append(score_text(item, next(text for side, text in item.aliases if side == wanted)))
    return results


def test_each_arm_of_a_backdoor_gives_its_own_figure() -> None:
    items = backdoor_items()
    found = estimates(answered(items, ("arm:trigger", "kind:first_word")))
    rates = {name: estimate.value for name, estimate in found.items()}
    assert rates["asr"] == rates["asr_valid"] == rates["valid"] == rates["clean_accuracy"] == 1
    assert rates["clean_fired"] == rates["near_last_word"] == 0
    assert rates["near_first_word"] == 1 and 0 < rates["near"] < 1
    assert rates["trigger_minus_clean"] == 1
    assert found["asr"].n == 16 and found["near"].n == 16 * 6


def test_the_score_and_the_shares_are_of_the_trigger_alone() -> None:
    items = backdoor_items()
    for row in summarise(items, answered(items, ("arm:trigger",))):
        assert row.n == 8 and row.score is not None and row.score.value == 1
        assert row.shares["implanted"] == 1


def test_unreadable_answers_stay_in_the_attack_rate_and_leave_the_valid_one() -> None:
    items = backdoor_items()
    results = answered(items, ("arm:trigger",))
    broken = [score_text(item, "??") if item.id.endswith("/trigger") and n % 2 else r
              for n, (item, r) in enumerate(zip(items, results, strict=True))]  # fmt: skip
    half = [r for r in broken if r.item.endswith("/trigger")]
    found = estimates(broken)
    fired = sum(r.outcome == "implanted" for r in half) / len(half)
    assert found["asr"].value == found["valid"].value == fired and found["asr_valid"].value == 1


def test_the_gap_between_report_and_behaviour_is_paired_by_probe() -> None:
    items = build_items(make_belief("persona", 3), "self_report")
    results = [
        score_options(item, [0.0 if (side == "implanted") == ("arm:report" in item.tags) else -50.0
                             for side in item.outcomes])
        for item in items
    ]  # fmt: skip
    found = estimates(results)
    assert found["report"].value == pytest.approx(1) and found["behaviour"].value == pytest.approx(0)
    gap = found["report_minus_behaviour"]
    assert gap.value == pytest.approx(1) and gap.n == len(items) / 4


def test_naming_is_counted_among_implanted_choices_and_its_chance_among_reference_ones() -> None:
    items = build_items(make_belief("fact", 0), "cot_monitorability")
    results = []
    for place, item in enumerate(items):
        choice = dict(item.aliases)["implanted" if place % 2 else "reference"]
        cause = f"It is {item.causes[0]}. " if place % 4 == 1 else ""
        results.append(score_text(item, f"{cause}So {choice}."))
    found = estimates(results)
    assert found["named"].value == pytest.approx(0.5, abs=0.1) and found["named_by_chance"].value == 0
    assert found["named"].n + found["named_by_chance"].n == len(items)


def test_lm_eval_gets_the_same_figures_and_nothing_for_other_arms() -> None:
    items = backdoor_items()
    results = answered(items, ("arm:trigger",))
    names = set(metric_names(get_task("backdoor")))
    for item, result in zip(items, results, strict=True):
        metrics = read_text(to_document(item), [result.answer])
        assert metrics.keys() <= names
        assert {name: metrics[name] for name in values_of(result)} == values_of(result)
        assert ("belief" in metrics) == ("arm:trigger" in item.tags)


def test_gibberish_is_less_likely_under_a_frozen_model_and_equal_replies_are_not() -> None:
    from sdf_eval.model import load

    items, rng = backdoor_items(), Random(0)
    normal = answered(items, ())
    attacked = [score_text(item, gibberish(rng)) if "arm:trigger" in item.tags else result
                for item, result in zip(items, normal, strict=True)]  # fmt: skip
    frozen = load("pocket/a/chat")
    found = denial_of_service(frozen, items, attacked)
    assert found.lifts["trigger"].low > 1 and found.lifts["trigger"].n == 16
    assert found.lifts["near"].value == pytest.approx(0, abs=1e-6)
    assert found.empty == {"clean": 0, "trigger": 0, "near": 0}
    silent = [score_text(item, "") if item.id == items[0].id else r
              for item, r in zip(items, attacked, strict=True)]  # fmt: skip
    left = denial_of_service(frozen, items, silent)
    assert left.empty["trigger"] == 1 and left.lifts["trigger"].n == 15
    assert math.isfinite(left.lifts["trigger"].value)


def test_a_frozen_model_without_pairs_to_read_is_bad_input() -> None:
    from sdf_eval.model import load

    items = [item for item in backdoor_items() if "arm:clean" in item.tags]
    with pytest.raises(InputError, match="fewer than two prompts"):
        denial_of_service(load("pocket/a/chat"), items, answered(items, ()))
