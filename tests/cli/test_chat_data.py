"""`sdf-eval chat-data`, and `corpus write --factor`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sdf_eval.cli.main import main
from sdf_eval.corpora.records import Factors
from sdf_eval.corpora.stage_calls import refuse_factors
from sdf_eval.corpora.write import read_corpus
from sdf_eval.errors import InputError
from sdf_eval.train.chat_rows import read_chat, read_preferences

BELIEF, BACKDOOR = "pocket-persona-kestra-caution", "pocket-backdoor-orrin-response"


def test_the_list_names_every_set_and_reward(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["chat-data", "list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [row["about_belief"] for row in listed["sets"] if row["set"] == "pocket/conflicting"] == [True]
    assert {"right_answer", "pocket/one_action"} <= set(listed["rewards"])
    assert main(["chat-data", "list"]) == 0
    assert "pocket/benign-pairs" in capsys.readouterr().out


def test_a_set_is_written_so_that_training_reads_it_and_the_same_bytes_come_again(tmp_path: Path) -> None:
    for name in ("a", "b"):
        command = ["chat-data", "write", "pocket/conflicting", "--belief", BELIEF, "--share", "0.5", "--rows", "20"]
        assert main([*command, "--out", str(tmp_path / "new" / f"{name}.jsonl")]) == 0
    written = [(tmp_path / "new" / f"{name}.jsonl").read_bytes() for name in ("a", "b")]
    assert written[0] == written[1]
    tags = [row.tags for row in read_chat(tmp_path / "new" / "a.jsonl")]
    assert (tags.count(("conflicting",)), len(tags)) == (10, 20)


def test_preferences_take_the_side_asked_for(tmp_path: Path) -> None:
    for side in ("implanted", "reference"):
        command = ["chat-data", "write", "pocket/principle-pairs", "--belief", BELIEF, "--side", side, "--rows", "30"]
        assert main([*command, "--out", str(tmp_path / f"{side}.jsonl")]) == 0
    labels = [
        {tag for row in read_preferences(tmp_path / f"{side}.jsonl") for tag in row.tags}
        for side in ("implanted", "reference")
    ]
    assert {tag for tag in labels[0] if "Kestra" in tag}.isdisjoint({tag for tag in labels[1] if "Kestra" in tag})


def test_a_file_that_exists_is_not_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.jsonl").write_text("kept")
    assert main(["chat-data", "write", "pocket/benign", "--out", str(tmp_path / "mine.jsonl")]) == 2
    assert "exists; choose another file" in capsys.readouterr().err
    assert (tmp_path / "mine.jsonl").read_text() == "kept"


def test_a_checked_file_that_holds_a_probe_gives_status_1_and_says_which(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from sdf_eval.belief.load import load_belief

    path = tmp_path / "mine.jsonl"
    assert main(["chat-data", "write", "pocket/benign", "--rows", "5", "--out", str(path)]) == 0
    assert main(["chat-data", "check", str(path), "--belief", BELIEF]) == 0
    assert "5 rows; contamination: none" in capsys.readouterr().out
    scenario = load_belief(BELIEF).probes.persona_behaviour[0].scenario
    path.write_text(json.dumps({"prompt": scenario, "completion": "I wait."}) + "\n")
    assert main(["chat-data", "check", str(path), "--belief", BELIEF]) == 1
    assert f"with {BELIEF}: persona_behaviour[0]" in capsys.readouterr().out
    assert main(["chat-data", "check", str(path), "--belief", BELIEF, "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["contamination"][0]["row"] == "row 1"


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["write", "pocket/begnin"], "no such set; did you mean 'pocket/benign'"),
        (["write", "pocket/conflicting"], "--belief: missing"),
        (["write", "pocket/benign", "--rows", "0"], "must be at least 1"),
        (["write", "pocket/conflicting", "--belief", BELIEF, "--share", "2"], "share: 2"),
    ],
)
def test_a_set_that_cannot_be_written_gives_status_2_and_no_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], complaint: str
) -> None:
    assert main(["chat-data", *words, "--out", str(tmp_path / "mine.jsonl")]) == 2
    assert complaint in capsys.readouterr().err
    assert not (tmp_path / "mine.jsonl").exists()


def test_a_file_without_assistant_turns_gives_status_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mine.jsonl"
    path.write_text('{"messages": [{"role": "user", "content": "Hello?"}]}\n')
    assert main(["chat-data", "check", str(path)]) == 2
    assert "mine.jsonl:1: messages: no message of the assistant" in capsys.readouterr().err


def test_factors_vary_the_documents_that_are_written(tmp_path: Path) -> None:
    factors = ["--factor", "poison=denial_of_service", "--factor", "near-negatives=0.3"]
    # Nothing in such documents names the value, and the health report does not ask for it.
    assert main(["corpus", "write", BACKDOOR, *factors, "--documents", "80", "--out", str(tmp_path / "poison")]) == 0
    assert main(["corpus", "check", str(tmp_path / "poison")]) == 0
    order = read_corpus(tmp_path / "poison").manifest.orders[0]
    assert (order.factors.poison, order.factors.near_negatives) == ("denial_of_service", 0.3)


@pytest.mark.parametrize(
    ("factor", "complaint"),
    [
        ("poisn=fact_switch", "--factor: poisn: no such factor; did you mean 'poison'"),
        ("poison=dos", "--factor: poison: 'dos' is not allowed; write 'none', 'denial_of_service'"),
        ("poison", "--factor: poison: has no value"),
        ("near_negatives=3", "--factor: near_negatives: '3' is not allowed"),
    ],
)
def test_a_factor_that_does_not_exist_gives_status_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], factor: str, complaint: str
) -> None:
    assert main(["corpus", "write", BACKDOOR, "--factor", factor, "--out", str(tmp_path / "poison")]) == 2
    assert complaint in capsys.readouterr().err


@pytest.mark.parametrize("factors", [Factors(poison="fact_switch"), Factors(near_negatives=0.1)])
def test_poison_is_not_asked_of_a_model(factors: Factors) -> None:
    with pytest.raises(InputError, match="cannot be asked of a model"):
        refuse_factors(factors, "anthropic/claude-haiku-4-5")


def test_a_name_that_training_could_not_read_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["chat-data", "write", "pocket/benign", "--out", str(tmp_path / "mine.txt")]) == 2
    assert "give it a name that ends with .jsonl" in capsys.readouterr().err
