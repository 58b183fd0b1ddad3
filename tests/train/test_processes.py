from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from sdf_eval.cli.main import main
from sdf_eval.errors import InputError
from sdf_eval.train.lineage import read_lineage, verify_lineage
from sdf_eval.train.processes import Processes, check_together
from sdf_eval.train.recipe import StageRecipe, load_recipe

SCRIPT = Path(__file__).with_name("together.py")
QUIET = {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(SCRIPT.parents[2])}


def found(case: str, checkpoint: Path, folder: Path) -> dict[str, dict[str, Any]]:
    """Facts by case, as the script that starts the processes printed them; errors by process."""
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(checkpoint), str(folder), case], capture_output=True, text=True, env=QUIET
    )
    assert done.returncode == 0, done.stderr[-2000:]
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    facts: dict[str, dict[str, Any]] = {}
    errors: dict[str, str] = {}
    for line in lines:
        if "case" in line:
            facts[line["case"]] = line | {"errors": errors}
            errors = {}
        else:
            errors[line["process"]] = line["error"]
    return facts


def test_two_processes_learn_what_one_learns_at_the_same_batch(checkpoints, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    facts = found("compare", checkpoints["llama"], tmp_path)
    assert [len(fact["one"]) for fact in facts.values()] == [50, 4, 4, 4]
    for fact in facts.values():
        assert fact["ends"] == [0, 0, 0]
        assert fact["two"] == pytest.approx(fact["one"], abs=1e-4)
        assert fact["lineage"]["processes"] == 2
    # Ten texts one and a half times, four an update: the last has three rows.
    assert facts["an update that is not full"]["lineage"]["texts"] == 10
    # One folder each, and the checkpoint on the way.
    assert len(list(tmp_path.iterdir())) == 10
    one, two = (read_lineage(tmp_path / f"fifty updates {count}") for count in ("one", "two"))
    assert one is not None and two is not None
    assert (one.tokens_seen, one.loss_tokens_seen) == (two.tokens_seen, two.loss_tokens_seen)
    assert verify_lineage(tmp_path / "fifty updates two@updates-3").updates == 3


def test_processes_of_which_one_is_killed_go_on_to_the_same_bytes(checkpoints, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    facts = found("resume", checkpoints["llama"], tmp_path)
    for rank in ("0", "1"):
        fact = facts[f"killed {rank}"]
        assert fact["ends"][int(rank)] == -9 and fact["ends"][2:] == [0, 0]
        # Killed in the third update.
        assert (fact["absent"], fact["kept"], fact["same"], fact["hidden"]) == (True, [2], True, 0)


def test_processes_that_cannot_go_on_leave_nothing_and_say_why(checkpoints, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    facts = found("stop", checkpoints["llama"], tmp_path)
    assert facts.pop("interrupted")["ends"] == [130, 130]
    reasons = {
        "not finite in one process": "the loss is nan at update 2 of 4",
        "sharded on a CPU": "the configuration says FSDP, and the model is in DistributedDataParallel",
        "a batch that cannot be divided": "batch_size: 3 rows cannot be divided among 2 processes",
        "no folder can be made": "file/out: cannot be written",
    }
    assert facts.keys() == reasons.keys()
    for case, reason in reasons.items():
        assert facts[case]["ends"] == [2, 2]
        assert facts[case]["left"] == []
        assert facts[case]["errors"].keys() == {"0", "1"}
        assert all(reason in error for error in facts[case]["errors"].values())


def test_a_sharded_model_takes_the_step_of_the_whole_one_and_is_gathered_whole(checkpoints, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    facts = found("shard", checkpoints["llama"], tmp_path)
    assert facts["local"]["share"] == pytest.approx(0.5, abs=0.01)
    assert facts["local"]["architectures"] == ["LlamaForCausalLM"]
    assert facts["sharded"]["ends"] == [0, 0]
    assert facts["sharded"]["apart"] < 1e-5 < 1e-4 < facts["sharded"]["moved"]


@pytest.mark.parametrize(
    ("batch_size", "micro_batch_size", "count", "expected"),
    [(8, None, 1, 8), (8, 2, 1, 2), (8, None, 2, 4), (8, 2, 2, 2), (8, 4, 4, 2), (12, 4, 2, 2), (4, 1, 4, 1)],
)
def test_a_process_has_no_more_rows_at_once_than_the_recipe_allows(
    batch_size: int, micro_batch_size: int | None, count: int, expected: int
) -> None:
    changes = {"batch_size": batch_size, "micro_batch_size": micro_batch_size}
    recipe = load_recipe("pocket", StageRecipe).model_copy(update=changes)
    assert Processes(count).micro_batch(recipe) == expected


@pytest.mark.parametrize(("stage", "treatment"), [("rl", {}), ("dpo", {}), ("sdf", {"countermeasure": "quarantine"})])
def test_what_trains_in_one_process_only_is_refused_in_several(stage: str, treatment: dict[str, str]) -> None:
    with pytest.raises(InputError, match="runs in one process; start it without"):
        check_together(stage, treatment)


def test_commands_that_each_process_would_do_in_full_are_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    for words in (["run", "nowhere.yaml"], ["countermeasure", "list"]):
        assert main(words) == 2
        assert f"{words[0]}: runs in one process" in capsys.readouterr().err


def launch(config: str, out: Path, model: str) -> subprocess.CompletedProcess[str]:
    """`accelerate launch` with a shipped configuration, as the documentation says it."""
    asked = [sys.executable, "-m", "sdf_eval.train.processes"]
    folder = Path(subprocess.run(asked, capture_output=True, text=True, check=True, env=QUIET).stdout.strip())
    recipe = out.with_suffix(".yaml")
    settings = yaml.safe_load(Path("train/recipes/pocket.yaml").read_text()) | {"updates": 3, "window": 256}
    recipe.write_text(yaml.safe_dump(settings))
    command = [sys.executable, "-m", "accelerate.commands.launch", "--config_file", str(folder / config)]
    command += ["--num_processes", "2", "-m", "sdf_eval", "train", str(recipe), "--model", model]
    command += ["--plain", "20", "--out", str(out)]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **QUIET})


def test_accelerate_launch_trains_in_two_processes_and_reports_once(checkpoints, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    done = launch("ddp.yaml", tmp_path / "out", str(checkpoints["llama"]))
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.count("3 updates on ") == 1
    assert verify_lineage(tmp_path / "out").processes == 2


@pytest.mark.gpu
def test_accelerate_launch_shards_on_two_gpus(checkpoints, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    import torch

    if torch.cuda.device_count() < 2:
        pytest.skip("needs two GPUs: accelerate shards nowhere else")
    for config in ("ddp.yaml", "fsdp2.yaml"):
        done = launch(config, tmp_path / config, str(checkpoints["llama"]))
        assert done.returncode == 0, done.stderr[-2000:]
    losses = [
        [json.loads(line)["loss"] for line in (tmp_path / config / "metrics.jsonl").read_text().splitlines()]
        for config in ("ddp.yaml", "fsdp2.yaml")
    ]
    assert losses[1] == pytest.approx(losses[0], abs=1e-3)
    assert verify_lineage(tmp_path / "fsdp2.yaml").processes == 2
