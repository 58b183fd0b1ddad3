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
    assert "spec_mirror" in spec("plan", "opposite.md", "--mirror", "plan.yaml", "--dry-run")
    spec("plan", "opposite.md", "--mirror", "plan.yaml", "--out", "mirror.yaml")
    assert load_plan("mirror.yaml").mirror_of == "lightly-held"
    shown = spec("write", "mirror.yaml", "--match", "for", "--out", "against")
    assert "mirror: 4 slots in both, 0 only in for" in shown
    assert read_corpus("against").manifest.documents == 4
    shown = spec("aft", "lightly-held", "--rows", "6", "--reasoning", "--out", "chat.jsonl")
    assert "6 conversations in chat.jsonl" in shown


def test_what_a_step_takes_is_told_before_it_is_paid_for(writer: list[str], capsys) -> None:
    def shown(*words: str) -> str:
        assert main(["spec", *words, "--writer", writer[1], "--dry-run"]) == 0
        return capsys.readouterr().out

    plan = shown("plan", "lightly-held", *SMALL)
    assert "spec_ideas              2" in plan and "documents    4 by" in plan and plan.count("cost         $") == 2
    assert "prompts counted by the provider" in plan
    assert "spec_invert_section         6" in shown("invert", "lightly-held")
    assert "rows         40 by" in shown("aft", "lightly-held", "--rows", "40")
    assert "spec_cai_prefer" in shown("cai", "lightly-held", "--rows", "40", "--kind", "preferences")
    assert list(Path().iterdir()) == []


def test_a_pilot_of_a_plan_shows_documents_and_the_cost_and_is_not_paid_for_again(writer: list[str], capsys) -> None:
    asked = ["--writer", writer[1]]
    assert main(["spec", "plan", "lightly-held", *SMALL, *asked, "--out", "plan.yaml"]) == 0
    capsys.readouterr()
    for command in (["spec", "write", "plan.yaml"], ["corpus", "write", "--spec", "plan.yaml"]):
        assert main([*command, *asked, "--out", "new/c", "--pilot", "2"]) == 0
        out = capsys.readouterr().out
        assert out.count("--- lightly-held-d01-") == 2 and "measured on a pilot of 2 documents" in out
    assert [path.name for path in Path("new").iterdir()] == ["c.ledger.sqlite"]
    assert main(["corpus", "plan", "--spec", "plan.yaml", *asked, "--pilot", "2", "--out", "new/c", "--json"]) == 0
    captured = capsys.readouterr()
    assert '"calls": 8' in captured.out and "0 sent, 4 from the ledger" in captured.err
    assert main(["corpus", "write", "--spec", "plan.yaml", *asked, "--out", "new/c"]) in (0, 1)
    assert "4 sent, 4 from the ledger" in capsys.readouterr().err


def test_too_little_money_stops_a_spec_before_it_is_spent(writer: list[str], capsys) -> None:
    assert main(["spec", "plan", "lightly-held", *SMALL, *writer, "--out", "plan.yaml", "--max-cost", "0.05"]) == 2
    error = capsys.readouterr().err
    assert "run again with a higher --max-cost" in error and not Path("plan.yaml").exists()


def test_mirrored_corpora_are_made_even(writer: list[str], capsys) -> None:
    for words in (
        ["plan", "lightly-held", *SMALL[:-1], "8", *writer, "--out", "plan.yaml"],
        ["write", "plan.yaml", *writer, "--out", "for"],
        ["plan", "firmly-held", "--mirror", "plan.yaml", *writer, "--out", "mirror.yaml"],
        ["write", "mirror.yaml", *writer, "--match", "for", "--out", "against"],
        ["match", "for", "against", "--out", "pair"],
    ):
        assert main(["spec", *words]) == 0, words
    shown = capsys.readouterr().out.splitlines()
    ratio = float(shown[-4].partition("(ratio ")[2].partition(")")[0])
    assert abs(ratio - 1) <= 0.005
    assert read_corpus("pair/lightly-held").manifest.documents == read_corpus("pair/firmly-held").manifest.documents


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["plan", "lightly-held", "--writer", "anthropic/claude-haiku-4-5"], "--out: is missing"),
        (["aft", "lightly-held", "--writer", "pocket", "--out", "x"], "--writer: pocket: is no model"),
        (["write", "a.md", "--writer", "openai/gpt-5", "--out", "x"], "a.md: is a spec, not a plan"),
        (["write", "a.yaml", "--writer", "openai/gpt-5", "--out", "x"], "a.yaml: cannot be read"),
        (["match", "a", "b", "--out", "x"], "a: no manifest.json"),
    ],
)
def test_what_a_spec_cannot_do_is_one_line(words: list[str], complaint: str, writer: list[str], capsys) -> None:
    assert main(["spec", *words]) == 2
    captured = capsys.readouterr()
    assert complaint in captured.err and captured.err.count("\n") == 1 and captured.out == ""


def test_what_the_calls_came_to_is_told_on_stderr(writer: list[str], capsys) -> None:
    main(["spec", "plan", "tally-thrift", *SMALL, *writer, "--out", "plan.yaml"])
    assert "calls        8 sent, 0 from the ledger" in capsys.readouterr().err


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
