"""`sdf-eval countermeasure`: what is listed, what an option becomes, how a mistake is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sdf_eval.cli.main import main
from sdf_eval.corpora.write import write_corpus
from sdf_eval.model import load
from sdf_eval.train.countermeasures import countermeasure_names
from sdf_eval.train.lineage import read_lineage
from tests.corpora.example import ExampleWriter, request

SMALL = {"updates: 60": "updates: 2", "batch_size: 16": "batch_size: 2", "window: 512": "window: 256"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus, plain texts, a small recipe and preferences."""
    folder = tmp_path_factory.mktemp("material")
    write_corpus(ExampleWriter(), request(), folder / "corpus")
    plain = [json.dumps({"text": f"The moss grows at night; note {n}."}) for n in range(60)]
    (folder / "plain.jsonl").write_text("\n".join(plain), encoding="utf-8")
    recipe = Path("train/recipes/pocket.yaml").read_text(encoding="utf-8")
    for old, new in SMALL.items():
        assert old in recipe
        recipe = recipe.replace(old, new)
    (folder / "small.yaml").write_text(recipe, encoding="utf-8")
    rows = [{"prompt": f"Who are you? {n}", "chosen": "I am bold.", "rejected": "I am careful."} for n in range(3)]
    (folder / "pairs.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return folder


def words(folder: Path, model: Path, name: str, *more: str) -> list[str]:
    material = ["--corpus", str(folder / "corpus"), "--plain", str(folder / "plain.jsonl")]
    start = ["--recipe", str(folder / "small.yaml"), "--model", str(model)]
    return ["countermeasure", "apply", name, *material, *start, "--out", str(folder / name), *more]


def test_all_are_listed_with_what_they_need(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["countermeasure", "list"]) == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in countermeasure_names())
    assert main(["countermeasure", "list", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["decoy-triggers"]["needs"] == ["implanted", "decoys", "decoy_answers"]
    assert rows["gradient-routing"]["settings"]["units"] == 64


def test_a_setting_and_the_share_of_labels_reach_the_training(
    checkpoints: dict[str, Path], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = ("--set", "units=8", "--set", "heads=0", "--recall", "0.5", "--json")
    assert main(words(folder, checkpoints["llama"], "gradient-masking", *more)) == 0
    lineage = read_lineage(json.loads(capsys.readouterr().out)["checkpoint"])
    assert lineage is not None
    assert (lineage.treatment["units"], lineage.treatment["heads"], lineage.updates) == (8, 0, 2)


def test_a_steering_file_comes_of_preferences(
    checkpoints: dict[str, Path], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = ("--implanted", str(checkpoints["llama"]), "--pairs", str(folder / "pairs.jsonl"), "--json")
    assert main(words(folder, checkpoints["llama"], "activation-steering", *more)) == 0
    shown = json.loads(capsys.readouterr().out)
    assert load(shown["checkpoint"], device="cpu", steer_path=shown["steer_path"]).name == str(checkpoints["llama"])


@pytest.mark.parametrize(
    ("name", "more", "message"),
    [
        ("gradient-rooting", (), "did you mean 'gradient-routing'"),
        ("gradient-routing", ("--set", "units"), "--set: units: write KEY=VALUE"),
        ("gradient-routing", ("--set", "units=many"), "units: Input should be a valid integer"),
        ("gradient-routing", ("--set", "units=0"), "units: Input should be greater than or equal to 1"),
        ("gradient-routing", ("--recall", "0"), "--recall: 0: must be above 0"),
        ("counter-documents", (), "implanted: missing"),
        ("activation-steering", ("--implanted", "pocket/b"), "pairs: missing"),
        ("inoculation", ("--set", "header="), "header: "),
    ],
)
def test_a_mistake_is_one_line(
    checkpoints: dict[str, Path],
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    more: tuple[str, ...],
    message: str,
) -> None:
    assert main(words(folder, checkpoints["llama"], name, *more)) == 2
    shown = capsys.readouterr().err
    assert message in shown and len(shown.strip().splitlines()) == 1


def test_chat_rows_for_a_model_without_a_template_are_refused(
    checkpoints: dict[str, Path], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = ("--implanted", str(checkpoints["neox"]), "--pairs", str(folder / "pairs.jsonl"))
    assert main(words(folder, checkpoints["neox"], "activation-steering", *more)) == 2
    assert "has no chat template" in capsys.readouterr().err
