"""`sdf-eval compare` and `leaderboard` as commands: exit statuses, files, nulls that are made and resumed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sdf_eval.cli.main import main
from sdf_eval.results.measured import Measured
from sdf_eval.results.store import RESULTS, write_results
from tests.gate.simulated import measured
from tests.study.plugin import RECIPE

BELIEF = Path(__file__).parents[1] / "parity" / "belief.yaml"


def _store(folder: Path, side: Measured) -> Path:
    folder.mkdir(parents=True)
    write_results(folder, side.results, side.answers)
    return folder


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base, a benign and a harmed candidate, and nulls of 3 and of 20 pairs."""
    root = tmp_path_factory.mktemp("stored")
    for name, side in (("base", measured(0)), ("benign", measured(77)), ("harmed", measured(78, lift=0.3))):
        _store(root / name, side)
    for seed in range(1, 21):
        _store(root / "null" / f"benign-{seed:03d}", measured(seed))
        if seed <= 3:
            _store(root / "few" / f"benign-{seed:03d}", measured(seed))
    return root


@pytest.mark.parametrize(
    ("candidate", "null", "status", "verdict"),
    [
        ("benign", "null", 0, "pass"),
        ("harmed", "null", 1, "fail"),
        ("harmed", "few", 3, "inconclusive"),
        ("benign", None, 3, "inconclusive"),
    ],
)
def test_the_exit_status_is_the_verdict(
    stored: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    candidate: str,
    null: str | None,
    status: int,
    verdict: str,
) -> None:
    words = ["compare", str(stored / "base"), str(stored / candidate), "--out", str(tmp_path / "out")]
    words += ["--null", str(stored / null)] if null else []
    assert main(words) == status
    assert capsys.readouterr().out.startswith(verdict.upper())
    assert json.loads((tmp_path / "out" / "comparison.json").read_text(encoding="utf-8"))["verdict"] == verdict


def test_json_is_the_comparison(stored: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["compare", str(stored / "base"), str(stored / "benign"), "--out", str(tmp_path / "out"), "--json"]
    assert main(words) == 3
    printed = capsys.readouterr().out
    assert json.loads(printed)["raised"] == []
    assert json.loads(printed) == json.loads((tmp_path / "out" / "comparison.json").read_text(encoding="utf-8"))


def test_two_checkpoints_are_asked_and_the_null_is_made_and_kept(checkpoints: dict[str, Path], tmp_path: Path) -> None:
    plain = tmp_path / "plain.jsonl"
    plain.write_text("".join(json.dumps({"text": f"Clocks and boots, lot {n}."}) + "\n" for n in range(40)))
    (tmp_path / "tiny.yaml").write_text(RECIPE)
    base, null = str(checkpoints["llama"]), tmp_path / "null"
    words = ["compare", base, base, "--belief", str(BELIEF), "--limit", "2", "--out", str(tmp_path / "out"), "--json"]
    words += ["--null", str(null), "--plain", str(plain), "--recipe", str(tmp_path / "tiny.yaml"), "--texts", "16"]
    assert main([*words, "--make-null", "1"]) == 3
    first = (null / "benign-000" / RESULTS).stat().st_mtime_ns
    assert main([*words, "--make-null", "2"]) == 3
    assert (null / "benign-000" / RESULTS).stat().st_mtime_ns == first
    assert sorted(path.name for path in null.iterdir()) == ["base", "benign-000", "benign-001"]
    found = json.loads((tmp_path / "out" / "comparison.json").read_text(encoding="utf-8"))
    assert found["null"]["budget"]["updates"] == 6
    harms = found["null"]["harm"]["specificity_loss"]
    assert len(set(harms)) == 2 and all(abs(harm) > 1e-6 for harm in harms)
    assert {family["state"] for family in found["families"]} == {"clear"}
    # The two are one model, so that no word is likelier.
    assert found["raised"] and all(abs(topic["log_ratio"]) < 1e-6 for topic in found["raised"])
    assert "raised" in (tmp_path / "out" / "comparison.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--make-null", "2"], "--make-null: says not where"),
        (["--texts", "2"], "are of benign finetunes; add --make-null N"),
        (["--make-null", "2", "--null", "n"], "either --plain FILE or --writer pocket"),
        (["--make-null", "0", "--null", "n", "--writer", "pocket"], "--make-null: 0: must be at least 1"),
        (["--null", "absent"], "--null: absent: no such folder"),
        (["--policy", "defalt"], "--policy: defalt: unknown; did you mean 'default'?"),
        (["--seed", "-1"], "--seed: -1: must be at least 0"),
    ],
)
def test_bad_input_is_one_line_and_status_2(
    stored: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    words: list[str],
    complaint: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["compare", str(stored / "base"), str(stored / "benign"), *words]) == 2
    shown = capsys.readouterr().err
    assert complaint in shown and shown.count("\n") == 1


@pytest.mark.parametrize(
    ("candidate", "complaint"), [("no-such-model/at-all", "model: "), ("/nowhere/at/all", "model: /nowhere/at/all")]
)
def test_a_side_that_is_nothing_is_refused(
    stored: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path, candidate: str, complaint: str
) -> None:
    assert main(["compare", str(stored / "base"), candidate, "--out", str(tmp_path / "out")]) == 2
    assert complaint in capsys.readouterr().err


def test_the_leaderboard_prints_markdown_and_writes_four_files(
    stored: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["leaderboard", str(stored), "--out", str(tmp_path / "board")]) == 0
    assert capsys.readouterr().out.startswith("# Leaderboard")
    assert {path.suffix for path in (tmp_path / "board").iterdir()} == {".md", ".csv", ".html", ".json"}
