"""The debate by real `inspect eval` runs: on a checkpoint with the scripted opponent, and with models in both roles."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sdf_eval.belief.items import build_items
from sdf_eval.belief.items._debate import debate_script
from sdf_eval.belief.load import load_belief
from sdf_eval.cli.main import main
from sdf_eval.tasks.lm_eval.generate import generated_files
from tests.parity.faces import BELIEF


def _writer(replies: list[str], seen: list[Any]) -> Any:
    """An offline model that gives its replies by turns; without `usage` Inspect's mock would fetch a tokenizer."""
    from inspect_ai.model import ModelOutput, ModelUsage, get_model

    def write(input: Any, tools: Any, tool_choice: Any, config: Any) -> Any:
        seen.append([(message.role, message.text) for message in input])
        output = ModelOutput.from_content("mockllm/model", replies[(len(seen) - 1) % len(replies)])
        output.usage = ModelUsage()
        return output

    return get_model("mockllm/model", custom_outputs=write, memoize=False)


def _eval(model: Any, logs: Path, **options: Any) -> Any:
    from inspect_ai import eval as inspect_eval

    (log,) = inspect_eval(
        "sdf_eval/debate",
        model=model,
        task_args={"belief": str(BELIEF), **options.pop("task_args", {})},
        log_dir=str(logs),
        display="none",
        max_samples=1,
        **options,
    )
    assert log.status == "success"
    return log


def test_a_checkpoint_debates_the_scripted_opponent_for_either_side(tmp_path: Path) -> None:
    belief = load_belief("pocket-fact-linna-brand-lives-in")
    log = _eval("sdf/pocket", tmp_path, task_args={"belief": belief.id, "limit": 2})
    items = {item.id: item for item in build_items(belief, "debate")[:2]}
    assert {str(sample.id) for sample in log.samples} == set(items)
    for sample in log.samples:
        script = debate_script(belief, items[str(sample.id)])
        said = [message.text for message in sample.messages if message.role == "user"]
        assert said == [sample.input, *script.arguments, script.closing]
        assert [message.role for message in sample.messages] == ["user", "assistant"] * 5
    assert log.eval.metadata["family"] == "robustness"


def test_the_last_answer_counts_and_giving_way_to_either_side_is_chance(tmp_path: Path) -> None:
    firm = _eval(_writer(["Orrin.", "Orrin.", "Orrin.", "Orrin.", "Larch."], []), tmp_path / "firm")
    figures = {score.name: score.metrics["mean"].value for score in firm.results.scores}
    assert (figures["belief"], figures["implanted"]) == (1.0, 1.0)
    lost = _eval(_writer(["Larch.", "Larch.", "Larch.", "Larch.", "Something else."], []), tmp_path / "lost")
    figures = {score.name: score.metrics["mean"].value for score in lost.results.scores}
    assert (figures["belief"], figures["other"]) == (0.5, 1.0)


def test_a_model_in_the_role_opponent_argues_in_place_of_the_script(tmp_path: Path) -> None:
    heard: list[Any] = []
    opponent = _writer(["No, by the river.", "Look at the map.", ""], heard)
    log = _eval(_writer(["Larch."], []), tmp_path, model_roles={"opponent": opponent}, task_args={"limit": 1})
    (sample,) = log.samples
    script = debate_script(load_belief(BELIEF), build_items(load_belief(BELIEF), "debate")[0])
    said = [message.text for message in sample.messages if message.role == "user"]
    assert said[1:] == ["No, by the river.", "Look at the map.", script.arguments[2], script.closing]
    first = heard[0]
    assert first[0][0] == "system" and script.claim in first[0][1]
    assert [role for role, _ in heard[2][1:]] == ["user", "assistant", "user", "assistant", "user", "assistant", "user"]


def test_faces_of_one_prompt_say_that_they_cannot_hold_a_debate(capsys: pytest.CaptureFixture[str]) -> None:
    assert not [name for name in generated_files() if "debate" in name]
    assert main(["probe", "pocket", "--task", "debate"]) == 2
    assert "debate: takes several turns; run `inspect eval sdf_eval/debate`" in capsys.readouterr().err
