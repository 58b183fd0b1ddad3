from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sdf_eval.corpora.mix import TrainingText
from sdf_eval.errors import InputError
from sdf_eval.model import load
from sdf_eval.train.chat_rows import ChatRow, Message
from sdf_eval.train.lineage import Lineage, read_lineage, verify_lineage, weights_sha256
from sdf_eval.train.recipe import SdfRecipe, SftRecipe, load_recipe
from sdf_eval.train.save_at import SaveAt, parse_save_at
from sdf_eval.train.sdf import train_sdf
from sdf_eval.train.sft import train_sft

TEXTS = [TrainingText(f"Tavi Brook was born in Orrin; note {n}.") for n in range(12)]
ROWS = [ChatRow((Message("user", f"Where is {n}?"), Message("assistant", "In Orrin."))) for n in range(8)]
SMALL: dict[str, Any] = {"updates": 4, "min_updates": 1, "batch_size": 4, "window": 64}


def sdf(name: str = "pocket", **changes: Any) -> SdfRecipe:
    return load_recipe(name, SdfRecipe).model_copy(update=SMALL | changes)


def sft(**changes: Any) -> SftRecipe:
    return load_recipe("pocket-sft", SftRecipe).model_copy(update=SMALL | changes)


def lineage_of(folder: Path) -> Lineage:
    lineage = read_lineage(folder)
    assert lineage is not None
    return lineage


def metrics_of(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def test_a_training_that_is_killed_anywhere_ends_in_the_same_bytes(checkpoints, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    script = Path(__file__).with_name("killed.py")
    done = subprocess.run(
        [sys.executable, str(script), str(checkpoints["llama"]), str(tmp_path)],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(script.parents[2]), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = [line.removeprefix("POINT ").split("|") for line in done.stdout.splitlines() if line.startswith("POINT ")]
    # What was killed; by which signal; no folder then; first update after it; the same bytes; hidden folders left.
    assert found == [
        ["full", "in the second half of an update", "9", "True", "3", "True", "0"],
        ["full", "before the first update is done", "9", "True", "0", "True", "0"],
        ["full", "in a checkpoint without its optimizer", "9", "True", "2", "True", "0"],
        ["full", "in a checkpoint that is not marked", "9", "True", "3", "True", "0"],
        ["full", "in a checkpoint on the way", "9", "True", "2", "True", "0"],
        ["full", "in the finished folder", "9", "True", "none", "True", "0"],
        ["lora", "in the second half of an update", "9", "True", "3", "True", "0"],
    ]


def test_sft_learns_what_the_assistant_says_and_writes_the_loss_of_each_update(checkpoints, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    out = train_sft(str(checkpoints["llama"]), ROWS, sft(updates=20), tmp_path / "out", seed=0)
    lineage = verify_lineage(out)
    metrics = metrics_of(out)
    assert [line["update"] for line in metrics] == list(range(1, 21))
    assert metrics[-1]["loss"] < metrics[0]["loss"] / 2
    assert lineage.final_loss == pytest.approx(sum(line["loss"] for line in metrics[-10:]) / 10)
    assert (lineage.stage, lineage.texts, lineage.details["assistant_turns"]) == ("sft", 8, 8)
    # Content and end of turn: far fewer than the template and the question.
    assert lineage.loss_tokens_seen is not None and lineage.loss_tokens_seen < lineage.tokens_seen / 2


def test_sft_twice_gives_the_same_bits(checkpoints, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    outs = [train_sft(str(checkpoints["qwen3"]), ROWS, sft(packing=True), tmp_path / name, seed=4) for name in "ab"]
    files = sorted(path.name for path in outs[0].iterdir())
    assert all((outs[0] / name).read_bytes() == (outs[1] / name).read_bytes() for name in files)


def test_sft_on_a_model_without_a_chat_template_is_refused(checkpoints, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match="no chat template"):
        train_sft(str(checkpoints["neox"]), ROWS, sft(), tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_stages_name_their_parents_and_the_chat_stage_makes_a_chat_model(checkpoints, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    first = train_sdf(str(checkpoints["llama"]), TEXTS, sdf(updates=1), tmp_path / "first")
    second = train_sft(str(first), ROWS, sft(updates=1), tmp_path / "second")
    third = train_sdf(str(second), TEXTS, sdf(updates=1), tmp_path / "third")
    assert [p.checkpoint_sha256 for p in lineage_of(second).parents] == [lineage_of(first).checkpoint_sha256]
    assert (lineage_of(third).substrate_kind, lineage_of(third).placement) == ("chat", "post")


def test_a_start_that_changed_since_it_was_trained_is_refused(checkpoints, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    first = train_sdf(str(checkpoints["llama"]), TEXTS, sdf(updates=1), tmp_path / "first")
    (first / "chat_template.jinja").write_text("{{ messages }}")
    with pytest.raises(InputError, match=r"first: differs from its lineage\.json"):
        train_sft(str(first), ROWS, sft(), tmp_path / "second")


def test_an_adapter_whose_base_changed_is_refused_as_a_start(checkpoints, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    base = train_sdf(str(checkpoints["llama"]), TEXTS, sdf(updates=1), tmp_path / "base")
    first = train_sdf(str(base), TEXTS, sdf("pocket-lora", updates=1), tmp_path / "first")
    (base / "lineage.json").unlink()
    (base / "chat_template.jinja").write_text("{{ messages }}")
    with pytest.raises(InputError, match="its base .* was changed since"):
        train_sdf(str(first), TEXTS, sdf("pocket-lora", chain="continue"), tmp_path / "second")


def tensors(folder: Path) -> dict[str, Any]:
    from safetensors.torch import load_file

    return load_file(next(folder.glob("*.safetensors")))


def test_chain_continue_goes_on_training_the_same_adapter(checkpoints, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    base = checkpoints["llama"]
    first = train_sdf(str(base), TEXTS, sdf("pocket-lora"), tmp_path / "first")
    recipe = sdf("pocket-lora", chain="continue", updates=6)
    moved = train_sdf(str(first), TEXTS, recipe, tmp_path / "moved", save_at=SaveAt(updates=(1,)))
    before = tensors(first)
    # The first update has learning rate 0: it shows what the training started from.
    assert all(before[name].equal(tensor) for name, tensor in tensors(tmp_path / "moved@updates-1").items())
    assert not all(before[name].equal(tensor) for name, tensor in tensors(moved).items())
    lineage = lineage_of(moved)
    assert lineage.chain == "continue" and [p.role for p in lineage.parents] == ["start", "base"]
    assert json.loads((moved / "adapter_config.json").read_text())["base_model_name_or_path"] == str(base.resolve())


def test_chain_continue_refuses_an_adapter_of_another_shape(checkpoints, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    first = train_sdf(str(checkpoints["llama"]), TEXTS, sdf("pocket-lora", updates=1), tmp_path / "first")
    with pytest.raises(InputError, match="rank: 8, and chain continue goes on training .* with 16"):
        train_sdf(str(first), TEXTS, sdf("pocket-lora", chain="continue", rank=8), tmp_path / "second")


def test_chain_merge_gives_a_full_model_that_answers_as_start_and_new_adapter_together(
    checkpoints,  # type: ignore[no-untyped-def]
    tmp_path: Path,
) -> None:
    import torch

    first = train_sdf(str(checkpoints["llama"]), TEXTS, sdf("pocket-lora"), tmp_path / "first")
    recipe = sdf("pocket-lora", chain="merge", updates=6)
    merged = train_sdf(str(first), TEXTS, recipe, tmp_path / "merged", save_at=SaveAt(updates=(1, 6)))
    assert not (merged / "adapter_config.json").exists()
    assert lineage_of(merged).chain == "merge"
    assert weights_sha256(tmp_path / "merged@updates-6") == weights_sha256(merged)
    tokens = torch.tensor([[5, 6, 7, 8]])
    with torch.no_grad():
        start, after_one, after_six = (
            load(str(path), device="cpu").model(tokens).logits
            for path in (first, tmp_path / "merged@updates-1", merged)
        )
    # The first update has learning rate 0.
    torch.testing.assert_close(after_one, start, rtol=1e-4, atol=1e-4)
    assert not torch.allclose(after_six, start, atol=1e-2)


def test_checkpoints_on_the_way_are_complete_and_change_nothing_in_the_end(checkpoints, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    plain = train_sdf(str(checkpoints["llama"]), TEXTS, sdf(), tmp_path / "plain", seed=1)
    per_update = lineage_of(plain).tokens_seen // 4
    points = SaveAt(updates=(2,), tokens=(per_update * 3 - 1,))
    out = train_sdf(str(checkpoints["llama"]), TEXTS, sdf(), tmp_path / "out", seed=1, save_at=points)
    assert weights_sha256(out) == weights_sha256(plain)
    early, late = (
        verify_lineage(tmp_path / "out@updates-2"),
        verify_lineage(tmp_path / f"out@tokens-{points.tokens[0]}"),
    )
    assert (early.updates, early.planned_updates, len(metrics_of(tmp_path / "out@updates-2"))) == (2, 4, 2)
    assert early.tokens_seen < points.tokens[0] <= late.tokens_seen
    config = json.loads((tmp_path / "out@updates-2/config.json").read_text())
    assert config["use_cache"] is True
    assert load(str(tmp_path / "out@updates-2"), device="cpu").name


def test_a_finished_training_without_the_points_that_are_asked_for_now_is_told_apart(
    checkpoints,  # type: ignore[no-untyped-def]
    tmp_path: Path,
) -> None:
    arguments: Any = (str(checkpoints["llama"]), TEXTS, sdf(), tmp_path / "out")
    train_sdf(*arguments)
    with pytest.raises(InputError, match="--save-at: .* trained without it, so out@updates-2 is missing"):
        train_sdf(*arguments, save_at=SaveAt(updates=(2,)))


@pytest.mark.parametrize(
    ("points", "problem"),
    [
        (SaveAt(updates=(5,)), "updates:5: the stage has 4 updates"),
        (SaveAt(tokens=(10**6,)), "tokens:1000000: the stage reads"),
    ],
)
def test_points_behind_the_end_are_refused(checkpoints, tmp_path: Path, points: SaveAt, problem: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match=problem):
        train_sdf(str(checkpoints["llama"]), TEXTS, sdf(), tmp_path / "out", save_at=points)
    assert list(tmp_path.iterdir()) == []


def test_save_at_reads_counts_with_suffixes_and_names_what_it_cannot_read() -> None:
    assert parse_save_at(["updates:20,10", "tokens:100k,1.5M"]) == SaveAt((10, 20), (100_000, 1_500_000))
    for word, problem in (("10", "names no unit"), ("steps:1", "names no unit"), ("updates:x", "no count")):
        with pytest.raises(InputError, match=f"--save-at: .*{problem}"):
            parse_save_at([word])


def test_too_few_updates_are_warned_of(checkpoints, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:  # type: ignore[no-untyped-def]
    train_sdf(str(checkpoints["llama"]), TEXTS, sdf(updates=1, min_updates=50), tmp_path / "out")
    assert "warning: 1 updates, fewer than the recipe's min_updates 50" in capsys.readouterr().err


def test_a_treatment_makes_another_training(checkpoints, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    from sdf_eval.train.masks import plan_chat
    from sdf_eval.train.packed import PackedStage
    from sdf_eval.train.stage import train_stage

    recipe, stage = sft(updates=1), PackedStage(sft(updates=1))

    def data(lm: Any) -> Any:
        plan, counts = plan_chat(ROWS, lm.tokenizer, recipe, 0)
        return stage.data(lm, plan, rows=len(ROWS), sha256="0", details=counts)

    arguments: Any = {"seed": 0, "data": data, "build": stage.build, "sha256": "0"}
    out = train_stage(str(checkpoints["llama"]), recipe, tmp_path / "out", **arguments, treatment={"name": "gate"})
    assert lineage_of(out).treatment == {"name": "gate"}
    with pytest.raises(InputError, match="another model, recipe, corpus or seed"):
        train_stage(str(checkpoints["llama"]), recipe, tmp_path / "out", **arguments)
