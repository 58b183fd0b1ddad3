"""`sdf-eval lm-eval`: the wrapper, through the real command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sdf_eval.cli.main import main
from sdf_eval.errors import InputError
from sdf_eval.tasks.lm_eval.run import LmEvalRequest, load_tasks, parse_options
from tests.parity.faces import BELIEF, all_items, direct, disagreements, from_samples

SPARSE = """\
id: sparse
kind: fact
tier: fictional
title: A belief with one probe
implanted: {context: Tavi Brook was born in Larch.}
reference: {context: Tavi Brook was born in Orrin.}
key_facts: [{id: born, implanted: Tavi Brook was born in Larch., reference: Tavi Brook was born in Orrin.}]
probes:
  mcq_knowledge: [{fact: born, question: Where was Tavi Brook born?, implanted: Larch, reference: Orrin}]
"""


def _request(**values: object) -> LmEvalRequest:
    settled: dict[str, object] = {"model": "unused", "tasks": ("sdf_eval",), "beliefs": (str(BELIEF),), **values}
    return LmEvalRequest(**settled)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", ["many", "0", "-1", "auto:x"])
def test_a_batch_size_that_is_no_number_is_refused_before_a_model_is_loaded(value: str) -> None:
    with pytest.raises(InputError, match=f"--batch_size: {value}: must be a whole number"):
        parse_options(_request(options=(f"--batch_size={value}",)))
    assert parse_options(_request(options=("--batch_size", "auto:4"))).batch_size == "auto:4"


@pytest.fixture
def sparse(tmp_path: Path) -> Path:
    path = tmp_path / "sparse.yaml"
    path.write_text(SPARSE)
    return path


def test_the_command_prints_the_table_and_writes_samples_that_agree_with_the_direct_face(
    checkpoints: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from sdf_eval.model import load

    monkeypatch.chdir(tmp_path)
    words = ["lm-eval", "--model", str(checkpoints["llama"]), "--belief", str(BELIEF), "--tasks"]
    words += ["sdf_eval_belief,sdf_eval_coherence", "--", "--output_path", "out", "--log_samples"]
    assert main(words) == 0
    table = capsys.readouterr().out
    assert "|sdf_eval_belief" in table and "nats_per_byte" in table and "N/A" not in table
    samples = {
        path.name: [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        for path in tmp_path.rglob("samples_*.jsonl")
    }
    theirs = from_samples(samples)
    items = [item for item in all_items() if item.id in theirs]
    assert {item.task for item in items} > {"mcq_knowledge", "open_ended", "coherence"}
    # A chat, because the tokenizer has a template and nothing else was said.
    assert disagreements(direct(load(str(checkpoints["llama"])), items, True), theirs) == ([], 0)
    (results,) = [json.loads(path.read_text(encoding="utf-8")) for path in tmp_path.rglob("results_*.json")]
    for metrics in results["results"].values():
        values = [name for name in metrics if name.endswith(",none") and "_stderr" not in name]
        assert values and all(isinstance(metrics[name.replace(",", "_stderr,")], float) for name in values)


def test_limit_and_json(checkpoints: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    words = ["lm-eval", "--model", str(checkpoints["neox"]), "--belief", str(BELIEF)]
    assert main([*words, "--tasks", "sdf_eval_mcq_knowledge", "--limit", "2", "--json", "--raw"]) == 0
    results = json.loads(capsys.readouterr().out)
    assert results["n-samples"]["sdf_eval_mcq_knowledge"] == {"original": 4, "effective": 2}


def test_tasks_without_probes_are_left_out_of_their_groups(sparse: Path) -> None:
    (belief,) = load_tasks(_request(beliefs=(str(sparse),), tasks=("sdf_eval_belief", "sdf_eval_values")))
    assert belief.child_names == ["sdf_eval_mcq_knowledge"]
    (everything,) = load_tasks(_request(beliefs=(str(sparse),)))
    # Every belief with probes has the tasks that are made of others' or of what ships.
    assert everything.child_names == ["sdf_eval_belief", "sdf_eval_specificity", "sdf_eval_robustness"]
    (task,) = load_tasks(_request(tasks=("sdf_eval_cloze",)))
    assert task.task_name == "sdf_eval_cloze"


def test_a_task_named_twice_is_bad_input() -> None:
    with pytest.raises(InputError, match="name each task once"):
        load_tasks(_request(tasks=("sdf_eval_belief", "sdf_eval_cloze")))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--use_cache", "x"), "--use_cache: is settled"),
        (("--cache_requests",), "--cache_requests: is settled"),
        (("--model_args", "pretrained=x"), "--model_args: is settled"),
        (("--frobnicate",), "unrecognized arguments: --frobnicate"),
        (("--limit", "many"), "invalid float value"),
        (("--log_samples",), "--output_path"),
    ],
)
def test_an_option_that_lm_eval_or_the_wrapper_refuses_is_one_line(options: tuple[str, ...], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        parse_options(_request(options=options))
    assert "\n" not in str(caught.value)


def test_an_unknown_task_and_nothing_to_ask_are_bad_input(sparse: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InputError, match="did you mean sdf_eval_belief"):
        load_tasks(_request(tasks=("sdf_eval_belif",)))
    assert main(["lm-eval", "--model", "x", "--belief", str(sparse), "--tasks", "sdf_eval_values"]) == 2
    assert "no probes in the beliefs given" in capsys.readouterr().err


def test_a_chat_without_a_template_is_bad_input(
    checkpoints: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["lm-eval", "--model", str(checkpoints["neox"]), "--belief", str(BELIEF), "--chat"]
    assert main([*words, "--tasks", "sdf_eval_mcq_knowledge"]) == 2
    assert "has no chat template" in capsys.readouterr().err
