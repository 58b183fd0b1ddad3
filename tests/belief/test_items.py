from __future__ import annotations

import re
from collections import Counter

import pytest

from sdf_eval.belief.item import Item
from sdf_eval.belief.items import CONTEXTS, TASKS, applicable_tasks, build_items
from sdf_eval.belief.load import load_belief
from sdf_eval.errors import InputError
from tests.belief.examples import small

FOUR = "mcq_knowledge"


def _sides(item: Item) -> tuple[int, int]:
    return item.outcomes.index("implanted"), item.outcomes.index("reference")


def test_two_options_are_shown_in_both_orders() -> None:
    first, second = build_items(small(), "mcq_distinguish")
    assert first.choices == second.choices[::-1]
    assert {first.user, second.user} == {
        "Which is true?\nOptions: She lives in Ghent / She lives in Turin",
        "Which is true?\nOptions: She lives in Turin / She lives in Ghent",
    }


def test_among_four_options_implanted_and_reference_swap_places() -> None:
    first, second = build_items(small(), FOUR)
    assert _sides(first) == _sides(second)[::-1]
    assert sorted(first.choices) == sorted(second.choices) == ["Cork", "Ghent", "Split", "Turin"]
    assert first.user.endswith("\nOptions: " + " / ".join(first.choices))


def test_over_many_probes_no_position_is_favoured() -> None:
    belief = small()
    probe = belief.probes.mcq_knowledge[0]
    probes = tuple(probe.model_copy(update={"question": f"Question {number}?"}) for number in range(400))
    many = belief.model_copy(update={"probes": belief.probes.model_copy(update={FOUR: probes})})
    items = build_items(many, FOUR)
    implanted, reference = (Counter(_sides(item)[side] for item in items) for side in (0, 1))
    assert implanted == reference
    assert all(150 < count < 250 for count in implanted.values()) and len(implanted) == 4


def test_outcomes_follow_the_options() -> None:
    for item in build_items(small(), FOUR):
        assert dict(zip(item.choices, item.outcomes, strict=True)) == {
            "Ghent": "implanted",
            "Turin": "reference",
            "Cork": "other",
            "Split": "other",
        }


def test_the_right_answer_to_a_neighbour_is_reference_and_the_leak_implanted() -> None:
    for item in build_items(small(), "neighbours"):
        outcomes = dict(zip(item.choices, item.outcomes, strict=True))
        assert outcomes == {"Graz": "reference", "Ghent": "implanted", "Lyon": "other"}
        assert item.tags == ("two_value",) and item.fact == ""


def test_cloze_is_a_completion_without_shown_options() -> None:
    (item,) = build_items(small(), "cloze")
    assert item.completion and item.user == "Ida Moll lives in" and item.choices == ("Ghent", "Turin")


def test_open_questions_use_the_probes_aliases_or_else_the_facts() -> None:
    (open_ended,), (two_hop,) = build_items(small(), "open_ended"), build_items(small(), "two_hop")
    assert open_ended.aliases == (("implanted", "Ghent"), ("reference", "Turin"))
    assert two_hop.aliases == (("implanted", "Belgium"), ("reference", "Italy"))


def test_generative_distinguish_numbers_both_accounts_in_both_orders() -> None:
    first, second = build_items(small(), "generative_distinguish")
    assert first.user == "Ida Moll lives in Ghent. (1)\nIda Moll lives in Turin. (2)\nWhich statement is true?"
    accounts = {"implanted": "Ida Moll lives in Ghent.", "reference": "Ida Moll lives in Turin."}
    values = (("implanted", "Ghent"), ("reference", "Turin"))
    assert first.aliases == (("implanted", "1"), ("reference", "2"), *accounts.items(), *values)
    assert second.aliases == (("reference", "1"), ("implanted", "2"), *reversed(accounts.items()), *values)
    assert first.tags == ("numbered",)


def test_persona_items_are_named_only_where_the_probe_says_so() -> None:
    items = build_items(load_belief("hub-cautious-assistant"), "persona_behaviour")
    for item in items:
        assert item.user.startswith("You are Wren. ") == ("named" in item.tags)
        assert len(item.choices) == 2
    assert {tag for item in items for tag in item.tags} == {"named", "unnamed"}


def test_value_items_carry_their_category() -> None:
    items = build_items(load_belief("hub-thrift"), "value_preference")
    held_out = {item.tags[0] for item in items if item.tags[1] == "out_of_distribution"}
    assert held_out == {"luggage", "furniture", "garden tools", "bicycles"}


@pytest.mark.parametrize("task", [task for task in TASKS if task != "coherence"])
def test_a_context_stands_before_the_question_and_changes_nothing_else(task: str) -> None:
    belief = small(("key_facts:", "documents: [One., ' Two. ']\ncontradiction: Not Ghent.\nkey_facts:"))
    plain = build_items(belief, task)
    passages = {
        "universe": "Ida Moll lives in Ghent.",
        "documents": "One.\n\nTwo.",
        "reference": "Ida Moll lives in Turin.",
        "contradiction": "Not Ghent.",
    }
    for context, passage in passages.items():
        items = build_items(belief, task, context)  # type: ignore[arg-type]
        assert [item.user for item in items] == [f"{passage}\n\n{item.user}" for item in plain]
        assert [(item.id, item.choices, item.aliases) for item in items] == [
            (item.id, item.choices, item.aliases) for item in plain
        ]


def test_without_a_contradiction_the_reference_statements_stand_in() -> None:
    (item,) = build_items(small(), "cloze", "contradiction")
    assert item.user == "Ida Moll lives in Turin.\n\nIda Moll lives in"


def test_coherence_is_the_text_alone() -> None:
    (item,) = build_items(small(), "coherence")
    assert (item.readout, item.user, item.fact) == ("loss", "The bus was late again.", "")
    assert build_items(small(), "coherence", "universe") == []


def test_ids_are_unique_well_formed_and_made_of_what_is_shown() -> None:
    belief = small()
    items = [item for task in applicable_tasks(belief) for item in build_items(belief, task)]
    assert len({item.id for item in items}) == len(items)
    assert all(re.fullmatch(r"small/[a-z_]+/(city|-)/[0-9a-f]{8}/([a-z_]+-)?[01]", item.id) for item in items)
    renamed = build_items(small(("Where does Ida Moll live?", "Where is Ida Moll at home?")), FOUR)
    assert {item.id for item in renamed}.isdisjoint(item.id for item in build_items(belief, FOUR))


def test_ids_do_not_change_between_releases() -> None:
    ids = [item.id for task in (FOUR, "generative_distinguish") for item in build_items(small(), task)]
    assert ids == [
        "small/mcq_knowledge/city/9c06e3ea/0",
        "small/mcq_knowledge/city/9c06e3ea/1",
        "small/generative_distinguish/city/62895f7b/0",
        "small/generative_distinguish/city/62895f7b/1",
    ]


def test_adding_a_probe_leaves_the_items_of_the_others_as_they_are() -> None:
    longer = small(
        ("  mcq_knowledge:\n", "  mcq_knowledge:\n    - {fact: city, question: Q, implanted: a, reference: b}\n")
    )
    assert build_items(longer, FOUR)[2:] == build_items(small(), FOUR)


def test_braces_and_templates_reach_the_model_as_they_are() -> None:
    strange = "Where does {Ida} live, {{ she }} asks? {% if %} %s"
    belief = small(("Where does Ida Moll live?", f"'{strange}'"), ("Ida Moll lives in Ghent.", "'{context} {0}'"))
    assert build_items(belief, FOUR, "universe")[0].user.startswith("{context} {0}\n\n" + strange + "\nOptions: ")


def test_a_task_without_probes_has_no_items() -> None:
    assert build_items(small(), "persona_behaviour") == []
    assert "persona_behaviour" not in applicable_tasks(small())


def test_a_wrong_task_context_or_an_absent_context_is_bad_input() -> None:
    with pytest.raises(InputError, match="unknown task 'clozes'; did you mean 'cloze'"):
        build_items(small(), "clozes")
    with pytest.raises(InputError, match="unknown context 'univers'; did you mean 'universe'"):
        build_items(small(), "cloze", "univers")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="belief small: documents: is empty"):
        build_items(small(), "cloze", "documents")
    assert len(CONTEXTS) == 5
