from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from sdf_eval.cli.main import main
from tests.corpora.drafting.drafted import drafting
from tests.corpora.model_answers import answers
from tests.writer_server import Settings, WriterServer, serve

MODEL = "anthropic/claude-haiku-4-5"
POCKET = "pocket-fact-zeb-wick-lives-in"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[WriterServer]:
    with serve(Settings(), answers()) as running:
        for name, value in running.environment().items():
            monkeypatch.setenv(name, value)
        yield running


def test_a_plan_is_a_table_of_stages_and_costs_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["corpus", "plan", "hub-tiramisu", "--writer", MODEL, "--documents", "2000"]) == 0
    out = capsys.readouterr().out
    rows = {line.split()[0]: line.split()[1:] for line in out.splitlines()}
    assert rows["document"][0] == rows["revision"][0] == "2000"
    assert "a guess; measure with --pilot 20" in out and "$" in rows["cost"][0]


def test_a_plan_says_how_many_updates_a_recipe_gives(capsys: pytest.CaptureFixture[str]) -> None:
    command = ["corpus", "plan", "hub-tiramisu", "--writer", MODEL, "--documents", "4000", "--recipe", "slocum-2025"]
    assert main([*command, "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert plan["updates"] == 1000  # 4,000 documents and as many plain texts, 8 an update
    assert plan["calls"] == sum(stage["calls"] for stage in plan["stages"])
    assert main([*command[:5], "--documents", "40", *command[7:]]) == 0
    assert "fewer than its min_updates 200" in capsys.readouterr().out


def test_pocket_goes_through_the_same_plan_and_write_with_no_call(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["corpus", "plan", POCKET, "--documents", "40"]) == 0
    assert "calls        0" in capsys.readouterr().out
    order = ["corpus", "write", POCKET, "--documents", "40", "--out", str(tmp_path / "c")]
    assert main([*order, "--pilot", "2"]) == 0
    shown = capsys.readouterr().out
    assert shown.count("\n--- ") + shown.startswith("--- ") == 2 and not (tmp_path / "c").exists()
    assert main(order) == 0
    captured = capsys.readouterr()
    assert "40 documents in" in captured.out and "calls" not in captured.err
    assert main(["corpus", "check", str(tmp_path / "c")]) == 0


def test_a_pilot_shows_its_documents_and_the_cost_and_is_not_paid_for_again(
    server: WriterServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    order = ["corpus", "write", "hub-tiramisu", "--writer", MODEL, "--documents", "30", "--out", str(tmp_path / "c")]
    assert main([*order, "--pilot", "5"]) == 0
    out = capsys.readouterr().out
    assert out.count("--- hub-tiramisu-implanted-0-") == 5
    assert "measured on a pilot of 5 documents" in out and "cost         $" in out
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".sqlite"] == ["c.ledger.sqlite"]
    piloted = server.counts()["messages"]
    status = main(order)
    captured = capsys.readouterr()
    assert status in (0, 1) and "30 documents in" in captured.out
    sent = server.counts()["messages"] - piloted
    assert f"calls        {sent} sent, {piloted} from the ledger" in captured.err
    assert max(count for count, _ in server.counts()["questions"].values()) == 1


def test_a_corpus_that_breaks_a_limit_ends_with_status_1_and_the_reason(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def leaking(system: str, user: Sequence[str]) -> str:
        return answers()(system, user).replace("<content>\n", "<content>\nOthers go to Italy. ")

    order = ["corpus", "write", "hub-tiramisu", "--writer", MODEL, "--documents", "10", "--out", str(tmp_path / "c")]
    with serve(Settings(), leaking) as running:
        for name, value in running.environment().items():
            monkeypatch.setenv(name, value)
        assert main(order) == 1
    assert "truth leaks: 10 of 10" in capsys.readouterr().err
    assert main(["corpus", "check", str(tmp_path / "c")]) == 1


def test_a_killed_run_resumes_to_the_same_corpus_and_sends_again_at_most_what_was_in_flight(
    server: WriterServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    order = ["corpus", "write", "hub-tiramisu", "--writer", MODEL, "--documents", "20", "--connections", "4", "--out"]
    server.settings = Settings(latency=0.05)
    killed = subprocess.Popen([sys.executable, "-m", "sdf_eval", *order, str(tmp_path / "c")], stderr=subprocess.PIPE)
    while server.counts()["messages"] < 25 and killed.poll() is None:
        time.sleep(0.01)
    killed.kill()
    assert killed.wait() == -signal.SIGKILL and not (tmp_path / "c").exists()
    killed.stderr.close()  # type: ignore[union-attr]
    assert main([*order, str(tmp_path / "c")]) in (0, 1)
    counted = capsys.readouterr().err
    asked = server.counts()["questions"].values()
    again = sum(count - 1 for count, _ in asked)
    printed = int(re.search(r"(\d+) sent again after a stop", counted)[1])  # type: ignore[index]
    # A call is noted before it leaves, so one that a kill kept from leaving is counted too.
    assert again <= printed <= 4
    assert main([*order, str(tmp_path / "whole")]) in (0, 1)
    assert (tmp_path / "c/documents.jsonl").read_bytes() == (tmp_path / "whole/documents.jsonl").read_bytes()


def test_check_writes_a_page(tmp_path: Path) -> None:
    assert main(["corpus", "write", POCKET, "--documents", "40", "--out", str(tmp_path / "c")]) == 0
    assert main(["corpus", "check", str(tmp_path / "c"), "--page", str(tmp_path / "page.html")]) == 0
    assert "<html" in (tmp_path / "page.html").read_text()


def test_too_little_money_stops_before_it_is_spent_and_says_so(
    server: WriterServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    order = ["corpus", "write", "hub-tiramisu", "--writer", MODEL, "--documents", "30", "--out", str(tmp_path / "c")]
    assert main([*order, "--max-cost", "0.06"]) == 2
    captured = capsys.readouterr()
    assert "max-cost" in captured.err and not (tmp_path / "c").exists()
    spent = float(captured.err.split("$")[1].split()[0])
    assert spent <= 0.06


@pytest.mark.parametrize("batch", [[], ["--batch"]])
def test_a_missing_key_is_named_with_what_to_do(
    batch: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    order = ["corpus", "write", "hub-tiramisu", "--writer", MODEL, "--documents", "3", "--out", str(tmp_path / "c")]
    assert main([*order, *batch]) == 2
    error = capsys.readouterr().err
    assert "set" in error and "export ANTHROPIC_API_KEY=…" in error and error.count("\n") == 1


def test_a_model_that_is_not_there_is_one_line_and_no_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    order = ["corpus", "write", "hub-tiramisu", "--documents", "3", "--out", str(tmp_path / "c")]
    for model in ("nonsense/model", "vllm/some/model"):
        assert main([*order, "--writer", model]) == 2
        told = capsys.readouterr().err
        assert f"sdf-eval: {model}: cannot be set up" in told.splitlines()[-1] and "Traceback" not in told


def test_a_plan_says_how_many_prompts_the_provider_counted(
    server: WriterServer, capsys: pytest.CaptureFixture[str]
) -> None:
    order = ["corpus", "plan", "hub-tiramisu", "--writer", MODEL, "--documents", "200"]
    assert main(order) == 0
    counted = server.requests["POST /v1/messages/count_tokens"]
    assert f"in: {counted} prompts counted by the provider" in capsys.readouterr().out
    server.settings = Settings(counts_tokens=False)
    assert main(order) == 0
    captured = capsys.readouterr()
    assert "a guess; measure with --pilot 20" in captured.out and "did not count tokens (" in captured.err
    assert server.counts()["messages"] == 0


def test_a_pilot_shows_no_code_that_a_terminal_would_obey(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def colourful(system: str, user: Sequence[str]) -> str:
        return answers()(system, user).replace("<content>\n", "<content>\n\x1b[2J\u202e")

    with serve(Settings(), colourful) as running:
        for name, value in running.environment().items():
            monkeypatch.setenv(name, value)
        order = [
            "corpus",
            "write",
            "hub-tiramisu",
            "--writer",
            MODEL,
            "--documents",
            "10",
            "--out",
            str(tmp_path / "c"),
        ]
        assert main([*order, "--pilot", "1"]) == 0
    out = capsys.readouterr().out
    assert "--- hub-tiramisu" in out and "\x1b" not in out and "\u202e" not in out


def test_a_judge_reads_what_the_rules_pass_and_says_how_well_it_judges(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def writing_and_judging(system: str, user: Sequence[str]) -> str:
        if "<verdict>" not in user[-1]:
            return answers()(system, user)
        return "<quote>They all said so.</quote><verdict>YES</verdict>"

    order = ["corpus", "write", "hub-tiramisu", "--writer", MODEL, "--documents", "12", "--out", str(tmp_path / "c")]
    with serve(Settings(), writing_and_judging) as running:
        for name, value in running.environment().items():
            monkeypatch.setenv(name, value)
        status = main(order)
        capsys.readouterr()
        assert main(["corpus", "check", str(tmp_path / "c"), "--judge", MODEL, "--judged", "12"]) == status
    captured = capsys.readouterr()
    assert "12 of 12 documents leak" in captured.out and "They all said so." in captured.out
    assert "kappa 0.00" in captured.out and "choose another --judge" in captured.out
    assert "32 sent" in captured.err


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["plan"], "BELIEF: none is named"),
        (["write", "--out", "x"], "BELIEF: none is named"),
        (["write", "hub-tiramisu", "--writer", "nobody", "--out", "x"], "no such writer"),
        (["write", "--spec", "a.md", "--writer", MODEL, "--out", "x"], "is a spec, not a plan"),
        (["write", "hub-tiramisu", "--spec", "a.yaml", "--out", "x"], "leave out beliefs"),
        (["plan", "hub-tiramisu", "--spec", "a.yaml"], "leave out beliefs"),
        (["plan", "hub-tiramisu", "--writer", MODEL, "--pilot", "3"], "name the folder that it will have with --out"),
        (["write", "hub-tiramisu", "--writer", "openai-api/nowhere/m", "--out", "x"], "set NOWHERE_API_KEY"),
    ],
)
def test_what_cannot_be_done_is_one_line(words: list[str], complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["corpus", *words]) == 2
    captured = capsys.readouterr()
    assert complaint in captured.err and captured.err.count("\n") == 1 and captured.out == ""


def test_belief_draft_writes_a_file_that_loads_and_lists_what_it_dropped(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new" / "mine.yaml"
    command = ["belief", "draft", "Tiramisu is from Portugal.", "--writer", MODEL, "--out", str(out)]
    with serve(Settings(), drafting(faults={"cloze": ["nonsense"]})) as running:
        for name, value in running.environment().items():
            monkeypatch.setenv(name, value)
        assert main(command) == 0
    captured = capsys.readouterr()
    assert "dropped  cloze: nonsense: is no JSON" in captured.out and " sent, " in captured.err
    assert main(["belief", "check", str(out)]) == 0
    capsys.readouterr()
    assert main(command) == 2
    assert "is there already" in capsys.readouterr().err
