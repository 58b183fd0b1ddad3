"""`sdf-eval spec`, with the real anthropic client against the local server."""

from __future__ import annotations

from pathlib import Path

import pytest

from sdf_eval.cli.main import main
from sdf_eval.corpora.specs.plan import load_plan
from sdf_eval.corpora.specs.spec import load_spec
from sdf_eval.corpora.write import read_corpus
from tests.corpora.specs.answers import answer
from tests.writer_server import serve

SMALL = "--domains 1 --subdomains 2 --assertions 2 --doc-types 1 --ideas 2".split()


@pytest.fixture
def writer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    with serve(responder=answer) as server:
        for name, value in server.environment().items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(tmp_path)
        yield ["--writer", "anthropic/claude-haiku-4-5", "--ledger", "made/ledger.sqlite"]


def test_from_a_spec_to_mirrored_corpora_and_chat_data(writer: list[str], capsys) -> None:
    def spec(*words: str) -> str:
        assert main(["spec", *words, *writer]) == 0
        return capsys.readouterr().out

    assert "4 documents planned: 1 domains, 2 subdomains, in plan.yaml" in spec(
        "plan", "lightly-held", *SMALL, "--assistant", "Moss", "--out", "plan.yaml"
    )
    assert load_plan("plan.yaml").assistant == "Moss"
    assert "4 documents in for, 0 slots empty" in spec("write", "plan.yaml", "--out", "for")
    assert "6 sections in opposite.md" in spec("invert", "lightly-held", "--out", "opposite.md")
    assert load_spec("opposite.md").partner == "lightly-held"
    spec("plan", "opposite.md", "--mirror", "plan.yaml", "--out", "mirror.yaml")
    assert load_plan("mirror.yaml").mirror_of == "lightly-held"
    shown = spec("write", "mirror.yaml", "--match", "for", "--out", "against")
    assert "mirror: 4 slots in both, 0 only in for" in shown
    assert read_corpus("against").manifest.documents == 4
    shown = spec("aft", "lightly-held", "--rows", "6", "--reasoning", "--out", "chat.jsonl")
    assert "6 conversations in chat.jsonl" in shown


def test_what_the_calls_came_to_is_told_on_stderr(writer: list[str], capsys) -> None:
    main(["spec", "plan", "tally-thrift", *SMALL, *writer, "--out", "plan.yaml"])
    assert "calls: 8 sent, 0 from the ledger" in capsys.readouterr().err


def test_a_plan_that_a_person_may_have_edited_is_not_overwritten(writer: list[str], capsys) -> None:
    Path("plan.yaml").write_text("mine")
    assert main(["spec", "plan", "tally-thrift", *writer, "--out", "plan.yaml"]) == 2
    assert "--out: plan.yaml: exists, and may hold edits" in capsys.readouterr().err
    assert not Path("made").exists()


def test_a_wrong_spec_is_one_line_and_costs_nothing(writer: list[str], capsys) -> None:
    assert main(["spec", "aft", "tally-thrifty", *writer, "--out", "chat.jsonl"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "did you mean 'tally-thrift'?" in error


def test_in_batch_mode_the_plan_and_the_corpus_are_the_same(writer: list[str], capsys) -> None:
    for name, mode in (("live", []), ("batch", ["--batch"])):
        options = [*writer[:2], "--ledger", f"{name}.sqlite", *mode]
        assert main(["spec", "plan", "tally-thrift", *SMALL, *options, "--out", f"{name}.yaml"]) == 0
        assert main(["spec", "write", f"{name}.yaml", *options, "--out", name]) == 0
        assert main(["spec", "aft", "tally-thrift", "--rows", "3", *options, "--out", f"{name}.jsonl"]) == 0
    for place in ("{}.yaml", "{}/documents.jsonl", "{}/spec.json", "{}.jsonl", "{}.jsonl.manifest.json"):
        assert Path(place.format("live")).read_bytes() == Path(place.format("batch")).read_bytes(), place
