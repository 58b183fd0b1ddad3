"""Real `.eval` logs in, the same numbers out; whatever is wrong with a log is said in one line."""

from __future__ import annotations

import json
import math
import shutil
import zipfile
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

from sdf_eval.errors import InputError
from sdf_eval.results.sources import read_stored
from sdf_eval.results.values import score
from tests.results.logs import TASKS, Logs, edit_log, without_members


def _read(path: Path):
    found = read_stored(str(path), "base")
    assert found is not None
    return found


def test_a_folder_of_logs_gives_the_means_that_inspect_logged(logs: Logs) -> None:
    found = _read(logs.inspect)
    by_task = {task: [answer for answer in found.answers if answer.task == task] for task in TASKS}
    for path in logs.inspect.glob("*.eval"):
        with zipfile.ZipFile(path) as archive:
            header = json.loads(archive.read("header.json"))
        task = header["eval"]["task"].removeprefix("sdf_eval/")
        theirs = {entry["name"]: entry["metrics"] for entry in header["results"]["scores"]}
        if task == "coherence":
            ours = fmean(answer.nats / answer.bytes for answer in by_task[task])
            assert theirs["loss"]["nats_per_byte"]["value"] == pytest.approx(ours, abs=1e-12)
            continue
        name = "accuracy" if task == "neighbours" else "belief"
        assert theirs[name]["mean"]["value"] == pytest.approx(fmean(map(score, by_task[task])), abs=1e-12)
        shares = {
            share: fmean(a.outcome == share for a in by_task[task]) for share in ("implanted", "invalid", "other")
        }
        assert {share: theirs[share]["mean"]["value"] for share in shares} == pytest.approx(shares)
    assert {(one.task, one.metric) for one in found.results.reported} >= {("mcq_distinguish", "belief")}


def test_where_the_numbers_come_from_is_kept(logs: Logs) -> None:
    results = _read(logs.inspect).results
    assert results.harness.startswith("inspect-ai 0.3")
    assert results.model == f"sdf/{logs.checkpoint}"
    assert (results.context, results.chat, set(results.task_versions.values())) == ("none", True, {"1"})
    assert len(results.sources) == len(TASKS) and all(len(source.sha256) == 64 for source in results.sources)


def _refused(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        read_stored(str(path), "base")
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04" + b"junk" * 20, b"\x00" * 4096])
def test_an_empty_or_garbled_log_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.eval"
    path.write_bytes(content)
    assert "cannot be read as an Inspect log" in _refused(path)


def test_a_log_that_was_cut_off_is_refused(logs: Logs, tmp_path: Path) -> None:
    whole = logs.log("open_ended").read_bytes()
    path = tmp_path / "cut.eval"
    path.write_bytes(whole[: len(whole) // 2])
    assert "cannot be read as an Inspect log" in _refused(path)


def test_an_interrupted_log_is_refused(logs: Logs, tmp_path: Path) -> None:
    path = without_members(logs.log("open_ended"), tmp_path / "started.eval", "header", "reductions", "summaries.json")
    assert "status: is started, so the log is unfinished" in _refused(path)


def test_an_interrupted_log_that_a_retry_finished_is_passed_over(logs: Logs, tmp_path: Path) -> None:
    shutil.copy(logs.log("open_ended"), tmp_path / "retried.eval")
    without_members(logs.log("open_ended"), tmp_path / "a-first.eval", "header", "reductions", "summaries.json")
    assert [source.name for source in _read(tmp_path).results.sources] == ["retried.eval"]


def test_a_log_without_samples_is_refused(logs: Logs, tmp_path: Path) -> None:
    path = without_members(logs.log("open_ended"), tmp_path / "bare.eval", "samples", "summaries", "_journal/summaries")
    assert "samples" in _refused(path)


def test_a_log_of_another_task_is_refused(logs: Logs, tmp_path: Path) -> None:
    def rename(body: Any) -> None:
        body["eval"]["task"] = body["eval"]["task_registry_name"] = "inspect_evals/gsm8k"

    path = edit_log(logs.log("open_ended"), tmp_path / "other.eval", "header", rename)
    assert "no log of an sdf-eval task" in _refused(path)


def _edited_score(body: Any) -> None:
    body["scores"]["belief"]["value"]["belief"] = 0.0123


def _edited_mean(body: Any) -> None:
    next(entry for entry in body["results"]["scores"] if entry["name"] == "belief")["metrics"]["mean"]["value"] = 0.9


def _not_a_number(body: Any) -> None:
    body["output"]["metadata"]["log_probabilities"][0] = math.nan


def _without_item(body: Any) -> None:
    body["metadata"].pop("outcomes")


def _with_error(body: Any) -> None:
    body["error"] = {"message": "out of memory", "traceback": "", "traceback_ansi": ""}


@pytest.mark.parametrize(
    ("member", "change", "complaint"),
    [
        ("samples", _edited_score, "belief: is 0.0123, its answer gives"),
        ("header", _edited_mean, "belief: says 0.9, its answers give"),
        ("samples", _not_a_number, "log-probability is nan"),
        ("samples", _without_item, "outcomes"),
        ("samples", _with_error, "ended in an error"),
        ("header", lambda body: body["eval"]["config"].update(epochs=3), "epochs: 3 answers an item"),
        ("header", lambda body: body.update(invalidated=True), "invalidated"),
        ("header", lambda body: body["results"].update(total_samples=400), "are there of 400"),
    ],
)
def test_an_edited_or_damaged_log_is_refused(
    logs: Logs, tmp_path: Path, member: str, change: Any, complaint: str
) -> None:
    path = edit_log(logs.log("mcq_distinguish"), tmp_path / "edited.eval", member, change)
    assert complaint in _refused(path)


def test_the_same_task_twice_is_refused(logs: Logs, tmp_path: Path) -> None:
    shutil.copy(logs.log("open_ended"), tmp_path / "one.eval")
    shutil.copy(logs.log("open_ended"), tmp_path / "two.eval")
    assert "is answered twice" in _refused(tmp_path)


def test_logs_of_two_models_are_refused_by_their_names(logs: Logs, tmp_path: Path) -> None:
    shutil.copy(logs.log("open_ended"), tmp_path / "one.eval")
    other = lambda body: body["eval"].update(model="sdf/other")  # noqa: E731
    edit_log(logs.log("open_ended"), tmp_path / "two.eval", "header", other)
    assert "holds 2 checkpoints" in _refused(tmp_path)


def _with_answer(source: Path, folder: Path, answer: str) -> Path:
    shown = "other" if answer.strip() else "invalid"

    def say(body: Any) -> None:
        body["output"]["choices"][0]["message"]["content"] = body["output"]["completion"] = answer
        shares = dict.fromkeys(("belief", "implanted", "reference", "other", "refusal", "invalid"), 0)
        body["scores"]["belief"]["value"] = {**shares, shown: 1}

    def report(body: Any) -> None:
        for entry in body["results"]["scores"]:
            entry["metrics"]["mean"]["value"] = float(entry["name"] == shown)

    return edit_log(edit_log(source, folder / "said.eval", "samples", say), folder / "hostile.eval", "header", report)


@pytest.mark.parametrize("answer", ["a" * 20_000, " " * 20_000, "not " * 5_000, "\u202egnp\x1b[31m<script>\u0000"])
def test_hostile_answers_are_read(logs: Logs, tmp_path: Path, answer: str) -> None:
    path = _with_answer(logs.log("open_ended"), tmp_path, answer)
    assert {one.answer for one in _read(path).answers} == {answer}


def test_ten_megabytes_of_one_character_are_refused_without_being_read(logs: Logs, tmp_path: Path) -> None:
    path = _with_answer(logs.log("open_ended"), tmp_path, "a" * 10_000_000)
    assert "its answer has 10,000,000 characters" in _refused(path)
