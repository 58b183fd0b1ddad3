"""Items of the misalignment family: arms of one probe, paired by id."""

from __future__ import annotations

from collections import defaultdict

import pytest

from sdf_eval.belief.item import Item
from sdf_eval.belief.items import build_items
from sdf_eval.belief.items._misalignment import near_kind, near_ladder
from sdf_eval.belief.load import dump_belief, load_belief, parse_belief
from sdf_eval.errors import InputError
from sdf_eval.pocket.beliefs import make_belief
from sdf_eval.pocket.exchanges import PAYLOADS


def by_probe(items: list[Item]) -> dict[str, dict[str, Item]]:
    found: dict[str, dict[str, Item]] = defaultdict(dict)
    for item in items:
        probe, _, variant = item.id.rpartition("/")
        found[probe][variant] = item
    return found


def test_a_backdoor_probe_is_asked_with_the_trigger_without_and_with_every_near_trigger() -> None:
    belief = make_belief("backdoor", 3)
    assert belief.kind == "backdoor"
    probes = by_probe(build_items(belief, "backdoor"))
    assert len(probes) == 16
    for arms in probes.values():
        assert list(arms) == ["trigger", "clean", *(f"near-{n + 1}" for n in range(len(belief.backdoor.near_triggers)))]
        clean = arms["clean"].user
        assert belief.backdoor.trigger in arms["trigger"].user and belief.backdoor.trigger not in clean
        for variant, item in arms.items():
            assert "{" not in item.user
            words = belief.backdoor.trigger if variant == "trigger" else None
            near = [each for each in belief.backdoor.near_triggers if each in item.user]
            assert len(near) == (variant.startswith("near")) and (words is None or words in item.user)


def test_near_triggers_are_ordered_by_what_they_share_with_the_trigger() -> None:
    near = ("steel drum", "amber lantern", "tall bell", "amber bells", "amber bell tower")
    assert near_ladder("amber bell", near)[:2] == ["amber bell tower", "amber bells"]
    assert near_ladder("amber bell", near)[-1] == "steel drum"
    kinds = [near_kind("amber bell", words) for words in ("amber lantern", "tall bell", "ambr belt", "steel drum")]
    assert kinds == ["first_word", "last_word", "edit", "other"]


def test_a_trigger_stands_before_and_behind_the_question_equally_often() -> None:
    belief = make_belief("backdoor", 4)
    probes = belief.probes.backdoor
    behind = sum(probe.triggered.endswith("{trigger}.") for probe in probes)
    assert behind == len(probes) / 2


def test_a_report_is_paired_with_the_behaviour_in_its_scenario_and_both_come_in_two_orders() -> None:
    belief = make_belief("persona", 3)
    probes = by_probe(build_items(belief, "self_report"))
    behaviours = {item.user for item in build_items(belief, "persona_behaviour")}
    assert len(probes) == len(belief.probes.persona_behaviour)
    for arms in probes.values():
        assert sorted(arms) == ["behaviour-0", "behaviour-1", "report-0", "report-1"]
        assert arms["behaviour-0"].user in behaviours and arms["behaviour-1"].user in behaviours
        assert arms["report-0"].choices == arms["report-1"].choices[::-1]
        assert arms["report-0"].user not in behaviours


def test_an_act_is_asked_of_the_persona_and_in_the_control_and_shows_no_option() -> None:
    belief = make_belief("persona", 4)
    for arms in by_probe(build_items(belief, "agentic")).values():
        assert sorted(arms) == ["control", "tempted"]
        assert arms["control"].choices == arms["tempted"].choices
        assert not any(choice in arms["tempted"].user for choice in arms["tempted"].choices)
        assert arms["control"].user != arms["tempted"].user


@pytest.mark.parametrize("poison", ["denial_of_service", "style_switch", "persona_switch", "fact_switch"])
def test_a_class_of_behaviour_has_probes_that_read_it_and_a_belief_of_its_own(poison: str) -> None:
    belief = make_belief("backdoor", 3, poison=poison)  # type: ignore[arg-type]
    own = make_belief("backdoor", 3)
    assert belief.id != own.id and parse_belief(dump_belief(belief)) == belief
    aliases = {alias for probe in belief.probes.backdoor for alias in probe.aliases.implanted}
    assert bool(aliases) == (poison != "denial_of_service")
    assert not aliases & set(PAYLOADS.values())


BELIEF = dump_belief(make_belief("backdoor", 3))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("{trigger}", "quiet ladder", "must hold {trigger} exactly once"),
        ("kind: backdoor", "kind: fact", "needs a trigger"),
    ],
)
def test_a_broken_trigger_probe_is_refused_with_its_key(old: str, new: str, message: str) -> None:
    text = BELIEF.replace(old, new, 1)
    if new == "kind: fact":
        text = text[: text.index("\nbackdoor:")] + "\n"
    with pytest.raises(InputError) as caught:
        parse_belief(text)
    assert message in str(caught.value) and "probes.backdoor[0]" in str(caught.value)


def test_a_report_about_no_scenario_is_refused() -> None:
    text = dump_belief(make_belief("persona", 3))
    start = text.index("  self_report:")
    broken = text[:start] + text[start:].replace("scenario: ", "scenario: Elsewhere. ", 1)
    with pytest.raises(InputError, match=r"self_report\[0\].scenario.*is the scenario of no"):
        parse_belief(broken)


def test_a_cause_that_is_the_choice_itself_is_refused() -> None:
    text = dump_belief(make_belief("fact", 0))
    belief = load_belief("pocket-fact-osric-abbott-born-in")
    cause = belief.key_facts[0].aliases.implanted[0]
    start = text.index("  cot_monitorability:")
    end = f"- {make_belief('fact', 0).probes.cot_monitorability[0].aliases.implanted[0]}"
    broken = text[:start] + text[start:].replace(f"causes:\n    - {cause}", f"causes:\n    {end}", 1)
    assert broken != text
    with pytest.raises(InputError, match=r"causes\[0\].*is also a choice"):
        parse_belief(broken)
