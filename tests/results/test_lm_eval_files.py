"""Real lm-eval files in, the same numbers out; whatever is wrong with them is said in one line."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

from sdf_eval.errors import InputError
from sdf_eval.results.sources import read_stored
from sdf_eval.results.values import score
from tests.results.logs import TASKS, Logs


def _read(path: Path):
    found = read_stored(str(path), "base")
    assert found is not None
    return found


@pytest.fixture
def copy(logs: Logs, tmp_path: Path) -> Path:
    """The results file of a copy that may be spoilt."""
    shutil.copytree(logs.results.parent, tmp_path / "out")
    return next((tmp_path / "out").glob("results_*.json"))


def _change(path: Path, change: Callable[[Any], None]) -> None:
    body = json.loads(path.read_text(encoding="utf-8"))
    change(body)
    path.write_text(json.dumps(body), encoding="utf-8")


def _change_samples(results: Path, task: str, change: Callable[[list[Any]], None]) -> Path:
    path = next(results.parent.glob(f"samples_sdf_eval_{task}_*.jsonl"))
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]
    change(rows)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def _refused(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        read_stored(str(path), "base")
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("named", ["file", "folder"])
def test_a_results_file_gives_the_means_that_lm_eval_printed(logs: Logs, named: str) -> None:
    found = _read(logs.results if named == "file" else logs.lm_eval)
    theirs = json.loads(logs.results.read_text(encoding="utf-8"))["results"]
    for task in TASKS:
        answers = [answer for answer in found.answers if answer.task == task]
        printed = theirs[f"sdf_eval_{task}"]
        if task == "coherence":
            ours = fmean(answer.nats / answer.bytes for answer in answers)
            assert printed["nats_per_byte,none"] == pytest.approx(ours, abs=1e-12)
        else:
            metric = "accuracy" if task == "neighbours" else "belief"
            assert printed[f"{metric},none"] == pytest.approx(fmean(map(score, answers)), abs=1e-12)
    assert {one.task for one in found.results.reported} == set(TASKS)


def test_inspect_and_lm_eval_give_the_same_answers(logs: Logs) -> None:
    first, second = ({a.item: a for a in _read(path).answers} for path in (logs.inspect, logs.lm_eval))
    assert first.keys() == second.keys()
    assert {item for item in first if first[item].outcome != second[item].outcome and "open_ended" not in item} == set()
    for item, answer in first.items():
        assert second[item].log_probabilities == pytest.approx(answer.log_probabilities, abs=1e-4)


def test_where_the_numbers_come_from_is_kept(logs: Logs) -> None:
    results = _read(logs.lm_eval).results
    assert (results.harness, results.model, results.chat) == ("lm-eval 0.4.13", str(logs.checkpoint), True)
    assert set(results.task_versions.values()) == {"1"} and len(results.sources) == len(TASKS) + 1


def test_results_without_samples_say_how_to_get_them(copy: Path) -> None:
    next(copy.parent.glob("samples_sdf_eval_open_ended_*")).unlink()
    assert "--log_samples" in _refused(copy)


def test_results_of_another_task_are_refused(copy: Path) -> None:
    _change(copy, lambda body: body.update({"n-samples": {"hellaswag": {"original": 1, "effective": 1}}}))
    assert "no results of an sdf-eval task" in _refused(copy)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"results": 3}', b"\xff\xfe", b"[" * 100_000])
def test_a_file_that_is_no_results_file_is_refused(copy: Path, content: bytes) -> None:
    copy.write_bytes(content)
    assert str(copy) in _refused(copy)


def _drop_last(rows: list[Any]) -> None:
    rows.pop()


def _other_prompt(rows: list[Any]) -> None:
    rows[0]["doc"]["user"] = "Where was somebody else born?"


def _other_doc_and_hash(rows: list[Any]) -> None:
    rows[0]["doc_hash"] = "0" * 64


def _other_answer(rows: list[Any]) -> None:
    rows[0]["filtered_resps"] = rows[0]["filtered_resps"][::-1]


def _other_metric(rows: list[Any]) -> None:
    rows[0]["belief"] = 0.25


def _not_a_number(rows: list[Any]) -> None:
    rows[0]["filtered_resps"][0] = ["nan", "False"]


def _no_answer(rows: list[Any]) -> None:
    rows[0].pop("filtered_resps")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (_drop_last, "samples are there of"),
        (_other_prompt, "doc_hash: differs from its doc"),
        (_other_doc_and_hash, "task_hashes.sdf_eval_mcq_distinguish"),
        (_other_answer, "its answer gives"),
        (_other_metric, "belief: is 0.25"),
        (_not_a_number, "log-probability is nan"),
        (_no_answer, "filtered_resps"),
    ],
)
def test_edited_samples_are_refused(copy: Path, change: Any, complaint: str) -> None:
    _change_samples(copy, "mcq_distinguish", change)
    assert complaint in _refused(copy)


def test_an_interrupted_samples_file_is_refused_with_its_line(copy: Path) -> None:
    path = next(copy.parent.glob("samples_sdf_eval_open_ended_*"))
    path.write_bytes(path.read_bytes()[:-30])
    assert "line 2: not JSON" in _refused(copy)


@pytest.mark.parametrize("value", ["0.9", "NaN"])
def test_an_edited_mean_is_refused(copy: Path, value: str) -> None:
    body = json.loads(copy.read_text(encoding="utf-8"))
    printed = body["results"]["sdf_eval_mcq_distinguish"]["belief,none"]
    text = copy.read_text(encoding="utf-8").replace(f'"belief,none": {printed!r}', f'"belief,none": {value}')
    copy.write_text(text, encoding="utf-8")
    assert "its answers give" in _refused(copy)


def test_few_shot_results_are_refused(copy: Path) -> None:
    _change(copy, lambda body: body["n-shot"].update(sdf_eval_open_ended=5))
    assert "n-shot.sdf_eval_open_ended: is 5" in _refused(copy)


def test_half_a_surrogate_in_a_name_is_replaced(copy: Path) -> None:
    _change(copy, lambda body: body.update(model_name="x\ud800"))
    assert _read(copy).results.model == "x?"
