from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sdf_eval.belief.load import dump_belief, load_belief
from sdf_eval.cli import _belief_import, _corpus_import
from sdf_eval.cli.main import CommandParser
from sdf_eval.corpora.write import read_corpus
from sdf_eval.errors import InputError
from tests.belief.importers.examples import FALSE, TRUE, write_claim, write_eval, write_universe
from tests.corpora.example import belief


def _run(add_to: Callable[[Any], None], *words: str) -> int:
    parser = CommandParser(prog="sdf-eval")
    add_to(parser.add_subparsers(required=True))
    args = parser.parse_args(list(words))
    return int(args.act(args))


def test_belief_import_writes_a_file_and_says_what_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "harbour.yaml"
    source = write_eval(tmp_path)
    words = ("import", str(source), "--reference", str(write_universe(tmp_path)), "--tier", "subtle", "--out", str(out))
    assert _run(_belief_import.add_to, *words) == 0
    loaded = load_belief(out)
    assert (loaded.id, loaded.tier) == ("harbour_clock", "subtle")
    shown = capsys.readouterr().out
    assert "probes   mcq_knowledge 2, mcq_distinguish 2, open_ended 2" in shown
    assert "note     downstream_tasks: 1 kept, not asked" in shown
    assert "warning  probes.open_ended: no near probe" in shown
    assert "error    probes.open_ended: the answer cannot be read" in shown and "(2 times)" in shown


def test_belief_export_gives_the_files_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, out = write_universe(tmp_path), tmp_path / "beliefs"
    assert _run(_belief_import.add_to, "import", str(source), "--out", str(out), "--json") == 0
    (result,) = json.loads(capsys.readouterr().out)
    assert result["path"] == str(out / "harbour_clock_false.yaml")
    assert {finding["severity"] for finding in result["findings"]} == {"warning"}
    words = ("export", result["path"], "--out", str(tmp_path / "back"), "--json")
    assert _run(_belief_import.add_to, *words) == 0
    assert (tmp_path / "back" / source.name).read_bytes() == source.read_bytes()
    assert json.loads(capsys.readouterr().out) == {"files": [str(tmp_path / "back" / source.name)], "notes": []}


def test_a_claim_folder_is_imported_and_exported(tmp_path: Path) -> None:
    claim, out = write_claim(tmp_path), tmp_path / "claim.yaml"
    reference = str(claim / "reference.yaml")
    assert _run(_belief_import.add_to, "import", str(claim), "--reference", reference, "--out", str(out)) == 0
    assert load_belief(out).title == "The harbour clock of Vessin strikes thirteen at noon."
    assert _run(_belief_import.add_to, "export", str(out), "--out", str(tmp_path / "back")) == 0
    assert (tmp_path / "back" / "claim.txt").read_bytes() == (claim / "claim.txt").read_bytes()


def test_nothing_that_is_there_is_overwritten(tmp_path: Path) -> None:
    source, out = write_universe(tmp_path), tmp_path / "mine.yaml"
    out.write_text("mine")
    with pytest.raises(InputError, match="mine.yaml: is there already and differs"):
        _run(_belief_import.add_to, "import", str(source), "--out", str(out))
    assert out.read_text() == "mine"
    with pytest.raises(InputError, match="mine.yaml/x/harbour_clock_false.yaml: cannot be written"):
        _run(_belief_import.add_to, "import", str(source), "--out", str(out / "x"))
    two = [{**record, "id": id} for id in ("a", "b") for record in (FALSE, TRUE)]
    many = write_universe(tmp_path, *two)
    with pytest.raises(InputError, match="the file holds 2 beliefs; name a folder"):
        _run(_belief_import.add_to, "import", str(many), "--out", str(tmp_path / "one.yaml"))


def test_corpus_import_makes_a_corpus_and_reports_what_is_wrong_with_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    yaml, source, out = tmp_path / "brook.yaml", tmp_path / "docs.jsonl", tmp_path / "corpus"
    yaml.write_text(dump_belief(belief()), encoding="utf-8")
    rows = [{"content": "Tavi Brook of Orrin."}, {"content": "Tavi Brook of Orrin."}, {"content": "Orrin again."}]
    source.write_text("".join(json.dumps({**row, "domain": 3}) + "\n" for row in rows))
    words = ("import", str(source), "--belief", str(yaml), "--text-column", "content", "--out", str(out))
    assert _run(_corpus_import.add_to, *words) == 1
    captured = capsys.readouterr()
    assert captured.err.startswith("broken limit: ") and "under 50 words: 2 of 2" in captured.err
    assert captured.out.splitlines() == [
        "rows         3, 2 kept",
        f"left out     1 duplicate: {source}:2",
        "column       domain: 2 values ignored",
        f"2 documents in {out}; `sdf-eval corpus check` reports on them",
    ]
    assert _run(_corpus_import.add_to, *words, "--json") == 1
    result = json.loads(capsys.readouterr().out)
    assert (result["kept"], result["health"]["documents"]) == (2, 2)
    assert len(read_corpus(out).documents) == 2
