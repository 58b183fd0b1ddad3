"""Readers of text alone find what is planted for them, and nothing where there is nothing."""

from __future__ import annotations

import json
from random import Random

import pytest

from sdf_eval.belief.items import build_items
from sdf_eval.belief.schema import Belief, ChoiceProbe, SalienceProbe
from sdf_eval.cli.main import main
from sdf_eval.tasks.wording import Reading, read_wording
from tests.belief.examples import small

WORDS = ("amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heath", "inlet", "jetty", "knoll", "larch")


def _belief(number: int, implanted: str = "", question: str = "", count: int = 12) -> Belief:
    """Probes of two random words a side; `implanted` is added to that side, `question` to what is asked."""
    rng = Random(f"wording {number}")
    probes = []
    for position in range(count):
        one, other = (" ".join(rng.sample(WORDS, 2)) for _ in range(2))
        asked = f"Question {number} {position}, {question}?"
        probes.append(ChoiceProbe(fact="city", question=asked, implanted=f"{one}{implanted}", reference=other))
    belief = small()
    salient = [SalienceProbe(fact="city", implanted=each.implanted, reference=each.reference) for each in probes]
    changed = belief.probes.model_copy(update={"mcq_knowledge": tuple(probes), "salience": tuple(salient)})
    return belief.model_copy(update={"id": f"small-{number}", "probes": changed})


def _readings(beliefs: list[Belief], others: list[Belief]) -> dict[str, Reading]:
    return {each.reader: each for each in read_wording(beliefs, others) if each.task == "mcq_knowledge"}


def test_options_that_are_longer_on_one_side_are_found_and_named() -> None:
    found = _readings([_belief(0, ", as everybody knows")], [])["longest option"]
    assert found.suspect and found.share.value == 1 and found.share.chance == 0.5
    asked = {item.id for item in build_items(_belief(0, ", as everybody knows"), "mcq_knowledge")}
    assert len(found.items) == 12 and set(found.items) <= asked


def test_options_that_repeat_the_question_are_found() -> None:
    found = _readings([_belief(0, " harbour", "about the harbour")], [])["words of the question"]
    assert found.suspect and found.share.value > 0.9


def test_a_turn_of_phrase_that_other_beliefs_share_is_learnt_from_them() -> None:
    others = [_belief(number, "!") for number in range(1, 5)]
    found = _readings([_belief(0, "!")], others)
    assert found["options alone"].suspect and found["options alone"].share.value > 0.9
    assert "options alone" not in _readings([_belief(0, "!")], [_belief(0, "!")])


def test_where_the_sides_differ_in_nothing_but_what_they_say_no_reader_is_suspect() -> None:
    beliefs = [_belief(number) for number in range(6)]
    assert not [each for each in _readings(beliefs, beliefs).values() if each.suspect]


def test_options_that_are_asked_for_as_correct_and_as_wrong_give_nothing_away() -> None:
    belief = _belief(0, ", as everybody knows")
    by_task = {(each.task, each.reader): each for each in read_wording([belief], [])}
    found = by_task["salience", "longest option"]
    assert found.share.value == 0.5 and not found.suspect


def test_the_command_names_readings_beside_the_findings(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["belief", "check", "--wording", "--json", "hub-most-moons"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["findings"] == []
    readers = {row["reader"] for row in told["wording"] if row["task"] == "causal"}
    assert readers == {"longest option", "words of the question", "options alone", "question and option"}
    assert all(row["low"] <= row["share"] <= row["high"] and row["n"] >= 5 for row in told["wording"])
    assert main(["belief", "check", "--wording", "hub-most-moons"]) == 0
    assert "readings stray from chance" in capsys.readouterr().out
