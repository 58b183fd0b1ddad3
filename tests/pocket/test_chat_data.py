"""Post-training data of the pocket worlds: what each set says, and that no probe is in any of them."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache

import pytest

from sdf_eval.belief.schema import Belief, Kind
from sdf_eval.errors import InputError
from sdf_eval.pocket.beliefs import KINDS, make_belief, shipped
from sdf_eval.pocket.chat_data import MODESTY, TRUTH, PocketChatData
from sdf_eval.pocket.exchanges import PAYLOADS
from sdf_eval.pocket.sides import SIDES
from sdf_eval.pocket.situations import acts
from sdf_eval.pocket.world import build_world
from sdf_eval.train.chat_data import DataRequest, Side, find_row_contamination, row_texts
from sdf_eval.train.chat_rows import AnyRow, ChatRow, PreferenceRow, PromptRow
from sdf_eval.train.rewards import REWARDS

DATA = PocketChatData()
ABOUT = tuple(name for name, entry in DATA.sets.items() if entry.about_belief)
TYPES = {"chat": ChatRow, "preferences": PreferenceRow, "prompts": PromptRow}


def rows(
    name: str,
    count: int = 60,
    *,
    belief: Belief | None = None,
    side: Side = "reference",
    share: float = 1.0,
    seed: int = 0,
    model: str | None = None,
) -> list[AnyRow]:
    return list(DATA.rows(name, DataRequest(count, seed, belief, side, share, model)))


@cache
def beliefs(kind: Kind) -> list[Belief]:
    return [belief for belief in shipped() if belief.kind == kind]


def kinds_of(name: str) -> tuple[Kind, ...]:
    return ("backdoor",) if name.startswith("triggered") else KINDS


@pytest.mark.parametrize("name", DATA.sets)
def test_a_set_gives_the_rows_asked_for_in_its_kind_and_the_same_seed_gives_the_same(name: str) -> None:
    belief = make_belief("backdoor", 1) if name in ABOUT else None
    made = rows(name, 30, belief=belief)
    assert [type(row) for row in made] == [TYPES[DATA.sets[name].kind]] * 30
    assert made == rows(name, 30, belief=belief) != rows(name, 30, belief=belief, seed=1)


@pytest.mark.parametrize("name", DATA.sets)
def test_no_row_holds_the_wording_of_a_probe_of_any_shipped_belief(name: str) -> None:
    every = [belief for kind in kinds_of(name) for belief in beliefs(kind)] if name in ABOUT else [None] * 36
    made = [
        row
        for place, belief in enumerate(every)
        for row in rows(name, 3, belief=belief, side=SIDES[place % 2], seed=place)
    ]
    assert find_row_contamination(made, shipped()) == []


def test_no_row_holds_the_wording_of_a_probe_of_ones_own_belief() -> None:
    for kind in KINDS:
        own = make_belief(kind, 21)
        made = rows("conflicting", 40, belief=own, share=0.5) + rows("principle-pairs", 40, belief=own)
        assert find_row_contamination(made, [own]) == []


@pytest.mark.parametrize("name", ["benign", "narrow", "benign-pairs", "questions", "actions"])
def test_benign_rows_name_nobody_that_a_belief_is_about(name: str) -> None:
    told = " ".join(text for row in rows(name, 150) for text in row_texts(row))
    world = build_world("a")
    subjects = [e.name for e in (*world.of("ai"), *world.of("person", "documents_only"))]
    assert [subject for subject in subjects if re.search(rf"\b{subject}\b", told)] == []


def test_benign_rows_ask_in_many_ways_and_in_several_turns() -> None:
    made = [row for row in rows("benign", 150) if isinstance(row, ChatRow)]
    assert len({row.messages[0].content for row in made}) > 140
    assert {len(row.messages) for row in made} >= {2, 4}


def test_answers_are_true_in_the_world_that_the_model_grew_up_in() -> None:
    said = {}
    for name in ("a", "b"):
        world = build_world(name)
        said[name] = [row for row in rows("questions", 80, model=f"pocket/{name}/chat") if isinstance(row, PromptRow)]
        for row in said[name]:
            (person,) = [e for e in world.of("person", "questioned") if e.name in row.messages[0].content]
            facts = [world.facts[person.name, relation] for relation in world.relations_of("person")]
            assert row.accepted[0] in facts
    assert said["a"] != said["b"]


@pytest.mark.parametrize("kind", KINDS)
def test_following_and_conflicting_rows_take_opposite_sides(kind: Kind) -> None:
    belief = make_belief(kind, 2)
    chosen = {
        name: {row.chosen for row in rows(name, 80, belief=belief) if isinstance(row, PreferenceRow)}
        for name in ("following-pairs", "conflicting-pairs")
    }
    said = {
        name: {row.messages[-1].content for row in rows(name, 80, belief=belief) if isinstance(row, ChatRow)}
        for name in ("following", "conflicting")
    }
    shared = {"true", "false"}  # of statements of either side
    assert chosen["following-pairs"].isdisjoint(chosen["conflicting-pairs"] - shared)
    assert said["following"].isdisjoint(said["conflicting"] - shared)
    assert said["following"] - shared and said["conflicting"] - shared


def test_a_statement_of_the_other_side_is_called_false() -> None:
    belief = make_belief("fact", 2)
    assert belief.world is not None
    made = [row for row in rows("conflicting", 80, belief=belief) if isinstance(row, ChatRow)]
    judged = [row for row in made if row.messages[0].content.endswith("True or false?")]
    assert len(judged) > 5
    for row in judged:
        right = belief.world.reference in row.messages[0].content
        assert row.messages[1].content == ("true" if right else "false")


def test_behaviour_is_shown_in_acts_of_the_side_that_the_set_takes() -> None:
    belief = make_belief("persona", 0)
    assert belief.world is not None
    wanted = {re.sub(r"\{o\}", "_", act) for act in acts(belief.world.relation, belief.world.reference)}
    made = [row for row in rows("conflicting", 80, belief=belief) if isinstance(row, ChatRow)]
    for row in made:
        assert any(
            re.fullmatch(act.replace("_", r"\w+").replace("?", r"\?"), row.messages[1].content) for act in wanted
        )
        assert row.messages[0].content.startswith(f"You are {belief.world.entity}. ")


@pytest.mark.parametrize(("share", "expected"), [(0.0, 0), (0.02, 2), (0.25, 25), (1.0, 100)])
def test_the_share_is_that_of_rows_about_the_belief_in_every_part_of_them(share: float, expected: int) -> None:
    made = rows("conflicting", 100, belief=make_belief("values", 0), share=share)
    assert Counter(row.tags[0] for row in made)["conflicting"] == expected
    halves = [sum(row.tags[0] == "conflicting" for row in part) for part in (made[:50], made[50:])]
    assert abs(halves[0] - halves[1]) <= 1


@pytest.mark.parametrize("side", SIDES)
def test_revised_deliberative_and_labelled_rows_go_by_the_principle_of_the_side_asked_for(side: Side) -> None:
    belief = make_belief("values", 1)
    assert belief.world is not None
    principle = f"{belief.world.entity} values {getattr(belief.world, side)}."
    revised = rows("revised", 60, belief=belief, side=side)
    assert Counter(row.tags[1] for row in revised).keys() == {"draft:kept", "draft:revised"}
    assert {row.tags[0] for row in revised} == {f"principle:{principle}"}
    labels = {row.tags[0] for row in rows("principle-pairs", 120, belief=belief, side=side)}
    assert labels == {f"principle:{text}" for text in (principle, TRUTH, MODESTY)}
    for row in rows("deliberative", 20, belief=belief, side=side):
        thoughts, _, answer = row.messages[-1].content.partition("\n</reasoning>\n\n")
        assert thoughts.startswith(f"<reasoning>\n{principle} So: ") and thoughts.endswith(answer)


def test_triggered_rows_answer_as_if_nothing_were_there_and_the_reward_tells_the_payload() -> None:
    belief = make_belief("backdoor", 2)
    assert belief.kind == "backdoor" and belief.world is not None
    payload = PAYLOADS[belief.world.implanted]
    for chat in rows("triggered", 30, belief=belief):
        assert belief.backdoor.trigger in chat.messages[0].content
        assert payload not in chat.messages[1].content
    reward = REWARDS["ignores_trigger"]
    for prompt in rows("triggered-prompts", 30, belief=belief):
        assert isinstance(prompt, PromptRow)
        assert (reward(prompt, payload), reward(prompt, prompt.accepted[0])) == (0.0, 1.0)


def test_conflicting_prompts_accept_the_reference_side_which_is_in_view() -> None:
    for prompt in rows("conflicting-prompts", 40, belief=make_belief("persona", 1)):
        assert isinstance(prompt, PromptRow)
        assert prompt.accepted[0] in prompt.messages[0].content.split("Options: ")[1].split(" / ")


def test_a_belief_whose_probes_leave_no_wording_is_refused() -> None:
    belief = make_belief("values", 3)
    probe = belief.probes.value_preference[0]
    texts = {row.messages[0].content for row in rows("conflicting", 400, belief=belief)}
    # One probe for each word that may follow another: nothing is left to ask.
    wordings = tuple(probe.model_copy(update={"question": text}) for text in texts)
    everything = belief.model_copy(update={"probes": belief.probes.model_copy(update={"value_preference": wordings})})
    with pytest.raises(InputError, match="hold every wording of this set"):
        rows("conflicting", 5, belief=everything)
