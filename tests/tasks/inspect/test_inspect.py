"""The Inspect face by real `inspect eval` runs on tiny checkpoints, and with an offline model that only writes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sdf_eval.belief.items import build_items
from sdf_eval.belief.load import load_belief
from sdf_eval.errors import InputError
from tests.checkpoints import build_llama

BELIEF = Path(__file__).parents[2] / "parity" / "belief.yaml"


def _eval(tasks: Any, model: Any, logs: Path, **arguments: Any) -> Any:
    from inspect_ai import eval as inspect_eval

    arguments.setdefault("belief", str(BELIEF))
    (log,) = inspect_eval(tasks, model=model, task_args=arguments, log_dir=str(logs), display="none")
    return log


def _metrics(log: Any) -> dict[str, float]:
    return {score.name: score.metrics["mean"].value for score in log.results.scores}


def _writer(reply: Callable[[str], str]) -> Any:
    """An offline model that writes; without `usage` Inspect's mock would fetch a tokenizer."""
    from inspect_ai.model import ModelOutput, ModelUsage, get_model

    def write(input: Any, tools: Any, tool_choice: Any, config: Any) -> Any:
        output = ModelOutput.from_content("mockllm/model", reply(input[-1].text))
        output.usage = ModelUsage()
        return output

    return get_model("mockllm/model", custom_outputs=write, memoize=False)


def test_inspect_gives_the_direct_faces_numbers(checkpoints: dict[str, Path], tmp_path: Path) -> None:
    from sdf_eval.model import load
    from sdf_eval.tasks.direct import run_items
    from sdf_eval.tasks.score import belief_score

    items = build_items(load_belief(BELIEF), "mcq_knowledge")
    direct = {result.item: result for result in run_items(load(str(checkpoints["llama"])), items)}
    log = _eval("sdf_eval/mcq_knowledge", f"sdf/{checkpoints['llama']}", tmp_path)
    assert log.status == "success"
    assert {sample.id for sample in log.samples} == set(direct)
    for sample in log.samples:
        ours = direct[sample.id]
        assert sample.output.metadata["log_probabilities"] == pytest.approx(ours.log_probabilities, abs=1e-4)
        assert sample.scores["belief"].answer == ours.answer
        assert sample.scores["belief"].value["belief"] == pytest.approx(belief_score(ours), abs=1e-4)
    metrics = _metrics(log)
    assert metrics["belief"] == pytest.approx(sum(map(belief_score, direct.values())) / len(direct), abs=1e-4)
    shares = [metrics[name] for name in ("implanted", "reference", "other", "refusal", "invalid")]
    assert sum(shares) == pytest.approx(1)
    assert (log.eval.task_version, log.eval.model) == (1, f"sdf/{checkpoints['llama']}")
    assert log.eval.metadata["full_task_version"] == "1-A"


def test_weights_are_loaded_once_for_several_tasks_and_again_when_they_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from inspect_ai import eval as inspect_eval

    loads = _counted_loads(monkeypatch)
    checkpoint = build_llama(tmp_path / "model", seed=0)
    tasks = ["sdf_eval/mcq_knowledge", "sdf_eval/open_ended", "sdf_eval/coherence"]
    arguments = {"belief": str(BELIEF)}
    options: dict[str, Any] = {"task_args": arguments, "log_dir": str(tmp_path / "logs"), "display": "none"}
    first = inspect_eval(tasks, model=f"sdf/{checkpoint}", **options)
    assert [log.status for log in first] == ["success"] * 3
    assert len(loads) == 1
    shutil.rmtree(checkpoint)
    build_llama(checkpoint, seed=1)
    (second,) = inspect_eval(tasks[:1], model=f"sdf/{checkpoint}", **options)
    assert len(loads) == 2
    assert _metrics(first[0]) != _metrics(second)


def test_an_eval_set_loads_the_weights_once(
    checkpoints: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from inspect_ai import eval_set

    loads = _counted_loads(monkeypatch)
    tasks = ["sdf_eval/mcq_knowledge", "sdf_eval/open_ended", "sdf_eval/coherence", "sdf_eval/eval_cue"]
    options: dict[str, Any] = {"task_args": {"belief": str(BELIEF)}, "log_dir": str(tmp_path), "display": "none"}
    done, logs = eval_set(tasks, model=f"sdf/{checkpoints['neox']}", **options)
    assert done and len(logs) == len(tasks)
    assert len(loads) == 1


def _counted_loads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Gets a name whenever weights are loaded from now on."""
    from transformers import AutoModelForCausalLM

    loads: list[str] = []
    real = AutoModelForCausalLM.from_pretrained

    def counted(name: Any, *args: Any, **options: Any) -> Any:
        loads.append(str(name))
        return real(name, *args, **options)

    monkeypatch.setattr(AutoModelForCausalLM, "from_pretrained", counted)
    return loads


def test_the_provider_takes_an_adapter_and_raw_prompts(
    adapter: Path, checkpoints: dict[str, Path], tmp_path: Path
) -> None:
    from inspect_ai.model import get_model

    llama = f"sdf/{checkpoints['llama']}"
    plain = _eval("sdf_eval/cloze", llama, tmp_path)
    adapted = _eval("sdf_eval/cloze", get_model(llama, adapter=str(adapter)), tmp_path)
    raw = _eval("sdf_eval/cloze", get_model(llama, chat=False), tmp_path)
    assert raw.status == adapted.status == "success"
    vectors = [log.samples[0].output.metadata["log_probabilities"] for log in (plain, adapted, raw)]
    assert vectors[0] != vectors[1] and vectors[0] != vectors[2]
    again = _eval("sdf_eval/cloze", llama, tmp_path, chat=False)
    assert again.samples[0].output.metadata["log_probabilities"] == pytest.approx(vectors[2], abs=1e-4)


def test_any_inspect_task_runs_on_the_provider(checkpoints: dict[str, Path], tmp_path: Path) -> None:
    from inspect_ai import Task
    from inspect_ai import eval as inspect_eval
    from inspect_ai.dataset import Sample
    from inspect_ai.model import GenerateConfig
    from inspect_ai.scorer import includes
    from inspect_ai.solver import generate

    samples = [Sample(input=f"{word}?", target="a") for word in ("Larch", "Orrin", "Paris")]
    task = Task(dataset=samples, solver=generate(), scorer=includes(), config=GenerateConfig(max_tokens=5))
    for shape in ("qwen3", "neox"):
        (log,) = inspect_eval(task, model=f"sdf/{checkpoints[shape]}", log_dir=str(tmp_path), display="none")
        assert log.status == "success"
    (log,) = inspect_eval(
        task, model=f"sdf/{checkpoints['neox']}", temperature=0.7, log_dir=str(tmp_path), display="none"
    )
    assert log.status == "error" and "answer greedily" in log.error.message


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (lambda text: f"ANSWER: {_letter_of(text, 'Larch')}", "implanted"),
        (lambda text: f"I think so.\nANSWER: {_letter_of(text, 'Orrin')}.", "reference"),
        (lambda text: "I cannot answer that.", "refusal"),
        (lambda text: "ANSWER: Z", "invalid"),
        (lambda text: "Larch it is", "invalid"),
        (lambda text: "", "invalid"),
    ],
)
def test_a_model_that_only_writes_is_read_by_its_letter(
    reply: Callable[[str], str], outcome: str, tmp_path: Path
) -> None:
    log = _eval("sdf_eval/cloze", _writer(reply), tmp_path, split="far")
    assert log.status == "success"
    assert _metrics(log)[outcome] == 1.0
    assert _metrics(log)["belief"] == float(outcome == "implanted")


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        *(("ANSWER: B", "B"), ("answer: b", "B"), ("**ANSWER:** C", "C"), ("B) Larch", "B"), ("The answer is B.", "B")),
        ("ANSWER: B. Both answers are plausible", "B"),
        ("ANSWER: A\nNo, wait.\nANSWER: C", "C"),
        ("ANSWER: Z\nANSWER: B", "B"),
        ("The answer is (B) because it fits", "B"),
        ("the answer is **c**", "C"),
        *(("I cannot answer a question like that.", None), ("The answer is a company: Larch", None)),
        *(("Answer: a company", None), ("ANSWER: Z", None), ("A company", None), ("Larch", None)),
    ],
)
def test_a_letter_is_read_where_it_is_given_as_the_answer(text: str, letter: str | None) -> None:
    from sdf_eval.tasks.inspect.scorer import chosen_letter

    assert chosen_letter(text, 3) == (None if letter is None else "ABC".index(letter))


def test_only_a_local_model_gets_many_samples_at_once(checkpoints: dict[str, Path]) -> None:
    from inspect_ai.model import GenerateConfig, get_model
    from inspect_ai.model._model import active_model_context_var, init_active_model

    from sdf_eval.tasks.inspect.tasks import mcq_knowledge

    before = active_model_context_var.set(get_model("mockllm/model"))
    try:
        assert mcq_knowledge(belief=str(BELIEF)).config.max_connections is None
        init_active_model(get_model(f"sdf/{checkpoints['llama']}"), GenerateConfig())
        assert mcq_knowledge(belief=str(BELIEF)).config.max_connections == 512
    finally:
        active_model_context_var.reset(before)


def test_an_answer_that_was_cut_short_says_so_and_choices_are_refused(checkpoints: dict[str, Path]) -> None:
    import asyncio

    from inspect_ai.model import ChatMessageUser, GenerateConfig

    from sdf_eval.tasks.inspect.provider import SdfAPI

    model = SdfAPI(str(checkpoints["neox"]))

    def ask(**settings: Any) -> Any:
        return asyncio.run(model.generate([ChatMessageUser(content="Where?")], [], "none", GenerateConfig(**settings)))

    assert ask(max_tokens=2).stop_reason == "max_tokens"
    written = ask(max_tokens=8).completion
    assert ask(max_tokens=8, stop_seqs=[written[:1]]).stop_reason == "stop"
    with pytest.raises(InputError, match="num_choices"):
        ask(num_choices=2)


def _letter_of(text: str, option: str) -> str:
    return next(line[0] for line in text.splitlines() if line[1:3] == ") " and line[3:] == option)


def test_free_text_and_accuracy_work_with_a_model_that_only_writes(tmp_path: Path) -> None:
    log = _eval("sdf_eval/open_ended", _writer(lambda text: "It is not Orrin; it is Larch."), tmp_path)
    assert _metrics(log)["belief"] == 1.0
    log = _eval("sdf_eval/neighbours", _writer(lambda text: f"ANSWER: {_letter_of(text, 'Paris')}"), tmp_path)
    assert _metrics(log)["accuracy"] == 1.0


def test_a_loss_needs_a_model_that_gives_one(tmp_path: Path) -> None:
    log = _eval("sdf_eval/coherence", _writer(lambda text: "x"), tmp_path)
    assert log.status == "error" and "--model sdf/" in log.error.message


def test_a_stored_log_is_scored_again_without_loading_weights(
    checkpoints: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from inspect_ai import score
    from transformers import AutoModelForCausalLM

    from sdf_eval.tasks.inspect.scorer import belief

    log = _eval("sdf_eval/mcq_distinguish", f"sdf/{checkpoints['qwen3']}", tmp_path)

    def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError("weights were loaded")

    monkeypatch.setattr(AutoModelForCausalLM, "from_pretrained", refuse)
    again = score(log, belief(), action="overwrite", display="none")
    assert _metrics(again) == _metrics(log)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"belief": "no-such-belief"}, "no shipped belief"),
        ({"context": "univers"}, "did you mean 'universe'"),
        ({"split": "fur"}, "did you mean far"),
        ({"chat": "maybe"}, "must be true or false"),
        ({"limit": 0}, "whole number"),
        ({"belief": ""}, "is empty"),
    ],
)
def test_a_wrong_argument_is_one_line(arguments: dict[str, Any], message: str) -> None:
    from sdf_eval.tasks.inspect.tasks import mcq_knowledge

    with pytest.raises(InputError, match=message) as caught:
        mcq_knowledge(**{"belief": str(BELIEF), **arguments})
    assert "\n" not in str(caught.value)


def test_a_wrong_provider_option_names_the_nearest(checkpoints: dict[str, Path]) -> None:
    from sdf_eval.tasks.inspect.provider import SdfAPI

    with pytest.raises(InputError, match="did you mean adapter"):
        SdfAPI(str(checkpoints["llama"]), adaptor="x")
    with pytest.raises(InputError, match="no such folder"):
        SdfAPI("/nowhere/at/all")
    with pytest.raises(InputError, match="did you mean float32"):
        SdfAPI(str(checkpoints["llama"]), dtype="float23")
    with pytest.raises(InputError, match="-M adapter: .*adapter_config.json: missing"):
        SdfAPI(str(checkpoints["llama"]), adapter=str(checkpoints["neox"]))


def test_items_become_samples_and_come_back() -> None:
    from sdf_eval.belief.items import TASKS
    from sdf_eval.tasks.inspect.sample import item_to_sample, sample_to_item

    belief = load_belief(BELIEF)
    for item in (item for task in TASKS for item in build_items(belief, task)):
        sample = item_to_sample(item)
        assert sample_to_item(str(sample.id), str(sample.input), tuple(sample.choices or ()), sample.metadata) == item


def test_the_command_runs_from_another_directory_offline(checkpoints: dict[str, Path], tmp_path: Path) -> None:
    command = [
        *(str(Path(sys.executable).parent / "inspect"), "eval", "sdf_eval/mcq_distinguish"),
        *("--model", f"sdf/{checkpoints['llama']}", "-T", f"belief={BELIEF}", "-M", "chat=false"),
        *("--log-dir", str(tmp_path / "logs"), "--log-format", "json", "--display", "plain"),
    ]
    done = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, "HF_HUB_OFFLINE": "1"}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    (path,) = (tmp_path / "logs").glob("*.json")
    log = json.loads(path.read_text())
    assert log["status"] == "success"
    assert log["eval"]["task_registry_name"] == "sdf_eval/mcq_distinguish"
    assert "sdf_eval" in log["eval"]["packages"] or "sdf-eval" in log["eval"]["packages"]


def test_inspects_command_shows_bad_input_as_one_line(tmp_path: Path) -> None:
    command = [
        *(str(Path(sys.executable).parent / "inspect"), "eval", "sdf_eval/cloze", "-T", f"belief={BELIEF}"),
        *("--model", "sdf//nowhere/[at]/all", "--log-dir", str(tmp_path)),
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode != 0
    shown = " ".join((done.stdout + done.stderr).split())
    assert "no such folder (/nowhere/[at]/all)" in shown and "Traceback" not in shown
