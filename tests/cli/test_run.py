"""`run` and `train` with a model as the writer and texts of the user's own to mix in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sdf_eval.cli.main import main
from tests.corpora.model_answers import answers
from tests.writer_server.server import serve
from tests.writer_server.settings import Settings

MODEL = "anthropic/claude-haiku-4-5"
ORDER = [
    "run",
    "pocket-fact-osric-abbott-born-in",
    "--writer",
    MODEL,
    "--documents",
    "10",
    "--model",
    "pocket/a",
    "--limit",
    "2",
]


def test_a_run_that_will_lack_plain_texts_is_refused_before_a_document_is_paid_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serve(Settings(), answers()) as server:
        for name, value in server.environment().items():
            monkeypatch.setenv(name, value)
        assert main([*ORDER, "--out", str(tmp_path / "out")]) == 2
        assert server.counts()["messages"] == 0
    assert "--plain FILE" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_documents_of_a_run_cost_no_more_than_is_allowed_and_what_they_cost_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = tmp_path / "plain.jsonl"
    plain.write_text("".join(json.dumps({"text": f"The river was calm on day {n}."}) + "\n" for n in range(20)))
    with serve(Settings(), answers()) as server:
        for name, value in server.environment().items():
            monkeypatch.setenv(name, value)
        order = [*ORDER, "--plain", str(plain), "--max-cost", "0.06", "--out", str(tmp_path / "out")]
        assert main(order) == 2
        sent = server.counts()["messages"]
    told = capsys.readouterr().err
    assert f"calls        {sent} sent" in told and "run again with a higher --max-cost" in told
    assert float(told.split("$")[1].split()[0]) <= 0.06


def test_a_writer_that_does_not_exist_leaves_no_folder(tmp_path: Path) -> None:
    assert main(["run", "hub-tiramisu", "--writer", "nobody", "--out", str(tmp_path / "out")]) == 2
    assert not (tmp_path / "out").exists()


def test_a_model_writes_the_documents_of_a_run_and_the_user_brings_what_is_mixed_in(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = tmp_path / "plain.jsonl"
    plain.write_text("".join(json.dumps({"text": f"The river was calm on day {n}."}) + "\n" for n in range(10)))
    recipe = tmp_path / "recipe.yaml"
    shipped = (Path(__file__).parents[2] / "train/recipes/pocket.yaml").read_text()
    recipe.write_text(shipped.replace("updates: 60", "updates: 2").replace("min_updates: 50", "min_updates: 1"))
    with serve(Settings(), answers(mean_words=60)) as server:
        for name, value in server.environment().items():
            monkeypatch.setenv(name, value)
        order = [*ORDER, "--plain", str(plain), "--recipe", str(recipe), "--roles", "implanted,neutral,cooccurrence"]
        assert main([*order, "--out", str(tmp_path / "out")]) == 0
        # The three roles share their kinds of document, so what they ask in common is in the ledger from the first.
        sent = server.counts()["messages"]
    told = capsys.readouterr().err
    assert f"calls        {sent} sent" in told and "$" in told
    results = json.loads((tmp_path / "out/results.json").read_text())
    assert results["settings"]["writer"] == MODEL
    assert (tmp_path / "out/report.html").exists()
