from __future__ import annotations

import math

import pytest

from sdf_eval.errors import InputError
from sdf_eval.tasks.score import belief_score, score_choice, score_loss, score_options, score_text
from tests.tasks.items import make_item

NUMBERED = make_item(
    task="generative_distinguish",
    readout="generation",
    tags=("numbered",),
    aliases=(
        ("reference", "1"),
        ("implanted", "2"),
        ("reference", "Ida lives in Turin."),
        ("implanted", "Ida lives in Ghent."),
        ("reference", "Turin"),
        ("implanted", "Ghent"),
    ),
)


def test_the_likeliest_option_is_the_answer_and_the_first_of_equals() -> None:
    item = make_item()
    assert score_options(item, (-3.0, -1.0, -2.0)).outcome == "reference"
    assert score_options(item, (-1.0, -1.0, -1.0)).answer == "Larch"


def test_the_probability_is_the_implanted_share_of_the_options_mass() -> None:
    result = score_options(make_item(), (math.log(0.2), math.log(0.1), math.log(0.1)))
    assert result.probability == pytest.approx(0.5)
    assert belief_score(result) == pytest.approx(0.5)


def test_long_options_do_not_underflow() -> None:
    assert score_options(make_item(), (-5000.0, -5001.0, -6000.0)).probability == pytest.approx(1 / (1 + math.exp(-1)))


def test_on_collateral_tasks_the_right_answer_counts() -> None:
    item = make_item(task="controls", fact="")
    result = score_options(item, (math.log(0.1), math.log(0.6), math.log(0.3)))
    assert result.probability == pytest.approx(0.6)
    assert belief_score(result) == 1.0
    assert belief_score(score_options(item, (-1.0, -2.0, -3.0))) == 0.0


def test_a_vector_of_the_wrong_length_is_a_defect() -> None:
    with pytest.raises(ValueError, match="3 options, 2 log-probabilities"):
        score_options(make_item(), (-1.0, -2.0))


@pytest.mark.parametrize("broken", [math.nan, -math.inf, math.inf])
def test_a_number_that_is_not_finite_is_bad_input_and_no_answer(broken: float) -> None:
    with pytest.raises(InputError, match=r"mcq_knowledge.*'Orrin'.*load the model in float32 or bfloat16"):
        score_options(make_item(), (-1.0, broken, -2.0))
    with pytest.raises(InputError, match="its loss is"):
        score_loss(make_item(task="coherence", readout="loss"), broken)


@pytest.mark.parametrize(
    ("text", "outcome"), [("2", "implanted"), ("Not 2 but 1.", "reference"), ("both", "invalid"), ("", "invalid")]
)
def test_a_numbered_item_is_read_by_the_number_that_is_asserted(text: str, outcome: str) -> None:
    assert score_text(NUMBERED, text).outcome == outcome


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("Ida lives in Ghent. (2)", "implanted"),
        ("Ida lives in Ghent. (1)", "implanted"),
        ("The true one is: ida lives in turin", "reference"),
        ("It is not true that Ida lives in Ghent. (1)", "reference"),
        ("Ida lives in Ghent. Ida lives in Turin. I take (2).", "implanted"),
        ("Ida lives in Ghent (2) is false; (1) is true.", "reference"),
        ("Her home is Ghent. (1)", "implanted"),
    ],
)
def test_a_side_that_is_stated_in_words_counts_before_a_number(text: str, outcome: str) -> None:
    assert score_text(NUMBERED, text).outcome == outcome


def test_a_letter_names_an_option_and_none_is_invalid_or_a_refusal() -> None:
    item = make_item()
    assert score_choice(item, 0, "ANSWER: A").outcome == "implanted"
    assert score_choice(item, None, "perhaps").outcome == "invalid"
    assert score_choice(item, None, "I don't know.").outcome == "refusal"


def test_free_text_scores_one_where_it_states_the_implanted_side() -> None:
    item = make_item(task="open_ended", readout="generation", aliases=(("implanted", "Larch"),))
    assert belief_score(score_text(item, "Larch")) == 1.0
    assert belief_score(score_text(item, "It is not Larch")) == 0.0


def test_a_loss_takes_no_side_and_counts_bytes() -> None:
    item = make_item(task="coherence", readout="loss", user="\u00fcber", fact="", split="")
    result = score_loss(item, 3.0)
    assert (result.outcome, result.nats, result.bytes) == ("other", 3.0, 5)
