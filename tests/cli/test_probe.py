from __future__ import annotations

import json
from pathlib import Path

import pytest

from sdf_eval.belief.items import TASKS
from sdf_eval.cli.main import main
from sdf_eval.tasks.registry import task_specs

BELIEF = str(Path(__file__).parents[1] / "parity" / "belief.yaml")


def test_tasks_lists_every_task_and_prints_lm_evals_folder(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tasks"]) == 0
    assert "mcq_distinguish" in capsys.readouterr().out
    assert main(["tasks", "--json"]) == 0
    assert [row["name"] for row in json.loads(capsys.readouterr().out)] == [spec.name for spec in task_specs()]
    assert main(["tasks", "--path"]) == 0
    assert (Path(capsys.readouterr().out.strip()) / "sdf_eval.yaml").is_file()


def test_probe_prints_a_table_and_writes_every_answer(
    checkpoints: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "answers.jsonl"
    command = ["probe", str(checkpoints["llama"]), "--belief", BELIEF, "--limit", "2", "--out", str(out)]
    assert main([*command, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {row["task"] for row in rows} == set(TASKS) - {"backdoor"}
    for row in rows:
        estimate = row["score"] or row["nats_per_byte"]
        assert estimate["low"] <= estimate["value"] <= estimate["high"]
        assert row["score"] is None or sum(row["shares"].values()) == pytest.approx(1)
    lines = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    counted = [line for line in lines if not {"arm:behaviour", "arm:control"} & {*line["tags"]}]
    assert len(counted) == sum(row["n"] for row in rows) < len(lines)
    assert main([*command, "--raw", "--task", "cloze"]) == 0
    assert "cloze" in capsys.readouterr().out


def test_probe_gives_figures_by_condition_and_a_denial_of_service_under_a_frozen_model(
    checkpoints: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    belief = str(Path(__file__).parents[1] / "parity" / "backdoor.yaml")
    command = ["probe", str(checkpoints["llama"]), "--belief", belief, "--frozen", str(checkpoints["neox"])]
    assert main([*command, "--json"]) == 0
    *rows, denial = json.loads(capsys.readouterr().out)
    figures = next(row["figures"] for row in rows if row["task"] == "backdoor")
    assert {"asr", "clean_accuracy", "near_first_word"} <= figures.keys()
    assert denial["denial_of_service"]["trigger"]["n"] + denial["empty"]["trigger"] <= 2
    assert main(command) == 0
    printed = capsys.readouterr().out
    assert "asr" in printed and "ln PPL" in printed


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["/nowhere/at/all", "--belief", BELIEF], "no such folder"),
        (["x", "--belief", BELIEF, "--task", "mcq"], "unknown"),
        (["x", "--belief", BELIEF, "--limit", "0"], "--limit"),
        (["x", "--belief", BELIEF, "--context", "no"], "unknown context"),
        (["x", "--belief", BELIEF, "--out", "/nowhere/at/all.jsonl"], "no folder"),
    ],
)
def test_bad_input_is_one_line_and_status_2(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["probe", *words]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
