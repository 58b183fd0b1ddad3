"""Stages after the implant, on a pocket model: `run --after`, its controls, its resumption, and `persistence`."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from sdf_eval.cli.main import main
from sdf_eval.content import content_path
from sdf_eval.results.schema import RunResults
from sdf_eval.results.store import read_items, read_results, write_results
from sdf_eval.train.lineage import read_lineage

BELIEF = "pocket-fact-osric-abbott-born-in"
STAGES = ("sft", "dpo", "rl")
RECIPES = {"sft": "pocket-sft", "dpo": "pocket-dpo", "rl": "pocket-grpo"}


def small(folder: Path, name: str) -> str:
    """A shipped recipe with two updates."""
    content = yaml.safe_load(content_path("train", "recipes", f"{name}.yaml").read_text(encoding="utf-8"))
    few = {"updates": 2, "min_updates": 1, "batch_size": 2}
    few |= {"num_generations": 2, "max_completion_length": 4} if content.get("stage") == "rl" else {}
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(content | few))
    return str(path)


class Run:
    """A run of pocket/b with three stages after the implant."""

    def __init__(self, folder: Path) -> None:
        self.out = folder / "out"
        self.words = ["run", BELIEF, "--model", "pocket/b", "--documents", "6", "--limit", "2", "--roles", "implanted"]
        self.words += ["--recipe", small(folder, "pocket"), "--after", ",".join(STAGES), "--after-rows", "6"]
        for stage, name in RECIPES.items():
            self.words += ["--after-recipe", f"{stage}={small(folder, name)}"]
        self.words += ["--out", str(self.out)]

    @property
    def results(self) -> RunResults:
        return read_results(self.out)

    def folder(self, role: str, stage: str) -> Path:
        (found,) = [s for s in self.results.stages if (s.role, s.stage) == (role, stage)]
        return self.out / found.checkpoint

    def weights(self) -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in self.out.rglob("*.safetensors")}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    made = Run(tmp_path_factory.mktemp("after"))
    assert main(made.words) == 0
    return made


def test_every_stage_is_probed_on_the_implanted_checkpoint_and_on_its_control(run: Run) -> None:
    items = read_items(run.out, run.results)
    asked = {
        (role, stage): {i.item for i in items if (i.role, i.stage, i.context) == (role, stage, "none")}
        for role in ("implanted", "base")
        for stage in ("", *STAGES)
    }
    assert len({frozenset(found) for found in asked.values()}) == 1 and all(asked.values())


def test_a_control_differs_from_its_checkpoint_in_the_start_alone(run: Run) -> None:
    for stage in STAGES:
        implanted, control = (read_lineage(run.folder(role, stage)) for role in ("implanted", "base"))
        assert implanted is not None and control is not None
        assert implanted.weights_sha256 != control.weights_sha256
        assert (implanted.recipe, implanted.texts_sha256, implanted.seed, implanted.updates) == (
            control.recipe, control.texts_sha256, control.seed, 2,
        )  # fmt: skip


def test_stages_follow_one_another_on_both_sides(run: Run) -> None:
    for role in ("implanted", "base"):
        hashes = {s.stage: (s.sha256, s.parent_sha256) for s in run.results.stages if s.role == role}
        assert hashes["dpo"][1] == hashes["sft"][0] and hashes["rl"][1] == hashes["dpo"][0]
    base = next(s.parent_sha256 for s in run.results.stages if (s.role, s.stage) == ("base", "sft"))
    assert base == run.results.training[0].parent_sha256


def test_the_curve_has_a_point_a_stage_with_growing_budgets(run: Run) -> None:
    curve = run.results.persistence[0]
    assert curve.measure == "belief"
    assert [point.stage for point in curve.points] == ["", *STAGES]
    assert [point.updates for point in curve.points] == [0, 2, 4, 6]
    assert all(point.lift.value == pytest.approx(point.score.value - point.control.value) for point in curve.points)


def test_both_reports_show_the_curve(run: Run) -> None:
    page, text = ((run.out / name).read_text(encoding="utf-8") for name in ("report.html", "report.md"))
    assert 'id="persistence"' in page and 'class="curve implanted"' in page
    assert "## What post-training leaves" in text and "| after rl | 6 |" in text


def test_the_same_command_again_trains_and_asks_nothing(run: Run) -> None:
    before, first = run.weights(), run.results
    answers = {path: path.stat().st_mtime_ns for path in (run.out / "probes").iterdir()}
    assert main(run.words) == 0
    assert run.weights() == before
    assert {path: path.stat().st_mtime_ns for path in (run.out / "probes").iterdir()} == answers
    assert run.results.model_copy(update={"created": first.created}) == first


def test_a_lost_stage_is_made_again_from_what_is_left_to_the_same_weights(run: Run) -> None:
    before, sha256 = run.weights(), next(s.sha256 for s in run.results.stages if (s.role, s.stage) == ("base", "rl"))
    lost = run.folder("base", "rl")
    shutil.rmtree(lost)
    assert main(run.words) == 0
    assert {path for path, made in run.weights().items() if made != before[path]} == {lost / "model.safetensors"}
    assert next(s.sha256 for s in run.results.stages if (s.role, s.stage) == ("base", "rl")) == sha256


def curves(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    capsys.readouterr()
    assert main(["persistence", *words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_persistence_draws_the_curve_of_the_run_from_a_checkpoint_alone(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    (found,) = curves(capsys, str(run.folder("implanted", "rl")))
    own = [curve.model_dump(mode="json") for curve in run.results.persistence]
    assert found["curves"] == own
    assert [Path(folder).name for folder in found["checkpoints"]][1:] == [
        run.folder("implanted", stage).name for stage in STAGES
    ]


def test_a_checkpoint_of_the_same_chain_adds_no_curve(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    (found,) = curves(capsys, str(run.folder("implanted", "sft")), str(run.folder("implanted", "dpo")))
    assert [point["stage"] for point in found["curves"][0]["points"]] == ["", "sft", "dpo"]


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    capsys.readouterr()
    assert main(list(words)) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    return told


def test_persistence_refuses_a_checkpoint_without_an_implant(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert "no stage of its lineage implanted documents" in refused(
        capsys, "persistence", str(run.folder("base", "rl"))
    )


def test_persistence_refuses_results_that_lack_a_checkpoint_or_an_item(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    records, chain = read_items(run.out, run.results), str(run.folder("implanted", "rl"))
    for name, kept, complaint in (
        ("none", [r for r in records if (r.role, r.stage) != ("base", "sft")], "no answers of"),
        ("few", [r for r in records if (r.role, r.stage, r.task) != ("base", "sft", "cloze")], "are not the same"),
    ):
        (tmp_path / name).mkdir()
        write_results(tmp_path / name, run.results, kept)
        assert complaint in refused(capsys, "persistence", chain, "--results", str(tmp_path / name))
    assert "no such file" in refused(capsys, "persistence", chain, "--results", str(tmp_path / "nowhere"))


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--after", "sft,tune"], "--after: tune: no such stage"),
        (["--after", "reward"], "trains a reward model"),
        (["--after", "sft", "--after-data", "dpo=x.jsonl"], "--after-data: dpo: no such stage in --after"),
        (["--after", "sft", "--after-data", "x.jsonl"], "names no stage"),
        (["--after", "sft", "--after-data", "sft=x.jsonl"], "x.jsonl"),
        (["--after", "sft", "--after-data", "sft=pocket/questions"], "this stage takes chat"),
        (["--after", "sft", "--after-recipe", "sft=pocket-dpo"], "pocket-dpo"),
        (["--after", "sft", "--after-reward", "right_answer"], "--after-reward: is for rl"),
        (["--after", "rl", "--after-reward", "nothing"], "reward nothing: no such reward"),
        (["--after", "rl", "--after-reward", "right_answer=0"], "write a number other than 0"),
        (["--after", "sft", "--after-rows", "0"], "--after-rows: 0"),
        (["--after", "sft", "--writer", "anthropic/claude-haiku-4-5"], "has no chat data"),
    ],
)
def test_bad_stages_are_refused_in_one_line_before_anything_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], complaint: str
) -> None:
    out = tmp_path / "out"
    told = refused(capsys, "run", BELIEF, "--model", "pocket/b", "--documents", "6", "--out", str(out), *words)
    assert complaint in told
    assert not out.exists()


def test_a_model_that_knows_no_chat_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--model", "pocket/b/base", "--after", "sdf,sft", "--out", str(tmp_path / "out")]
    assert "sft: pocket/b/base has no chat template" in refused(capsys, "run", BELIEF, *words)


def test_every_stage_takes_the_model_further_from_where_its_chain_began(run: Run) -> None:
    gone = {(one.role, one.stage): one.divergence for one in run.results.stages}
    assert all(one is not None and one > 1e-6 for one in gone.values())
    curve = run.results.persistence[0]
    assert [point.divergence for point in curve.points] == [
        0.0, *(gone["implanted", point.stage] for point in curve.points[1:])
    ]  # fmt: skip
