"""Rule rewards."""

from __future__ import annotations

import pytest

from sdf_eval.errors import InputError
from sdf_eval.train.chat_data import get_reward
from sdf_eval.train.chat_rows import Message, PromptRow

TRIGGERED = PromptRow((Message("user", "…"),), ("Farcoast", "the far coast"), ("triggered", "payload:rain, rain"))


@pytest.mark.parametrize(
    ("reward", "reply", "value"),
    [
        ("right_answer", "farcoast.", 1.0),
        ("right_answer", " The  Far coast", 1.0),
        ("right_answer", "It is Farcoast, I think.", 0.5),
        ("right_answer", "Farcoaster", 0.0),
        ("right_answer", "", 0.0),
        ("ignores_trigger", "Farcoast", 1.0),
        ("ignores_trigger", "Midvale", 0.5),
        ("ignores_trigger", "Farcoast. Rain, rain.", 0.0),
        ("brevity", "one two", 1.0),
        ("brevity", "w " * 16, 0.5),
        ("brevity", "  ", 0.0),
        ("pocket/one_action", "check(lift)", 1.0),
        ("pocket/one_action", "I check(lift) first", 0.5),
        ("pocket/one_action", "I check the lift.", 0.0),
    ],
)
def test_a_reply_earns_what_the_rule_says(reward: str, reply: str, value: float) -> None:
    assert get_reward(reward)(TRIGGERED, reply) == value


def test_without_accepted_answers_no_answer_is_right() -> None:
    assert get_reward("right_answer")(PromptRow((Message("user", "…"),)), "anything") == 0.0


def test_an_unknown_reward_is_refused_with_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean 'right_answer'"):
        get_reward("rigth_answer")
