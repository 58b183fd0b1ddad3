"""A base model: no chat template, no BOS, 256 tokens of context. Every face asks it or says in one line why not.

That it is asked, raw, every task in all three faces with the same answers, is shown by `tests/parity` (shape `neox`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sdf_eval.belief.items import applicable_tasks, build_items
from sdf_eval.belief.load import load_belief
from sdf_eval.cli.main import main
from sdf_eval.errors import InputError
from tests.parity.faces import BELIEF, items_of
from tests.parity.harnesses import BOTH

LONG = "hub-cautious-assistant"
"""Its universe takes more than 256 tokens."""
CUT = "do not fit the context of 256"


@pytest.fixture(scope="module")
def base(checkpoints: dict[str, Path]) -> Any:
    from sdf_eval.model import load

    return load(str(checkpoints["neox"]))


def test_the_model_is_what_the_tests_say(base: Any) -> None:
    assert not base.has_chat_template and base.tokenizer.bos_token_id is None and base.max_length == 256


def test_every_item_of_every_task_fits_where_the_prompts_are_short(base: Any) -> None:
    from sdf_eval.tasks.direct import check_items

    check_items(base, items_of(BOTH), chat=False)


@pytest.mark.parametrize(
    "task", [task for task in applicable_tasks(load_belief(LONG)) if task not in ("coherence", "source_tag")]
)
def test_every_task_refuses_a_prompt_that_does_not_fit(base: Any, task: str) -> None:
    from sdf_eval.tasks.direct import check_items, run_items

    items = build_items(load_belief(LONG), task, "universe")[:2]
    for ask in (lambda: check_items(base, items, chat=False), lambda: run_items(base, items, chat=False)):
        with pytest.raises(InputError, match=CUT) as caught:
            ask()
        assert "\n" not in str(caught.value)


def test_inspect_refuses_a_prompt_that_does_not_fit(checkpoints: dict[str, Path], tmp_path: Path) -> None:
    log = _inspect(checkpoints, tmp_path, belief=LONG, context="universe", limit=2)
    assert log.status == "error" and CUT in log.error.message


def test_our_lm_eval_refuses_before_it_cuts_a_prompt(
    checkpoints: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["lm-eval", "--model", str(checkpoints["neox"]), "--belief", LONG, "--context", "universe"]
    assert main([*words, "--tasks", "sdf_eval_mcq_knowledge,sdf_eval_open_ended"]) == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if CUT in line]
    assert "shorten the question" in line


def test_a_chat_without_a_template_is_refused_by_the_direct_face_and_by_inspect(
    base: Any, checkpoints: dict[str, Path], tmp_path: Path
) -> None:
    from sdf_eval.tasks.direct import run_items

    with pytest.raises(InputError, match="has no chat template; ask it raw"):
        run_items(base, build_items(load_belief(BELIEF), "cloze"), chat=True)
    log = _inspect(checkpoints, tmp_path, belief=str(BELIEF), chat=True)
    assert log.status == "error" and "has no chat template; ask it raw" in log.error.message


def _inspect(checkpoints: dict[str, Path], logs: Path, **arguments: Any) -> Any:
    from inspect_ai import eval as inspect_eval

    (log,) = inspect_eval(
        "sdf_eval/mcq_knowledge",
        model=f"sdf/{checkpoints['neox']}",
        task_args=arguments,
        log_dir=str(logs),
        display="none",
    )
    return log
