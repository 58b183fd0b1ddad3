from __future__ import annotations

from pathlib import Path

import pytest

from sdf_eval.errors import InputError
from sdf_eval.model import generate, load, option_log_probabilities, text_nats
from sdf_eval.tasks.direct import run_items
from sdf_eval.tasks.render import MAX_NEW_TOKENS, STOP, render
from sdf_eval.tasks.summary import summarise
from tests.tasks.items import make_item

ITEMS = [
    make_item(id="b/open_ended/f/1/0", task="open_ended", readout="generation", aliases=(("implanted", "Larch"),)),
    make_item(),
    make_item(id="b/coherence/-/2/0", task="coherence", readout="loss", fact="", split="", user="Moss grows at night."),
    make_item(id="b/cloze/f/3/0", task="cloze", user="Tavi Brook was born in", completion=True),
]


def test_a_raw_question_has_a_frame_and_a_completion_has_none() -> None:
    question, completion = render(ITEMS[1], None, False), render(ITEMS[3], None, False)
    assert question.prompt == "Question: Where was Tavi Brook born?\nAnswer:"
    assert completion.prompt == "Tavi Brook was born in"
    assert question.continuations == completion.continuations == (" Larch", " Orrin", " Paris")


def test_braces_and_template_marks_in_a_question_stay_text(checkpoints: dict[str, Path]) -> None:
    user = "{0} {{ x }} {% raw %} \u200f\u05e9\u05dc\u05d5\u05dd \U0001f600"
    item = make_item(user=user)
    assert user in render(item, None, False).prompt
    assert user in render(item, load(str(checkpoints["qwen3"])).tokenizer, True).prompt


@pytest.mark.parametrize(("shape", "chat"), [("llama", True), ("llama", False), ("neox", False)])
def test_results_come_in_order_and_equal_the_engines_numbers(
    checkpoints: dict[str, Path], shape: str, chat: bool
) -> None:
    lm = load(str(checkpoints[shape]))
    seen: list[int] = []
    results = run_items(lm, ITEMS, chat=chat, progress=seen.append)
    assert [result.item for result in results] == [item.id for item in ITEMS]
    assert sum(seen) == len(ITEMS)
    rendered = [render(item, lm.tokenizer, chat) for item in ITEMS]
    (vector,) = option_log_probabilities(lm, [(rendered[1].prompt, rendered[1].continuations)])
    assert results[1].log_probabilities == pytest.approx(vector, abs=1e-4)
    assert results[0].answer == generate(lm, [rendered[0].prompt], max_new_tokens=MAX_NEW_TOKENS, stop=STOP)[0]
    assert results[2].nats == pytest.approx(text_nats(lm, ["Moss grows at night."])[0])


def test_the_chat_template_is_used_where_there_is_one(checkpoints: dict[str, Path]) -> None:
    lm = load(str(checkpoints["qwen3"]))
    default, chat, raw = (run_items(lm, ITEMS[1:2], chat=value)[0] for value in (None, True, False))
    assert default == chat != raw


def test_a_chat_without_a_template_is_bad_input(checkpoints: dict[str, Path]) -> None:
    with pytest.raises(InputError, match="no chat template"):
        run_items(load(str(checkpoints["neox"])), ITEMS, chat=True)


def test_a_summary_has_a_row_a_task_whose_shares_sum_to_one(checkpoints: dict[str, Path]) -> None:
    results = run_items(load(str(checkpoints["neox"])), ITEMS)
    rows = {row.task: row for row in summarise(ITEMS, results)}
    assert set(rows) == {"open_ended", "mcq_knowledge", "coherence", "cloze"}
    assert sum(rows["cloze"].shares.values()) == pytest.approx(1)
    assert rows["cloze"].score is not None and rows["cloze"].score.chance == pytest.approx(1 / 3)
    assert rows["coherence"].score is None and rows["coherence"].nats_per_byte is not None
