from __future__ import annotations

import json
from pathlib import Path

import pytest

from sdf_eval.cli.main import main
from tests.belief.examples import SMALL, small_text


def test_list_filters_by_kind_and_prints_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["belief", "list", "--kind", "values", "--json"]) == 0
    entries = json.loads(capsys.readouterr().out)
    assert "hub-thrift" in [entry["id"] for entry in entries]
    assert {entry["kind"] for entry in entries} == {"values"}


def test_list_is_a_table_with_a_line_a_belief(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["belief", "list"]) == 0
    header, *lines = capsys.readouterr().out.splitlines()
    assert header.split() == ["id", "kind", "tier", "split", "title"]
    assert any(line.startswith("hub-tiramisu ") for line in lines)


def test_list_by_split_leaves_the_hub_beliefs_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["belief", "list", "--split", "dev"]) == 0
    assert "hub-" not in capsys.readouterr().out


def test_check_passes_a_shipped_belief(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["belief", "check", "hub-most-moons", "hub-thrift"]) == 0
    assert capsys.readouterr().out == "2 checked: 0 errors, 0 warnings\n"


def test_check_exits_with_1_on_an_error_and_with_0_on_warnings(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "small.yaml"
    path.write_text(SMALL)
    assert main(["belief", "check", str(path)]) == 0
    assert "warning" in capsys.readouterr().out
    path.write_text(small_text(("[Turin]", "[New Ghent]")))
    assert main(["belief", "check", "--json", str(path)]) == 1
    first = json.loads(capsys.readouterr().out)[0]
    assert (first["belief"], first["severity"], first["key"]) == ("small", "error", "reference.context")


@pytest.mark.parametrize("action", ["check", "show"])
def test_an_unreadable_belief_exits_with_2_and_one_line(
    action: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "small.yaml"
    path.write_text(small_text(("title:", "titel:")))
    assert main(["belief", action, str(path)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == f"sdf-eval: {path}:4: titel: unknown key; did you mean 'title'?\n"


def test_what_show_prints_is_a_belief_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["belief", "show", "hub-thrift"]) == 0
    path = tmp_path / "mine.yaml"
    path.write_text(capsys.readouterr().out, encoding="utf-8")
    assert main(["belief", "check", str(path)]) == 0
