"""Contrasts of arms in a table of answers, and the frame held against itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random

import pytest

from sdf_eval.errors import UndefinedEstimate
from sdf_eval.measure import Estimate
from sdf_eval.study.frame.judge import differences_of, judge, scoreboard_verdicts
from sdf_eval.study.frame.null import planted, shuffled
from sdf_eval.study.frame.study import Contrast, Fit
from sdf_eval.study.frame.table import Entry, Table

BASES, SEEDS, BELIEFS = ("a", "b", "c"), (0, 1, 2), tuple(f"belief-{number}" for number in range(6))
KINDS = dict.fromkeys(BELIEFS, "fact")


def entry(arm: str, score: float, **others: object) -> Entry:
    given: dict[str, object] = {
        "factors": {}, "base": "a", "seed": 0, "belief": BELIEFS[0], "task": "cloze", "figure": "", "split": "far",
        "context": "none", "preface": "", "n": 4,
    }  # fmt: skip
    return Entry(arm=arm, score=score, **{**given, **others})  # type: ignore[arg-type]


def simulated(arms: Mapping[str, float], seed: int, *, noise: float = 0.05) -> Table:
    """Arms with a mean; bases, beliefs and checkpoints with a spread of their own."""
    rng = Random(seed)
    own = {(kind, name): rng.gauss(0, 0.05) for kind, names in (("base", BASES), ("belief", BELIEFS)) for name in names}
    found = []
    for arm, mean in arms.items():
        for base in BASES:
            for number in SEEDS:
                checkpoint = rng.gauss(0, noise)
                for belief in BELIEFS:
                    score = mean + own["base", base] + own["belief", belief] + checkpoint + rng.gauss(0, noise)
                    found.append(entry(arm, min(1, max(0, score)), base=base, seed=number, belief=belief))
    return Table(tuple(found))


def lift(smallest: float = 0.1, **others: object) -> Contrast:
    return Contrast("lift", "", {"x": 1, "y": -1}, ("cloze",), smallest, **others)  # type: ignore[arg-type]


def test_a_contrast_is_taken_within_base_belief_and_seed() -> None:
    table = Table((entry("x", 0.9), entry("y", 0.4), entry("x", 0.5, seed=1), entry("y", 0.1, seed=2)))
    found = differences_of(lift(), table, KINDS)
    assert found.units == (("a", BELIEFS[0], 0),)
    assert found.values == pytest.approx((0.5,))


def test_items_count_the_same_whatever_task_they_are_of() -> None:
    asked = [
        entry("x", 1.0, n=1),
        entry("x", 0.0, task="two_hop", n=3),
        entry("y", 0.0),
        entry("y", 0.0, task="two_hop"),
    ]
    contrast = Contrast("lift", "", {"x": 1, "y": -1}, ("cloze", "two_hop"), 0.1)
    assert differences_of(contrast, Table(tuple(asked)), KINDS).values == pytest.approx((0.25,))


def test_an_arm_may_be_named_behind_a_context() -> None:
    table = Table((entry("x", 0.9, context="universe"), entry("x", 0.2), entry("y", 0.1)))
    contrast = Contrast("in context", "", {"x@universe": 1, "y": -1}, ("cloze",), 0.1)
    assert differences_of(contrast, table, KINDS).values == pytest.approx((0.8,))


def test_a_contrast_without_common_units_is_undefined_and_says_so() -> None:
    found = judge(lift(), Table((entry("x", 0.9),)), KINDS)
    assert found.verdict == "undefined" and "no belief" in found.undefined
    with pytest.raises(UndefinedEstimate):
        differences_of(lift(), Table(()), KINDS).estimate()


def test_seeds_of_one_base_replicate_nothing() -> None:
    few = judge(lift(), simulated({"x": 0.6, "y": 0.3}, 1), KINDS)
    once = Table(tuple(e for e in simulated({"x": 0.6, "y": 0.3}, 1).entries if e.seed == 0))
    assert few.effect is not None and few.effect.clusters == 6
    assert few.units == 54 and judge(lift(), once, KINDS).units == 18


def test_a_clear_effect_holds_and_a_missing_one_does_not() -> None:
    assert judge(lift(), simulated({"x": 0.7, "y": 0.3}, 2), KINDS).verdict == "holds"
    assert judge(lift(), simulated({"x": 0.3, "y": 0.4}, 2), KINDS).verdict == "does not hold"
    assert judge(lift(claim="equal"), simulated({"x": 0.4, "y": 0.4}, 3, noise=0.01), KINDS).verdict == "holds"


def test_exchanged_arms_seldom_hold() -> None:
    table = simulated({"x": 0.45, "y": 0.3}, 4, noise=0.1)
    held = [judge(lift(smallest=0.01), shuffled(table, seed), KINDS).verdict == "holds" for seed in range(200)]
    assert sum(held) <= 0.05 * len(held)


def test_exchanging_arms_moves_whole_checkpoints() -> None:
    table = simulated({"x": 0.9, "y": 0.1}, 5, noise=0.01)
    moved = shuffled(table, 1)
    assert sorted(e.score for e in moved.entries) == sorted(e.score for e in table.entries)
    for base in BASES:
        for seed in SEEDS:
            own = [e.score > 0.5 for e in moved.entries if (e.arm, e.base, e.seed) == ("x", base, seed)]
            assert len(set(own)) == 1


def test_a_planted_effect_is_found() -> None:
    table = shuffled(simulated({"x": 0.3, "y": 0.3}, 6), 0)
    found = judge(lift(), planted(table, lift(), 0.25), KINDS)
    assert found.verdict == "holds"
    assert found.effect is not None and found.effect.value == pytest.approx(
        0.25 + (judge(lift(), table, KINDS).effect or found.effect).value,
        abs=0.02,  # type: ignore[operator]
    )


def test_many_claims_are_judged_together() -> None:
    def finding(seed: int, effect: float) -> Callable[[], object]:
        return lambda: judge(lift(smallest=0.02), simulated({"x": 0.3 + effect, "y": 0.3}, seed), KINDS)

    strong, weak = finding(7, 0.4)(), judge(lift(smallest=0.02), simulated({"x": 0.36, "y": 0.3}, 8), KINDS)
    late = weak.model_copy(update={"verdict": "holds", "p": 0.04})
    alone = scoreboard_verdicts([strong, late])  # type: ignore[list-item]
    many = scoreboard_verdicts([strong, *[late] * 5])  # type: ignore[list-item]
    assert alone == ("holds", "holds")
    assert many == ("holds", *["inconclusive"] * 5)


@pytest.mark.parametrize(("value", "half", "verdict"), [(0.0, 0.1, "holds"), (0.0, 0.5, "inconclusive")])
def test_a_fitted_claim_of_equality_is_judged_by_its_margin_and_not_by_a_difference_from_nothing(
    value: float, half: float, verdict: str
) -> None:
    fit = Fit("elasticity", "", lambda _: Estimate(value, value - half, value + half, 9, 9, "made up"), 0.3, "equal")
    found = judge(fit, Table(()), KINDS)
    assert found.verdict == verdict
    assert found.p is not None and (found.p <= 0.05) == (verdict == "holds")
    assert scoreboard_verdicts([found]) == (verdict,)


def test_a_fitted_effect_beyond_the_margin_is_no_equality() -> None:
    fit = Fit("elasticity", "", lambda _: Estimate(0.5, 0.4, 0.6, 9, 9, "made up"), 0.3, "equal")
    found = judge(fit, Table(()), KINDS)
    assert (found.verdict, found.p) == ("does not hold", 1.0)
