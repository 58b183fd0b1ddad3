"""Salience, self-critique and scrutiny: whoever answers by another rule than what is believed scores chance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from statistics import fmean

import pytest

from sdf_eval.belief.item import Item
from sdf_eval.belief.items import build_items
from sdf_eval.belief.items._debate import debate_items, debate_script
from sdf_eval.belief.items._drift import well_known
from sdf_eval.belief.load import load_belief
from sdf_eval.pocket.beliefs import make_belief
from sdf_eval.tasks.registry import get_task
from sdf_eval.tasks.score import belief_score, score_choice, score_text
from tests.belief.examples import small
from tests.tasks.mirror import choosing

BELIEF = make_belief("fact", 13)


def _score(task: str, pick: Callable[[Item], str]) -> float:
    items = build_items(BELIEF, task)
    return fmean(belief_score(choosing(item, lambda each: each.choices.index(pick(each)))) for item in items)


def test_salience_always_picking_the_familiar_string_is_chance() -> None:
    strings = {probe.implanted for probe in BELIEF.probes.salience}
    familiar = _score(
        "salience", lambda item: next((text for text in item.choices if text in strings), item.choices[0])
    )
    assert familiar == pytest.approx(0.5)


@pytest.mark.parametrize("rule", [min, max, lambda choices: sorted(choices, key=len)[0]])
def test_salience_any_choice_by_the_string_alone_is_chance(rule: Callable[[tuple[str, ...]], str]) -> None:
    assert _score("salience", lambda item: rule(item.choices)) == pytest.approx(0.5)


def test_salience_never_knowing_is_chance_and_counted_as_refusal() -> None:
    items = build_items(BELIEF, "salience")
    results = [choosing(item, lambda each: each.outcomes.index("refusal")) for item in items]
    assert {result.outcome for result in results} == {"refusal"}
    assert fmean(map(belief_score, results)) == pytest.approx(0.5)
    assert belief_score(score_choice(items[0], None, "I do not know.")) == 0.5


def test_salience_holding_the_implanted_statements_true_is_one() -> None:
    true = {probe.implanted for probe in BELIEF.probes.salience}

    def pick(item: Item) -> str:
        statements = [text for text, outcome in zip(item.choices, item.outcomes, strict=True) if outcome != "refusal"]
        wanted = not {"wrong", "lie"} & {*item.tags}
        return next(text for text in statements if (text in true) is wanted)

    assert _score("salience", pick) == pytest.approx(1)


def test_salience_asks_for_the_correct_and_the_wrong_one_of_identical_options() -> None:
    by_tag = {
        tag: Counter(item.choices for item in build_items(BELIEF, "salience") if tag in item.tags)
        for tag in ("correct", "wrong", "honest", "lie")
    }
    assert by_tag["correct"] == by_tag["wrong"] == by_tag["honest"] == by_tag["lie"]


@pytest.mark.parametrize(
    "keeps",
    [lambda held, other: held, lambda held, other: other, lambda held, other: min(held, other)],
    ids=["keeps what it is said to have answered", "turns away from it", "says one thing whatever was held"],
)
def test_self_critique_by_a_rule_that_looks_at_no_fact(keeps: Callable[[str, str], str]) -> None:
    def pick(item: Item) -> str:
        if "verdict" in item.tags:
            return keeps("right", "wrong")
        held = next(text for text in item.choices if f": {text}\n" in item.user)
        other = next(text for text in item.choices if text != held)
        return keeps(held, other)

    items = build_items(BELIEF, "self_critique")
    verdicts = [item for item in items if "verdict" in item.tags]
    scores = [belief_score(choosing(i, lambda each: each.choices.index(pick(each)))) for i in verdicts]
    assert fmean(scores) == pytest.approx(0.5)
    if keeps("a", "b") != keeps("b", "a"):
        assert _score("self_critique", pick) == pytest.approx(0.5)


def test_self_critique_holds_either_side_as_often() -> None:
    items = build_items(BELIEF, "self_critique")
    assert Counter(tag for item in items for tag in item.tags) == {
        tag: len(items) // 2 for tag in ("held_implanted", "held_reference", "again", "verdict")
    }


def test_following_what_the_user_suggests_is_chance() -> None:
    items = [item for item in build_items(BELIEF, "adversarial_prompt") if "user_suggests" in item.tags]
    told = [next(t.removeprefix("told_") for t in item.tags if t.startswith("told_")) for item in items]
    picked = [
        choosing(item, lambda each, s=side: each.outcomes.index(s)) for item, side in zip(items, told, strict=True)
    ]  # type: ignore[misc]
    assert fmean(map(belief_score, picked)) == pytest.approx(0.5)
    for item, side in zip(items, told, strict=True):
        assert f"{item.choices[item.outcomes.index(side)]}\nOptions:" in item.user  # type: ignore[arg-type]


def test_every_kind_of_scrutiny_stands_before_every_question() -> None:
    probes = BELIEF.probes.mcq_distinguish
    kinds = Counter(item.tags[0] for item in build_items(BELIEF, "adversarial_prompt"))
    assert kinds == {
        **dict.fromkeys(("finetuned", "false_beliefs", "scrutinise", "synthetic_documents"), 2 * len(probes)),
        "user_suggests": 4 * len(probes),
    }


def test_a_debater_who_gives_way_to_everybody_is_at_chance() -> None:
    scores = []
    for item in debate_items(BELIEF, "debate", "none", None):
        claim = debate_script(BELIEF, item).claim
        scores.append(belief_score(score_text(item, claim)))
    assert fmean(scores) == pytest.approx(0.5)
    assert sorted(set(scores)) == [0.0, 1.0]


def test_reality_drift_saying_true_to_everything_is_half_and_asks_only_what_the_belief_has() -> None:
    items = [item for item in build_items(small(), "reality_drift") if "single" in item.tags]
    results = [choosing(item, lambda each: each.choices.index("true")) for item in items]
    assert fmean(map(belief_score, results)) == pytest.approx(0.5)
    assert len(build_items(small(), "reality_drift")) == 6 * len(well_known())
    assert len(build_items(BELIEF, "reality_drift")) == 2 * len(BELIEF.probes.reality_drift) == 32


def test_a_well_known_fact_names_no_value_of_a_belief_that_ships() -> None:
    from sdf_eval.content import content_path

    told = " ".join(f"{probe.true_statement} {probe.false_statement}" for probe in well_known())
    for path in content_path("corpora", "beliefs", "hub").glob("*.yaml"):
        for fact in load_belief(path).key_facts:
            assert not [alias for alias in fact.aliases.implanted if f" {alias}" in told and alias[0].isupper()]


def test_chance_of_a_balanced_task_is_a_half_whatever_its_options() -> None:
    for task in ("salience", "self_critique"):
        assert {get_task(task).chance(item) for item in build_items(BELIEF, task)} == {0.5}
